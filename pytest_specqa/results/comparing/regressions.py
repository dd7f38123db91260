"""A release against the one before, verdict by verdict, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_specqa.checks.outcome import EXCUSED
from pytest_specqa.results import store
from pytest_specqa.results.comparing.flips import Flip
from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    import duckdb

PASSED, NOT_MEASURED, WARNED, FAILED = (
    outcome.rank for outcome in (Outcome.PASSED, Outcome.NOT_MEASURED, Outcome.WARNED, Outcome.FAILED)
)
RANK = "CASE outcome " + " ".join(f"WHEN '{one}' THEN {one.rank}" for one in Outcome) + f" ELSE {FAILED} END"
WEIGHT = f"CASE WHEN coalesce(waiver, '') <> '' THEN least({RANK}, {EXCUSED.rank}) ELSE {RANK} END"
"""What one row weighs; the largest of a check is `pytest_specqa.checks.outcome.CheckOutcome.weight`."""
CELL = store.key("unit", "expectation")
INSENSITIVE = "coalesce(sensitivity > needs, false)"


@dataclass(frozen=True)
class Regressions:
    """Verdicts that became worse than in the baseline.

    Attributes
    ----------
    counts : dict of Flip to int
        ``broken``, ``missing`` and ``lost``, as `pytest_specqa.results.comparing.flips` defines them.
    examples : tuple of (Flip, str, str)
        Change, unit and expectation.
    """

    counts: dict[Flip, int]
    examples: tuple[tuple[Flip, str, str], ...]

    @property
    def total(self) -> int:
        """Number of verdicts that became worse."""
        return sum(self.counts.values())


def count_regressions(connection: duckdb.DuckDBPyConnection, baseline: Sequence[str], *, listed: int) -> Regressions:
    """Compare the view ``judged`` with stored results.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``judged``, one row per measurement with its waiver or NULL.
    baseline : sequence of str
        Results files or patterns of the release before.
    listed : int
        Most examples to name.

    Raises
    ------
    ResultsError
        If a baseline file is missing, empty or malformed.
    """
    store.scan(baseline, connection=connection).create_view("baseline")
    for view, cells in (("baseline", "old_cells"), ("judged", "new_cells")):
        connection.execute(f"""
            CREATE TABLE {cells} AS
            SELECT {CELL} AS cell, max({WEIGHT})::TINYINT AS worst,
                bool_or(outcome = '{Outcome.NOT_MEASURED}' AND NOT {INSENSITIVE}) AS impossible
            FROM {view} GROUP BY ALL""").fetchall()
    connection.execute(f"""
        CREATE TABLE regressed AS
        SELECT cell, if(new.worst = {FAILED}, '{Flip.BROKEN}', if(new.worst IS NULL, '{Flip.MISSING}', '{Flip.LOST}')) AS flip
        FROM old_cells AS old FULL JOIN new_cells AS new USING (cell)
        WHERE (new.worst = {FAILED} AND coalesce(old.worst, {PASSED}) < {FAILED}) OR new.worst IS NULL
            OR (new.worst = {NOT_MEASURED} AND new.impossible AND old.worst IN ({PASSED}, {WARNED}))""").fetchall()
    # A night or expectation that only one of the two holds was not asked for there: no regression.
    names = []
    for view, other, flips in (
        ("judged", "baseline", f"flip <> '{Flip.MISSING}'"),
        ("baseline", "judged", f"flip = '{Flip.MISSING}'"),
    ):
        names.append(f"""
            SELECT DISTINCT flip, unit, expectation FROM {view} JOIN regressed ON cell = {CELL}
            WHERE {flips} AND expectation IN (SELECT DISTINCT expectation FROM {other})
                AND (night IS NULL OR night IN (SELECT DISTINCT night FROM {other}))""")
    connection.execute(f"CREATE TABLE regressions AS {' UNION ALL '.join(names)}").fetchall()
    counts = dict(connection.execute("SELECT flip, count(*) FROM regressions GROUP BY flip").fetchall())
    rows = connection.execute(f"SELECT * FROM regressions ORDER BY flip, unit, expectation LIMIT {listed}").fetchall()
    kinds = (Flip.BROKEN, Flip.MISSING, Flip.LOST)
    return Regressions(
        {kind: counts.get(str(kind), 0) for kind in kinds}, tuple((Flip(kind), unit, name) for kind, unit, name in rows)
    )
