"""CPU seconds of the whole suite for a camera of an exposure, by stage and by measure, beside the time to inflate its files once.

Usage: ``python benchmarks/suite.py PRODUCTION [--expid N] [--camera CAMERAS] [--exposures N]`` (``make bench`` writes a demo of
real-size files and runs this). All in one run, so that ratios mean something on a machine that others use too: the suite as a user
runs it, in this process; then the floor, which is inflating with ISA-L, once, the HDUs that the suite reads; then fitsio and, where
it is installed, desispec reading the same HDUs of one camera of each band, and this project's reader with and without sums.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from pytest_specqa.processes import single_threaded

single_threaded(os.environ)

import fitsio
import pytest
from isal import igzip

from pytest_specqa.production import Production, stream
from pytest_specqa.production.stream import FitsStream
from pytest_specqa.trials.prepare import judge_everything

MEASURES = "pytest_specqa.measures"
GOAL, FLOORS = 0.3, 4.0
"""What the project asks of itself: CPU seconds for a camera of an exposure, and times the floor."""
HDUS = {
    "frame": ("FLUX", "IVAR", "MASK", "WAVELENGTH"),
    "sframe": ("FLUX", "IVAR", "MASK", "WAVELENGTH"),
    "cframe": ("FLUX", "IVAR", "MASK", "WAVELENGTH"),
    "sky": ("SKY", "IVAR", "MASK", "WAVELENGTH", "STATIVAR", "THRPUTCORR"),
    "fluxcalib": ("FLUXCALIB", "IVAR", "MASK", "WAVELENGTH"),
}
FLAT = ("FIBERFLAT", "IVAR", "MASK", "MEANSPEC", "WAVELENGTH")


class Clock:
    """CPU seconds by label; what is timed inside something timed counts there only."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._open: list[list[Any]] = []

    @contextmanager
    def time(self, label: str) -> Iterator[None]:
        """Time a block."""
        frame = [label, 0.0]
        self._open.append(frame)
        start = time.process_time()
        try:
            yield
        finally:
            total = time.process_time() - start
            self._open.pop()
            self.spent[label] += total - frame[1]
            self.calls[label] += 1
            if self._open:
                self._open[-1][1] += total

    def timed(self, function: Callable[..., Any], label: str) -> Callable[..., Any]:
        """Return the function, timed."""

        @wraps(function)
        def wrapped(*args: Any, **more: Any) -> Any:
            """Count what the function costs."""
            with self.time(label):
                return function(*args, **more)

        return wrapped


class Accounts:
    """A plugin of pytest that times reading, the measures, the bodies of tests, and all that happens after collection."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.checks = 0
        self.total = 0.0
        self._seen: set[ModuleType] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Put clocks around what the collected tests call."""
        self.checks = len(session.items)
        for name in ("read_frame", "read_sky", "read_fiberflat", "read_fluxcalib", "read_redshifts", "read_coadd", "_fibermap"):
            setattr(Production, name, self.clock.timed(getattr(Production, name), "reading"))
        for item in session.items:
            module = item.module  # type: ignore[attr-defined]
            if module in self._seen:
                continue
            self._seen.add(module)
            for name, value in vars(module).items():
                if callable(value) and str(getattr(value, "__module__", "")).startswith(MEASURES):
                    setattr(module, name, self.clock.timed(value, f"  {name}"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        """Time the run itself."""
        start = time.process_time()
        result = yield
        self.total = time.process_time() - start
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pyfunc_call(self) -> Iterator[None]:
        """Time the body of a test."""
        with self.clock.time("test bodies"):
            return (yield)


def floor(files: list[tuple[Path, tuple[str, ...]]]) -> float:
    """CPU seconds to inflate the files up to the last wanted HDU, once, and nothing else."""
    ends = []
    for path, hdus in files:
        with FitsStream(path) as stream:
            left = set(hdus)
            for hdu in stream:
                left.discard(hdu.name)
                if not left:
                    ends.append((path, hdu.start + hdu.nbytes))
                    break
    start = time.process_time()
    for path, end in ends:
        with path.open("rb") as raw:
            source: Any = igzip.IGzipFile(fileobj=raw, mode="rb") if path.suffix == ".gz" else raw
            while source.tell() < end and source.read(min(end - source.tell(), 1 << 22)):
                pass
    return time.process_time() - start


def with_fitsio(files: list[tuple[Path, tuple[str, ...]]]) -> float:
    """CPU seconds of fitsio for the same HDUs."""
    start = time.process_time()
    for path, hdus in files:
        with fitsio.FITS(str(path)) as file:
            names = {hdu.get_extname() for hdu in file}
            for name in names.intersection(hdus):
                file[name].read()
    return time.process_time() - start


def with_desispec(files: list[tuple[Path, tuple[str, ...]]]) -> float | None:
    """CPU seconds of desispec for the same products; None where it is not installed."""
    if importlib.util.find_spec("desispec") is None:
        return None
    from desispec import io  # noqa: PLC0415

    readers = {"sky": io.read_sky, "fluxcalib": io.read_flux_calibration, "fiberflatnight": io.read_fiberflat}
    start = time.process_time()
    for path, _ in files:
        readers.get(path.name.split("-")[0], io.read_frame)(str(path))
    return time.process_time() - start


def _read(files: list[tuple[Path, tuple[str, ...]]], *, whole: bool = False) -> float:
    """CPU seconds of this project's reader for the HDUs; with `whole`, and the sums of all the rest."""
    start = time.process_time()
    for path, hdus in files:
        with FitsStream(path) as file:
            left = set(hdus)
            for hdu in file:
                if hdu.name in left:
                    file.read(hdu)
                    left.discard(hdu.name)
                if not left:
                    break
            file.check_end()
            if whole:
                file.verify_rest()
    return time.process_time() - start


def sums_cost(files: list[tuple[Path, tuple[str, ...]]], *, rounds: int = 5) -> list[str]:
    """What sums add to reading, for the files as they are and unpacked: medians of ratios of readings in turn."""
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        plain = [(Path(scratch) / path.name.removesuffix(".gz"), hdus) for path, hdus in files]
        for (path, _), (unpacked, _) in zip(files, plain, strict=True):
            raw = path.read_bytes()
            unpacked.write_bytes(igzip.decompress(raw) if path.suffix == ".gz" else raw)
        for name, some in (("packed", files), ("plain", plain)):
            _read(some)
            ratios = []
            for _ in range(rounds):
                with patch.object(stream, "has_sum", lambda _: False), patch.object(stream, "check_header", lambda *_, **__: None):
                    bare = _read(some)
                ratios.append([_read(some) / bare, _read(some, whole=True) / bare])
            sums, whole = (statistics.median(column) for column in zip(*ratios, strict=True))
            lines.append(f"reading with sums, {name}: {sums:.3f} times without; whole files: {whole:.2f} times")
    return lines


def files_of(production: Production, *, expids: list[int], cameras: list[str]) -> list[tuple[Path, tuple[str, ...]]]:
    """Files that the suite reads for these cameras, each once, with the HDUs that are read of them."""
    found: dict[Path, tuple[str, ...]] = {}
    for night in production.nights():
        for exposure in production.exposures(night):
            if exposure.expid not in expids:
                continue
            for camera in set(exposure.cameras).intersection(cameras):
                for kind, hdus in HDUS.items():
                    found[production.find(kind, night=night, expid=exposure.expid, camera=camera)] = hdus
                found[production.find("fiberflatnight", night=night, camera=camera)] = FLAT
    return list(found.items())


def run_suite(root: Path, *, expids: list[int], cameras: list[str]) -> Accounts:
    """Run every check on these cameras, in this process; return what it cost."""
    accounts = Accounts()
    tests = Path(__file__).parent.parent / "qa_tests"
    words = [str(tests), "--specprod", str(root), "-q", "-p", "no:cacheprovider", "--no-header", "--no-summary"]
    words += [word for expid in expids for word in ("--expid", str(expid))] + ["--camera", ",".join(cameras)]
    code = pytest.main(words, plugins=[accounts])
    if code > 1:
        sys.exit(f"the suite ended with exit code {code}: see above")
    return accounts


def table(accounts: Accounts, *, units: int, inflated: float) -> list[str]:
    """The report, in milliseconds of CPU for a camera of an exposure."""
    spent, per = dict(accounts.clock.spent), 1e3 / units
    measures = {name: value for name, value in spent.items() if name.startswith("  ")}
    rest = accounts.total - sum(spent.values())
    rows = [("measures", sum(measures.values())), *sorted(measures.items(), key=lambda row: -row[1])]
    rows += [("reading", spent.get("reading", 0.0)), ("test bodies", spent.get("test bodies", 0.0)), ("pytest and plugin", rest)]
    rows += [("in all, without start", accounts.total)]
    lines = [f"{name:<28}{value * per:9.1f} ms {value / accounts.total:6.1%}" for name, value in rows]
    lines += [f"{accounts.checks} checks, {accounts.checks / units:.1f} for a camera"]
    seconds = accounts.total / units
    lines += [
        f"floor (inflating once): {inflated * 1e3:.1f} ms; suite / floor = {seconds / inflated:.2f} (asked for: {FLOORS:.0f}); "
        f"{seconds:.3f} CPU-s for a camera (asked for: {GOAL})"
    ]
    return lines


def main() -> None:
    """Run the suite and its rivals on the same files, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("production", type=Path, help="a production, such as DEMO/after of specqa demo DEMO --bands brz")
    parser.add_argument("--expid", type=int, action="append", help="exposures (default: all)")
    parser.add_argument("--camera", default="a0123456789", help="cameras as in the suite's own option (default: all)")
    parser.add_argument("--readers", action="store_true", help="also time fitsio and desispec on one camera of each band")
    options = parser.parse_args()
    production = Production(options.production)
    exposures = [one for night in production.nights() for one in production.exposures(night)]
    expids = options.expid or [one.expid for one in exposures]
    wanted = {str(camera) for camera in production.instrument.cameras_of(options.camera)}
    cameras = sorted(wanted.intersection(*(one.cameras for one in exposures if one.expid in expids)))
    files = files_of(production, expids=expids, cameras=cameras)
    units = len(expids) * len(cameras)
    floor(files[:12])
    # What a process does once, such as loading machine code, is no cost of a camera.
    judge_everything()
    accounts = run_suite(options.production, expids=expids, cameras=cameras)
    inflated = floor(files) / units
    print(f"{len(expids)} exposures, {len(cameras)} cameras")
    print("\n".join(table(accounts, units=units, inflated=inflated)))
    if options.readers:
        chosen = [next(name for name in cameras if name[0] == band) for band in production.instrument.letters]
        some = files_of(production, expids=expids[:1], cameras=chosen)
        base, theirs, survey = floor(some), with_fitsio(some), with_desispec(some)
        print("\n".join(sums_cost(some)))
        print(f"fitsio, same HDUs: {theirs / base:.1f} times the floor")
        print(f"desispec, same files: {survey / base:.1f} times the floor" if survey else "desispec is not installed")


if __name__ == "__main__":
    main()
