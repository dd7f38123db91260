"""Processes of this machine and elements of an array by hand: their numbers are those of one process, with one thread each."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from pytest_specqa import cli as program
from pytest_specqa.scale.engine import Event
from pytest_specqa.scale.local import Local

from .conftest import Made


def test_a_worker_has_one_thread_though_the_process_that_starts_it_has_as_many_as_it_likes(made: Made) -> None:
    np.linalg.inv(np.eye(3))
    events: list[Event] = []
    Local(1).run(made.out, made.plan.tasks[:1], events.append)
    assert [event.state for event in events] == ["started", "done"]
    assert made.threads() == {"1"}


def test_an_element_of_an_array_by_hand_has_one_thread_too(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    words = [sys.executable, "-m", "pytest_specqa.cli", "run-task", made.out, "--night=20211014"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert {task.night for task in made.plan.missing(made.out)} == {20211015}
    for night, told in (
        ("20211014", "night 20211014: all is judged\n"),
        ("20211013", "night 20211013: the plan has no task of it\n"),
    ):
        assert program.main(["run-task", str(made.out), f"--night={night}"]) == 0
        assert capsys.readouterr().out == told
    assert made.threads() == {"1"}
