"""A search over simulated nights as a user would run it: store, verb, what it found, and what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_specqa.errors import UsageError
from pytest_specqa.results.history.changes import Change, from_json
from pytest_specqa.results.storing.dataset import LABEL, Store
from pytest_specqa.trials.histories.history import PRODUCTION, History
from pytest_specqa.trials.histories.scoring import Found, score
from pytest_specqa.trials.histories.survey import observe


@dataclass(frozen=True)
class Searched:
    """One simulated production, searched.

    Attributes
    ----------
    history : History
        What was simulated.
    found : list of Found
        Every planted fault.
    alarms : list of Change
        What was found where nothing was planted.
    exposures : int
        Camera-exposures.
    seconds, memory : float
        Time of the search, and the most memory that it took, in MB.
    simulated : float
        Seconds that simulating and storing took.
    size : float
        MB of the store.
    """

    history: History
    found: list[Found]
    alarms: list[Change]
    exposures: int
    seconds: float
    memory: float
    simulated: float
    size: float


def write(history: History, root: Path, *, told: Callable[[int], object] = bool) -> Store:
    """Write the store of a simulated production, or what is missing of it.

    Parameters
    ----------
    history : History
        What to simulate.
    root : Path
        A new folder, or one in which this was cut short.
    told : callable
        Called with each night that is in the store.

    Returns
    -------
    Store
        With all nights.
    """
    store = Store.create(root, production=PRODUCTION)
    # What was cut short goes on; its last night may be half there.
    done = set(store.nights[:-1])
    for night, records in history.nights():
        if night not in done:
            store.add(records)
        told(night)
    return store


def search(root: Path, words: tuple[str, ...] = ()) -> tuple[list[Change], float, float]:
    """Run ``specqa history`` on a store.

    Parameters
    ----------
    root : Path
        Folder of the store.
    words : tuple of str
        More words of the command line.

    Returns
    -------
    tuple of (list of Change, float, float)
        What it found, seconds, and MB of memory.

    Raises
    ------
    UsageError
        If it does not end well, with what it said.
    """
    start = time.monotonic()
    code, memory, said = ran([sys.executable, "-m", "pytest_specqa.cli", "history", str(root), *words])
    seconds = time.monotonic() - start
    kept = root / "history.json"
    if not kept.is_file():
        raise UsageError(f"specqa history {root}: ended with {code}: {said.strip()[-500:]}")
    return list(from_json(kept.read_text(encoding="utf-8"))), seconds, memory


def ran(command: list[str]) -> tuple[int, float, str]:
    """Run a command.

    Parameters
    ----------
    command : list of str
        Program and words.

    Returns
    -------
    tuple of (int, float, str)
        Exit code, the most memory in MB that it took (at least what this process has taken), and what it wrote to stderr.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        # What all children together report is the largest that ever ran.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, used.ru_maxrss / 1000, said.read().decode(errors="replace")


def run(history: History, root: Path, *, told: Callable[[int], object] = bool) -> Searched:
    """Simulate a production, unless its store is there, search it, and compare.

    Parameters
    ----------
    history : History
        What to simulate.
    root : Path
        Folder of the store.
    told : callable
        Called with each night that is in the store.

    Returns
    -------
    Searched
        What was found, and what it cost.
    """
    start = time.monotonic()
    exposures = observe(history.survey)
    if not ((root / LABEL).is_file() and Store.open(root).nights == sorted({exposure.night for exposure in exposures})):
        write(history, root, told=told)
    simulated = time.monotonic() - start
    changes, seconds, memory = search(root)
    found, alarms = score(history.plants, changes, exposures, seed=history.survey.seed)
    size = sum(path.stat().st_size for path in root.rglob("*.parquet")) / 1e6
    number = len(exposures) * len(history.survey.cameras)
    return Searched(history, found, alarms, number, seconds, memory, simulated, size)
