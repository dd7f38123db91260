"""Carries a plan out: what is missing is handed to an engine until nothing is, and what is lost again and again is given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_specqa.errors import ResultsError
from pytest_specqa.scale import unjudged
from pytest_specqa.scale.engine import Engine, Event, Told
from pytest_specqa.scale.plan import Plan, Task
from pytest_specqa.scale.tries import Tries

NO_PART = "it left no part"


def drive(out: Path, engine: Engine, *, told: Told, given_up: Callable[[Task, str], None]) -> None:
    """Carry out what is missing of a plan.

    Parameters
    ----------
    out : Path
        The store, which has the plan.
    engine : Engine
        Carries out tasks.
    told : callable
        Takes every event of the engine.
    given_up : callable
        Takes a task that was lost three times and is recorded as not measured, and why.

    Raises
    ------
    KeyboardInterrupt
        When it is interrupted; what is missing then comes with the next run.
    ResultsError
        In one line, if code or limits are no longer those of the plan; that is no loss of a task.
    """
    plan, tries = Plan.read(out), Tries(out)
    missing = _without_hopeless(out, plan, tries, plan.missing(out), given_up=given_up)
    while missing:
        asked, lost = {task.name for task in missing}, set[str]()

        def hear(event: Event, lost: set[str] = lost) -> None:
            """Note a loss before it is told; where the plan no longer holds, no other task would fare better."""
            if event.state == "changed":
                raise ResultsError(event.why)
            if event.state in ("lost", "failed"):
                lost.add(event.task.name)
                tries.note(event)
            told(event)

        engine.run(out, missing, hear)
        # The word of an engine is not taken for what is in the store.
        missing = plan.missing(out)
        for task in missing:
            if task.name in asked - lost:
                tries.note(Event(task, "lost", NO_PART))
        missing = _without_hopeless(out, plan, tries, [task for task in missing if task.name in asked], given_up=given_up)


def hopeful(out: Path, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks that are not given up."""
    tries = Tries(out)
    return [task for task in tasks if not tries.spent(task.name)]


def _without_hopeless(
    out: Path, plan: Plan, tries: Tries, missing: Sequence[Task], *, given_up: Callable[[Task, str], None]
) -> list[Task]:
    """Record what was lost too often, which says the same however often it is done, and return the others."""
    for task in missing:
        if tries.spent(task.name):
            unjudged.record(out, plan, task, why=tries.why(task.name))
            given_up(task, tries.why(task.name))
    return [task for task in missing if not tries.spent(task.name)]
