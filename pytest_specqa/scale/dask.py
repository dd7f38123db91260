"""Dask as an engine: workers on this machine with a nanny each, jobs of a batch system, or a cluster that runs already.

Tasks write their part to the store and return only where it is: what a worker holds in memory is lost with it and would be made
again. A worker is given one task at a time, so that of two tasks none is blamed for the other's end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_specqa.errors import UsageError
from pytest_specqa.scale.engine import Event, Told
from pytest_specqa.scale.plan import Task
from pytest_specqa.scale.task import PlanChangedError, TaskFailed, run_task

LOCAL, SLURM = "local", "slurm"
SILENT = 50
"""Level of logging: what Dask says of a worker that died is told as an event."""
ANY_PORT = {"dashboard_address": ":0"}
"""Where the usual port of the status page is taken, Dask would warn and take another."""
ONCE = {
    # How often a task is tried after its worker died is counted in one place, and not here.
    "distributed.scheduler.allowed-failures": 0,
    # What is left of a worker's memory limit is left to the nanny, which ends the worker at 95 %: nothing is spilled or paused.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}
"""Settings of Dask for these tasks."""


class Dask:
    """Carries out tasks as tasks of Dask.

    Parameters
    ----------
    workers : int
        How many processes judge at once.
    cluster : str
        ``local``; ``slurm``, where each worker is a job, described in the user's own ``jobqueue.yaml``; or the address of a
        scheduler such as ``tcp://10.0.0.1:8786``.
    memory : str
        Limit of each worker; one that needs more is ended, and its task is lost.
    """

    def __init__(self, *, workers: int = 2, cluster: str = LOCAL, memory: str = "4GiB") -> None:
        self._workers = workers
        self._cluster = cluster
        self._memory = memory

    def run(self, out: Path, tasks: Sequence[Task], told: Told) -> None:
        """Carry out tasks, each once.

        Parameters
        ----------
        out : Path
            The store, on a file system that the workers share.
        tasks : sequence of Task
            What is wanted.
        told : callable
            Takes the events.

        Raises
        ------
        UsageError
            In one line, if Dask is not installed or its cluster cannot be had.
        """
        try:
            import dask  # noqa: PLC0415
            import distributed  # noqa: PLC0415
        except ImportError:
            raise UsageError("--engine dask needs Dask: pip install 'pytest-specqa[scale]'") from None
        with dask.config.set(ONCE), self._started(out.resolve()) as address:
            try:
                client = distributed.Client(address, timeout=30)
            except (OSError, ValueError):
                raise UsageError(f"{self._cluster}: no scheduler of Dask answers there") from None
            with client:
                _carry_out(client, out.resolve(), deque(tasks), told, at_once=self._workers)

    @contextmanager
    def _started(self, out: Path) -> Iterator[Any]:
        """Give what a client connects to, and end what was started."""
        if self._cluster not in {LOCAL, SLURM}:
            yield self._cluster
            return
        with _local(self._workers, self._memory) if self._cluster == LOCAL else _slurm(self._workers, self._memory, out) as cluster:
            yield cluster


def _local(workers: int, memory: str) -> Any:
    import distributed  # noqa: PLC0415

    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=memory,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=SILENT,
    )


def _slurm(workers: int, memory: str, out: Path) -> Any:
    try:
        from dask_jobqueue import SLURMCluster  # noqa: PLC0415
    except ImportError:
        raise UsageError("Dask on Slurm needs dask-jobqueue: pip install 'pytest-specqa[scale]'") from None
    try:
        cluster = SLURMCluster(
            cores=1,
            processes=1,
            memory=memory,
            log_directory=str(out / "plan/dask"),
            silence_logs=SILENT,
            scheduler_options=ANY_PORT,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"dask-jobqueue: {' '.join(str(error).split())}") from None
    # Keeps so many: a job that ends is submitted again.
    cluster.adapt(minimum_jobs=workers, maximum_jobs=workers)
    return cluster


def _carry_out(client: Any, out: Path, waiting: deque[Task], told: Told, *, at_once: int) -> None:
    """Keep every worker at one task until none is left."""
    from distributed import as_completed  # noqa: PLC0415

    running: dict[str, Task] = {}
    done = as_completed()

    def begin() -> None:
        task = waiting.popleft()
        future = client.submit(run_task, out, task.name, key=task.name, pure=False, retries=0)
        running[future.key] = task
        told(Event(task, "started", worker="dask"))
        done.add(future)

    for _ in range(min(at_once, len(waiting))):
        begin()
    for future in done:
        told(_event(running.pop(future.key), future))
        future.release()
        if waiting:
            begin()


def _event(task: Task, future: Any) -> Event:
    """Tell what became of a task whose future is done."""
    from distributed import KilledWorker  # noqa: PLC0415

    if future.status == "finished":
        return Event(task, "done", worker="dask")
    if future.status == "cancelled":
        return Event(task, "lost", "the scheduler of Dask lost it", "dask")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Event(task, "lost", "its worker died", getattr(error.last_worker, "name", "dask"))
    why = str(error) if isinstance(error, TaskFailed) else f"{type(error).__name__}: {error}"
    return Event(task, "changed" if isinstance(error, PlanChangedError) else "failed", why, "dask")
