"""What carries out tasks: processes of this machine, a batch system or a cluster, all behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pytest_specqa.scale.plan import Task

State = Literal["started", "done", "lost", "failed", "changed"]


@dataclass(frozen=True)
class Event:
    """What became of a task.

    Attributes
    ----------
    task : Task
        Which.
    state : str
        ``started``; ``done``; ``lost``, where its worker died or its part is not there; ``failed``, where pytest could not judge;
        ``changed``, where the code or the limits are not those of the plan, which is so for all tasks.
    why : str
        What is known of a task that is lost, failed or changed, in a few words such as ``killed by signal 9``.
    worker : str
        Which process or job.
    """

    task: Task
    state: State
    why: str = ""
    worker: str = ""


Told = Callable[[Event], None]


class Engine(Protocol):
    """Carries out tasks; how often a lost one is tried again is not its business."""

    def run(self, out: Path, tasks: Sequence[Task], told: Told) -> None:
        """Carry out tasks, each once, with `pytest_specqa.scale.task.run_task`.

        Parameters
        ----------
        out : Path
            The store, which has the plan.
        tasks : sequence of Task
            What is missing, in the order in which it is wanted.
        told : callable
            Takes an event when a task is started, where that is known, and one when it is done, lost, failed or changed. To be
            called by the process and thread that called `run`; what it raises ends the workers, and is passed on.

        Raises
        ------
        KeyboardInterrupt
            After its workers were ended; what is not done is missing, and comes with the next run.
        UsageError
            In one line, if it cannot begin.
        """
