"""Whether files go on to their ends: of a packed one the last bytes tell, which are read and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pytest_specqa.errors import ProductError
from pytest_specqa.opening import FITS, open_regular
from pytest_specqa.production.stream import BLOCK, GZIP_MAGIC, FitsStream


def cut_short(files: Iterable[Path]) -> list[Path]:
    """Return the files that end too early, or that cannot be opened.

    Parameters
    ----------
    files : iterable of Path
        FITS files, packed or not; what has another name is passed over.

    Returns
    -------
    list of Path
        In order. A packed file ends with the size of what was packed last, which is of whole blocks of FITS; one that does not may
        still be whole, of several members or without padding, and is read through. A file cut anywhere escapes once in 2880
        times, and is named when it is judged. Of a file that is not packed the headers are walked over.

    References
    ----------
    RFC 1952, section 2.3.1 (ISIZE); FITS standard 4.0, section 3.1.
    """
    return [path for path in files if path.name.endswith(FITS) and not _ends(path)]


def _ends(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            if file.read(2) == GZIP_MAGIC and file.seek(0, os.SEEK_END) > 4:
                file.seek(-4, os.SEEK_END)
                size = int.from_bytes(file.read(4), "little")
                if size and size % BLOCK == 0:
                    return True
        with FitsStream(path) as stream:
            stream.check_end()
    except (OSError, ProductError):
        return False
    return True
