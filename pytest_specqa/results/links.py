"""Names for DuckDB, which takes every file name for a pattern: it is given links whose names are plain."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pytest_specqa.errors import ResultsError


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """The folder of the links; it goes with the process, as a relation may be asked long after it was opened."""
    return tempfile.TemporaryDirectory(prefix="specqa-results-")


_LINKED: dict[str, Path] = {}


def linked(paths: Sequence[Path]) -> list[str]:
    """Return names by which DuckDB opens these files and no others.

    Parameters
    ----------
    paths : sequence of Path
        Existing files; ``[``, ``*``, ``?``, quotes, line ends, bytes that are no UTF-8 and ``KEY=VALUE`` folders mean nothing.

    Returns
    -------
    list of str
        Names of links to them, in which patterns are escaped.

    Raises
    ------
    ResultsError
        If no link can be made.
    """
    names = []
    for path in paths:
        link = Path(_folder().name) / f"{len(_LINKED)}{path.suffix}"
        try:
            link.symlink_to(Path.cwd() / path)
        except OSError as error:
            raise ResultsError(
                f"{path}: cannot be opened through {link} ({error.strerror}); set TMPDIR to a usable folder"
            ) from None
        _LINKED[str(link)] = path
        names.append(re.sub(r"[\[*?]", r"[\g<0>]", str(link)))
    return names


def told(message: str) -> str:
    """Put the names of files and folders in place of those of their links."""
    return re.sub(re.escape(_folder().name) + r"/\d+(\.\w+)?", lambda found: str(_LINKED.get(found[0], found[0])), message)
