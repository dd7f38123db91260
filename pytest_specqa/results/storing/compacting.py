"""``specqa store compact``: the parts of a night become one, and what was cut short is ended or removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.storing import writing
from pytest_specqa.results.storing.columns import SAME_ROW, SAME_VECTOR
from pytest_specqa.results.storing.locking import NAME, locked
from pytest_specqa.results.storing.reading import read_part
from pytest_specqa.results.storing.shelf import SWAP, Shelf
from pytest_specqa.results.writable import why_not

if TYPE_CHECKING:
    import pyarrow

    from pytest_specqa.results.storing.dataset import Store


class Compacted(NamedTuple):
    """What was done to a night: numbers of parts before, of rows in the new one, of rows that were there twice, of leftovers."""

    night: int
    parts: int
    rows: int
    doubled: int
    leftovers: int


def compact(store: Store, nights: Iterable[int] | None = None) -> Iterator[Compacted]:
    """Make one part of the records, and one of the vectors, of each night; others may add to the store meanwhile.

    Parameters
    ----------
    store : Store
        The store.
    nights : iterable of int, optional
        Nights, each YYYYMMDD; by default all.

    Yields
    ------
    Compacted
        For each night of which something has changed.

    Raises
    ------
    ResultsError
        If a part cannot be read or the new one cannot be written; the night is as it was.
    """
    known = set(store.records.folders()) | set(store.kept.folders())
    for night in sorted(known if nights is None else known & set(nights)):
        with locked(store.records.folder(night)):
            done = [_compact(shelf, night) for shelf in (store.records, store.kept)]
        total = Compacted(night, *(sum(numbers) for numbers in zip(*done, strict=True)))
        if total.parts or total.leftovers:
            yield total


def _compact(shelf: Shelf, night: int) -> tuple[int, int, int, int]:
    shelf.mend(night)
    removed = _remove(leftovers(shelf.folder(night)))
    parts = shelf.parts(night)
    if len(parts) < 2:
        return 0, 0, 0, removed
    import pyarrow as pa  # noqa: PLC0415

    try:
        whole = pa.concat_tables([read_part(path) for path in parts])
    except pa.ArrowException as error:
        raise ResultsError(f"{shelf.folder(night)}: its parts differ in columns ({error}); see specqa store check") from None
    of_records = "measure" in whole.column_names
    once_each = without_doubles(whole, SAME_ROW if of_records else SAME_VECTOR)
    shelf.replace(night, once_each, parts, once=of_records and writing.is_once(once_each))
    return len(parts), once_each.num_rows, whole.num_rows - once_each.num_rows, removed


def without_doubles(table: pyarrow.Table, names: tuple[str, ...]) -> pyarrow.Table:
    """Leave out a row that says what the one before it, of the same unit and measure, had said already.

    Where a file system has no locks, two processes may have added it at the same time.
    """
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    if table.num_rows < 2:
        return table
    told = names[: names.index("code")]
    ordered = table.sort_by([(name, "ascending") for name in (*told, "added")]).combine_chunks()
    compared = (*names, "whole") if "whole" in table.column_names else names
    same = pa.array([True] * (table.num_rows - 1))
    for name in compared:
        column = pc.fill_null(ordered.column(name).cast(pa.string()), "").combine_chunks()
        same = pc.and_(same, pc.equal(column[1:], column[:-1]))
    return ordered.filter(pa.concat_arrays([pa.array([True]), pc.invert(same)]))


def leftovers(folder: Path) -> list[Path]:
    """Return what writers that were stopped have left; while the lock of the night is held nobody else writes there."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.startswith(".") and path.name not in (NAME, SWAP))
    except FileNotFoundError:
        return []


def _remove(paths: list[Path]) -> int:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ResultsError(f"{path}: cannot be removed: {why_not(error)}") from None
    return len(paths)
