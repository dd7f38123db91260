"""The questions that the gate asks a release, as SQL over columns that are never loaded as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pytest_specqa.checks.whole import Extent, total
from pytest_specqa.errors import EmptyResultsError, ResultsError
from pytest_specqa.results import store
from pytest_specqa.results.records import OUTCOMES, check
from pytest_specqa.results.store import EXTRA
from pytest_specqa.rules.policy import Policy, Terms
from pytest_specqa.rules.waivers import Ledger
from pytest_specqa.triage import STAGES
from pytest_specqa.values import NO_NIGHT, UNJUDGED, Outcome, Record, Severity, Verified

if TYPE_CHECKING:
    import duckdb

WAIVED = "waived"
ROWS_PER_FETCH = 10_000
UNITS_NAMED = 3
OUTCOME_OF = {Severity.FAIL: str(Outcome.FAILED), Severity.WARN: str(Outcome.WARNED)}
_LOW, _HIGH = (f"if(outcome = '{Outcome.FAILED}', {side}, warn_{side})" for side in ("low", "high"))
EXCESS = f"""CASE WHEN value IS NULL THEN 'inf'::DOUBLE
    WHEN value > {_HIGH} THEN if({_HIGH} > 0, value / {_HIGH}, 'inf'::DOUBLE)
    WHEN value < {_LOW} THEN if(value > 0, {_LOW} / value, if({_LOW} <> 0, 1 + ({_LOW} - value) / abs({_LOW}), 'inf'::DOUBLE))
    ELSE 0 END"""
"""How many times over its limit a value is: `pytest_specqa.triage.excess` in SQL."""
STAGE = "CASE stage " + " ".join(f"WHEN '{stage}' THEN {place}" for place, stage in enumerate(STAGES)) + f" ELSE {len(STAGES)} END"
JUDGED = f"outcome NOT IN ({', '.join(repr(str(one)) for one in sorted(UNJUDGED))})"
NIGHTS, LARGEST_NIGHT = 5, 200_000
"""Nights whose findings are told, those with most failures first, and the measurements that one of them may have."""


class Release:
    """Results files as one table.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Gets the views ``found`` (every measurement, with its part of the policy) and ``judged`` (with its waiver).
    files : sequence of Path
        Results files.
    policy : Policy
        Its overrides divide the release into parts: 0, 1 ... for the overrides, the last for the rest.

    Raises
    ------
    ResultsError
        If a file is empty or malformed.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Sequence[Path], policy: Policy) -> None:
        self._connection, self._policy = connection, policy
        store.scan(files, connection=connection).create_view("stored")
        parts = [_condition({"survey": override.survey, "program": override.program}) for override in policy.overrides]
        cases = " ".join(f"WHEN {condition} THEN {index}" for index, condition in enumerate(parts))
        part = f"CASE {cases} ELSE {len(parts)} END" if parts else "0"
        self._run(f"CREATE VIEW found AS SELECT * EXCLUDE (waiver, waiver_reason), {part} AS part FROM stored")
        self._refuse_strangers(files)

    def _run(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._connection.execute(query, list(values)).fetchall()
        return rows

    def _refuse_strangers(self, files: Sequence[Path]) -> None:
        """A row whose outcome is unknown would be counted nowhere, and so pass."""
        known = ", ".join(f"'{name}'" for name in OUTCOMES)
        strange = f"outcome IS NULL OR outcome NOT IN ({known}) OR unit IS NULL OR expectation IS NULL OR measure IS NULL"
        ((every, wrong),) = self._run(f"SELECT count(*), count(*) FILTER (WHERE {strange}) FROM found")
        if wrong:
            raise store.damaged(files, ValueError(f"{wrong} of {every} rows are no measurements of pytest-specqa"))
        if not every:
            raise EmptyResultsError(f"{files[0]}: holds no measurements, which proves nothing")

    def apply(self, ledger: Ledger) -> None:
        """Judge what lies in the scope of a waiver; only these rows pass through Python."""
        import pyarrow as pa  # noqa: PLC0415

        scopes = [waiver.scope.sql() for waiver in ledger.waivers]
        waived: dict[Literal["unit", "expectation", "measure", "waiver"], list[str]]
        waived = {"unit": [], "expectation": [], "measure": [], "waiver": []}
        if scopes:
            each = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition, _ in scopes)
            values = [value for _, found in scopes for value in found]
            ((*measured,),) = self._run(f"SELECT {each} FROM found WHERE {JUDGED}", values)
            ledger.measured.update({waiver.id: count for waiver, count in zip(ledger.waivers, measured, strict=True)})
            anywhere = " OR ".join(f"({condition})" for condition, _ in scopes)
            bad = f"outcome IN ('{Outcome.FAILED}', '{Outcome.WARNED}')"
            for record in self._stream(f"SELECT * FROM found WHERE {bad} AND ({anywhere})", values):
                marked = ledger.judge(_with_features(record))
                if marked["waiver"]:
                    for name in waived:
                        waived[name].append(marked[name])
        table = pa.table(waived, schema=pa.schema([(name, pa.string()) for name in waived]))
        self._connection.register("waived_rows", table)
        self._run("CREATE TABLE waived AS SELECT DISTINCT * FROM waived_rows")
        self._run("CREATE VIEW judged AS SELECT * FROM found LEFT JOIN waived USING (unit, expectation, measure)")

    def _stream(self, query: str, values: Sequence[Any]) -> Iterator[Record]:
        with self._connection.cursor() as cursor:
            cursor.execute(query, list(values))
            names = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(ROWS_PER_FETCH):
                yield from (cast("Record", dict(zip(names, row, strict=True))) for row in rows)

    def counts(self) -> dict[tuple[int, str, str], int]:
        """Measurements by part, expectation and outcome, where ``waived`` is an outcome of its own."""
        outcome = f"CASE WHEN waiver IS NULL THEN outcome ELSE '{WAIVED}' END"
        rows = self._run(f"SELECT part, expectation, {outcome}, count(*) FROM judged GROUP BY ALL ORDER BY ALL")
        return {(part, expectation, found): count for part, expectation, found, count in rows}

    def nights(self) -> tuple[int, int, int]:
        """First and last night, and their number; pixels of the sky are of none."""
        ((first, last, count),) = self._run(
            f"SELECT min(night), max(night), count(DISTINCT night) FROM found WHERE night <> {NO_NIGHT}"
        )
        return first or 0, last or 0, count

    def unverified(self) -> tuple[int, list[str]]:
        """Count measurements of files of which less was verified than the policy asks, and name the first of these units.

        Older results do not say what was verified; those of checks that read no file have nothing to say.
        """
        enough = [str(level) for level in Verified if level.rank >= self._policy.verified.rank]
        accepted = ", ".join(f"'{level}'" for level in ["", *enough])
        weaker = f"(verified IS NULL OR verified NOT IN ({accepted}))" if self._policy.verified.rank else "false"
        ((total,),) = self._run(f"SELECT count(*) FROM found WHERE {weaker}")
        named = self._run(
            f"SELECT DISTINCT unit, coalesce(verified, 'not known') FROM found WHERE {weaker} ORDER BY ALL LIMIT {UNITS_NAMED}"
        )
        return int(total), [f"{unit} ({level})" for unit, level in named]

    def repeated(self) -> int:
        """Measurements that are given more than once."""
        names = f"SELECT count(*) AS n FROM found GROUP BY {store.key('unit', 'expectation', 'measure')}"
        ((count,),) = self._run(f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM ({names}) WHERE n > 1")
        return int(count)

    def extent(self) -> Extent:
        """How much of what its runs had planned is judged."""
        checks = f"""SELECT coalesce(run, '') AS run, max(planned) AS planned FROM found WHERE planned IS NOT NULL
            GROUP BY coalesce(run, ''), {store.key("unit", "expectation")}"""
        runs = self._run(f"SELECT count(*), max(planned) FROM ({checks}) GROUP BY run")
        ((unknown,),) = self._run("SELECT count(*) FROM found WHERE planned IS NULL")
        return total(((int(judged), int(planned)) for judged, planned in runs), unknown=int(unknown))

    def _blocks(self) -> str:
        """SQL for what blocks."""
        terms: list[Terms] = [*(override.terms for override in self._policy.overrides), self._policy.terms]
        conditions = " OR ".join(
            f"(part = {index} AND outcome IN ({', '.join(repr(OUTCOME_OF[severity]) for severity in part.block)}))"
            for index, part in enumerate(terms)
        )
        return f"waiver IS NULL AND ({conditions})"

    def blocking(self, listed: int) -> tuple[list[Record], int]:
        """Measurements that block, by stage of the data flow and then by size, and the number of all that do."""
        where = self._blocks()
        ((every,),) = self._run(f"SELECT count(*) FROM judged WHERE {where}")
        order = f"outcome, {STAGE}, {EXCESS} DESC, unit, expectation, measure"
        rows = self._stream(f"SELECT * FROM judged WHERE {where} ORDER BY {order} LIMIT {listed}", [])
        return [_with_features(row) for row in rows], int(every)

    def blocked_checks(self) -> dict[int, int]:
        """Number of checks, a unit and an expectation each, that block in each part."""
        checks = f"SELECT DISTINCT part, unit, expectation FROM judged WHERE {self._blocks()}"
        return dict(self._run(f"SELECT part, count(*) FROM ({checks}) GROUP BY part"))

    def blocked_nights(self) -> list[int]:
        """Nights with something that blocks, most of it first."""
        rows = self._run(
            f"SELECT night FROM judged WHERE night IS NOT NULL AND {self._blocks()} GROUP BY night ORDER BY count(*) DESC, night"
        )
        return [night for (night,) in rows]

    def nights_of(self, nights: Sequence[int]) -> Iterator[tuple[int, list[Record]]]:
        """All measurements of some nights but waived ones, night by night, good ones without their words; no night with too many.

        One query for all: each one opens every file of the release.
        """
        bad = f"outcome IN ('{Outcome.FAILED}', '{Outcome.WARNED}')"
        chosen = f"(waiver IS NULL OR NOT {bad}) AND night IN ({', '.join(map(str, nights)) or 'NULL'})"
        sizes = self._run(f"SELECT night, count(*) FROM judged WHERE {chosen} GROUP BY night")
        few = ", ".join(str(night) for night, count in sizes if count <= LARGEST_NIGHT) or "NULL"
        words = ", ".join(f"if({bad}, {name}, '') AS {name}" for name in ("message", "source"))
        where = f"{chosen} AND night IN ({few}) ORDER BY night"
        rows = self._stream(f"SELECT * EXCLUDE (products) REPLACE ({words}) FROM judged WHERE {where}", [])
        for night, found in groupby(rows, key=lambda row: row["night"]):
            yield night, [_with_features(row) for row in found]


def _with_features(record: Record) -> Record:
    """Undo what the table made of features, phrase and name; good values have none, and older results no name.

    Raises
    ------
    ResultsError
        If a field is of the wrong type: SQL takes what findings and waivers cannot.
    """
    found: dict[str, Any] = {name: value for name, value in record.items() if name not in EXTRA or value is not None}
    if features := found.get("features"):
        try:
            found["features"] = json.loads(features)
        except (ValueError, RecursionError) as error:
            raise ResultsError(f"results of {found['unit']}: 'features' is no JSON that can be read ({error})") from None
    return check(found, where=f"results of {found['unit']}")


def _condition(wanted: dict[str, str | None]) -> str:
    """SQL for equality; the names come from the policy file, so that quotes are doubled."""
    quoted = [(name, value.replace("'", "''")) for name, value in wanted.items() if value is not None]
    return " AND ".join(f"{name} = '{value}'" for name, value in quoted)
