"""Sums that FITS keeps of its own bytes: DATASUM of the data of an HDU, CHECKSUM of header and data together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pytest_specqa.errors import ProductError
from pytest_specqa.production.defects import defect
from pytest_specqa.production.headers import Header

MODULUS = 2**32 - 1
"""Of the ones' complement sum of 32-bit words; 0 and this number are the same sum."""


def word_sum(raw: bytes | bytearray, *, at: int = 0) -> int:
    """Ones' complement sum of the big-endian 32-bit words of a stretch of bytes.

    Parameters
    ----------
    raw : bytes
        The stretch; a word that it does not fill is filled with zeros.
    at : int, optional
        Its offset in the data, which need not be a multiple of four. Sums of consecutive stretches add up, modulo `MODULUS`.

    Returns
    -------
    int
        Less than `MODULUS`.
    """
    if at % 4:
        raw = bytes(at % 4) + raw
    whole = len(raw) // 4
    total = int(np.frombuffer(raw, dtype=">u4", count=whole).sum(dtype=np.uint64))
    return (total + int.from_bytes(raw[4 * whole :].ljust(4, b"\0"), "big")) % MODULUS


def has_checksum(header: Header) -> bool:
    """Whether header and data together have a sum; an empty text is none."""
    return bool(str(header.get("CHECKSUM") or "").strip())


def has_sum(header: Header) -> bool:
    """Whether the data of an HDU have a sum, be it their own or one with the header."""
    return has_checksum(header) or _stated(header) != ""


def check_header(path: Path, name: str, header: Header, *, empty: bool, header_sum: int) -> None:
    """Check a header without the data: CHECKSUM makes the sum of both zero, and DATASUM says what that of the data is.

    Parameters
    ----------
    path, name : Path, str
        The file and the HDU, for the message.
    header : Mapping
        The header.
    empty : bool
        Whether no data follow it.
    header_sum : int
        Sum of its blocks.

    Raises
    ------
    ProductError
        If the header is not what its CHECKSUM says, or DATASUM no number. A header with data and without DATASUM is left to
        `check_data`.
    """
    stated = _stated(header)
    if stated and not (stated.isascii() and stated.isdigit()):
        raise _defect(path, name, f"DATASUM = {stated[:20]!r}")
    if has_checksum(header) and (stated or empty) and (header_sum + int(stated or 0)) % MODULUS:
        raise _defect(path, name, "a header that is not what its CHECKSUM says")


def check_data(path: Path, name: str, header: Header, *, data_sum: int, header_sum: int) -> None:
    """Raise `ProductError` unless data are what DATASUM says or, where there is none, header and data what CHECKSUM says."""
    stated = _stated(header)
    if stated and (data_sum - int(stated)) % MODULUS:
        raise _defect(path, name, "data that are not what their DATASUM says")
    if not stated and has_checksum(header) and (data_sum + header_sum) % MODULUS:
        raise _defect(path, name, "a header or data that are not what their CHECKSUM says")


def _stated(header: Header) -> str:
    """What DATASUM says, which the standard wants as text; a number is understood, too."""
    value = header.get("DATASUM")
    return "" if value is None else str(value).strip()


def _defect(path: Path, name: str, found: str) -> ProductError:
    # Who edits a file by hand must have its sums written anew, or nobody can tell the edit from damage.
    return defect(path, name, found=found, expected="what one writer wrote as a whole", do="copy or write it again, sums and all")
