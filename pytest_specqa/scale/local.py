"""Tasks carried out by processes of this machine, each with a pipe of its own: one that dies takes no other with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

from pytest_specqa.errors import SpecQAError
from pytest_specqa.processes import single_threaded
from pytest_specqa.scale.engine import Event, State, Told
from pytest_specqa.scale.plan import Task

SESSIONS = 50
"""Sessions of pytest after which a process is replaced by a new one: each leaves some megabytes behind."""


@dataclass
class Worker:
    """A process that carries out one task after the other.

    Attributes
    ----------
    process : SpawnProcess
        The process.
    pipe : Connection
        Takes names of tasks, and gives back for each its state and why.
    task : Task or None
        What it is at.
    sessions : int
        How many it has begun.
    """

    process: SpawnProcess
    pipe: connection.Connection
    task: Task | None = None
    sessions: int = 0

    @property
    def name(self) -> str:
        """How it is called in what is told."""
        return f"process {self.process.pid}"

    def end(self) -> None:
        """End it at once: what it has not finished has left no part."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Local:
    """An engine of processes of this machine.

    Parameters
    ----------
    workers : int
        How many at once; each takes a core and a gigabyte.
    sessions : int
        Tasks after which a process is replaced.
    """

    def __init__(self, workers: int, *, sessions: int = SESSIONS) -> None:
        self.workers = workers
        self.sessions = sessions

    def run(self, out: Path, tasks: Sequence[Task], told: Told) -> None:
        """Carry out tasks as `pytest_specqa.scale.engine.Engine` asks."""
        todo, workers = deque(tasks), list[Worker]()
        context = multiprocessing.get_context("spawn")
        try:
            while todo or any(worker.task for worker in workers):
                workers = [worker for worker in workers if not self._is_spent(worker)]
                for worker in workers:
                    if todo and worker.task is None:
                        self._give(worker, todo.popleft(), told)
                while todo and len(workers) < self.workers:
                    workers.append(_started(context, out))
                    self._give(workers[-1], todo.popleft(), told)
                self._hear(workers, told)
        finally:
            for worker in workers:
                worker.end()

    def _is_spent(self, worker: Worker) -> bool:
        """Tell whether a worker is dead or has done its share; it is ended then."""
        spent = worker.task is None and (worker.sessions >= self.sessions or not worker.process.is_alive())
        if spent:
            worker.end()
        return spent

    def _give(self, worker: Worker, task: Task, told: Told) -> None:
        worker.task = task
        worker.sessions += 1
        told(Event(task, "started", worker=worker.name))
        try:
            worker.pipe.send(task.name)
        except OSError:
            # It has died meanwhile, which is heard like any other death.
            return

    @staticmethod
    def _hear(workers: Sequence[Worker], told: Told) -> None:
        """Wait until something is told by a worker, or by its death."""
        busy = [worker for worker in workers if worker.task is not None]
        ready = connection.wait([each for worker in busy for each in (worker.pipe, worker.process.sentinel)])
        for worker in busy:
            if worker.task is None or not {worker.pipe, worker.process.sentinel}.intersection(ready):
                continue
            task = worker.task
            try:
                state, why = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                event = Event(task, "lost", _ended(worker.process.exitcode), worker.name)
            else:
                event = Event(task, state, why, worker.name)
            worker.task = None
            told(event)


def _started(context: SpawnContext, out: Path) -> Worker:
    ours, its = context.Pipe()
    process = context.Process(target=_work, args=(out, its), daemon=True)
    process.start()
    # The other end is the worker's alone: it is closed when the worker dies.
    its.close()
    return Worker(process, ours)


def _ended(code: int | None) -> str:
    return f"killed by signal {-code}" if code is not None and code < 0 else f"it ended with exit code {code}"


def _work(out: Path, pipe: connection.Connection) -> None:
    """Carry out tasks until there are no more; what a worker runs."""
    # The process that started it may have loaded numpy long ago, and so have told nothing of threads.
    single_threaded(os.environ)
    # Ctrl-C in a terminal comes to all; the one that started the workers ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from pytest_specqa.scale.task import PlanChangedError, run_task  # noqa: PLC0415

    while True:
        try:
            name = pipe.recv()
        except EOFError:
            return
        told: tuple[State, str] = "done", ""
        try:
            run_task(out, name)
        except PlanChangedError as error:
            told = "changed", str(error)
        except SpecQAError as error:
            told = "failed", str(error)
        except Exception as error:
            told = "failed", f"{name}: {type(error).__name__}: {error}"
        pipe.send(told)


def _end_with_parent() -> None:
    """End this process with the one that started it, be it by ``kill -9``: nobody would wait for what it does."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
