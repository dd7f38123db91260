"""Processes that a watch starts: bounded in time, ended with the watch however it ends, and with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

GRACE = 10.0
"""Seconds that a process has to end in order when it is told to."""
_BOUND = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error.strerror}")
"""
"""Asks Linux to kill it at the end of its parent, be it by ``kill -9`` (PR_SET_PDEATHSIG of prctl(2)), and becomes the command."""


def run(
    words: Sequence[str], *, out: IO[bytes], most: float, given: IO[bytes] | None = None, environ: Mapping[str, str] | None = None
) -> int | None:
    """Run a command to its end; no shell is involved.

    Parameters
    ----------
    words : sequence of str
        Program and arguments.
    out : file
        Takes what it says.
    most : float
        Seconds that it may take.
    given : file, optional
        What it reads; nothing by default.
    environ : mapping, optional
        Its environment.

    Returns
    -------
    int or None
        Its exit code, negative for the number of a signal; ``None`` if it was ended after `most` seconds.

    Raises
    ------
    OSError
        If it cannot be started.
    """
    bound = [sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid())] if sys.platform.startswith("linux") else []
    process = subprocess.Popen(
        [*bound, *words],
        stdin=given or subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        env=environ,
        # Ctrl-C in a terminal comes to the watch, which passes it on.
        start_new_session=True,
    )
    try:
        return process.wait(most)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            _end(process)
        # What it started does not outlive it.
        _send(process, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group: in order if it does so in time."""
    try:
        _send(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:
        # Also where a second Ctrl-C cuts the waiting short.
        _send(process, signal.SIGKILL)
        process.wait()


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
