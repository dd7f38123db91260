"""Stores that a gate judges: what is current in them as results files, and whether all that was planned is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_specqa.results.storing import exporting, planned
from pytest_specqa.results.storing.dataset import LABEL, Store


def exported(paths: Sequence[str | Path], scratch: Path) -> tuple[list[str | Path], list[Store]]:
    """Put results files in the place of stores.

    Parameters
    ----------
    paths : sequence of path
        Results files, patterns, and folders of stores.
    scratch : Path
        Where the files of stores are written.

    Returns
    -------
    list of path
        The others as they are.
    list of Store
        The stores.

    Raises
    ------
    ResultsError
        If a store cannot be read, or holds nothing.
    """
    files: list[str | Path] = []
    stores: list[Store] = []
    for path in paths:
        if not (Path(path) / LABEL).is_file():
            files.append(path)
            continue
        stores.append(Store.open(path))
        files.append(scratch / f"store{len(stores)}.parquet")
        exporting.export(stores[-1], Path(files[-1]))
    return files, stores


def left(stores: Sequence[Store]) -> str | None:
    """Say what of their plans the stores do not have; empty if they have all, ``None`` where nothing was planned."""
    planning = [store for store in stores if (store.root / planned.PLAN).exists()]
    if not planning:
        return None
    return "; ".join(f"{store.root}: {told}" for store in planning if (told := planned.left(store)))
