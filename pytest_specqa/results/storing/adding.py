"""Rows that a night of a store does not have yet are added to it, each once."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_specqa.checks.wording import count
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

    @property
    def told(self) -> str:
        """Say it in a few words."""
        there = f", {self.present} were there" if self.present else ""
        vectors = f" and {count(self.vectors, 'vector')}" if self.vectors else ""
        return f"{count(self.new, 'measurement')}{vectors} added{there}"

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
        kept_there = _Present(vectors, night, SAME_VECTOR, units if kept else set())
        now = datetime.datetime.now(tz=datetime.UTC).replace(tzinfo=None)
        start = max([now, *(one.newest + MICROSECOND for one in (there, kept_there) if one.newest is not None)])
        new_vectors = _stamped(kept_there.without(kept, again=again), ("unit", "name"), start)
        if new_vectors:
            vectors.put(night, _table(new_vectors, columns.vectors_schema()))
        new = _stamped(there.without(rows, again=again), ("unit", "expectation", "measure"), start)
        if new:
            table = _table(new, columns.records_schema())
            records.put(night, table, once=not there.any and writing.is_once(table))
    return Added(len(new), len(rows) - len(new), len(new_vectors))


class _Present:
    """What a night has of some units."""

    def __init__(self, shelf: Shelf, night: int, names: tuple[str, ...], units: set[str]) -> None:
        self.any = False
        self.newest: datetime.datetime | None = None
        self._names = names
        self._rows: list[tuple[Key, datetime.datetime, bool | None]] = []
        for path in shelf.parts(night) if units else ():
            self.any = True
            self._take(path, units)

    def _take(self, path: Path, units: set[str]) -> None:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.compute as pc  # noqa: PLC0415

        told = ("added", "whole") if self._names is SAME_ROW else ("added",)
        table = read_part(path, [*self._names, *told])
        newest = pc.max(table.column("added")).as_py()
        if newest is not None:
            self.newest = max(newest, self.newest or newest)
        table = table.filter(pc.is_in(table.column("unit"), value_set=pa.array(sorted(units), pa.string())))
        keys = zip(*(table.column(name).to_pylist() for name in self._names), strict=True)
        whole = table.column("whole").to_pylist() if "whole" in told else [None] * table.num_rows
        self._rows += zip(keys, table.column("added").to_pylist(), whole, strict=True)

    def without(self, rows: Iterable[Row], *, again: bool) -> Iterator[Row]:
        """Return what is not there, each once; what a run that was cut short had judged comes again with a whole one."""
        rows_there = list(self._current()) if again else self._rows
        present = {key for key, _, _ in rows_there}
        of_whole = {key for key, _, whole in rows_there if whole is not False}
        for row in rows:
            key = tuple(row[name] for name in self._names)
            if key not in (of_whole if row.get("whole") else present):
                present.add(key)
                of_whole.add(key)
                yield row

    def _current(self) -> Iterator[tuple[Key, datetime.datetime, bool | None]]:
        """Rows that the views show; the SQL of it is in `pytest_specqa.results.storing.asking`."""
        newest: dict[Key, tuple[Key, datetime.datetime, bool | None]] = {}
        checks: dict[tuple[Key, bool], datetime.datetime] = {}
        what = self._names.index("code")
        for row in sorted(self._rows, key=lambda row: row[1]):
            told = row[0][:what]
            newest[told] = row
            checks[told[:2], told[-1] in STAND_INS] = row[1]
        for told, row in newest.items():
            other = checks.get((told[:2], told[-1] not in STAND_INS)) if self._names is SAME_ROW else None
            if other is None or row[1] >= other:
                yield row


def _stamped(rows: Iterable[Row], names: tuple[str, ...], start: datetime.datetime) -> list[Row]:
    """Give each row its time; of two that speak of the same the later one is newer."""
    times: dict[Key, int] = {}
    made = []
    for row in rows:
        told = tuple(row[name] for name in names)
        times[told] = times.get(told, -1) + 1
        made.append(row | {"added": start + times[told] * MICROSECOND})
    return made


def _table(rows: list[Row], schema: pyarrow.Schema) -> pyarrow.Table:
    import pyarrow as pa  # noqa: PLC0415

    return pa.Table.from_pylist(rows, schema=schema)
