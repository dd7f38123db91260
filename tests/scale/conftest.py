"""A production of tiny files with two nights, a project that judges it, and runs of the verb on both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa import cli as program
from pytest_specqa.results.storing.dataset import Store

# What strikes a task is in a file beside the tests: what happens, in which exposure, and how often.
PROJECT = """
import os, signal
from pathlib import Path
import numpy as np

HERE = Path(__file__).parent

def test_value(specqa_camera, expect, production):
    path = production.find("sframe", night=specqa_camera.night, expid=specqa_camera.expid, camera=specqa_camera.camera)
    strike(specqa_camera)
    expect("value", 2.5 if path.stat().st_size > 2 else 0.5)
    expect.keep("line_scale", np.arange(3.0), first=500 * specqa_camera.petal, step=0.5)

def test_exposure(specqa_exposure, exposure, expect):
    expect("other", len(exposure.cameras))

def test_petal(specqa_petal, expect):
    expect("value", 1)

def test_tile(specqa_tile, tile_exposures, expect):
    expect("other", len(tile_exposures))

def test_night(specqa_night, exposures, expect):
    if not exposures:
        expect.not_expected("no exposure")
    expect("value", len(exposures) - 1)

def strike(unit):
    with open(HERE / "judged.txt", "a") as file:
        file.write(f"{unit.id} {os.getpid()}\\n")
    told = HERE / "strike.txt"
    what, expid, times = told.read_text().split() if told.exists() else ("", "0", "0")
    if unit.expid != int(expid) or unit.camera != "r7":
        return
    told.write_text(f"{what} {expid} {int(times) - 1}") if int(times) > 1 else told.unlink()
    if what == "KILL":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "WAIT":
        os.mkfifo(HERE / "reached.new")
        os.rename(HERE / "reached.new", HERE / "reached")
        signal.pause()
"""
LIMITS = """
[value]
high = 2
source = "a test"

[other]
high = 9
source = "a test"
"""
PLUGIN = "-p pytest_specqa.plugin"


class Project:
    """A production, tests for it, and stores of runs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.production = root / "redux" / "daily"
        self.suite = root / "project"
        self.suite.mkdir()
        # Plans are made in this process, which keeps what it has imported under its name.
        self.tests = self.suite / f"test_{root.name}.py"
        self.tests.write_text(PROJECT)
        (self.suite / "limits.toml").write_text(LIMITS)
        (self.suite / "pytest.ini").write_text("[pytest]\n")

    def exposure(self, expid: int, *, night: int, tile: int, cameras: Iterable[str] = ("r6", "r7")) -> None:
        folder = self.production / f"exposures/{night}/{expid:08d}"
        folder.mkdir(parents=True)
        for camera in cameras:
            (folder / f"sframe-{camera}-{expid:08d}.fits.gz").write_bytes(b"12")
        table = self.production / f"exposure_tables/{night // 100}/exposure_table_{night}.csv"
        table.parent.mkdir(parents=True, exist_ok=True)
        if not table.exists():
            table.write_text("EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,BADAMPS,EXPTIME,SURVEY,FAPRGRM\n")
        with table.open("a") as file:
            file.write(f"{expid},science,{tile},all,{''.join(cameras)},,,900,main,dark\n")

    def tile(self, tile: int, *, night: int, petals: Iterable[int] = (6, 7)) -> None:
        folder = self.production / f"tiles/cumulative/{tile}/{night}"
        folder.mkdir(parents=True)
        for petal in petals:
            (folder / f"redrock-{petal}-{tile}-thru{night}.fits").touch()

    def strike(self, what: str, expid: int, *, times: int = 1) -> None:
        (self.suite / "strike.txt").write_text(f"{what} {expid} {times}")

    def judged(self) -> list[str]:
        path = self.suite / "judged.txt"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []

    def words(self, out: str = "store", *more: str, nights: str = ":") -> list[str]:
        own = [f"--out={self.root / out}", f"--nights={nights}", f"--suite={self.suite}", f"--pytest={PLUGIN}", "--workers=1"]
        return ["run", str(self.production), *own, *more]

    def run(self, out: str = "store", *more: str, nights: str = ":") -> int:
        return program.main(self.words(out, *more, nights=nights))

    def start(self) -> subprocess.Popen[str]:
        """Run it in a process of its own."""
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-m", "pytest_specqa.cli", *self.words()], stdout=pipe, stderr=pipe, text=True)

    def pytest(self, out: str, *more: str) -> int:
        """Judge all in one process, with one session."""
        words = [str(self.suite), *PLUGIN.split(), "-q", "-p", "no:cacheprovider", f"--specprod={self.production}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, f"--specqa-store={self.root / out}", *more], capture_output=True, check=False
        )
        return done.returncode

    def rows(self, out: str = "store", query: str = "SELECT * FROM all_records ORDER BY ALL") -> list[dict[str, Any]]:
        with Store.open(self.root / out).connect() as connection:
            return connection.sql(query).to_arrow_table().to_pylist()

    def outcomes(self, out: str = "store") -> dict[str, str]:
        return {row["unit"]: row["outcome"] for row in self.rows(out, "SELECT unit, outcome FROM records")}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two nights, with an exposure of two cameras each of the same tile."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_ADDOPTS", "SPECPROD", "DESI_SPECTRO_REDUX"):
        monkeypatch.delenv(name, raising=False)
    made = Project(tmp_path)
    made.exposure(11, night=20211014, tile=1)
    made.exposure(21, night=20211015, tile=1)
    made.tile(1, night=20211014)
    made.tile(1, night=20211015)
    return made
