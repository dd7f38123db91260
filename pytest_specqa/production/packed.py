"""Packed HDUs: images in compressed tiles (ZIMAGE) and tables of compressed columns (ZTABLE), unpacked by fitsio.

The stream reads them as it reads everything: their bytes are there, whole and with their sums verified, before they come here. What
cfitsio gets is one HDU of those bytes, with the few keywords that it needs, in a file of its own.

References
----------
FITS standard 4.0 (2018), sections 10.1 (tiled images) and 10.3 (tiled tables).
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from pytest_specqa.production.bintable import row_dtype
from pytest_specqa.production.headers import CARD, Header

BLOCK = 2880
ALGORITHMS = frozenset({"RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS"})
OF_COLUMNS = frozenset({"RICE_1", "GZIP_1", "GZIP_2"})
GZIPPED = 31
"""What zlib calls a gzip member of the largest window."""
_NEEDED = re.compile(
    r"ZBITPIX|ZNAXIS\d*|ZTILE\d+|ZCMPTYPE|ZNAME\d+|ZVAL\d+|ZQUANTIZ|ZDITHER0|ZBLANK|ZSCALE|ZZERO|THEAP|T(TYPE|FORM)\d+"
)
_ELEMENT = {"B": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "A": 1}
_DESCRIBED = re.compile(r"[01]?([PQ])([BIJKEDA])(\(\d*\))?")
_MOST_AXES = 9
_ISAL_ERROR = cast(type[Exception], isal_zlib.error)
MOST_TILES = 200_000
"""Tiles of an image or a table: real ones have one for each of 500 spectra."""
WIDEST = 8
"""Bytes of the widest value."""
HCOMPRESSED, LINE_LIST = 14, 7
"""Bytes that hcompress, and words that a line list begins with."""


def is_image(header: Header) -> bool:
    """Whether an HDU holds an image in compressed tiles."""
    return header.get("XTENSION") == "BINTABLE" and header.get("ZIMAGE") is True


def is_table(header: Header) -> bool:
    """Whether an HDU holds a table of compressed columns."""
    return header.get("XTENSION") == "BINTABLE" and header.get("ZTABLE") is True


def header_of(header: Header) -> dict[str, Any]:
    """Header that the HDU would have if it were not packed, as far as readers of its data go.

    Parameters
    ----------
    header : Mapping
        Of a packed image or table.

    Returns
    -------
    dict
        BITPIX, NAXIS and NAXISn of the image, or NAXIS1, NAXIS2 and TFORMn of the table, in place of those of the packed one.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it does not say.
    """
    plain: dict[str, Any] = dict(header)
    if is_image(header):
        axes = _number(header, "ZNAXIS", least=1, most=_MOST_AXES)
        plain |= {"BITPIX": _number(header, "ZBITPIX", least=-64), "NAXIS": axes}
        return plain | {f"NAXIS{axis}": _number(header, f"ZNAXIS{axis}", least=0) for axis in range(1, axes + 1)}
    plain |= {f"TFORM{n}": str(header[f"ZFORM{n}"]) for n in range(1, _number(header, "TFIELDS", least=0, most=999) + 1)}
    return plain | {"NAXIS1": _number(header, "ZNAXIS1", least=0), "NAXIS2": _number(header, "ZNAXIS2", least=0), "THEAP": None}


def unpack_tiles(raw: bytes, header: Header, *, plain: Header) -> bytes:
    """Bytes of an image, as they would lie in a file if it were not packed.

    Parameters
    ----------
    raw : bytes
        Rows and heap of the packed HDU.
    header : Mapping
        Its header.
    plain : Mapping
        What `header_of` gave.

    Returns
    -------
    bytes
        Big-endian values of type BITPIX, without scaling.

    Raises
    ------
    ValueError
        If the tiles do not cover the image, lie outside of the HDU, or cannot be unpacked.
    """
    if str(header.get("ZCMPTYPE")) not in ALGORITHMS:
        raise ValueError(f"ZCMPTYPE {header.get('ZCMPTYPE')}")
    shape = [int(cast(int, plain[f"NAXIS{axis}"])) for axis in range(1, int(cast(int, plain["NAXIS"])) + 1)]
    sides = [_number(header, f"ZTILE{n}", least=1, default=size if n == 1 else 1) for n, size in enumerate(shape, start=1)]
    tiles = math.prod(-(-size // side) for size, side in zip(shape, sides, strict=True))
    rows = row_dtype(header)
    if tiles != header["NAXIS2"] or rows.itemsize != header["NAXIS1"]:
        raise ValueError(f"{header['NAXIS2']} rows for {tiles} tiles")
    _verify_tiles(raw, header, rows, pixels=_pixels(shape, sides))
    if not math.prod(shape):
        return b""
    values = _by_fitsio(raw, header)
    if values.shape != tuple(shape[::-1]):
        raise ValueError(f"tiles of shape {values.shape}")
    return values.astype(values.dtype.newbyteorder(">"), copy=False).tobytes()


def _pixels(shape: Sequence[int], sides: Sequence[int]) -> NDArray[np.int64]:
    """Pixels of each tile, in the order of the rows: along the first axis first."""
    counts = np.ones(1, dtype="i8")
    for size, side in zip(shape, sides, strict=True):
        along = np.minimum(side, size - side * np.arange(-(-size // side)))
        counts = np.outer(along, counts).ravel()
    return counts


def _verify_tiles(raw: bytes, header: Header, rows: np.dtype[Any], *, pixels: NDArray[np.int64]) -> None:
    """Refuse what cfitsio does not: it reads on without end where gzip is cut off, and believes the sizes that packers tell."""
    if len(pixels) > MOST_TILES:
        raise ValueError(f"{len(pixels)} tiles")
    for number, name in enumerate(rows.names or (), start=1):
        if rows[name].base.kind != "V":
            continue
        packer = "GZIP_1" if name == "GZIP_COMPRESSED_DATA" else str(header["ZCMPTYPE"]) if name == "COMPRESSED_DATA" else ""
        for (start, end), count in zip(_extents(raw, header, number), pixels.tolist(), strict=True):
            tile = raw[start:end]
            if not tile:
                continue
            if packer.startswith("GZIP"):
                _gunzipped(tile, most=WIDEST * count)
            elif packer == "HCOMPRESS_1":
                _verify_wavelets(tile, count)
            elif packer == "PLIO_1":
                _verify_lines(tile)


def _verify_wavelets(tile: bytes, count: int) -> None:
    """Hcompress begins with two bytes of its own and the sides of the image, for which cfitsio has room for one tile."""
    sides = [int.from_bytes(tile[at : at + 4], "big", signed=True) for at in (2, 6)]
    if tile[:2] != b"\xdd\x99" or len(tile) < HCOMPRESSED or min(sides) < 1 or math.prod(sides) != count:
        raise ValueError(f"a tile of {sides[0]} x {sides[1]} in place of {count} pixels")


def _verify_lines(tile: bytes) -> None:
    """A line list tells how many words it has, in its third word or, where that is not positive, in the fourth and fifth."""
    words = np.frombuffer(tile, ">i2", count=len(tile) // 2).astype("i8")
    told = 0 if len(words) < LINE_LIST else words[2] if words[2] > 0 else (words[4] << 15) + words[3]
    first = 0 if len(words) < LINE_LIST or words[2] > 0 else words[1]
    if not 0 < told <= len(words) or not 0 <= first <= len(words):
        raise ValueError(f"a list of {told} words in place of {len(words)}")


def unpack_columns(raw: bytes, header: Header, *, plain: Header) -> bytes:
    """Bytes of the rows of a table, as they would lie in a file if it were not packed.

    Parameters
    ----------
    raw : bytes
        Rows and heap of the packed HDU.
    header : Mapping
        Its header.
    plain : Mapping
        What `header_of` gave.

    Returns
    -------
    bytes
        Rows, big-endian. Descriptors of columns of variable length are zeros: such columns are read by nobody.

    Raises
    ------
    ValueError
        If a column is not as long as the table, lies outside of the HDU, or cannot be unpacked.
    """
    dtype, rows = row_dtype(plain), int(cast(int, plain["NAXIS2"]))
    length = _number(header, "ZTILELEN", least=1, default=max(rows, 1))
    if dtype.itemsize != plain["NAXIS1"] or -(-rows // length) != header["NAXIS2"]:
        raise ValueError(f"{header['NAXIS2']} rows for {rows} of {length} each")
    if -(-rows // length) * len(dtype.names or ()) > MOST_TILES:
        raise ValueError(f"{header['NAXIS2']} tiles of {len(dtype.names or ())} columns")
    table = np.zeros(rows, dtype=dtype)
    for number, name in enumerate(dtype.names or (), start=1):
        if dtype[name].base.kind == "V":
            continue
        packer = str(header.get(f"ZCTYP{number}") or "GZIP_2").strip()
        if packer not in OF_COLUMNS:
            raise ValueError(f"ZCTYP{number} {packer[:20]}")
        for tile, (start, end) in enumerate(_extents(raw, header, number)):
            part = table[name][tile * length : (tile + 1) * length]
            part[...] = _column(raw[start:end], part, packer)
    return table.tobytes()


def _column(packed: bytes, like: NDArray[Any], packer: str) -> NDArray[Any]:
    """Values of one column in one tile, of the type and shape of `like`."""
    if not like.nbytes:
        return like
    width = like.dtype.itemsize if like.dtype.kind != "S" else 1
    if packer == "RICE_1":
        # One tile of a column is what one tile of an image of one row is.
        if width > 4 or like.dtype.kind not in "iu":
            raise ValueError(f"RICE_1 for a column of type {like.dtype.str[1:]}")
        cards = {
            "TFIELDS": 1,
            "TFORM1": "1PB",
            "TTYPE1": "COMPRESSED_DATA",
            "ZCMPTYPE": "RICE_1",
            "ZBITPIX": 8 * width,
            "ZNAXIS": 1,
        }
        cards |= {"ZNAXIS1": like.nbytes // width, "ZTILE1": like.nbytes // width, "NAXIS1": 8, "NAXIS2": 1, "PCOUNT": len(packed)}
        cards |= {"ZNAME1": "BLOCKSIZE", "ZVAL1": 32, "ZNAME2": "BYTEPIX", "ZVAL2": width}
        values = _by_fitsio(np.array([len(packed), 0], ">i4").tobytes() + packed, cards)
        whole = values.astype(values.dtype.newbyteorder(">")).tobytes()
    else:
        whole = _gunzipped(packed, most=like.nbytes)
        if len(whole) != like.nbytes:
            raise ValueError(f"a column of {len(whole)} bytes in place of {like.nbytes}")
        if packer == "GZIP_2":
            whole = np.frombuffer(whole, "u1").reshape(width, -1).T.tobytes()
    return np.frombuffer(whole, like.dtype).reshape(like.shape)


def _gunzipped(packed: bytes, *, most: int) -> bytes:
    """Inflate one gzip member; `ValueError` where it is damaged, cut off, or holds more than it may."""
    inflater = isal_zlib.decompressobj(wbits=GZIPPED)
    try:
        whole: bytes = inflater.decompress(packed, most + 1)
    except _ISAL_ERROR as error:
        raise ValueError(str(error)) from None
    if len(whole) > most:
        raise ValueError(f"more than {most} bytes")
    if not inflater.eof:
        raise ValueError("gzip data cut off")
    return whole


def _extents(raw: bytes, header: Header, number: int) -> list[tuple[int, int]]:
    """Where in an HDU the packed bytes of each row of a column lie; `ValueError` where they lie outside of the heap."""
    form = _DESCRIBED.fullmatch(str(header[f"TFORM{number}"]).strip())
    if form is None:
        raise ValueError(f"TFORM{number} {header[f'TFORM{number}']}")
    rows, dtype = _number(header, "NAXIS2", least=0), row_dtype(header)
    stored = np.frombuffer(raw, dtype, count=rows)[(dtype.names or ())[number - 1]]
    pairs = np.frombuffer(stored.tobytes(), ">i4" if form[1] == "P" else ">i8").reshape(-1, 2).astype("i8")
    heap = _number(header, "THEAP", least=rows * dtype.itemsize, default=rows * dtype.itemsize)
    size = pairs[:, 0] * _ELEMENT[form[2]]
    if (
        (pairs < 0).any()
        or (pairs[:, 0] > len(raw)).any()
        or (pairs[:, 1] > len(raw)).any()
        or (heap + pairs[:, 1] + size > len(raw)).any()
    ):
        raise ValueError("packed data outside of the HDU")
    return [(heap + int(offset), heap + int(offset) + int(length)) for offset, length in zip(pairs[:, 1], size, strict=True)]


def _by_fitsio(raw: bytes, header: Mapping[str, Any]) -> NDArray[Any]:
    """Let fitsio unpack an image of one HDU."""
    import fitsio  # noqa: PLC0415

    cards = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": header["NAXIS1"], "NAXIS2": header["NAXIS2"]}
    cards |= {"PCOUNT": header["PCOUNT"], "GCOUNT": 1, "TFIELDS": header["TFIELDS"], "ZIMAGE": True}
    cards |= {key: value for key, value in header.items() if _NEEDED.fullmatch(key) and value is not None}
    with tempfile.NamedTemporaryFile(prefix="specqa-", suffix=".fits") as file:
        file.write(_header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0}) + _header(cards) + raw + bytes(-len(raw) % BLOCK))
        file.flush()
        try:
            with fitsio.FITS(file.name) as opened:
                return np.asarray(opened[1].read())
        except OSError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise ValueError(lines[-1].removeprefix(f"{file.name}: ") if lines else "no reason given") from None


def _header(cards: Mapping[str, Any]) -> bytes:
    """Write cards and END in whole blocks."""
    lines = [f"{key:<8}= {_written(value):>20}".ljust(CARD)[:CARD] for key, value in cards.items()]
    text = "".join([*lines, "END".ljust(CARD)])
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return "'{:<8}'".format(value.replace("'", "''")) if isinstance(value, str) else str(value)


def _number(header: Header, key: str, *, least: int, most: int = 2**40, default: int | None = None) -> int:
    """Return a whole number of a header; `ValueError` where it is none, or out of range."""
    value = header.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{key} {value}")
    return value


def unpacked(raw: bytes, header: Header, *, plain: Header) -> bytes:
    """Bytes of a packed image or table as they would lie in a file if it were not packed; arguments as for the two above."""
    return (unpack_tiles if is_image(header) else unpack_columns)(raw, header, plain=plain)
