"""Binary tables: the row type that a header declares, and native columns from its bytes."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.production.headers import MAX_NAME, Header

# Codes of TFORM; logicals are bytes T and F, bit arrays are packed, P and Q are descriptors of variable-length arrays.
_CODES = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "C": ">c8", "M": ">c16"}
_DESCRIPTORS = {"P": "V8", "Q": "V16"}
MAX_COLUMNS = 999
_TFORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])(.*)")
_UNSIGNED = {("i", 2, 2.0**15): "u2", ("i", 4, 2.0**31): "u4", ("i", 8, 2.0**63): "u8", ("u", 1, -128.0): "i1"}


def row_dtype(header: Header) -> np.dtype[Any]:
    """Structured big-endian type of one row.

    Parameters
    ----------
    header : Mapping
        Header of a BINTABLE extension.

    Returns
    -------
    numpy.dtype
        One field per column, in order.

    Raises
    ------
    KeyError, ValueError
        If a column has no TFORM or one that FITS does not know, or there are more columns than FITS allows.
    """
    fields, columns = [], int(str(header["TFIELDS"]))
    if columns > MAX_COLUMNS:
        raise ValueError(f"TFIELDS {columns}")
    for number in range(1, columns + 1):
        name = str(header.get(f"TTYPE{number}") or f"COL{number}").strip()[:MAX_NAME]
        fields.append((name, *_column(str(header[f"TFORM{number}"]), str(header.get(f"TDIM{number}") or ""))))
    return np.dtype(fields)


def unpack_table(raw: bytes, dtype: np.dtype[Any], *, header: Header, rows: int) -> NDArray[Any]:
    """Native rows of a table.

    Parameters
    ----------
    raw : bytes
        The rows as stored, without heap.
    dtype : numpy.dtype
        What `row_dtype` gave.
    header : Mapping
        Header of the extension, for TZERO and TSCAL.
    rows : int
        Number of rows.

    Returns
    -------
    numpy.ndarray
        Structured, native-endian and writable. Logicals become bool, offset integers unsigned, scaled columns float; text stays
        bytes; bit columns are packed bytes; variable-length columns are left out.
    """
    stored = np.frombuffer(raw, dtype=dtype) if raw else np.empty(rows, dtype=dtype)
    columns: dict[str, tuple[int, bool]] = {}
    for number, name in enumerate(dtype.names or (), start=1):
        if stored[name].dtype.kind != "V":
            code = str(header[f"TFORM{number}"])
            columns[name] = number, "L" in code and "A" not in code

    def column(name: str, rows: slice) -> NDArray[Any]:
        """Native values of some rows of a column."""
        number, logical = columns[name]
        return _native(stored[name][rows], header, number, logical=logical)

    # One column after the other: all of them beside the rows would take half as much again.
    none = {name: column(name, slice(0)) for name in columns}
    native = np.empty(len(stored), dtype=[(name, values.dtype, values.shape[1:]) for name, values in none.items()])
    for name in columns:
        native[name] = column(name, slice(None))
    return native


def _column(tform: str, tdim: str) -> tuple[Any, tuple[int, ...]]:
    match = _TFORM.fullmatch(tform)
    if match is None:
        raise ValueError(f"TFORM {tform}")
    repeat, code, rest = int(match[1] or 1), match[2], match[3].strip()
    dims = tuple(int(size) for size in re.findall(r"\d+", tdim))[::-1]
    if code in _DESCRIPTORS:
        return _DESCRIPTORS[code] if repeat else "V0", ()
    if code == "X":
        return "u1", (-(-repeat // 8),)
    if code == "A":
        width = dims[-1] if dims else int(rest) if rest.isdigit() else repeat
        shape = dims[:-1] if dims else (repeat // width,) if width and repeat // width > 1 else ()
        if width * math.prod(shape) != repeat:
            raise ValueError(f"TDIM {tdim} for TFORM {tform}")
        return f"S{width}", shape
    if dims and math.prod(dims) != repeat:
        raise ValueError(f"TDIM {tdim} for TFORM {tform}")
    return _CODES[code], dims or (() if repeat == 1 else (repeat,))


def _native(column: NDArray[Any], header: Header, number: int, *, logical: bool) -> NDArray[Any]:
    if logical:
        return np.asarray(column == b"T")
    if column.dtype.kind == "S":
        return column
    native: NDArray[Any] = column.astype(column.dtype.newbyteorder("="))
    zero, scale = float(str(header.get(f"TZERO{number}", 0))), float(str(header.get(f"TSCAL{number}", 1)))
    if (zero, scale) == (0, 1):
        return native
    unsigned = _UNSIGNED.get((native.dtype.kind, native.dtype.itemsize, zero))
    if scale == 1 and unsigned:
        bits = np.dtype(f"u{native.dtype.itemsize}")
        flipped = native.view(bits)
        flipped ^= bits.type(1 << (8 * bits.itemsize - 1))
        return flipped.view(unsigned)
    return np.asarray(native * scale + zero)
