"""One element of a job array: judges the tasks of a night where the batch system puts it, and leaves word of each in a file.

The batch system tells that an element has ended; which of its tasks are judged, which one it died of and which it never began is
told by its file of events, a line of JSON each, which the process that submitted the array reads as it grows.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.processes import single_threaded

if TYPE_CHECKING:
    from pytest_specqa.scale.engine import Event
    from pytest_specqa.scale.plan import Task

TASKS = "tasks.json"
"""File in the folder of an array with the names of the tasks of each of its elements."""


def write_tasks(folder: Path, elements: Sequence[Sequence[Task]]) -> None:
    """Write down what each element is to judge."""
    (folder / TASKS).write_text(json.dumps([[task.name for task in tasks] for tasks in elements]))


def events_of(folder: Path, index: int) -> Path:
    """Where an element leaves word of its tasks."""
    return folder / f"{index}.events"


class Reader:
    """Reads the events of one element as its file grows.

    Parameters
    ----------
    path : Path
        Its file, which need not exist yet.
    tasks : mapping of str to Task
        Its tasks by name.
    """

    def __init__(self, path: Path, tasks: Mapping[str, Task]) -> None:
        self._path = path
        self._tasks = tasks
        self._read = 0

    def new(self) -> list[Event]:
        """Return what was written since the last call; a line that is not whole yet is left for the next one."""
        from pytest_specqa.scale.engine import Event  # noqa: PLC0415

        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                text, _, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        if not text:
            return []
        self._read += len(text) + 1
        told = [json.loads(line) for line in text.split(b"\n")]
        return [Event(self._tasks[one["task"]], one["state"], one["why"], one["worker"]) for one in told]


def main(words: Sequence[str]) -> int:
    """Judge the tasks of one element: ``python -m pytest_specqa.scale.element OUT FOLDER``, as the script of the array does.

    Returns
    -------
    int
        0 if every task is judged, 1 if one is not.
    """
    # Before the plan is read, which loads numpy; the processes that judge inherit it.
    single_threaded(os.environ)
    from pytest_specqa.scale.local import Local  # noqa: PLC0415
    from pytest_specqa.scale.plan import Plan  # noqa: PLC0415

    out, folder = map(Path, words)
    index = int(os.environ["SLURM_ARRAY_TASK_ID"])
    where = f"job {os.environ['SLURM_ARRAY_JOB_ID']}_{index} on {os.environ.get('SLURMD_NODENAME', 'a node')}"
    names = json.loads((folder / TASKS).read_text())[index]
    plan = Plan.read(out, nights=sorted({int(name.partition("-")[0]) for name in names}))
    judged = True
    with events_of(folder, index).open("a", buffering=1) as file:

        def told(event: Event) -> None:
            nonlocal judged
            judged &= event.state in {"started", "done"}
            file.write(json.dumps({"task": event.task.name, "state": event.state, "why": event.why, "worker": where}) + "\n")

        Local(workers=int(os.environ.get("SLURM_CPUS_PER_TASK", "1"))).run(out, [plan.task(name) for name in names], told)
    return int(not judged)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
