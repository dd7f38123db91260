"""A Slurm of one machine, started for these tests where it can be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.processes import THREADS
from pytest_specqa.production import Production
from pytest_specqa.results.storing import planned
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.scale import planning
from pytest_specqa.scale.plan import How, Plan

SCRIPT = Path(__file__).parents[1] / "slurm.sh"
CANNOT = 3
SUITE = '''
import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy

HERE = Path(__file__).parent


def test_value(specqa_camera, expect):
    if (HERE / f"poison-{specqa_camera.expid}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if (HERE / f"scancel-{specqa_camera.expid}").exists():
        subprocess.run(["scancel", "--signal=KILL", "--full", os.environ["SLURM_JOB_ID"]], check=True)
        time.sleep(60)
    while (HERE / f"hold-{specqa_camera.expid}").exists():
        time.sleep(0.05)
    with (HERE / "threads").open("a") as file:
        file.write(f"{threads()}\\n")
    expect("value", float(specqa_camera.expid))


def test_night(specqa_night, expect):
    expect("value", 15.0)


def threads():
    """As many as linear algebra really has, where it is that of the wheels of numpy."""
    found = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libscipy_openblas64_" in line]
    return ctypes.CDLL(found[0]).scipy_openblas_get_num_threads64_() if found else 1
'''
LIMITS = """
[value]
high = 20
unit = "m"
source = "a test"
"""
Row = tuple[Any, ...]
QUICK = ("-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Hypothesis takes longer to import than all tasks take."""
EXPID = 0
ROWS = "SELECT expid, * EXCLUDE (run, added, planned) FROM records ORDER BY ALL"
"""What was judged, without what names the session that did it and how much it had to do."""


@dataclass(frozen=True)
class Slurm:
    """A running Slurm whose configuration, state and logs lie in one folder."""

    folder: Path

    def call(self, *words: str) -> str:
        """Run one of Slurm's own programs and give what it says."""
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def daemon(self, what: str) -> None:
        """Start or stop slurmd alone."""
        subprocess.run([SCRIPT, "slurmd", self.folder, what], check=True, timeout=60)


@pytest.fixture(scope="session")
def started_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """Start munged, slurmctld and slurmd once; without them the tests are skipped with the reason."""
    folder = tmp_path_factory.mktemp("slurm")
    begun = subprocess.run([SCRIPT, "start", folder], check=False, stdout=subprocess.PIPE, text=True, timeout=120)
    if begun.returncode == CANNOT:
        pytest.skip(begun.stdout.strip())
    begun.check_returncode()
    yield Slurm(folder)
    subprocess.run([SCRIPT, "stop", folder], check=True, timeout=120)


@pytest.fixture
def slurm(started_slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Let sbatch and its like find the Slurm of the tests."""
    monkeypatch.setenv("SLURM_CONF", str(started_slurm.folder / "slurm.conf"))
    return started_slurm


class Suite:
    """A production of two nights, a suite by which an exposure can kill or hold its worker, and the plan of both.

    Parameters
    ----------
    folder : Path
        Takes all of it.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self.folder = folder / "daily", folder / "suite"
        self.folder.mkdir()
        (self.folder / "limits.toml").write_text(LIMITS)
        (self.folder / "test_value.py").write_text(SUITE)
        for night, expid in ((20211014, 11), (20211014, 12), (20211015, 21)):
            place = self.root / f"exposures/{night}/{expid:08d}"
            place.mkdir(parents=True)
            (place / f"sframe-r6-{expid:08d}.fits.gz").touch()
        how = How(root=str(self.root), production="daily", suite=(str(self.folder),), options=QUICK)
        self.plan: Plan = planning.make(Production(self.root), how, nights=[])

    @cached_property
    def judged_alone(self) -> list[Row]:
        """What one run of pytest makes of the whole production, in a store of its own."""
        alone = self.folder.with_name("alone")
        words = [sys.executable, "-m", "pytest", self.folder, f"--specprod={self.root}", f"--specqa-store={alone}", *QUICK]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=120, cwd=self.folder)
        # One exposure is above its limit.
        assert done.returncode == 1, done.stdout + done.stderr
        return _rows(alone)

    def mark(self, what: str, expid: int) -> None:
        """Leave a mark that the suite looks for."""
        (self.folder / f"{what}-{expid}").touch()

    def unmark(self) -> None:
        """Take all marks back."""
        for path in (*self.folder.glob("*-*"), *self.folder.glob("threads")):
            path.unlink()


class Made:
    """A store that has the plan and nothing else yet.

    Parameters
    ----------
    suite : Suite
        What is judged by what.
    out : Path
        The store.
    """

    def __init__(self, suite: Suite, out: Path) -> None:
        self.out, self.plan, self._suite = out, suite.plan, suite
        Store.create(out, production="daily")
        self.plan.write(out / planned.PLAN)

    def poison(self, expid: int) -> None:
        """Let an exposure kill whatever judges it."""
        self._suite.mark("poison", expid)

    def hold(self, expid: int) -> None:
        """Let the check of an exposure wait until it is released."""
        self._suite.mark("hold", expid)

    def release(self) -> None:
        """Let what is held go on; what kills goes on killing."""
        for path in self._suite.folder.glob("hold-*"):
            path.unlink()

    def scancel(self, expid: int) -> None:
        """Let an exposure kill the job of Slurm that judges it."""
        self._suite.mark("scancel", expid)

    def threads(self) -> set[str]:
        """Tell with how many threads of linear algebra cameras were judged."""
        return set((self._suite.folder / "threads").read_text().splitlines())

    def rows(self) -> list[Row]:
        """Give what the store holds."""
        return _rows(self.out)

    def rows_of_one_process(self, *, without: int) -> list[Row]:
        """Give what one run of pytest stores of all but an exposure; nothing is marked any longer."""
        self._suite.unmark()
        return [row for row in self._suite.judged_alone if row[EXPID] != without]


def _rows(store: Path) -> list[Row]:
    with Store.open(store).connect() as connection:
        return connection.sql(ROWS).fetchall()


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Plan once: a second suite of the same name cannot be collected by this process."""
    return Suite(tmp_path_factory.mktemp("engines"))


@pytest.fixture
def made(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """A plan that is quickly carried out, by a process that was not told how many threads to use."""
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    yield Made(suite, tmp_path / "store")
    suite.unmark()
