"""Wall time, CPU time and memory of the whole suite on a long night, made of links to the files of a demo.

Usage: ``python benchmarks/night.py DEMO/after [--exposures 40] [--workers 1,2] [--html]`` on a demo of
``specqa demo DEMO --bands brz --variants after``. Its four exposures are linked again and again under new numbers, so that the
night has as many files as a real one; that headers then name another exposure than file names is passed over, in this benchmark
alone. The tiles are those of the demo. Files are in the memory of the machine after the first pass, as where they have just been
written.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

FIRST = 300000
PLUGIN = '''
def pytest_collection_finish():
    """Pass over that headers of linked files name the exposure that they were made for."""
    from pytest_specqa.production import frames, models

    frames.check_identity = models.check_identity = lambda *args, **more: None
'''


def link_night(source: Path, target: Path, *, exposures: int) -> int:
    """Write a production of one night with so many exposures, as links; return the number of cameras of each."""
    (night_folder,) = (source / "exposures").iterdir()
    night = night_folder.name
    for name in ("calibnight", "tiles"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to(source / name)
    table = Path("exposure_tables") / night[:6] / f"exposure_table_{night}.csv"
    with (source / table).open() as stream:
        rows = {int(row["EXPID"]): row for row in csv.DictReader(stream)}
    (target / table).parent.mkdir(parents=True)
    with (target / table).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=next(iter(rows.values())))
        writer.writeheader()
        for expid, made_for in enumerate(islice(cycle(rows), exposures), start=FIRST):
            writer.writerow(rows[made_for] | {"EXPID": expid})
            for folder in ("exposures", "preproc"):
                files = source / folder / night / f"{made_for:08d}"
                place = target / folder / night / f"{expid:08d}"
                place.mkdir(parents=True)
                for file in files.iterdir():
                    (place / file.name.replace(f"{made_for:08d}", f"{expid:08d}")).symlink_to(file)
    return len(list((target / "exposures" / night / f"{FIRST:08d}").glob("sframe-*")))


def run(root: Path, scratch: Path, *, workers: int, html: bool) -> str:
    """Run the suite on the night and say what it cost."""
    tests = Path(__file__).parent.parent / "qa_tests"
    words = [
        sys.executable,
        "-m",
        "pytest",
        str(tests),
        "--specprod",
        str(root),
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "linked_night",
    ]
    words += ["--no-header", "--no-summary", "-n", str(workers if workers > 1 else 0)]
    words += ["--specqa-results", str(scratch / "night.parquet")] + (["--html", str(scratch / "night.html")] if html else [])
    path = os.pathsep.join([str(scratch), *filter(None, [os.environ.get("PYTHONPATH")])])
    log = scratch / "night.log"
    start = time.perf_counter()
    with log.open("w") as stream:
        process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": path}, stdout=stream, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    wall, said = time.perf_counter() - start, log.read_text()
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(said)
    cpu = used.ru_utime + used.ru_stime
    return f"{wall:.0f} s of wall time, {cpu:.0f} s of CPU, largest process {used.ru_maxrss / 1e6:.2f} GB; {said.splitlines()[-1]}"


def main() -> None:
    """Link the night, run it with each number of workers, print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("production", type=Path, help="a demo production, such as DEMO/after")
    parser.add_argument("--exposures", default="40", help="exposures of the night, or several such numbers (default: 40)")
    parser.add_argument("--workers", default="1,2", help="numbers of worker processes (default: 1,2)")
    parser.add_argument("--html", action="store_true", help="write the report page too")
    options = parser.parse_args()
    for exposures in map(int, options.exposures.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            (scratch / "linked_night.py").write_text(PLUGIN)
            cameras = link_night(options.production.resolve(), scratch / "linked", exposures=exposures)
            for workers in map(int, options.workers.split(",")):
                cost = run(scratch / "linked", scratch, workers=workers, html=options.html)
                print(
                    f"{exposures} exposures of {cameras} cameras, {workers} worker{'s' if workers > 1 else ''}: {cost}", flush=True
                )


if __name__ == "__main__":
    main()
