"""A production of tiny files that grows as a test says, a clock that a test turns, and watches on both."""

from __future__ import annotations

import gzip
import os
import select
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pytest_specqa.watch.endings import cut_short
from pytest_specqa.watch.jobs import Scanner, Sight
from pytest_specqa.watch.memory import Memory
from pytest_specqa.watch.ripe import Patience, Ripe, Sorter, Waiting

NIGHT = 20211014
START = 1_634_270_400.0
"""15 October 2021, 4 h UTC: night at Kitt Peak."""
COLUMNS = "EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,BADAMPS,EXPTIME,SURVEY,FAPRGRM"
WHOLE = gzip.compress(b"SIMPLE  =" + bytes(2880 - 9))
SKYSUB = ("frame", "sky", "sframe")
CALIBRATED = (*SKYSUB, "fluxcalib", "cframe")


class Made:
    """A production that is being made; each file is newer than those before it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._rows: dict[int, dict[int, str]] = {}
        self._time = int(START)
        (root / "exposures").mkdir(parents=True)

    def row(
        self, expid: int, *, night: int = NIGHT, tile: int = 7951, camword: str = "r67", bad: str = "", last: str = "all"
    ) -> None:
        rows = self._rows.setdefault(night, {})
        rows[expid] = f"{expid},science,{tile},{last},{camword},{bad},,900,main,dark"
        path = self.root / f"exposure_tables/{str(night)[:6]}/exposure_table_{night}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([COLUMNS, *rows.values()]) + "\n")

    def folder(self, expid: int, *, night: int = NIGHT) -> Path:
        folder = self.root / f"exposures/{night}/{expid:08d}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def product(self, expid: int, kind: str, camera: str = "r6", *, night: int = NIGHT, content: bytes = WHOLE) -> Path:
        return self.write(self.folder(expid, night=night) / f"{kind}-{camera}-{expid:08d}.fits.gz", content)

    def write(self, path: Path, content: bytes = WHOLE) -> Path:
        """Write as the pipeline does: to another name, which is then changed."""
        path.parent.mkdir(parents=True, exist_ok=True)
        other = path.with_name(path.name.replace(".fits", "_tmp1.fits"))
        other.write_bytes(content)
        self._time += 1
        os.utime(other, (self._time, self._time))
        other.replace(path)
        return path

    def exposure(
        self, expid: int, *, night: int = NIGHT, cameras: Iterable[str] = ("r6", "r7"), kinds: Iterable[str] = SKYSUB
    ) -> None:
        for camera in cameras:
            for kind in kinds:
                self.product(expid, kind, camera, night=night)

    def complete(self, expid: int, *, night: int = NIGHT) -> None:
        """Write an exposure and its line of the table."""
        self.row(expid, night=night)
        self.exposure(expid, night=night)

    def tile(
        self, tile: int = 7951, *, night: int = NIGHT, petals: Iterable[int] = (6,), kinds: Iterable[str] = ("redrock", "coadd")
    ) -> None:
        folder = self.root / f"tiles/cumulative/{tile}/{night}"
        for petal in petals:
            for kind in kinds:
                self.write(folder / f"{kind}-{petal}-{tile}-thru{night}.fits")


class Clock:
    """Time that passes where somebody waits for it; at each wait the next thing happens."""

    def __init__(self) -> None:
        self.time = START
        self.events: list[Callable[[], object]] = []
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) > 100:
            raise AssertionError("waits without end")
        self.time += seconds
        if self.events:
            self.events.pop(0)()


class Looks:
    """Looks at a production at times that a test says, and notes what was judged."""

    def __init__(self, made: Made, memory: Memory) -> None:
        self.scanner = Scanner(made.root)
        self.memory = memory
        self.sorter = Sorter(memory, Patience(settle=30, missing=3600), cut_short=cut_short)
        self.sights: list[Sight] = []
        self.waiting: dict[str, Waiting] = {}

    def at(self, seconds: float, *, since: int = 0) -> list[str]:
        """Names of what is ready that many seconds after the start."""
        return [one.sight.job.key for one in self.ripe(seconds, since=since)]

    def ripe(self, seconds: float, *, since: int = 0) -> list[Ripe]:
        nights = [night for night in self.scanner.nights() if night >= since]
        self.sights = self.scanner.look(nights, fresh=nights[-1])
        ripe, waiting = self.sorter.sort(self.sights, now=START + seconds, newest=nights[-1])
        self.waiting = {one.sight.job.key: one for one in waiting}
        return ripe

    def judge(self, seconds: float) -> list[str]:
        """Judge what is ready."""
        ripe = self.ripe(seconds)
        for one in ripe:
            self.memory.judged[one.sight.job.key] = {"mark": one.sight.mark, "verdict": "passed"}
        return [one.sight.job.key for one in ripe]


class Fifo:
    """A file by which a process says how far it has come; one that ends without a word is no reason to wait."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def hear(self, process: subprocess.Popen[str]) -> str:
        """Wait until something is written, or the last one who could has closed it."""
        end = os.pidfd_open(process.pid)
        try:
            heard, _, _ = select.select([self._handle, end], [], [], 300)
            assert self._handle in heard, f"ended: {process.communicate()[0]}"
            return os.read(self._handle, 4096).decode()
        finally:
            os.close(end)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "daily")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def looks(made: Made, tmp_path: Path) -> Looks:
    return Looks(made, Memory(tmp_path / "watch.json", "daily"))
