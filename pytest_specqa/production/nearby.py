"""Which productions are near a folder that is none: for the one line that says so."""

from __future__ import annotations

import difflib
from pathlib import Path

from pytest_specqa.errors import SpecQAError

PARTS = ("exposures", "tiles", "healpix", "exposure_tables")
"""Folders one of which a production has."""
NAMED, HEIGHT = 3, 4


def what_to_give(folder: Path) -> str:
    """Say which folder to give in place of one that is no production.

    Parameters
    ----------
    folder : Path
        What was given, of this machine or of a server.

    Returns
    -------
    str
        Names the productions that it holds, or the one that holds it.
    """
    held = [name for name in _folders(folder) if _is_production(folder / name)]
    if held:
        more = f" and {len(held) - NAMED} more" if len(held) > NAMED else ""
        return f"it holds the productions {', '.join(held[:NAMED])}{more}: give one of them, such as {folder / held[0]}"
    above = next((parent for parent in list(folder.absolute().parents)[:HEIGHT] if _is_production(parent)), None)
    return f"give {above}, which holds it" if above is not None else "give the folder that holds them"


def nearest(name: str, redux: Path) -> str:
    """Name the productions of a folder that are called much the same, in brackets; empty if none is."""
    near = difflib.get_close_matches(name, _folders(redux), n=NAMED)
    return f" (nearest: {', '.join(near)})" if near else ""


def _is_production(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in PARTS)


def _folders(parent: Path) -> list[str]:
    try:
        return sorted(one.name for one in parent.iterdir() if one.is_dir())
    except (OSError, SpecQAError):
        # It is only asked for a hint.
        return []
