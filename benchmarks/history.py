"""What ``specqa history`` finds in simulated productions: power, false alarms, time and memory.

Usage: ``python benchmarks/history.py [--nights N] [--parts reported,steps,redshifts,clean] [--keep DIR] [--docs DIR]``. Each
part is a store of its own, which is simulated, searched as a user would search it, and compared with what was planted. With
``--keep`` the stores stay, and one that is there is searched again. ``--docs docs`` writes the section of the judgement, with its
tables.

``python benchmarks/history.py --demo DIR`` does the same with real runs: twenty nights of the demo with a hole of the CCD from the
eleventh on, each judged by the suite, then searched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pytest_specqa.results.history.changes import Change
from pytest_specqa.trials import document
from pytest_specqa.trials.histories import experiments, measured, section, usual
from pytest_specqa.trials.histories.experiments import Setting
from pytest_specqa.trials.histories.history import History
from pytest_specqa.trials.histories.measured import Searched

HERE = Path(__file__).resolve().parent.parent
CLEAN_VALUES = HERE / "docs" / "judgement" / "clean_values.csv"
FAULT, AMPLITUDE, FROM, NIGHTS = "ccd_hole", 20.0, 11, 20
MAKERS: dict[str, Callable[[Setting], History]] = {
    "reported": experiments.with_reported,
    "steps": experiments.steps,
    "redshifts": experiments.bad_redshifts,
    "clean": experiments.clean,
}
NIGHTS_OF = {"reported": 200, "steps": 120, "redshifts": 100, "clean": 120}
"""Nights of each part, where none are given."""
TILES_A_NIGHT = 12
"""Exposures of a night in the part on redshifts: a rate of 2 % takes a thousand objects of a fiber."""


def settings(part: str, options: argparse.Namespace) -> list[Setting]:
    """Say how much is simulated for one part; every one has nights of its own."""
    base = Setting(
        nights=options.nights or NIGHTS_OF[part],
        exposures=options.exposures,
        usual=tuple(usual.read(CLEAN_VALUES, measures=experiments.MEASURES)),
    )
    if options.cameras:
        base = replace(base, cameras=tuple(options.cameras.split(",")))
    base = replace(base, seed=section.seed_of(part, options.seed))
    if part == "redshifts":
        return [replace(base, exposures=TILES_A_NIGHT)]
    return [replace(base, seed=base.seed + k) for k in range(options.clean if part == "clean" else 1)]


def tell(name: str, one: Searched) -> None:
    """Print what was found of what was planted, and what else."""
    survey = one.history.survey
    print(
        f"\n{name}: {survey.nights} nights, {one.exposures} camera-exposures of {len(survey.cameras)} cameras, {one.size:.0f} MB; "
        f"simulated in {one.simulated:.0f} s, searched in {one.seconds:.0f} s and {one.memory:.0f} MB"
    )
    if name == "reported":
        for found in one.found:
            print("  " + "  ".join(str(word) for word in section.planted_row(found) if word != ""))
    else:
        rows = section.redshift_rows(one.found) if name == "redshifts" else section.step_rows(one.found)
        for row in (rows[0], *rows[1]) if one.found else ():
            print("  " + "  ".join(f"{word!s:>14}" for word in row))
    print(f"  {sum(bool(found.changes) for found in one.found)} of {len(one.found)} found; {len(one.alarms)} false alarms")
    for alarm in one.alarms[:20]:
        print("  false alarm: " + in_words(alarm), flush=True)


def in_words(change: Change) -> str:
    """Put a change in one line."""
    words = [
        change.what,
        change.scope,
        change.shape,
        change.camera,
        change.fibers,
        change.waves and [round(w) for w in change.waves],
    ]
    words += [f"{change.first[0]}-{change.last[0]}", f"size {change.size:.3g}", f"{change.significance:.2f} sigma"]
    return ", ".join(str(word) for word in words if word)


def on_demo(options: argparse.Namespace) -> None:
    """Write twenty nights of the demo, judge them, and search the store."""
    demo, store = options.demo / "demo", options.demo / "store"
    python = [sys.executable, "-m"]
    start = time.monotonic()
    if not demo.is_dir():
        words = ["demo", demo, "--bands", "r", "--petals", "3", "--variants", "after", "--nights", NIGHTS, "--quiet"]
        words += ["--fault", f"{FAULT}={AMPLITUDE}", "--faults-from", FROM]
        subprocess.run([*python, "pytest_specqa.cli", *map(str, words)], check=True)
    made = time.monotonic()
    nights = sorted(path.name for path in (demo / "after" / "exposures").iterdir())
    shutil.rmtree(store, ignore_errors=True)
    tests = [str(HERE / "qa_tests" / name) for name in options.tests.split(",")]
    words = ["--specprod", str(demo / "after"), "--specqa-store", str(store), "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*python, "pytest", *tests, *words], capture_output=True, text=True, check=False)
    print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-200:], flush=True)
    judged = time.monotonic()
    changes, seconds, memory = measured.search(store)
    took = f"made in {made - start:.0f} s, judged in {judged - made:.0f} s, searched in {seconds:.0f} s and {memory:.0f} MB"
    print(f"{len(nights)} nights {took}")
    print(f"planted: {FAULT} of {AMPLITUDE:g} electron/Angstrom from {nights[FROM - 1]} on")
    for change in changes:
        print("found: " + in_words(change))


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=0, help=f"nights of each history (default: {NIGHTS_OF})")
    parser.add_argument("--exposures", type=int, default=5, help="exposures of a night on average (default: 5)")
    parser.add_argument("--cameras", default="", help=f"comma-separated (default: {','.join(experiments.CAMERAS)})")
    parser.add_argument("--parts", default=",".join(MAKERS), help="what is planted (default: all)")
    parser.add_argument("--clean", type=int, default=1, help="histories in which nothing is planted (default: 1)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same stores (default: 1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the stores here, and search those that are there again")
    parser.add_argument("--docs", type=Path, metavar="DIR", help="write the section of judgement.md in this folder")
    parser.add_argument(
        "--demo", type=Path, metavar="DIR", help="real runs on twenty nights of the demo, kept here, in place of all else"
    )
    parser.add_argument("--tests", default="", help="files of qa_tests for --demo, comma-separated (default: all)")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    if options.demo:
        on_demo(options)
        return
    found: dict[str, list[Searched]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for part in options.parts.split(","):
            for setting in settings(part, options):
                folder = (options.keep or Path(scratch)) / f"{part}-{setting.seed}-{setting.nights}"
                one = measured.run(MAKERS[part](setting), folder)
                tell(part, one)
                found.setdefault(part, []).append(one)
    if options.docs:
        print(document.write_history(section.Parts(**found), options.docs))


if __name__ == "__main__":
    main()
