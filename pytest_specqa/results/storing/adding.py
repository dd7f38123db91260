"""Rows that a night of a store does not have yet are added to it, each once."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_specqa.results.storing import columns, writing
from pytest_specqa.results.storing.columns import SAME_ROW, SAME_VECTOR, STAND_INS, Row
from pytest_specqa.results.storing.locking import locked
from pytest_specqa.results.storing.reading import read_part
from pytest_specqa.results.storing.shelf import Shelf

if TYPE_CHECKING:
    import pyarrow

Key = tuple[Any, ...]
MICROSECOND = datetime.timedelta(microseconds=1)


class Added(NamedTuple):
    """What became of measurements that were to be added: how many are new, how many were there, and the number of new vectors."""

    new: int
    present: int
    vectors: int = 0

    def __add__(self, other: object) -> Added:
        """Sum up two."""
        if not isinstance(other, Added):
            return NotImplemented
        return Added(*(one + more for one, more in zip(self, other, strict=True)))


def add_night(records: Shelf, vectors: Shelf, night: int, *, rows: Sequence[Row], kept: Sequence[Row], again: bool) -> Added:
    """Add what a night does not have.

    Parameters
    ----------
    records, vectors : Shelf
        Of the store.
    night : int
        YYYYMMDD.
    rows, kept : sequence of dict
        Records and vectors as `columns.split` makes them.
    again : bool
        Whether what is there, but no longer current, is added anew.

    Returns
    -------
    Added
        Vectors are written first: one who is stopped in between adds the records with the next try.
    """
    with locked(records.folder(night)):
        for shelf in (records, vectors):
            shelf.mend(night)
        units = {row["unit"] for row in rows}
        there = _Present(records, night, SAME_ROW, units)
        kept_there = _Present(vectors, night, SAME_VECTOR, units) if kept else None
        now = datetime.datetime.now(tz=datetime.UTC).replace(tzinfo=None)
        newest = [one.newest + MICROSECOND for one in (there, kept_there) if one is not None and one.newest is not None]
        start = max([now, *newest])
        new_vectors = (
            _stamped(_fresh(kept, SAME_VECTOR, kept_there.keys(again=again)), ("unit", "name"), start) if kept_there else []
        )
        if new_vectors:
            vectors.put(night, _table(new_vectors, columns.vectors_schema()))
        new = _stamped(_fresh(rows, SAME_ROW, there.keys(again=again)), ("unit", "expectation", "measure"), start)
        if new:
            table = _table(new, columns.records_schema())
            records.put(night, table, once=not there.any and writing.is_once(table))
    return Added(len(new), len(rows) - len(new), len(new_vectors))


class _Present:
    """Keys of the rows that a night has of some units."""

    def __init__(self, shelf: Shelf, night: int, names: tuple[str, ...], units: set[str]) -> None:
        self.any = False
        self.newest: datetime.datetime | None = None
        self._names = names
        self._rows: list[tuple[Key, datetime.datetime]] = []
        for path in shelf.parts(night):
            self.any = True
            self._take(path, units)

    def _take(self, path: Path, units: set[str]) -> None:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.compute as pc  # noqa: PLC0415

        table = read_part(path, [*self._names, "added"])
        newest = pc.max(table.column("added")).as_py()
        self.newest = max(newest, self.newest or newest) if newest is not None else self.newest
        table = table.filter(pc.is_in(table.column("unit"), value_set=pa.array(sorted(units), pa.string())))
        texts = [table.column(name).to_pylist() for name in self._names]
        self._rows += zip(zip(*texts, strict=True), table.column("added").to_pylist(), strict=True)

    def keys(self, *, again: bool) -> set[Key]:
        """Keys that need not be added."""
        return {key for key, _ in self._rows} if not again else set(self._current())

    def _current(self) -> Iterator[Key]:
        """Keys of the rows that the views show: as their SQL, in `pytest_specqa.results.storing.asking`."""
        newest: dict[Key, tuple[datetime.datetime, Key]] = {}
        checks: dict[tuple[Key, bool], datetime.datetime] = {}
        what = len(self._names) - self._names.index("code")
        for key, added in self._rows:
            told = key[:-what]
            newest[told] = max(newest.get(told, (added, key)), (added, key))
            kind = (told[:2], told[-1] in STAND_INS)
            checks[kind] = max(checks.get(kind, added), added)
        for told, (added, key) in newest.items():
            other = checks.get((told[:2], told[-1] not in STAND_INS)) if len(told) > 2 else None
            if other is None or added >= other:
                yield key


def _fresh(rows: Iterable[Row], names: tuple[str, ...], present: set[Key]) -> Iterator[Row]:
    seen = set(present)
    for row in rows:
        key = tuple(row[name] for name in names)
        if key not in seen:
            seen.add(key)
            yield row


def _stamped(rows: Iterable[Row], names: tuple[str, ...], start: datetime.datetime) -> list[Row]:
    """Give each row its time; of two that speak of the same the later one is newer."""
    count: dict[Key, int] = {}
    made = []
    for row in rows:
        told = tuple(row[name] for name in names)
        count[told] = count.get(told, -1) + 1
        made.append(row | {"added": start + count[told] * MICROSECOND})
    return made


def _table(rows: list[Row], schema: pyarrow.Schema) -> pyarrow.Table:
    import pyarrow as pa  # noqa: PLC0415

    return pa.Table.from_pylist(rows, schema=schema)
