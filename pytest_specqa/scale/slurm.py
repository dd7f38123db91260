"""Slurm as an engine: a job array with one element for each night, followed by squeue and by what the elements write.

What a site asks for, such as account, queue and time, is told to sbatch as it always is: by its own variables ``SBATCH_ACCOUNT``,
``SBATCH_QOS``, ``SBATCH_CONSTRAINT``, ``SBATCH_TIMELIMIT`` and so on, which go before the lines of a script. Accounting (sacct) is
not needed.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pytest_specqa.errors import UsageError
from pytest_specqa.scale import element
from pytest_specqa.scale.engine import Event, Told
from pytest_specqa.scale.plan import Task

FOLDER = "plan/slurm"
"""Folder in the store that has one folder for each array: its script, tasks, events, and what its elements printed."""
JOB = "job"
"""File there with the number that sbatch gave it."""
PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol")
LIVE = {
    *("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"),
    *("REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"),
}
"""States of a job that has not ended; https://slurm.schedmd.com/squeue.html#lbAG."""
UNANSWERED = 600.0
"""Seconds for which squeue may fail before the run gives up: a controller that is restarted answers nothing for a while."""
ARRAY = 1001
"""Elements of an array where the site does not say how many it takes: Slurm's own default of MaxArraySize."""


@dataclass
class Element:
    """One element of an array: the tasks of a night.

    Attributes
    ----------
    name : str
        As squeue names it, such as ``4711_3``.
    tasks : dict of str to Task
        By name, in the order in which they are begun.
    events : element.Reader
        What it says of them.
    log : Path
        What it prints.
    begun, ended : set of str
        Names of its tasks.
    state : str
        What squeue said of it last.
    gone : int
        How often in a row squeue did not have it among what lives.
    """

    name: str
    tasks: dict[str, Task]
    events: element.Reader
    log: Path
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    state: str = "PENDING"
    gone: int = 0

    def hear(self, told: Told) -> None:
        """Pass on what it has said since the last time."""
        for event in self.events.new():
            (self.begun if event.state == "started" else self.ended).add(event.task.name)
            told(event)

    def mourn(self, told: Told) -> list[Task]:
        """Tell which tasks are lost with it, and return those that it did not come to."""
        left = [task for name, task in self.tasks.items() if name not in self.ended]
        # Of one that began nothing there is no reason to think that the next would come any further.
        lost = [task for task in left if task.name in self.begun or not self.begun]
        for task in lost:
            told(Event(task, "lost", f"job {self.name} ended: {self.state}", f"job {self.name}"))
        return [task for task in left if task not in lost]


class Slurm:
    """Carries out tasks as elements of job arrays.

    Parameters
    ----------
    workers : int
        Processors of each element (``--cpus-per-task``): so many tasks of a night are judged at once.
    at_once : int, optional
        How many elements of an array may run at the same time; by default as many as the site lets.
    every : float
        Seconds between two questions to squeue.
    """

    def __init__(self, *, workers: int = 1, at_once: int | None = None, every: float = 15.0) -> None:
        self._workers = workers
        self._at_once = at_once
        self._every = every

    def run(self, out: Path, tasks: Sequence[Task], told: Told) -> None:
        """Carry out tasks, each once; those that an element did not come to before it died are submitted again.

        Parameters
        ----------
        out : Path
            The store, on a file system that the nodes share.
        tasks : sequence of Task
            What is wanted.
        told : callable
            Takes the events.

        Raises
        ------
        UsageError
            In one line, if there is no Slurm, an array of an earlier run still works on this store, or sbatch refuses.
        """
        _verify(out)
        waiting = list(tasks)
        while waiting:
            elements: list[Element] = []
            try:
                for part in _parts(waiting, _array_size()):
                    elements += self._submit(out, part)
                waiting = self._follow(elements, told)
                # Numbers are given again some day, to a job of somebody else.
                for path in (out / FOLDER).glob(f"*/{JOB}"):
                    path.unlink()
            except BaseException:
                _cancel({one.name.partition("_")[0] for one in elements}, every=min(1.0, self._every))
                raise

    def _submit(self, out: Path, nights: Sequence[Sequence[Task]]) -> list[Element]:
        """Hand an array to sbatch."""
        parent = out / FOLDER
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{nights[0][0].night}-", dir=parent)).resolve()
        element.write_tasks(folder, nights)
        script = folder / "element.sh"
        script.write_text(self._script(out.resolve(), folder, count=len(nights)))
        job = _said("sbatch", "--parsable", str(script)).partition(";")[0]
        (folder / JOB).write_text(job)
        tasks = [{task.name: task for task in night} for night in nights]
        return [
            Element(f"{job}_{index}", each, element.Reader(element.events_of(folder, index), each), folder / f"{index}.log")
            for index, each in enumerate(tasks)
        ]

    def _script(self, out: Path, folder: Path, *, count: int) -> str:
        limit = f"%{self._at_once}" if self._at_once else ""
        words = [sys.executable, "-m", element.__name__, str(out), str(folder)]
        # A job that the site starts again would repeat what it has done: what is lost is known here, and submitted anew.
        return "\n".join(
            [
                "#!/bin/bash",
                "#SBATCH --job-name=specqa",
                f"#SBATCH --array=0-{count - 1}{limit}",
                f"#SBATCH --cpus-per-task={self._workers}",
                "#SBATCH --nodes=1 --ntasks=1 --no-requeue",
                f"#SBATCH --output={folder}/%a.log",
                f"exec {shlex.join(words)}",
                "",
            ]
        )

    def _follow(self, elements: Sequence[Element], told: Told) -> list[Task]:
        """Wait until all have ended, and return the tasks that none came to."""
        living, left = list(elements), []
        silent_since: float | None = None
        while living:
            time.sleep(self._every)
            try:
                states = _states({one.name.partition("_")[0] for one in living})
                silent_since = None
            except UsageError:
                # A controller that is being restarted answers nothing; the jobs go on without it.
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > UNANSWERED:
                    raise
                states = {one.name: one.state for one in living}
            for one in list(living):
                one.hear(told)
                one.state = states.get(one.name, one.state)
                one.gone = 0 if states.get(one.name) in LIVE else one.gone + 1
                # What it wrote last may be seen a moment later on another node.
                if one.gone > 1 or (one.gone and one.ended == one.tasks.keys()):
                    living.remove(one)
                    left += one.mourn(told) if one.begun else []
        if not any(one.begun for one in elements):
            # A fault of the site or of the environment is none of the tasks, which would be given up at the third.
            raise UsageError(f"job {elements[0].name} ended before it began a task: {elements[0].state}; see {elements[0].log}")
        return left + [task for one in elements if not one.begun for task in one.mourn(told)]


def _verify(out: Path) -> None:
    """Refuse where there is no Slurm, and where jobs of a run that was killed still work on the same store."""
    if lacking := [name for name in PROGRAMS if not shutil.which(name)]:
        raise UsageError(f"--engine slurm: {lacking[0]} is not on PATH; run it where Slurm is, or take --engine local or dask")
    jobs = {path.read_text() for path in (out / FOLDER).glob(f"*/{JOB}")}
    if jobs and (living := sorted({name.partition("_")[0] for name, state in _states(jobs).items() if state in LIVE})):
        raise UsageError(f"{out}: job {living[0]} of an earlier run still works on it; wait for it, or: scancel {' '.join(living)}")


def _parts(tasks: Sequence[Task], size: int) -> Iterator[list[list[Task]]]:
    """Divide tasks by night, and the nights into arrays that the site takes."""
    nights: dict[int, list[Task]] = {}
    for task in tasks:
        nights.setdefault(task.night, []).append(task)
    each = list(nights.values())
    for start in range(0, len(each), size):
        yield each[start : start + size]


def _array_size() -> int:
    """How many elements an array may have."""
    for line in _said("scontrol", "show", "config").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize" and value.strip().isdecimal():
            # The largest index is one less.
            return max(1, int(value) - 1)
    return ARRAY - 1


def _states(jobs: set[str]) -> dict[str, str]:
    """Ask squeue what it knows of the elements of some arrays; what ended some minutes ago is forgotten."""
    words = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={','.join(sorted(jobs))}", "--format=%F_%K %T"]
    try:
        said = _said(*words)
    except UsageError as error:
        # It says so of one job that is forgotten, and passes over it in silence where there are several.
        if "Invalid job id" in str(error):
            return {}
        raise
    return {name: state.strip() for name, _, state in (line.strip().partition(" ") for line in said.splitlines()) if name}


def _cancel(jobs: set[str], *, every: float) -> None:
    """End jobs, and wait a little until nothing of them can write to the store."""
    if not jobs:
        return
    # What ended the run is what it tells; jobs that could not be ended are named by the next one.
    with suppress(UsageError):
        _said("scancel", *sorted(jobs))
        for _ in range(60):
            if not any(state in LIVE for state in _states(jobs).values()):
                return
            time.sleep(every)


def _said(*words: str) -> str:
    """Run one of Slurm's programs; `UsageError` with its own words if it cannot."""
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{words[0]}: {error}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise UsageError(f"{words[0]}: {said[-1]}")
    return done.stdout.strip()
