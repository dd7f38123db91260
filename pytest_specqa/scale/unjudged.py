"""What a store is told of a task that no worker survived: every check of its units, not measured."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from pathlib import Path

from pytest_specqa import __version__
from pytest_specqa.checks.check import Check
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.storing.planned import DIED
from pytest_specqa.rules.limits import Limits
from pytest_specqa.scale.plan import Plan, Task, band
from pytest_specqa.values import DataUnit, NoValue, Record


def record(out: Path, plan: Plan, task: Task, *, why: str) -> None:
    """Add to a store that a task could not be judged; what a worker has stored before it died stays.

    Parameters
    ----------
    out : Path
        The store.
    plan : Plan
        Its plan.
    task : Task
        Which.
    why : str
        What became of its tries.
    """
    records = list(_records(plan, task, f"{DIED}: {why}"))
    run = f"{datetime.datetime.now(tz=datetime.UTC):%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
    for one in records:
        one["run"], one["planned"] = run, len(records)
    Store.open(out).add(records, again=True)


def _records(plan: Plan, task: Task, reason: str) -> Iterator[Record]:
    versions = {"pytest-specqa": __version__, "production": plan.how.production}
    for row in plan.rows_of(task):
        places = {name: row[name] for name in ("expid", "tile", "camera", "petal")}
        unit = DataUnit(row["unit_kind"], row["night"], **places)
        for asked in plan.checks:
            if (asked.kind, asked.band) == (unit.kind, band(unit.camera)):
                check = Check(unit, asked.expectation, "", Limits(), Path(plan.how.root), versions=versions)
                check.not_measured(NoValue.CRASH, reason)
                (found,) = check.records()
                found["code"], found["limits"], found["inputs"] = asked.code, asked.limits, ""
                yield found
