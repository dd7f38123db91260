"""One night of a store in SQL: what became of every unit, what is bad in full, and each measure in a few numbers per camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pytest_specqa.checks.verdict import Verdict
from pytest_specqa.results.records import from_row
from pytest_specqa.results.storing import asking
from pytest_specqa.values import Outcome, Record

if TYPE_CHECKING:
    import duckdb
    import pyarrow

    from pytest_specqa.results.storing.dataset import Store

RANKS = f"list_position({[str(outcome) for outcome in Outcome]}, outcome) - 1"
WARNED = Outcome.WARNED.rank
WEIGHT = f"""CASE WHEN outcome = 'failed' AND (coalesce(waiver, '') <> '' OR coalesce(extra, '') LIKE '%"known": true%')
    THEN {WARNED} ELSE {RANKS} END"""
"""Rank of an outcome where a failure that somebody answers for weighs as `pytest_specqa.checks.outcome.EXCUSED`."""
PLAIN = "any_value(json_extract_string(extra, '$.plain'))"
SLIM = (
    "unit", "kind", "night", "expid", "tile", "camera", "petal", "expectation", "measure", "value", "error", "value_unit",
    "outcome", "stage",
)  # fmt: skip
"""Columns that triage needs of what is sound: whether it was judged, where, and to what value."""
MEASURE = SLIM.index("measure")
COMPARED = ("sky_line_width",)
"""Measures that triage compares between units though they pass (`pytest_specqa.triage.rules.asks.wider`)."""


@dataclass(frozen=True)
class Cell:
    """What became of one unit: number of checks by the rank of their outcome, and the worst."""

    unit: str
    kind: str
    expid: int | None
    tile: int | None
    camera: str | None
    petal: int | None
    counts: tuple[int, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome; not measured beside passed is passed."""
        worst = max((one for one in Outcome if self.counts[one.rank]), key=lambda one: one.rank, default=Outcome.NOT_MEASURED)
        return Outcome.PASSED if worst is Outcome.NOT_MEASURED and self.counts[Outcome.PASSED.rank] else worst


@dataclass(frozen=True)
class Night:
    """What the pages of a night are made from.

    Attributes
    ----------
    night : int
        YYYYMMDD.
    cells : list of Cell
        One for each unit.
    verdict : Verdict
        Of all checks of the night.
    bad : list of dict
        Records that fail or warn, in full.
    sound : list of dict
        The other records with what triage needs of them; empty where nothing is bad.
    values : list of tuple
        ``(measure, expid, camera, value, rank)`` of the cameras, by measure, exposure and camera.
    others : list of tuple
        ``(unit, measure, value, unit of the value, rank)`` of all other units.
    measures : dict of str to tuple
        Plain words, unit, low, high, warn_low and warn_high of each measure.
    """

    night: int
    cells: list[Cell]
    verdict: Verdict
    bad: list[Record]
    sound: list[Record]
    values: list[tuple[Any, ...]] = field(default_factory=list)
    others: list[tuple[Any, ...]] = field(default_factory=list)
    measures: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def tiles(self) -> dict[int, int | None]:
        """Tile of each exposure, by exposure."""
        found: dict[int, int | None] = {}
        for cell in self.cells:
            if cell.expid is not None:
                found[cell.expid] = found.get(cell.expid) or cell.tile
        return dict(sorted(found.items()))


def opened(store: Store, night: int, *, threads: int = 1, memory: str = "700MB") -> duckdb.DuckDBPyConnection:
    """Open one night as a table ``now`` of its current records."""
    connection = asking.connected(memory)
    connection.execute(f"SET threads = {threads}")
    asking.make_views(connection, store.records, store.kept, nights=[night])
    connection.execute(f"CREATE TEMP TABLE now AS SELECT * EXCLUDE (content, added), {WEIGHT} AS rank FROM records")
    return connection


def read(connection: duckdb.DuckDBPyConnection, night: int) -> Night:
    """Read a night from what `opened` gives."""
    bad = _bad(connection)
    cells, verdict = _checks(connection)
    measures = _measures(connection)
    return Night(
        night,
        cells=cells,
        verdict=verdict,
        bad=bad,
        sound=_sound(connection, {name: about[0] or "" for name, about in measures.items()}) if bad else [],
        values=connection.execute(
            "SELECT measure, expid, camera, value, rank FROM now WHERE camera IS NOT NULL ORDER BY ALL"
        ).fetchall(),
        others=connection.execute(
            "SELECT unit, measure, value, value_unit, rank FROM now WHERE camera IS NULL ORDER BY ALL"
        ).fetchall(),
        measures=measures,
    )


def _checks(connection: duckdb.DuckDBPyConnection) -> tuple[list[Cell], Verdict]:
    """Reduce records to checks, and these to units and to the verdict, as `pytest_specqa.checks.outcome.reduce` does."""
    rows = connection.execute(
        f"""SELECT unit, any_value(kind), any_value(expid), any_value(tile), any_value(camera), any_value(petal), expectation,
                max(rank), max({RANKS}), bool_or(outcome = 'failed' AND coalesce(waiver, '') = '')
            FROM now GROUP BY unit, expectation ORDER BY unit, expectation"""
    ).fetchall()
    places: dict[str, tuple[str, str, int | None, int | None, str | None, int | None]] = {}
    counts: dict[str, list[int]] = {}
    outcomes, excused, ranked = {}, [0, 0], list(Outcome)
    for unit, kind, expid, tile, camera, petal, expectation, rank, raw, unwaived in rows:
        places[unit] = (unit, kind, expid, tile, camera, petal)
        counts.setdefault(unit, [0] * len(ranked))[rank] += 1
        if raw > rank:
            excused[unwaived] += 1
        else:
            outcomes[unit, expectation] = ranked[rank]
    cells = [Cell(*places[unit], counts=tuple(of)) for unit, of in counts.items()]
    return cells, Verdict(outcomes, waived=excused[0], known=excused[1])


def _bad(connection: duckdb.DuckDBPyConnection) -> list[Record]:
    rows = connection.sql(
        "SELECT * EXCLUDE (rank) FROM now WHERE outcome IN ('failed', 'warned') ORDER BY unit, expectation, measure"
    )
    return [cast("Record", from_row(row)) for row in rows.to_arrow_table().to_pylist()]


def _sound(connection: duckdb.DuckDBPyConnection, plain: Mapping[str, str]) -> list[Record]:
    """Read of what is sound that by which triage bounds a fault, of 64,000 values a few thousand.

    The same measures elsewhere, everything of the same units, of the exposures of what is bad without a camera, and one value of
    every other unit.
    """
    cursor = connection.execute(
        f"""WITH bad AS (SELECT * FROM now WHERE outcome IN ('failed', 'warned')),
            wide AS (SELECT DISTINCT expid, tile FROM bad WHERE camera IS NULL)
        SELECT {", ".join(SLIM)} FROM now
        WHERE outcome NOT IN ('failed', 'warned') AND (
            measure IN (SELECT measure FROM bad) OR unit IN (SELECT unit FROM bad) OR measure IN (SELECT unnest(?::VARCHAR[]))
            OR expid IN (SELECT expid FROM wide WHERE expid IS NOT NULL)
            OR tile IN (SELECT tile FROM wide WHERE expid IS NULL)
            OR (unit, expectation, measure) IN (SELECT (unit, min(expectation), arg_min(measure, expectation))
                FROM now GROUP BY unit))
        ORDER BY unit, expectation, measure""",
        [list(COMPARED)],
    )
    made = [dict(zip((*SLIM, "plain"), (*row, plain.get(row[MEASURE], "")), strict=True)) for row in cursor.fetchall()]
    return cast("list[Record]", made)


def _measures(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[Any, ...]]:
    rows = connection.execute(
        f"""SELECT measure, {PLAIN}, any_value(value_unit), mode(low), mode(high), mode(warn_low), mode(warn_high)
            FROM now GROUP BY measure ORDER BY measure"""
    ).fetchall()
    return {name: tuple(rest) for name, *rest in rows}


def summed(connection: duckdb.DuckDBPyConnection) -> pyarrow.Table:
    """Reduce a night to one row for each measure and camera (or petal, or kind of unit), for the pages over all nights.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `opened`.

    Returns
    -------
    pyarrow.Table
        Columns night, measure, place, least, middle (the median), largest, n, rank (the worst), bad (values that fail
        or warn), first (the exposure, or tile, of the worst), limits of the measure, its plain words and its unit.
    """
    return connection.sql(
        f"""SELECT any_value(night) AS night, measure, coalesce(camera, 'petal' || petal, kind) AS place,
                min(value) AS least, median(value) AS middle, max(value) AS largest, count(*)::INTEGER AS n,
                max(rank)::TINYINT AS rank,
                (count(*) FILTER (rank >= {WARNED}))::INTEGER AS bad, arg_max(coalesce(expid, tile), rank) AS first,
                mode(low) AS at_least, mode(high) AS at_most, mode(warn_low) AS warn_below, mode(warn_high) AS warn_above,
                {PLAIN} AS plain, any_value(value_unit) AS value_unit
            FROM now GROUP BY measure, place ORDER BY place, measure"""
    ).to_arrow_table()
