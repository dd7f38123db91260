"""FITS files as bytes: headers, images and tables, and gzip streams that share one compressed block.

A camera file is mostly RESOLUTION, which is constant here. It is deflated once, and its deflate blocks are spliced into the single
gzip member of each file, so that every reader (cfitsio stops after the first member) gets an ordinary file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from pytest_specqa.production.sums import MODULUS, word_sum

Value = str | int | float | bool
BLOCK = 2880
_BITPIX = {"f4": -32, "f8": -64, "i2": 16, "i4": 32, "i8": 64, "u4": 32, "u1": 8}
_TFORM = {"f4": "E", "f8": "D", "i2": "I", "i4": "J", "i8": "K", "u1": "B", "b1": "L"}
_UNSUMMED = "0" * 16
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"


@dataclass(frozen=True)
class Block:
    """A stretch of a file that is compressed once: its bytes and their deflate blocks, flushed to a byte boundary."""

    raw: bytes
    deflated: bytes


Part = bytes | Block


def card(keyword: str, value: Value) -> str:
    """One header card of 80 characters.

    Parameters
    ----------
    keyword : str
        At most 8 characters.
    value : str, int, float or bool
        Its value; text is cut at 68 characters.

    Returns
    -------
    str
        The card.
    """
    if isinstance(value, bool | np.bool_):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, int | np.integer):
        text = f"{value:>20}"
    elif isinstance(value, float | np.floating):
        number = repr(float(value)).upper()
        text = f"{number if '.' in number or 'E' in number else number + '.0':>20}"
    else:
        quoted = value.replace("'", "''")[:66]
        text = f"'{quoted:<8}'"
    return f"{keyword:<8}= {text}"[:80].ljust(80)


def header_bytes(cards: Iterable[tuple[str, Value]]) -> bytes:
    """A header unit, padded.

    Parameters
    ----------
    cards : iterable of (str, value)
        Keywords and values in order.

    Returns
    -------
    bytes
        A multiple of 2880 bytes, END included.
    """
    text = "".join(card(keyword, value) for keyword, value in cards) + "END".ljust(80)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")


def _padded(data: bytes, fill: bytes = b"\0") -> bytes:
    return data + fill * (-len(data) % BLOCK)


def _with_sums(cards: Iterable[tuple[str, Value]], data: bytes) -> bytes:
    """Header and data of an HDU with CHECKSUM and DATASUM, as the pipeline writes all of its products."""
    datasum = word_sum(data)
    head = header_bytes([*cards, ("CHECKSUM", _UNSUMMED), ("DATASUM", str(datasum))])
    missing = MODULUS - (word_sum(head) + datasum) % MODULUS
    return head.replace(card("CHECKSUM", _UNSUMMED).encode("ascii"), card("CHECKSUM", _encoded(missing)).encode("ascii"), 1) + data


def _encoded(word: int) -> str:
    """A 32-bit word as 16 letters and digits that add so much to a header with 16 zeros (FITS standard 4.0, appendix J)."""
    text = [""] * 16
    for place, byte in enumerate(word.to_bytes(4, "big")):
        parts = [byte // 4 + byte % 4, byte // 4, byte // 4, byte // 4]
        for first in (0, 2):
            while not all(chr(ord("0") + part).isalnum() for part in parts[first : first + 2]):
                parts[first] += 1
                parts[first + 1] -= 1
        for number, part in enumerate(parts):
            text[4 * number + place] = chr(ord("0") + part)
    # The text begins at the last byte of a word.
    return "".join(text[-1:] + text[:-1])


def image_hdu(name: str, data: NDArray[Any] | None, *, cards: Mapping[str, Value] | None = None, primary: bool = False) -> bytes:
    """An image HDU.

    Parameters
    ----------
    name : str
        EXTNAME; none is written if empty.
    data : ndarray or None
        f4, f8, i2, i4, i8, u1 or u4 (stored with BZERO 2**31); ``None`` for an empty primary HDU.
    cards : mapping, optional
        Further keywords.
    primary : bool
        Whether this is HDU 0.

    Returns
    -------
    bytes
        Header and data, padded.
    """
    shape = () if data is None else data.shape
    kind = "u1" if data is None else data.dtype.str[1:]
    first: tuple[str, Value] = ("SIMPLE", True) if primary else ("XTENSION", "IMAGE")
    head: list[tuple[str, Value]] = [first, ("BITPIX", _BITPIX[kind]), ("NAXIS", len(shape))]
    head += [(f"NAXIS{axis + 1}", size) for axis, size in enumerate(reversed(shape))]
    head += [("EXTEND", True)] if primary else [("PCOUNT", 0), ("GCOUNT", 1)]
    if kind == "u4":
        head += [("BSCALE", 1), ("BZERO", 2**31)]
    head += [("EXTNAME", name)] if name else []
    head += list((cards or {}).items())
    return _with_sums(head, b"" if data is None else _padded(_big_endian(data)))


def _big_endian(data: NDArray[Any]) -> bytes:
    if data.dtype == np.uint32:
        data = (data ^ np.uint32(1 << 31)).view(np.int32)
    swapped = np.empty(data.shape, dtype=data.dtype.newbyteorder(">"))
    swapped[...] = data
    return swapped.tobytes()


def table_hdu(
    name: str, rows: NDArray[Any], *, cards: Mapping[str, Value] | None = None, units: Mapping[str, str] | None = None
) -> bytes:
    """A binary table HDU.

    Parameters
    ----------
    name : str
        EXTNAME.
    rows : structured ndarray [n]
        Columns of numbers, booleans, ``S`` strings or fixed-length vectors of numbers.
    cards, units : mapping, optional
        Further keywords; unit of columns.

    Returns
    -------
    bytes
        Header and data, padded.
    """
    dtype = rows.dtype
    fields = [(column, dtype[column].base, int(np.prod(dtype[column].shape, dtype=int))) for column in dtype.names or ()]
    head: list[tuple[str, Value]] = [("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", dtype.itemsize)]
    head += [("NAXIS2", len(rows)), ("PCOUNT", 0), ("GCOUNT", 1), ("TFIELDS", len(fields))]
    for number, (column, base, count) in enumerate(fields, start=1):
        form = f"{base.itemsize}A" if base.kind == "S" else f"{count if count > 1 else ''}{_TFORM[base.str[1:]]}"
        head += [(f"TTYPE{number}", column), (f"TFORM{number}", form)]
        if units and column in units:
            head.append((f"TUNIT{number}", units[column]))
    head += [("EXTNAME", name), *(cards or {}).items()]
    return _with_sums(head, _padded(_stored(rows).tobytes()))


def _stored(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows in the byte order and with the truth values (T, F) of a FITS table."""
    dtype, out = rows.dtype, []
    for name in dtype.names or ():
        base = np.dtype("u1") if dtype[name].base == np.bool_ else dtype[name].base.newbyteorder(">")
        out.append((name, base, dtype[name].shape))
    stored = np.empty(len(rows), dtype=out)
    for name in dtype.names or ():
        stored[name] = np.where(rows[name], ord("T"), ord("F")) if dtype[name].base == np.bool_ else rows[name]
    return stored


def compress_block(raw: bytes) -> Block:
    """Deflate bytes once, for use in many files.

    Parameters
    ----------
    raw : bytes
        Whole HDUs.

    Returns
    -------
    Block
        Raw and deflated form.
    """
    return Block(raw=raw, deflated=_deflate(raw, last=False))


def _deflate(raw: bytes, *, last: bool) -> bytes:
    stream = isal_zlib.compressobj(2, isal_zlib.DEFLATED, -15)
    return stream.compress(raw) + stream.flush(isal_zlib.Z_FINISH if last else isal_zlib.Z_FULL_FLUSH)


def gzip_parts(parts: Sequence[Part]) -> bytes:
    """One gzip member of several parts.

    Parameters
    ----------
    parts : sequence of bytes or Block
        Consecutive stretches of the file; the last must be bytes.

    Returns
    -------
    bytes
        The compressed file.
    """
    out, check, size = [_GZIP_HEAD], 0, 0
    for number, part in enumerate(parts):
        raw = part.raw if isinstance(part, Block) else part
        out.append(part.deflated if isinstance(part, Block) else _deflate(raw, last=number == len(parts) - 1))
        check = isal_zlib.crc32(raw, check)
        size += len(raw)
    out.append(struct.pack("<II", check & 0xFFFFFFFF, size & 0xFFFFFFFF))
    return b"".join(out)


def write_file(path: Path, parts: Sequence[Part]) -> None:
    """Write a FITS file, gzipped if its name ends in .gz; a reader never sees it half-written.

    Parameters
    ----------
    path : Path
        Target; its folder is made if needed.
    parts : sequence of bytes or Block
        The HDUs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = (
        gzip_parts(parts) if path.suffix == ".gz" else b"".join(part.raw if isinstance(part, Block) else part for part in parts)
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def rounded(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Round floats to fewer mantissa bits, so that they compress.

    Parameters
    ----------
    values : ndarray f4
        Any values.
    bits : int
        Mantissa bits to keep (of 23): the relative error is at most 2**-(bits + 1).

    Returns
    -------
    ndarray f4
        A rounded copy.
    """
    drop = 23 - bits
    words = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    kept = (words + np.uint32(1 << (drop - 1))) & np.uint32((0xFFFFFFFF << drop) & 0xFFFFFFFF)
    out: NDArray[np.float32] = kept.view(np.float32)
    return out
