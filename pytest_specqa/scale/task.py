"""One task of a plan, judged by a session of pytest in this process: killed with it, a worker leaves nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from pytest_specqa.errors import SpecQAError
from pytest_specqa.printable import printable
from pytest_specqa.processes import single_threaded
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.scale.plan import Plan, Task

FOLDER = "plan/logs"
"""Folder in the store that has what pytest said of tasks that could not be judged."""


class TaskFailed(SpecQAError):  # noqa: N818
    """A session of pytest that could not judge its task."""


class PlanChangedError(TaskFailed):
    """Code or limits that are not those of the plan: what they measure is not what was planned, of no task."""


def log_of(out: Path, task: Task) -> Path:
    """Where the output of a task is while it runs, and afterwards if it could not be judged."""
    return out / FOLDER / str(task.night) / f"{task.name}.log"


def run_task(out: Path, name: str) -> Path:
    """Judge a task in this process, and add its part to the store.

    Parameters
    ----------
    out : Path
        The store, which has the plan.
    name : str
        Of the task.

    Returns
    -------
    Path
        The folder of the part, which appeared whole; no results come back otherwise, as they would be lost with the worker.

    Raises
    ------
    TaskFailed
        In one line, if pytest could not judge. That something fails in the data is no failure of the task.
    PlanChangedError
        In one line, if the package, its tests or limits are not those of the plan; nothing was judged.
    ResultsError
        If the store has no such plan or task.
    """
    single_threaded(os.environ)
    from pytest_specqa.run import within  # noqa: PLC0415

    night = name.partition("-")[0]
    plan = Plan.read(out, nights=[int(night)] if night.isdecimal() else None)
    task = plan.task(name)
    log = log_of(out, task)
    digests = {(check.code, check.limits) for check in plan.checks}
    try:
        why = within.judge(
            [*plan.how.words(task), f"--specqa-store={out.resolve()}"], units=plan.units_of(task), log=log, digests=digests
        )
    except within.OtherDigestsError as error:
        log.unlink(missing_ok=True)
        raise PlanChangedError(f"{name}: {error}; plan anew with specqa run --replan") from None
    if why:
        raise TaskFailed(f"{name}: {why}; see {log}")
    log.unlink(missing_ok=True)
    return Store.open(out).records.folder(task.night)


def run_all(out: Path, names: Iterable[str]) -> bool:
    """Judge tasks one after the other, with a line on standard error for each that could not be; tell whether all could.

    Raises
    ------
    PlanChangedError
        As `run_task` does: no task would fare better.
    """
    good = True
    for name in names:
        try:
            run_task(out, name)
        except PlanChangedError:
            raise
        except TaskFailed as error:
            print(printable(f"specqa run-task: {error}"), file=sys.stderr)
            good = False
    return good
