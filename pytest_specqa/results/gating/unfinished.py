"""Runs that have not ended beside the results that a gate judges: those results are not the last word on the data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_specqa.checks import wording
from pytest_specqa.errors import ResultsError
from pytest_specqa.results import holding, journal

NAMED = 3


def told(files: Sequence[Path]) -> str:
    """Say which runs began to write results files anew, or more of them, and have not ended.

    Parameters
    ----------
    files : sequence of path
        Results files that exist.

    Returns
    -------
    str
        Empty if no journal lies beside any of them.
    """
    found = journal.unfinished(files)
    if not found:
        return ""
    lie = "an unfinished run lies" if len(found) == 1 else f"{wording.count(len(found), 'unfinished run')} lie"
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"{lie} beside the results: {', '.join(map(_one, found[:NAMED]))}{more}"


def _one(path: Path) -> str:
    try:
        contents = journal.read(path)
    except ResultsError as error:
        return str(error)
    state = "still running" if holding.is_live(path) else f"specqa results recover {path}, or pytest --specqa-resume"
    return f"{path} ({contents.progress}; {state})"
