"""Who writes to a night of a store: one process at a time; readers need no lock."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_specqa.errors import ResultsError
from pytest_specqa.results.holding import NO_LOCKS
from pytest_specqa.results.writable import why_not

NAME = ".lock"
PATIENCE = 600.0
"""Seconds that a writer waits for others; to add a night or to compact it takes a few."""
PAUSE = 0.02


@contextmanager
def locked(folder: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it is not there; the system lets go of it when the process ends.

    Where a file system has no locks, two writers may add the same rows twice; readers take one of them all the same.

    Raises
    ------
    ResultsError
        If the folder cannot be written, or others hold the lock for longer than `patience` seconds.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise ResultsError(f"{folder}: cannot be written: {why_not(error)}") from None
    try:
        _wait(handle, folder, patience)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, folder: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise ResultsError(f"{folder}: another process has been writing for {patience:g} s; try again later") from None
            time.sleep(PAUSE)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise ResultsError(f"{folder}: cannot be locked: {why_not(error)}") from None
            return
        else:
            return
