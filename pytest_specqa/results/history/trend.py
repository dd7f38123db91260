"""A value against the own past of its camera: what was usual on the last nights, and how far out it lies.

Places are cameras for values of cameras, petals for those of petals, and otherwise there is one. What is usual comes from the last
`WINDOW` nights before the one that is judged, of the same program where that has `NIGHTS` of them; a place with fewer nights has no
opinion. How far chance goes comes from all places of the measure together.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.history.usual import NIGHTS, TERMS, Coming, Usual, reach, usual
from pytest_specqa.results.storing.asking import MEASURED
from pytest_specqa.values import DataUnit, Outcome

if TYPE_CHECKING:
    import duckdb

    from pytest_specqa.results.storing.dataset import Store

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

WINDOW = 60
"""Nights before the one that is judged: two moons."""
WARNINGS = 0.01
"""False warnings that a clean night may have, over all its measures and places: one in a hundred nights."""
FAILURES = 0.0001
"""The same for failures."""
EXPOSURES = 10
"""Exposures of a night that are enough to know its level and its scatter; of more, every second, third ... number is read."""
MEMORY = "600MB"
MJD_OF_ORDINAL = -678576
"""Modified Julian date of a day less its proleptic ordinal."""


class Series(NamedTuple):
    """Past values of one place, in the order of their nights.

    Attributes
    ----------
    place, program : str
        What they are of.
    nights : array of int, shape (n,)
    values : array of float, shape (n,)
    """

    place: str
    program: str
    nights: Ints
    values: Floats


@dataclass(frozen=True)
class Place:
    """What is usual for a value.

    Attributes
    ----------
    center, scale : float
        The value that is expected, and its scatter.
    warns, fails : tuple of (float, float)
        Scatters below and above `center` from which on a value warns, and fails.
    term : str
        What the level follows; empty where it is constant.
    days : tuple of int
        Past nights of the place, YYYYMMDD.
    nights, values : array, shape (n,)
        All past values, for a picture.
    program : str
        What they are restricted to; empty for all.
    """

    center: float
    scale: float
    warns: tuple[float, float]
    fails: tuple[float, float]
    term: str
    days: tuple[int, ...]
    nights: Ints
    values: Floats
    program: str


class Past:
    """What the nights before one night measured, read once.

    Parameters
    ----------
    store : Store
        Of the same production.
    night : int
        YYYYMMDD; only nights before it are read.

    Attributes
    ----------
    nights : list of int
        Those that were read, at most `WINDOW`.
    """

    def __init__(self, store: Store, night: int) -> None:
        self.night = night
        self.nights = [one for one in store.nights if one < night][-WINDOW:]
        self._series: dict[tuple[str, str], list[Series]] = defaultdict(list)
        self._found: dict[tuple[str, str, str], dict[str, Place]] = {}
        self._tests = 0.0
        if len(self.nights) >= NIGHTS:
            self._read(store)

    def _read(self, store: Store) -> None:
        import pyarrow as pa  # noqa: PLC0415

        table, self._tests = _asked(store, self.nights)
        names = [table.column(name).to_pylist() for name in ("kind", "measure", "place", "program")]
        lengths = np.asarray(table.column("number"), int)
        ends = np.cumsum(lengths)
        values = np.asarray(pa.concat_arrays([chunk.flatten() for chunk in table.column("given").chunks]), float)
        nights = np.repeat(np.asarray(table.column("night"), int), lengths)
        keys = list(zip(*names, strict=True))
        starts = [0, *(n for n in range(1, len(keys)) if keys[n] != keys[n - 1])] if keys else []
        for first, following in zip(starts, [*starts[1:], len(keys)], strict=True):
            kind, measure, place, program = keys[first]
            chosen = slice(int(ends[first] - lengths[first]), int(ends[following - 1]))
            self._series[kind, measure].append(Series(place, program, nights[chosen], values[chosen]))

    def of(self, unit: DataUnit, measure: str, *, program: str) -> Place | None:
        """Return what is usual for a measure of a unit; None where its place has too few nights, or no scatter.

        Parameters
        ----------
        unit : DataUnit
            Tells the place.
        measure : str
            Name of its limit.
        program : str
            Of the exposure or tile.
        """
        key = (unit.kind, measure, program)
        if key not in self._found:
            self._found[key] = self._usual(self._series.get((unit.kind, measure), []), program)
        return self._found[key].get(place_of(unit))

    def _usual(self, series: Sequence[Series], program: str) -> dict[str, Place]:
        chosen = [
            one for name in sorted({one.place for one in series}) if (one := _same_program(series, name, program)) is not None
        ]
        if not chosen:
            return {}
        past = Coming(
            values=np.concatenate([one.values for one in chosen]),
            place=np.repeat(np.arange(len(chosen)), [len(one.values) for one in chosen]),
            night=np.searchsorted(self.nights, np.concatenate([one.nights for one in chosen])),
            days=np.array([mjd(night) for night in self.nights]),
            when=mjd(self.night),
        )
        found = usual(past, len(chosen))
        blocks = past.place * len(self.nights) + past.night
        rates = (WARNINGS / self._tests, FAILURES / self._tests)
        below, above = (reach(sign * found.scaled, blocks, rates) for sign in (-1, 1))
        return {
            one.place: _place(one, found, number, below=below, above=above)
            for number, one in enumerate(chosen)
            if np.isfinite(found.scale[number])
        }


def _place(one: Series, found: Usual, number: int, *, below: tuple[float, ...], above: tuple[float, ...]) -> Place:
    return Place(
        center=float(found.center[number]),
        scale=float(found.scale[number]),
        warns=(below[0], above[0]),
        fails=(below[1], above[1]),
        term=TERMS[found.term[number]],
        days=tuple(np.unique(one.nights).tolist()),
        nights=one.nights,
        values=one.values,
        program=one.program,
    )


def _same_program(series: Sequence[Series], place: str, program: str) -> Series | None:
    """Values of a place: of the program where it has enough nights, else of all; None where all are too few."""
    own = [one for one in series if one.place == place]
    same = next((one for one in own if one.program == program and len(np.unique(one.nights)) >= NIGHTS), None)
    if same is not None:
        return same
    nights = np.concatenate([one.nights for one in own])
    if len(np.unique(nights)) < NIGHTS:
        return None
    return Series(place, "", nights, np.concatenate([one.values for one in own]))


def _asked(store: Store, nights: Sequence[int]) -> tuple[Any, float]:
    """Values of the nights, one row for each measure, place, program and night; and the number of values of a night."""
    good = ", ".join(f"'{outcome}'" for outcome in (Outcome.PASSED, Outcome.WARNED))
    where = f"{MEASURED} AND outcome IN ({good}) AND waiver = ''"

    def use(connection: duckdb.DuckDBPyConnection) -> tuple[Any, float]:
        told = connection.sql("SELECT count(*), count(DISTINCT expid) FROM records")
        values, exposures = told.fetchall()[0]
        every = max(round(exposures / len(nights) / EXPOSURES), 1)
        table = connection.sql(
            "SELECT kind, measure, coalesce(camera, 'petal ' || petal, '') AS place, coalesce(program, '') AS program, night, "
            "list(value) AS given, count(*) AS number FROM records "
            f"WHERE {where} AND coalesce(expid, 0) % {every} = 0 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
        ).to_arrow_table()
        return table, values / len(nights)

    return store.ask(use, nights=nights, memory=MEMORY)


def place_of(unit: DataUnit) -> str:
    """Name whose past a unit is judged by."""
    return unit.camera or (f"petal {unit.petal}" if unit.petal is not None else "")


def mjd(night: int) -> float:
    """Modified Julian date of a night, YYYYMMDD, at the midnight that it holds in Arizona, to an hour."""
    day = datetime.date(night // 10000, night // 100 % 100, night % 100)
    return day.toordinal() + MJD_OF_ORDINAL + 1 + 7 / 24


def first_off(place: Place, *, low: float, high: float, night: int) -> int:
    """Return the first of the nights up to this one whose medians all lie outside a range."""
    first = night
    for day in reversed(place.days):
        if low <= np.median(place.values[place.nights == day]) <= high:
            break
        first = day
    return first
