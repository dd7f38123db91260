"""What a check keeps of every fiber for the history: numbers by fiber, or by fiber and wavelength bin, in few bytes.

Values are stored as whole multiples of a step. Of noise with a sigma of four steps little more than four bits per number are left
when it is packed, and the rounding adds 0.3 % to the noise.

References
----------
Pence, Seaman and White 2009, PASP 121, 414 (step against noise: a quarter of sigma keeps all that photometry needs).
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import InputError, ResultsError
from pytest_specqa.values import VectorRecord

Floats = NDArray[np.floating[Any]]

WHOLE = ("i1", "i2", "i4")
"""Types of stored integers, the narrowest first."""
PLAIN = "f4"
"""Type of what is stored as it is: of a step of 0, or too large for any integer."""
MOST_FIBERS = 20_000
MOST_BINS = 2_000
"""Rows and bins that a vector has at most; a camera has 500 and some tens."""
LONGEST = 80
"""Letters of a name or unit."""


@dataclass(frozen=True, eq=False)
class Vector:
    """Numbers of neighbouring fibers.

    Attributes
    ----------
    name : str
        What they are, such as ``residual``.
    first : int
        FIBER of row 0; rows follow in the order of FIBER, without gaps.
    values : ndarray, shape (n_fiber,) or (n_fiber, n_bin)
        NaN where not known.
    step : float
        Quantum that they are stored with, about a quarter of their typical error; 0 keeps them as numbers of 32 bits.
    waves : tuple of float
        The n_bin + 1 edges of the bins in Angstrom, rising; empty without bins.
    unit : str
        Unit of the values.

    Raises
    ------
    InputError
        If the parts do not fit together.
    """

    name: str
    first: int
    values: Floats
    step: float
    waves: tuple[float, ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        if why := self._wrong():
            raise InputError(f"vector {self.name[:LONGEST]!r}: {why}")

    def _wrong(self) -> str:
        shape = self.values.shape
        if not 0 < len(self.name) <= LONGEST or len(self.unit) > LONGEST:
            return f"name or unit has no letters or more than {LONGEST}"
        if not _is_shape(shape):
            return f"values of shape {shape}, expected 1 to {MOST_FIBERS} fibers, or these by 1 to {MOST_BINS} bins"
        if not (math.isfinite(self.step) and self.step >= 0 and self.first >= 0):
            return f"step {self.step} or first fiber {self.first}, expected numbers that are not below 0"
        bins = shape[1] if self.values.ndim == 2 else 0
        if len(self.waves) not in ({bins + 1, 0} if bins else {0}):
            return f"{len(self.waves)} edges for {bins} bins, expected {bins + 1 if bins else 0}"
        if self.waves and not (np.isfinite(self.waves).all() and (np.diff(self.waves) > 0).all()):
            return "edges that do not rise"
        return ""

    @property
    def fibers(self) -> tuple[int, int]:
        """First and last FIBER, both included."""
        return self.first, self.first + len(self.values) - 1


def _is_shape(sizes: tuple[Any, ...]) -> bool:
    most = (MOST_FIBERS, MOST_BINS)
    return len(sizes) in (1, 2) and all(type(size) is int and 0 < size <= top for size, top in zip(sizes, most, strict=False))


def encode(vector: Vector) -> VectorRecord:
    """Turn a vector into what a record can hold.

    Parameters
    ----------
    vector : Vector
        What is not finite counts as not known.

    Returns
    -------
    dict
        Values rounded to the step, in the narrowest integers that hold them.
    """
    stored = _stored(np.asarray(vector.values), vector.step)
    return {
        "name": vector.name,
        "first": int(vector.first),
        "shape": [int(size) for size in vector.values.shape],
        "step": float(vector.step),
        "waves": [float(edge) for edge in vector.waves],
        "unit": vector.unit,
        "dtype": stored.dtype.str[1:],
        "data": base64.b64encode(_deflated(stored.tobytes())).decode("ascii"),
    }


def _deflated(data: bytes) -> bytes:
    """Pack noise: it repeats itself by chance only, and looking for long repeats makes it a fifth larger; gaps come in runs."""
    return min((_packed(data, strategy) for strategy in (zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE)), key=len)


def _packed(data: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, strategy=strategy)
    return packer.compress(data) + packer.flush()


def _stored(values: Floats, step: float) -> NDArray[Any]:
    known = np.isfinite(values)
    if step > 0:
        with np.errstate(over="ignore"):
            units = np.rint(np.where(known, values, 0.0).astype(np.float64) / step)
        largest = float(np.abs(units).max())
        for name in WHOLE:
            kind = np.iinfo(np.dtype(name))
            if largest <= kind.max:
                return np.where(known, units, kind.min).astype(f"<{name}")
    with np.errstate(over="ignore"):
        plain = values.astype(f"<{PLAIN}")
    plain[~np.isfinite(plain)] = np.nan
    return plain


def decode(record: Mapping[str, Any]) -> Vector:
    """Undo `encode`.

    Parameters
    ----------
    record : mapping
        A `VectorRecord`, from anywhere.

    Returns
    -------
    Vector
        Values as numbers of 32 bits, NaN where not known.

    Raises
    ------
    ResultsError
        In one line, if it is not what `encode` gives; nothing is unpacked beyond the size that it states.
    """
    data = record.get("data")
    try:
        packed = base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (binascii.Error, ValueError):
        packed = b""
    return unpack(record, packed)


def unpack(told: Mapping[str, Any], data: bytes) -> Vector:
    """Undo `encode` where the data are bytes, as a table holds them.

    Parameters
    ----------
    told : mapping
        The fields of a `VectorRecord` but ``data``.
    data : bytes
        What ``data`` is the Base64 of.

    Returns
    -------
    Vector
        Values as numbers of 32 bits, NaN where not known.

    Raises
    ------
    ResultsError
        In one line, if it is not what `encode` gives.
    """
    name, kind = _text(told, "name"), told.get("dtype")
    if kind not in (*WHOLE, PLAIN):
        raise _damaged(name, f"dtype {str(kind)[:LONGEST]!r}, expected one of {', '.join((*WHOLE, PLAIN))}")
    shape = _shape(told.get("shape"), name)
    stored = np.frombuffer(_inflated(data, math.prod(shape) * np.dtype(kind).itemsize, name), f"<{kind}").reshape(shape)
    try:
        step = float(told["step"])
        values = _values(stored, step)
        waves = tuple(float(edge) for edge in told.get("waves") or ())
        return Vector(name, int(told["first"]), values, step, waves, _text(told, "unit"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _damaged(name, f"cannot be read: {type(error).__name__}: {error}") from None


def _text(told: Mapping[str, Any], name: str) -> str:
    text = told.get(name)
    return text[: LONGEST + 1] if isinstance(text, str) else ""


def _values(stored: NDArray[Any], step: float) -> Floats:
    if stored.dtype.kind == "f":
        return stored.astype(np.float32)
    if not step > 0:
        raise ValueError(f"step {step} for whole numbers, expected more than 0")
    lowest = np.iinfo(stored.dtype).min
    if stored.itemsize == 1:
        # A table of the 256 values is several times faster than to work them out one by one.
        table = (np.arange(256, dtype=np.uint8).view(np.int8) * np.float64(step)).astype(np.float32)
        table[np.uint8(lowest & 255)] = np.nan
        return table[stored.view(np.uint8)]
    unknown = stored == lowest
    return np.where(unknown, np.float32(np.nan), (stored * np.float64(step)).astype(np.float32))


def _shape(shape: object, name: str) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, list | tuple) else ()
    if not _is_shape(sizes):
        raise _damaged(name, f"shape {str(shape)[:LONGEST]}, expected 1 to {MOST_FIBERS} fibers, or these by 1 to {MOST_BINS} bins")
    return sizes


def _inflated(data: bytes, size: int, name: str) -> bytes:
    """Unpack exactly so many bytes; data that would give more are refused before they do."""
    packer = zlib.decompressobj()
    try:
        found = packer.decompress(data, size + 1)
    except zlib.error as error:
        raise _damaged(name, f"data cannot be unpacked ({error})") from None
    if len(found) != size or not packer.eof or packer.unused_data:
        raise _damaged(name, f"data hold {'more' if len(found) > size else len(found)} of {size} bytes, or go on beyond their end")
    return found


def _damaged(name: str, what: str) -> ResultsError:
    return ResultsError(
        f"vector {name!r}: {' '.join(what.split())}; it is damaged or was not written by pytest-specqa, judge again"
    )
