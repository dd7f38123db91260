"""Time and memory of a store: 1,000 nights of 1,200 camera-exposures with 55 measures each, and the vectors of 200 nights.

python benchmarks/store.py [--nights 1000] [--exposures 40] [--measures 55] [--vector-nights 200] [--vector-cameras 3]
                           [--different 40] [--keep DIR]

The records of 40 nights are simulated, the others are copies of their files: what a query reads is as much.
Each question is asked by a process of its own, whose peak memory is that of the question.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytest_specqa.results.storing import columns
from pytest_specqa.results.storing.compacting import compact
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.vectors import Vector, encode

CAMERAS = [f"{band}{petal}" for band in "brz" for petal in range(10)]
FIRST_NIGHT = datetime.date(2021, 5, 14)
FIBERS, BINS = 500, 40
CHECKS = 25
"""Checks of a camera, which share its measures; about ten sets of products are read by them."""
SMALL = ("line_scale", "line_shift", "line_width")
PACKED = 300
"""Different vectors that are made; stored data are not packed a second time, so that repeats cost what others do."""


def nights(number: int) -> list[int]:
    """Return so many nights, one a day."""
    days = (FIRST_NIGHT + datetime.timedelta(days=day) for day in range(number))
    return [int(f"{day:%Y%m%d}") for day in days]


def text(parts: list[pa.Array | str]) -> pa.Array:
    """Join texts row by row."""
    return pc.binary_join_element_wise(*parts, "")


class Simulated:
    """Rows of a night in the order of a part: by measure, camera and exposure."""

    def __init__(self, exposures: int, measures: int) -> None:
        measure, camera, exposure = (
            axis.ravel() for axis in np.meshgrid(np.arange(measures), np.arange(len(CAMERAS)), np.arange(exposures), indexing="ij")
        )
        self.rows, self.exposure, self.check = len(measure), exposure, measure % CHECKS
        self.reading = (measure % 10) * len(CAMERAS) * exposures + camera * exposures + exposure
        self.rng = np.random.default_rng(1)
        self.names = pa.array([f"measure_{number:02d}" for number in range(measures)]).take(pa.array(measure))
        self.cameras = pa.array(CAMERAS).take(pa.array(camera))
        source = [
            f"measured: of 5,300 simulated clean units none reached it (highest {number}.6), kind {number}"
            for number in range(measures)
        ]
        checks = [f"test_what_check_{number:02d}_expects_of_a_camera" for number in range(CHECKS)]
        constant = {
            "kind": "camera", "value_unit": "sigma", "severity": "fail", "outcome": "passed", "survey": "main", "program": "dark",
            "waiver": "", "stage": "sky", "verified": "datasum", "code": "0123456789abcdef", "limits": "fedcba9876543210",
            "content": "", "versions": '{"production": "iron", "pytest-specqa": "0.1.0"}', "high": 4.0,
        }  # fmt: skip
        self.fixed = {name: pa.repeat(pa.scalar(value), self.rows) for name, value in constant.items()}
        self.fixed |= {
            "measure": self.names,
            "camera": self.cameras,
            "expectation": pa.array(checks).take(pa.array(self.check)),
            "source": pa.array(source).take(pa.array(measure)),
            "whole": pa.repeat(pa.scalar(True), self.rows),
            "waves": pa.array([[5760.0, 7620.0]]).take(pa.array(np.zeros(self.rows, int))),
            "fibers": pa.array([[[low, low + 24]] for low in range(0, 5000, 25)]).take(
                pa.array(self.rng.integers(0, 200, self.rows))
            ),
        }

    def night(self, night: int, number: int) -> pa.Table:
        """Return the records of one night."""
        expid = 100_000 + 50 * number + self.exposure
        shown = pc.utf8_lpad(pa.array(expid).cast(pa.string()), 8, "0")
        value, error = self.rng.normal(size=self.rows), self.rng.uniform(0.05, 0.2, self.rows)
        file = text([f"exposures/{night}/", shown, "/sframe-", self.cameras, "-", shown, ".fits.gz"])
        digests = pa.array([f"{one:016x}" for one in self.rng.integers(0, 2**63, int(self.reading.max()) + 1)])
        written = pa.array(np.round(value, 3)).cast(pa.string())
        varying = {
            "unit": text([f"{night}-", shown, "-", self.cameras]),
            "expid": pa.array(expid),
            "tile": pa.array(expid % 5000),
            "value": pa.array(value),
            "error": pa.array(error),
            "product": file,
            "products": pa.ListArray.from_arrays(pa.array(np.arange(self.rows + 1)), file),
            "inputs": digests.take(pa.array(self.reading)),
            "message": text(
                [self.names, " = ", written, " sigma (limit at most 4 sigma; measured), fibers 3000-3024, 5760.0-7620.0 A"]
            ),
            "run": pa.repeat(pa.scalar(f"{night}T120000Z-01234567"), self.rows),
            "added": pa.repeat(pa.scalar(datetime.datetime(2026, 1, 1)), self.rows),
            "extra": text(
                ['{"nodeid": "test_sframe.py::', self.fixed["expectation"], f"[{night}-", shown, "-", self.cameras, ']"}']
            ),
        }
        given = self.fixed | varying
        schema = columns.records_schema()
        arrays = [
            given[field.name].cast(field.type) if field.name in given else pa.nulls(self.rows, field.type) for field in schema
        ]
        return pa.Table.from_arrays(arrays, schema=schema)


def vectors_of(night: int, number: int, exposures: int, cameras: list[str], packed: dict[str, list[dict[str, object]]]) -> pa.Table:
    """Return the vectors of one night."""
    rows = []
    for exposure in range(exposures):
        expid = 100_000 + 50 * number + exposure
        for camera in cameras:
            for name, made in packed.items():
                told = made[(expid * 7 + number) % len(made)]
                rows.append(
                    {
                        "kind": "camera",
                        "unit": f"{night}-{expid:08d}-{camera}",
                        "expid": expid,
                        "tile": 1,
                        "camera": camera,
                        "program": "dark",
                        "code": "0123456789abcdef",
                        "limits": "fedcba9876543210",
                        "inputs": f"{expid:016x}",
                        "content": f"{expid:016x}",
                        "added": datetime.datetime(2026, 1, 1),
                        "name": name,
                        **told,
                        "first": 500 * int(camera[1]),
                    }
                )
    return pa.Table.from_pylist(rows, schema=columns.vectors_schema())


def packed_vectors() -> dict[str, list[dict[str, object]]]:
    """Make noise as real residuals have it, packed as a store keeps it."""
    import base64  # noqa: PLC0415

    rng = np.random.default_rng(2)
    edges = tuple(np.linspace(5760.0, 7620.0, BINS + 1))
    made: dict[str, list[Vector]] = {
        "residual": [Vector("residual", 0, rng.normal(size=(FIBERS, BINS)), 0.25, edges, "sigma") for _ in range(PACKED)]
    }
    for name in (*SMALL, *(f"{name}_error" for name in SMALL), "residual_error"):
        made[name] = [Vector(name, 0, rng.normal(size=FIBERS), 0.25) for _ in range(PACKED)]
    kept = {}
    for name, several in made.items():
        records = [dict(encode(one)) for one in several]
        kept[name] = [one | {"data": base64.b64decode(one["data"]), "value_unit": one.pop("unit")} for one in records]
    return kept


def make(root: Path, given: argparse.Namespace) -> None:
    """Write the store."""
    store, start = Store.create(root, production="iron"), time.perf_counter()
    simulated = Simulated(given.exposures, given.measures)
    for number, night in enumerate(nights(given.nights)):
        if number < given.different:
            store.records.put(night, simulated.night(night, number), once=True)
        else:
            shutil.copytree(store.records.folder(nights(number)[number % given.different]), store.records.folder(night))
    different, millions = min(given.different, given.nights), given.nights * simulated.rows / 1e6
    took = time.perf_counter() - start
    print(f"made {given.nights} nights ({different} different), {millions:.1f} M records in {took:.0f} s", flush=True)
    start, packed = time.perf_counter(), packed_vectors()
    for number, night in enumerate(nights(min(given.vector_nights, given.nights))):
        store.kept.put(night, vectors_of(night, number, given.exposures, CAMERAS[10 : 10 + given.vector_cameras], packed))
    print(f"made vectors of {given.vector_cameras} cameras, {given.vector_nights} nights in {time.perf_counter() - start:.0f} s")


def ask_measure(store: Store) -> str:
    """One measure of one camera over all nights."""
    table = store.measures("measure_07", camera="r6")
    return f"{table.num_rows} rows"


def ask_measure_all(store: Store) -> str:
    """One measure of all cameras over all nights."""
    with store.connect() as connection:
        found = connection.execute("SELECT camera, count(*), median(value) FROM records WHERE measure = 'measure_07' GROUP BY 1")
        return f"{sum(count for _, count, _ in found.fetchall())} rows, median of each camera"


def ask_night(store: Store) -> str:
    """All measures of one camera of a night."""
    table = store.measures(camera="r6", nights=[store.nights[len(store.nights) // 2]])
    return f"{table.num_rows} rows"


def ask_all(store: Store) -> str:
    """Failures of each night over everything."""
    with store.connect() as connection:
        query = "SELECT night, count(*) FILTER (WHERE outcome = 'failed') FROM records GROUP BY night"
        return f"{len(connection.execute(query).fetchall())} nights"


def ask_vectors(store: Store) -> str:
    """Residuals of one camera over the nights that have vectors."""
    total, count = np.zeros((FIBERS, BINS)), 0
    for kept in store.vectors("residual", camera="r1"):
        total += np.nan_to_num(kept.vector.values)
        count += 1
    return f"{count} camera-exposures, stacked"


QUESTIONS: dict[str, Callable[[Store], str]] = {
    one.__name__: one for one in (ask_measure, ask_measure_all, ask_night, ask_all, ask_vectors)
}


def ask(root: Path, name: str) -> None:
    """Ask one question in this process and print what it took."""
    start, store = time.perf_counter(), Store.open(root)
    said = QUESTIONS[name](store)
    took = time.perf_counter() - start
    # The peak that getrusage tells is that of the process which started this one, where it was larger.
    peak = (
        next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")) / 1024
    )
    print(json.dumps({"said": said, "seconds": round(took, 2), "CPU": round(time.process_time(), 2), "MB": round(peak)}))


def size(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def compacted(root: Path, given: argparse.Namespace) -> str:
    """Time of one night that came in one part for each exposure, as a run of each exposure leaves it."""
    store = Store.create(root, production="iron")
    night, packed = nights(1)[0], packed_vectors()
    records = Simulated(given.exposures, given.measures).night(night, 0)
    vectors = vectors_of(night, 0, given.exposures, CAMERAS, packed)
    for expid in pc.unique(records.column("expid")).to_pylist():
        store.records.put(night, records.filter(pc.equal(records.column("expid"), expid)))
        store.kept.put(night, vectors.filter(pc.equal(vectors.column("expid"), expid)))
    start, busy = time.perf_counter(), time.process_time()
    done = next(iter(compact(store)))
    took, busy = time.perf_counter() - start, time.process_time() - busy
    return f"{done.parts} parts, {done.rows} rows in {took:.1f} s ({busy:.1f} CPU s)"


def main() -> int:
    """Make the store, ask it, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (
        ("nights", 1000),
        ("exposures", 40),
        ("measures", 55),
        ("vector-nights", 200),
        ("vector-cameras", 3),
        ("different", 40),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the store there, or ask the one that is there")
    parser.add_argument("--ask", metavar="NAME", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        ask(given.keep, given.ask)
        return 0
    with tempfile.TemporaryDirectory(prefix="specqa-store-") as scratch:
        root = given.keep or Path(scratch) / "store"
        if not root.exists():
            make(root, given)
        store = Store.open(root)
        units = len(store.nights) * given.exposures * len(CAMERAS)
        kept = len(store.kept.nights()) * given.exposures * given.vector_cameras
        print(f"records: {size(store.records.root) / 1e9:.2f} GB, {size(store.records.root) / units:.0f} bytes per camera-exposure")
        print(f"vectors: {size(store.kept.root) / 1e9:.2f} GB, {size(store.kept.root) / kept:.0f} bytes per camera-exposure")
        for name, question in QUESTIONS.items():
            words = [sys.executable, __file__, "--keep", str(root), "--ask", name]
            done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ)
            found = json.loads(done.stdout)
            took = f"{found['seconds']} s ({found['CPU']} CPU s with start), {found['MB']} MB"
            print(f"{(question.__doc__ or name).rstrip('.')}: {found['said']} in {took}", flush=True)
        print(f"compact: one night, {compacted(Path(scratch) / 'night', given)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
