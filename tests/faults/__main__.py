"""``python -m tests.faults``: damage files of a production by thousands, and count what the suite says."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_specqa.processes import single_threaded

from . import harness, judge, products
from .bench import Bench, Tree


def main(words: Sequence[str]) -> int:
    """Try the cases; exit 1 where one is silent, ends in a traceback, hangs or takes too much memory."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="number of cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--class", dest="classes", action="append", default=[], choices=harness.CLASSES)
    parser.add_argument("--case", default="", help="repeat one case, CLASS:SEED, and keep its production")
    parser.add_argument(
        "--bench", type=Path, default=Path(tempfile.gettempdir()) / "specqa-faults", help="where sound files are kept"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop then, with what has been tried")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(words)
    asked.bench.mkdir(parents=True, exist_ok=True)
    bench = Bench(asked.bench).prepare()
    judge.warm(bench.demo)
    if asked.case:
        return repeat(asked.case, bench)
    names = harness.names(asked.count, seed=asked.seed, classes=asked.classes)
    found = []
    ends = time.monotonic() + 60 * asked.minutes
    for one in tried(names, bench, processes=asked.processes):
        found.append(one)
        if time.monotonic() > ends:
            print(f"stopped after {asked.minutes:g} minutes: {len(found)} of {len(names)} cases")
            break
        if one.outcome in harness.BAD:
            print(f"{one.outcome}: {one.name}: {one.damage}: {one.words[-300:]}", flush=True)
    print(harness.table(found))
    print(harness.reasons(found))
    return int(any(one.outcome in harness.BAD for one in found))


def repeat(name: str, bench: Bench) -> int:
    """Try one case, and say where the damaged production is."""
    folder = Path(tempfile.mkdtemp(prefix="specqa-case-"))
    tree, scratch = Tree(bench, folder / "production").prepare(), folder / "scratch"
    scratch.mkdir()
    outcome = harness.attempt(name, tree, scratch)
    print(f"{outcome.outcome}: {outcome.name}\n  {outcome.damage}\n  {outcome.words}")
    if name.partition(":")[0] in products.MUTATIONS:
        print(f"  the damaged file: {products.damaged(name, tree)[2]}")
    return int(outcome.outcome in harness.BAD)


def tried(names: Sequence[str], bench: Bench, *, processes: int) -> Iterator[harness.Outcome]:
    """Try cases, each process in a tree of its own."""
    work = Path(tempfile.mkdtemp(prefix="trees-", dir=bench.folder))
    try:
        with multiprocessing.get_context("fork").Pool(processes, _begin, (bench, work)) as pool:
            yield from pool.imap_unordered(_one, names, chunksize=2)
    finally:
        shutil.rmtree(work, ignore_errors=True)


_STATE: dict[str, object] = {}


def _begin(bench: Bench, work: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=work))
    scratch = folder / "scratch"
    scratch.mkdir()
    _STATE["tree"], _STATE["scratch"] = Tree(bench, folder / "production").prepare(), scratch


def _one(name: str) -> harness.Outcome:
    tree, scratch = _STATE["tree"], _STATE["scratch"]
    assert isinstance(tree, Tree)
    assert isinstance(scratch, Path)
    return harness.attempt(name, tree, scratch)


if __name__ == "__main__":
    single_threaded(os.environ)
    sys.exit(main(sys.argv[1:]))
