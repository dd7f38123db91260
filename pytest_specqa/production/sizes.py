"""How large a product may be: what a header declares is refused in a line before memory is taken for it.

The largest product that is read is the frame of a z camera, 500 spectra of 2881 bins: 87 MB with its 11 diagonals of RESOLUTION,
which fill 63 MB of them. The largest table is the EXP_FIBERMAP of a deep tile, 100 exposures of 500 fibers in rows of 400 bytes:
20 MB (data model of DESI, https://desidatamodel.readthedocs.io). The limits leave threefold room.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.production.defects import defect

if TYPE_CHECKING:
    from pytest_specqa.production.stream import HDU

MAX_KEPT = 260_000_000
"""Bytes of all that is kept of one file."""
MAX_TABLE = 64_000_000
"""Bytes of one table, as it is on disk or unpacked, whichever is more; for a moment there are both."""
MAX_ROWS = 1_000_000
"""Rows of one table; a row may be empty, and what is made of it is not."""
MAX_ROW = 64_000
"""Bytes of one row; real ones have 400, a thousand where they hold the coefficients of a fit."""
MAX_INFLATED = 1_000_000_000
"""Bytes of a packed file that are inflated to get to what is wanted: a third of a second if they are zeros, 4 s if not."""
MAX_HEADER_BLOCKS = 1000
"""Blocks of 36 cards of one header; real ones have ten to thirty."""
MAX_HEADERS = 2000
"""Blocks of all headers of a file together."""
_DO = "see what wrote it"


def check_kept(path: Path, hdu: HDU, *, kept: int) -> int:
    """Refuse data that are too large to be kept.

    Parameters
    ----------
    path : Path
        The file.
    hdu : HDU
        What its header declares.
    kept : int
        Bytes of the HDUs of the file that are kept already.

    Returns
    -------
    int
        Bytes that are kept with those of `hdu`.

    Raises
    ------
    ProductError
        If it is too large; one line.
    """
    nbytes = math.prod(hdu.shape) * hdu.dtype.itemsize if hdu.shape else 0
    if hdu.table:
        if hdu.shape[0] > MAX_ROWS:
            raise defect(path, hdu.name, found=f"{hdu.shape[0]:,} rows", expected=f"at most {MAX_ROWS:,}", do=_DO)
        if hdu.dtype.itemsize > MAX_ROW:
            found = f"rows of {hdu.dtype.itemsize:,} bytes"
            raise defect(path, hdu.name, found=found, expected=f"rows of at most {MAX_ROW:,}", do=_DO)
        nbytes = hdu.shape[0] * _unpacked_row(hdu)
        if nbytes > MAX_TABLE:
            raise _too_large(path, hdu, f"a table of {_mega(nbytes)}", MAX_TABLE)
    if not hdu.table or hdu.packed is not None:
        nbytes = max(nbytes, hdu.nbytes)
    if kept + nbytes > MAX_KEPT:
        beside = f" beside {_mega(kept)} of other HDUs" if kept else ""
        raise _too_large(path, hdu, f"data of {_mega(nbytes)}{beside}", MAX_KEPT)
    return kept + nbytes


def check_inflated(path: Path, hdu: HDU) -> None:
    """Refuse a packed file that would have to be inflated too far to get past an HDU; `ProductError`, one line."""
    if hdu.start + hdu.nbytes > MAX_INFLATED:
        raise _too_large(path, hdu, f"a file that inflates to {_mega(hdu.start + hdu.nbytes)} or more", MAX_INFLATED)


def check_given(path: Path, given: int) -> None:
    """Refuse to inflate a file any further than the largest products go; `ProductError`, one line."""
    if given > MAX_INFLATED:
        found = f"a file that inflates to more than {_mega(MAX_INFLATED)}"
        raise defect(path, None, found=found, expected="a spectroscopic product", do=_DO)


def check_headers(path: Path, blocks: int) -> None:
    """Refuse a file whose headers together are too long; `ProductError`, one line."""
    if blocks > MAX_HEADERS:
        raise defect(path, None, found=f"headers of more than {MAX_HEADERS} blocks", expected="a spectroscopic product", do=_DO)


def _unpacked_row(hdu: HDU) -> int:
    """Bytes of a row in memory, at most: numbers with a zero point or scale become f8, even those that were a byte."""
    width = hdu.dtype.itemsize
    for number, name in enumerate(hdu.dtype.names or (), start=1):
        base = hdu.dtype[name].base
        if base.kind in "iuf" and (f"TZERO{number}" in hdu.header or f"TSCAL{number}" in hdu.header):
            width += (8 // base.itemsize - 1) * hdu.dtype[name].itemsize
    return width


def _too_large(path: Path, hdu: HDU, found: str, most: int) -> Exception:
    return defect(path, hdu.name or None, found=found, expected=f"at most {_mega(most)}", do=_DO)


def _mega(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.0f} MB"
