"""Job arrays of a real Slurm: everything is judged once, whatever is killed or restarted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_specqa.errors import UsageError
from pytest_specqa.scale.engine import Event
from pytest_specqa.scale.slurm import Slurm as Engine

from .conftest import Made, Slurm


def engine() -> Engine:
    return Engine(every=0.3)


def test_a_restarted_daemon_costs_nothing_a_poison_exposure_itself_and_rows_are_those_of_one_process(
    slurm: Slurm, made: Made
) -> None:
    made.poison(21)
    made.hold(11)
    events: list[Event] = []

    def told(event: Event) -> None:
        events.append(event)
        if event.state == "started" and event.task.expid == 11:
            slurm.daemon("stop")
            made.release()
            slurm.daemon("start")

    engine().run(made.out, made.plan.tasks, told)
    assert {event.task.name: event.state for event in events if event.state != "started"} == {
        task.name: "lost" if task.expid == 21 else "done" for task in made.plan.tasks
    }
    (lost,) = (event for event in events if event.state == "lost")
    assert lost.why == "killed by signal 9"
    assert [task.expid for task in made.plan.missing(made.out)] == [21]
    assert made.threads() == {"1"}
    assert made.rows() == made.rows_of_one_process(without=21)


def test_a_killed_job_loses_what_it_judged_and_not_what_it_had_not_begun(slurm: Slurm, made: Made) -> None:
    made.hold(11)
    events: list[Event] = []

    def told(event: Event) -> None:
        events.append(event)
        if event.state == "started" and event.task.expid == 11:
            slurm.call("scancel", "--signal=KILL", "--full", event.worker.split()[1])
            made.release()

    engine().run(made.out, made.plan.tasks, told)
    assert [event.task.expid for event in events if event.state == "lost"] == [11]
    assert [task.expid for task in made.plan.missing(made.out)] == [11]


def test_an_interrupt_ends_the_jobs_and_a_second_run_meanwhile_is_refused(slurm: Slurm, made: Made) -> None:
    made.hold(11)

    def interrupted(event: Event) -> None:
        if event.task.expid == 11:
            with pytest.raises(UsageError, match=r"job \d+ of an earlier run still works on it; wait for it, or: scancel \d+$"):
                engine().run(made.out, made.plan.tasks, told=print)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine().run(made.out, made.plan.tasks, interrupted)
    assert slurm.call("squeue", "--noheader") == ""
    assert 11 in {task.expid for task in made.plan.missing(made.out)}


def test_jobs_that_cannot_begin_end_the_run_and_are_no_loss_of_a_task(
    slurm: Slurm, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    events: list[Event] = []
    with pytest.raises(UsageError, match=r"job \d+_0 ended before it began a task: FAILED; see .*/0\.log$"):
        engine().run(made.out, made.plan.tasks, events.append)
    assert events == []


def test_says_what_is_lacking_where_there_is_no_slurm(made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="sbatch is not on PATH"):
        engine().run(made.out, made.plan.tasks, print)
