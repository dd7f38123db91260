"""Time of the pages of a store: 1,000 nights of 1,200 camera-exposures with 55 measures and their vectors, then one more night.

python benchmarks/site.py [--nights 1000] [--exposures 40] [--measures 55] [--different 10] [--processes 2] [--keep DIR]

A few nights are simulated; the others are links to their files, so that reading from disk is not part of the time.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from store import CAMERAS, Simulated, nights, packed_vectors, vectors_of

from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.site.build import build

BAD_MEASURES, BAD_EXPOSURES = 3, 2
"""What fails in one camera of each night: as much as a night with a finding or two has."""


def failing(table: pa.Table, camera: str) -> pa.Table:
    """Let some measures of a camera fail in the first exposures of a night."""
    names = sorted(set(table.column("measure").to_pylist()))[:BAD_MEASURES]
    first = sorted(set(table.column("expid").to_pylist()))[:BAD_EXPOSURES]
    here = np.asarray(table.column("camera")) == camera
    bad = here & np.isin(np.asarray(table.column("measure")), names) & np.isin(np.asarray(table.column("expid")), first)
    place = table.schema.get_field_index("outcome")
    outcome = pa.array(np.where(bad, "failed", "passed")).cast(table.schema.field(place).type)
    return table.set_column(place, table.schema.field(place), outcome)


def make(root: Path, given: argparse.Namespace) -> None:
    """Write the store, with one night more than asked for, which is taken away again before it is timed."""
    store, simulated, packed = Store.create(root, production="iron"), Simulated(given.exposures, given.measures), packed_vectors()
    every = nights(given.nights + 1)
    for number, night in enumerate(every):
        if number < given.different:
            table = failing(simulated.night(night, number), CAMERAS[number % len(CAMERAS)])
            store.records.put(night, table, once=True)
            store.kept.put(night, vectors_of(night, number, given.exposures, CAMERAS, packed))
            continue
        for shelf in (store.records, store.kept):
            shutil.copytree(shelf.folder(every[number % given.different]), shelf.folder(night), copy_function=os.link)


def timed(what: str, store: Path, out: Path, processes: int) -> None:
    """Build the site and print what it took."""

    def busy() -> float:
        return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))

    start, before = time.perf_counter(), busy()
    built = build(store, out, processes=processes)
    took, spent = time.perf_counter() - start, busy() - before
    print(f"{what}: {len(built.nights)} nights, {len(built.written)} files in {took:.1f} s ({spent:.1f} CPU s)", flush=True)


def main() -> int:
    """Make the store and its site, then add a night."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("nights", 1000), ("exposures", 40), ("measures", 55), ("different", 10), ("processes", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make store and site there; a store that is there is used")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="specqa-site-") as scratch:
        root = (given.keep or Path(scratch)) / "store"
        out = root.parent / "site"
        if not root.exists():
            make(root, given)
        shutil.rmtree(out, ignore_errors=True)
        last, aside = nights(given.nights + 1)[-1], root.parent / "aside"
        rooms = ("records", "vectors")
        for room in rooms:
            (root / room / f"night={last}").rename(aside.with_name(f"aside-{room}"))
        try:
            timed("all", root, out, given.processes)
            timed("nothing new", root, out, given.processes)
        finally:
            for room in rooms:
                aside.with_name(f"aside-{room}").rename(root / room / f"night={last}")
        timed("one new night", root, out, given.processes)
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        print(f"site: {size / 1e9:.2f} GB, {size / (given.nights + 1) / 1e6:.2f} MB a night")
    return 0


if __name__ == "__main__":
    sys.exit(main())
