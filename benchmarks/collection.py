"""Measure how long pytest takes to collect 12,000 checks on a production of empty files; the aim is at most 10 s."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKS = 12_000
AIM_SECONDS = 10.0
NIGHTS = 5
CAMERAS = [f"{band}{petal}" for band in "brz" for petal in range(10)]
QA_TESTS = Path(__file__).resolve().parent.parent / "qa_tests"


def write_tree(root: Path, *, exposures: int) -> None:
    """Make the folders and file names of a production; the tables are there, every product is empty."""
    for number in range(exposures):
        night, expid, tile = 20211014 + number % NIGHTS, 104282 + number, 7000 + number
        folder = root / f"exposures/{night}/{expid:08d}"
        folder.mkdir(parents=True)
        for camera in CAMERAS:
            for kind in ("frame", "sky", "sframe", "cframe", "fluxcalib"):
                (folder / f"{kind}-{camera}-{expid:08d}.fits.gz").touch()
        reduced = root / f"tiles/cumulative/{tile}/{night}"
        reduced.mkdir(parents=True)
        for petal in range(10):
            (reduced / f"redrock-{petal}-{tile}-thru{night}.fits").touch()
        table = root / f"exposure_tables/202110/exposure_table_{night}.csv"
        table.parent.mkdir(parents=True, exist_ok=True)
        with table.open("a") as stream:
            if stream.tell() == 0:
                stream.write("EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,SURVEY,FAPRGRM\n")
            stream.write(f"{expid},science,{tile},all,a0123456789,,main,dark\n")


def collect(root: Path) -> tuple[int, float]:
    """Return the number of checks and the wall time of ``pytest qa_tests --co`` in a fresh process."""
    command = [sys.executable, "-m", "pytest", str(QA_TESTS), f"--specprod={root}", "--co", "-q", "-p", "no:cacheprovider"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    found = re.search(r"(\d+) tests? collected", done.stdout)
    if done.returncode or found is None:
        raise SystemExit(f"collection failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(found[1]), seconds


def main() -> int:
    """Find out how many exposures give enough checks, measure them, and compare with the aim."""
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder, "one")
        write_tree(one, exposures=1)
        per_exposure, start = collect(one)
        many = Path(folder, "many")
        write_tree(many, exposures=-(-CHECKS // per_exposure))
        checks, seconds = collect(many)
    print(f"{checks} checks collected in {seconds:.1f} s, {per_exposure} in {start:.1f} s; aim: {CHECKS} in {AIM_SECONDS:.0f} s")
    return int(checks < CHECKS or seconds > AIM_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
