"""Processes of this machine, whose numbers are those of one process: each has one thread for linear algebra."""

from __future__ import annotations

import numpy as np

from pytest_specqa.scale.engine import Event
from pytest_specqa.scale.local import Local

from .conftest import Made


def test_a_worker_has_one_thread_though_the_process_that_starts_it_has_as_many_as_it_likes(made: Made) -> None:
    np.linalg.inv(np.eye(3))
    events: list[Event] = []
    Local(1).run(made.out, made.plan.tasks[:1], events.append)
    assert [event.state for event in events] == ["started", "done"]
    assert made.threads() == {"1"}
