"""Files that a verb leaves for others."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_specqa.errors import UsageError
from pytest_specqa.results import store


def deliver(path: Path, text: str) -> None:
    """Write a file whole; a job summary, which other steps write to as well, is appended to.

    Parameters
    ----------
    path : Path
        Where to; the file that ``$GITHUB_STEP_SUMMARY`` names is such a summary.
    text : str
        What.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    try:
        if str(path) == os.environ.get("GITHUB_STEP_SUMMARY"):
            with path.open("a", encoding="utf-8") as stream:
                stream.write(text)
        else:
            store.write_text(path, text)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror}); give a file in a folder that exists and is yours"
        ) from None
