"""How far a run is, told while it goes on: rate, time left and what was found so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pytest_specqa.checks.outcome import is_excused
from pytest_specqa.checks.wording import count
from pytest_specqa.printable import printable
from pytest_specqa.results.records import SQL_TYPES, from_row
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.scale.engine import Event
from pytest_specqa.scale.plan import Plan, Task
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import NoValue, Outcome

if TYPE_CHECKING:
    import duckdb

SCREEN, LOG = 0.5, 30.0
"""Seconds between two lines of a terminal, which replace one another, and of a log."""
EVERY = 5.0
"""Seconds between two looks into the store for what was found."""
BAR = "{n_fmt}/{total_fmt} checks {bar} {percentage:3.0f} %, {rate_fmt}, {remaining} left{postfix}"


class Progress:
    """Takes the events of a run and shows them.

    Parameters
    ----------
    out : Path
        The store.
    plan : Plan
        Its plan.
    missing : collection of Task
        What is not done.
    stream : file
        Where it is shown.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        out: Path,
        plan: Plan,
        *,
        missing: Collection[Task],
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from tqdm import tqdm  # noqa: PLC0415

        self.found = Found(out, plan)
        left = {task.name for task in missing}
        done = [task for task in plan.tasks if task.name not in left]
        for task in done:
            self.found.add(task)
        self.lost = 0
        self._clock, self._looked = clock, clock()
        stream = stream or sys.stderr
        self.bar: Any = tqdm(
            total=sum(task.checks for task in plan.tasks),
            initial=sum(task.checks for task in done),
            unit=" checks",
            file=stream,
            mininterval=SCREEN if stream.isatty() else LOG,
            bar_format=BAR,
            smoothing=0.05,
            dynamic_ncols=True,
        )

    def told(self, event: Event) -> None:
        """Take an event."""
        if event.state == "done":
            self.found.add(event.task)
            self.bar.update(event.task.checks)
        elif event.state in ("lost", "failed"):
            self.lost += 1
            what = f"{event.task.name} is lost ({event.why})" if event.state == "lost" else event.why
            self.say(f"{what}; it is tried again")
        if self._clock() - self._looked >= EVERY:
            self._look()

    def given_up(self, task: Task, why: str) -> None:
        """Take a task that is given up."""
        self.found.add(task)
        self.bar.update(task.checks)
        self.say(f"{task.name} is given up and recorded as not measured, its worker died: {why}; once mended, try it with --replan")

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self.bar.write(printable(text), file=self.bar.fp)

    def end(self) -> None:
        """Show the last state."""
        self._look()
        self.bar.close()

    def _look(self) -> None:
        self.found.look()
        self._looked = self._clock()
        self.bar.set_postfix_str(self.found.told + (f", {count(self.lost, 'task')} lost" if self.lost else ""), refresh=False)


class Found:
    """What failed, warns or could not be judged in the tasks that are done, as it is in the store.

    Parameters
    ----------
    out : Path
        The store.
    plan : Plan
        Its plan.

    Attributes
    ----------
    failing, warning : int
        Findings, each of one task.
    dead : int
        Checks that were not made, as their worker died.
    """

    def __init__(self, out: Path, plan: Plan) -> None:
        self._out, self._plan = out, plan
        self._waiting: list[Task] = []
        self.failing = self.warning = self.dead = 0

    def add(self, task: Task) -> None:
        """Note that a task is done."""
        self._waiting.append(task)

    @property
    def told(self) -> str:
        """Say it in a few words."""
        warning = f", {count(self.warning, 'warning')}" if self.warning else ""
        return count(self.failing, "finding") + warning + (f", {count(self.dead, 'check')} whose worker died" if self.dead else "")

    def look(self) -> None:
        """Look into the store for what was found in tasks that were done since the last look."""
        if not self._waiting:
            return
        done, self._waiting = self._waiting, []
        units = self._plan.tasks_of_units(done)
        names = ", ".join(SQL_TYPES)
        bad = f"outcome IN ('{Outcome.FAILED}', '{Outcome.WARNED}') OR measure = '{NoValue.CRASH}'"

        def ask(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
            """Return what is bad in these nights."""
            rows: list[dict[str, Any]] = connection.sql(f"SELECT {names} FROM records WHERE {bad}").to_arrow_table().to_pylist()
            return rows

        of_task: dict[str, list[Any]] = {}
        for row in Store.open(self._out).ask(ask, nights={task.night for task in done}):
            if row["unit"] in units:
                of_task.setdefault(units[row["unit"]], []).append(from_row(row))
        for records in of_task.values():
            self.dead += sum(record["outcome"] == Outcome.NOT_MEASURED for record in records)
            made = findings(record for record in records if not is_excused(record))
            failing = sum(finding.outcome is Outcome.FAILED for finding in made)
            self.failing, self.warning = self.failing + failing, self.warning + len(made) - failing
