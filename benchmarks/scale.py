"""What ``specqa run`` costs from 1 to 40 exposures: CPU time of all its processes, records, bytes of store and plan.

Usage: ``python benchmarks/scale.py DEMO/after [--exposures 1,10,20,40] [--engine local]`` on a demo of one night, such as
``specqa demo DEMO --bands r --petals 6 --variants after``. Its exposures are linked again and again under new numbers, as by
``benchmarks/night.py``. A cost that is linear is a straight line through what it takes to begin: the largest distance from the
line that fits best is told. ``python benchmarks/scale.py --nights 100`` plans as many nights of 40 exposures with 30 cameras, of
empty files, and judges nothing. ``python benchmarks/scale.py --same STORE OTHER`` counts the rows in which two stores differ.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from night import PLUGIN, link_night

from pytest_specqa.results.storing import planned
from pytest_specqa.results.storing.dataset import Store

NUMBER = re.compile(r"\d+\.\d+(e-?\d+)?")


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds, and what it left."""

    exposures: int
    wall: float
    cpu: float
    records: int
    store: int
    plan: int


def run(root: Path, scratch: Path, *, exposures: int, engine: str) -> Cost:
    """Judge a night and say what it cost."""
    out = scratch / "store"
    words = [sys.executable, "-m", "pytest_specqa.cli", "run", str(root), "--nights", ":", "--out", str(out)]
    words += ["--engine", engine, "--workers", "1", "--pytest", "-p linked_night"]
    path = os.pathsep.join([str(scratch), *filter(None, [os.environ.get("PYTHONPATH")])])
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, check=False, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(done.stdout + done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = sum(part.stat().st_size for shelf in ("records", "vectors") for part in (out / shelf).rglob("*.parquet"))
    with Store.open(out).connect() as connection:
        ((records,),) = connection.sql("SELECT count(*) FROM records").fetchall()
    return Cost(exposures, wall, cpu, records, size, (out / planned.PLAN).stat().st_size)


def same(stores: list[Path]) -> str:
    """Compare what two stores hold: records and numbers of every fiber, without what names a session and its hour.

    Sums in single precision may end in other digits in another session: rows are compared as they are, and to five digits.
    """
    said = []
    for view, without in (("records", "run, added, planned, content"), ("vectors", "added, content")):
        rows, rounded = [], []
        for store in stores:
            with Store.open(store).connect() as connection:
                rows.append({repr(row) for row in connection.sql(f"SELECT * EXCLUDE ({without}) FROM {view}").fetchall()})
            rounded.append({NUMBER.sub(lambda found: f"{float(found[0]):.5g}", row) for row in rows[-1]})
        counts = f"{view}: {' and '.join(f'{len(each):,}' for each in rows)}"
        said.append(f"{counts}; of the first {len(rows[0] - rows[1]):,} differ, {len(rounded[0] - rounded[1]):,} to five digits")
        said += [f"  {row:.300}" for row in sorted(rounded[0] ^ rounded[1])[:4]]
    return "\n".join(said)


def told(costs: list[Cost]) -> str:
    """Tell how far the cost is from a straight line."""
    x, y = (np.array([getattr(cost, name) for cost in costs], dtype=float) for name in ("exposures", "cpu"))
    slope, start = np.polyfit(x, y, 1)
    off = np.max(np.abs(y - slope * x - start) / y)
    return f"CPU time: {start:.1f} s + {slope:.2f} s per exposure; no run is farther from that than {off:.0%} of what it took"


def plan(nights: int) -> str:
    """Plan many nights of empty files, and say what that cost."""
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "daily", Path(folder) / "store"
        for night in range(nights):
            for expid in range(1, 41):
                number = 40 * night + expid
                place = root / f"exposures/{20200101 + night // 336 * 10000 + night % 336 // 28 * 100 + night % 28}/{number:08d}"
                place.mkdir(parents=True)
                for camera in (f"{band}{petal}" for band in "brz" for petal in range(10)):
                    (place / f"sframe-{camera}-{number:08d}.fits.gz").touch()
        words = [sys.executable, "-m", "pytest_specqa.cli", "run", str(root), "--nights", ":", "--out", str(out), "--plan-only"]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        took = f"{wall:.0f} s, {cpu:.0f} s of CPU, {after.ru_maxrss / 1e6:.2f} GB, {(out / planned.PLAN).stat().st_size:,} bytes"
        return f"{done.stdout.strip()}\n{nights} nights: {took}"


def main() -> None:
    """Run with each number of exposures, print a line for each and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("production", type=Path, nargs="?", help="a demo production of one night, such as DEMO/after")
    parser.add_argument("--exposures", default="1,10,20,40", help="numbers of exposures (default: 1,10,20,40)")
    parser.add_argument("--engine", default="local", choices=("local", "dask"), help="what carries the tasks out (default: local)")
    parser.add_argument("--nights", type=int, default=0, help="plan so many nights of 40 exposures, and do nothing else")
    parser.add_argument("--same", type=Path, nargs=2, metavar="STORE", help="compare two stores, and do nothing else")
    options = parser.parse_args()
    if options.same:
        print(same(options.same))
        return
    if options.nights:
        print(plan(options.nights))
        return
    if options.production is None:
        parser.error("expected a production, --nights or --same")
    costs = []
    for exposures in map(int, options.exposures.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            (scratch / "linked_night.py").write_text(PLUGIN)
            link_night(options.production.resolve(), scratch / "linked", exposures=exposures)
            cost = run(scratch / "linked", scratch, exposures=exposures, engine=options.engine)
        costs.append(cost)
        print(
            f"{exposures} exposures: {cost.wall:.0f} s, {cost.cpu:.1f} s of CPU; {cost.records:,} records, "
            f"store {cost.store:,} bytes, plan {cost.plan:,} bytes",
            flush=True,
        )
    print(told(costs))


if __name__ == "__main__":
    main()
