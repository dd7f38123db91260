"""The questions that the gate asks a release, as SQL over columns that are never loaded as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pytest_specqa.errors import EmptyResultsError
from pytest_specqa.results import store
from pytest_specqa.results.records import OUTCOMES
from pytest_specqa.rules.policy import Policy, Terms
from pytest_specqa.rules.waivers import Ledger
from pytest_specqa.values import Outcome, Record, Severity

if TYPE_CHECKING:
    import duckdb

WAIVED = "waived"
ROWS_PER_FETCH = 10_000
OUTCOME_OF = {Severity.FAIL: str(Outcome.FAILED), Severity.WARN: str(Outcome.WARNED)}
# Relative distance beyond the limit; what has no value at all comes first.
EXCESS = """coalesce(greatest(value - high, low - value, value - warn_high, warn_low - value)
    / greatest(abs(coalesce(high, low, warn_high, warn_low)), 1e-30), 'inf'::DOUBLE)"""


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
        ((total, wrong),) = self._run(f"SELECT count(*), count(*) FILTER (WHERE {strange}) FROM found")
        if wrong:
            raise store.damaged(files, ValueError(f"{wrong} of {total} rows are no measurements of pytest-specqa"))
        if not total:
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
            ((*measured,),) = self._run(f"SELECT {each} FROM found WHERE outcome <> '{Outcome.NOT_MEASURED}'", values)
            ledger.measured.update({waiver.id: count for waiver, count in zip(ledger.waivers, measured, strict=True)})
            anywhere = " OR ".join(f"({condition})" for condition, _ in scopes)
            bad = f"outcome IN ('{Outcome.FAILED}', '{Outcome.WARNED}')"
            for record in self._stream(f"SELECT * FROM found WHERE {bad} AND ({anywhere})", values):
                marked = ledger.judge(record)
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
        """First and last night, and their number."""
        ((first, last, count),) = self._run("SELECT min(night), max(night), count(DISTINCT night) FROM found")
        return first or 0, last or 0, count

    def repeated(self) -> int:
        """Measurements that are given more than once."""
        names = f"SELECT count(*) AS n FROM found GROUP BY {store.key('unit', 'expectation', 'measure')}"
        ((count,),) = self._run(f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM ({names}) WHERE n > 1")
        return int(count)

    def blocking(self, listed: int) -> tuple[list[Record], int]:
        """The worst measurements that block, and the number of all that do."""
        terms: list[Terms] = [*(override.terms for override in self._policy.overrides), self._policy.terms]
        conditions = " OR ".join(
            f"(part = {index} AND outcome IN ({', '.join(repr(OUTCOME_OF[severity]) for severity in part.block)}))"
            for index, part in enumerate(terms)
        )
        where = f"waiver IS NULL AND ({conditions})"
        ((total,),) = self._run(f"SELECT count(*) FROM judged WHERE {where}")
        order = f"outcome, {EXCESS} DESC, unit, expectation, measure"
        return list(self._stream(f"SELECT * FROM judged WHERE {where} ORDER BY {order} LIMIT {listed}", [])), int(total)


def _condition(wanted: dict[str, str | None]) -> str:
    """SQL for equality; the names come from the policy file, so that quotes are doubled."""
    quoted = [(name, value.replace("'", "''")) for name, value in wanted.items() if value is not None]
    return " AND ".join(f"{name} = '{value}'" for name, value in quoted)
