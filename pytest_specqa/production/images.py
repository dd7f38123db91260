"""Images: the type of values that a header declares, and native values from its bytes."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.production.headers import Header
from pytest_specqa.production.sums import COMPILED_FROM, MODULUS

BITPIX = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_UNSIGNED = {(16, 2.0**15): "u2", (32, 2.0**31): "u4", (64, 2.0**63): "u8", (8, -128.0): "i1"}


def image_dtype(header: Header, bitpix: int) -> np.dtype[Any]:
    """Native type of the values of an image.

    Parameters
    ----------
    header : Mapping
        Header of the HDU, for BZERO and BSCALE.
    bitpix : int
        Its BITPIX.

    Returns
    -------
    numpy.dtype
        Offset integers become unsigned (or signed bytes), other scaled values f8.

    Raises
    ------
    KeyError, TypeError, ValueError
        If FITS knows no such BITPIX, or BZERO or BSCALE is no number.
    """
    zero, scale = float(cast(float, header.get("BZERO", 0))), float(cast(float, header.get("BSCALE", 1)))
    if (zero, scale) == (0, 1):
        return np.dtype(BITPIX[bitpix]).newbyteorder("=")
    if scale == 1 and (bitpix, zero) in _UNSIGNED:
        return np.dtype(_UNSIGNED[bitpix, zero])
    return np.dtype("f8")


def unpack_added(raw: bytes, dtype: np.dtype[Any], *, header: Header, shape: tuple[int, ...]) -> tuple[NDArray[Any], int] | None:
    """Native values of a large image of 32-bit values and the sum of its words, in one pass over its bytes.

    Parameters
    ----------
    raw, dtype, header, shape
        As for `unpack_image`.

    Returns
    -------
    tuple or None
        The values, as `unpack_image` gives them, and the ones' complement sum of the big-endian words, less than `MODULUS`;
        ``None`` where the values are scaled, of another size or so few that the compiled loop is not worth its loading.
    """
    if dtype.itemsize != 4 or abs(int(cast(int, header["BITPIX"]))) != 32 or len(raw) < COMPILED_FROM:
        return None
    from pytest_specqa.production.words import turned_big_endian  # noqa: PLC0415

    words, total = turned_big_endian(raw, flip=1 << 31 if dtype.kind == "u" else 0)
    return words.view(dtype).reshape(shape), total % MODULUS


def unpack_image(raw: bytes, dtype: np.dtype[Any], *, header: Header, shape: tuple[int, ...]) -> NDArray[Any]:
    """Native values of an image.

    Parameters
    ----------
    raw : bytes
        The values as stored.
    dtype : numpy.dtype
        What `image_dtype` gave.
    header : Mapping
        Header of the HDU.
    shape : tuple of int
        Numpy shape.

    Returns
    -------
    numpy.ndarray
        Native-endian and writable.
    """
    stored = np.frombuffer(raw, dtype=BITPIX[int(cast(int, header["BITPIX"]))]).reshape(shape)
    zero, scale = header.get("BZERO", 0), header.get("BSCALE", 1)
    if (zero, scale) == (0, 1):
        return stored.astype(dtype)
    if dtype.kind in "ui":
        # The offset of unsigned integers is the top bit: flipping it is the addition without a wider type.
        bits = np.dtype(f"u{dtype.itemsize}")
        flipped = stored.view(bits.newbyteorder(">")).astype(bits)
        flipped ^= bits.type(1 << (8 * bits.itemsize - 1))
        return flipped.view(dtype)
    return stored * float(cast(float, scale)) + float(cast(float, zero))
