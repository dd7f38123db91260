"""Workers of Dask, of this machine and as jobs of a real Slurm: a worker that dies costs the task that it was at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.results.storing.planned import PLAN
from pytest_specqa.scale.dask import SLURM, Dask
from pytest_specqa.scale.engine import Event
from pytest_specqa.scale.plan import Plan

from .conftest import Made, Slurm

pytest.importorskip("distributed", reason="needs Dask (pip install 'pytest-specqa[scale]')")


def test_a_poison_exposure_costs_only_itself_and_rows_are_those_of_one_process(made: Made) -> None:
    made.poison(11)
    events: list[Event] = []
    Dask(workers=1).run(made.out, made.plan.tasks, events.append)
    assert {event.task.name: event.state for event in events if event.state != "started"} == {
        task.name: "lost" if task.expid == 11 else "done" for task in made.plan.tasks
    }
    assert [event.why for event in events if event.state == "lost"] == ["its worker died"]
    assert made.threads() == {"1"}
    assert made.rows() == made.rows_of_one_process(without=11)


def test_a_killed_job_is_submitted_again_and_costs_the_task_that_it_was_at(slurm: Slurm, made: Made) -> None:
    pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue (pip install 'pytest-specqa[scale]')")
    made.scancel(11)
    events: list[Event] = []
    Dask(workers=1, cluster=SLURM).run(made.out, made.plan.tasks, events.append)
    assert [event.task.expid for event in events if event.state == "lost"] == [11]
    assert [task.expid for task in made.plan.missing(made.out)] == [11]
    # A job that was cancelled is listed until its node has cleaned up.
    assert slurm.call("squeue", "--noheader", "--states=PENDING,RUNNING") == ""


def test_says_what_is_lacking_where_no_scheduler_answers(made: Made) -> None:
    with pytest.raises(UsageError, match="no-address: no scheduler of Dask answers there"):
        Dask(cluster="no-address").run(made.out, made.plan.tasks, print)


def test_tests_that_are_not_those_of_the_plan_are_told_as_such(made: Made) -> None:
    others = tuple(replace(check, code="0" * 16) for check in made.plan.checks)
    Plan(made.plan.how, others, made.plan.units).write(made.out / PLAN)
    events: list[Event] = []
    Dask(workers=1).run(made.out, made.plan.tasks[:1], events.append)
    assert [event.state for event in events] == ["started", "changed"]
    assert "changed after it was planned" in events[1].why
    assert made.rows() == []
