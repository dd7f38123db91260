"""The verb ``specqa history``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from pytest_specqa.errors import UsageError
from pytest_specqa.printable import printable

QUIET, FOUND = 0, 1
RATE = 0.05
PAGE = "pytest_specqa.site.history_page"
COMPARED = "against.json"
CAMERA = re.compile(r"[a-z]\d")
NIGHT = re.compile(r"(\d{8})?:(\d{8})?")


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "history",
        help="say from a store what changed over the nights, where and since when",
        description="Search all measures and vectors of a store for ranges of dates in which they are off. What was found is kept "
        "as history.json in the store. Exit code 0: nothing changed, 1: something did, 2: misuse.",
    )
    parser.add_argument("store", metavar="STORE", help="folder that specqa store add made")
    parser.add_argument(
        "--nights", metavar="A:B", type=_nights, default=(0, 99999999), help="first and last night, YYYYMMDD:YYYYMMDD"
    )
    parser.add_argument("--camera", metavar="CAMERA", type=_camera, help="search one camera, such as r6")
    parser.add_argument(
        "--rate",
        metavar="NUMBER",
        type=_rate,
        default=RATE,
        help="false alarms that 1,000 clean nights may give (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the changes as JSON")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page of the changes")
    parser.add_argument(
        "--patches",
        metavar="DIR",
        type=Path,
        help="draft flagged_fibers.ecsv, badamps.csv and waivers.toml for a person to review in a folder",
    )
    parser.add_argument(
        "--against",
        metavar="OLD",
        nargs="+",
        type=Path,
        help="say which faults of an older production (a store or its history.json; several: the latest first) are gone, still "
        "there, back or new; kept as against.json in the store",
    )
    parser.set_defaults(run=run_history)


def _nights(text: str) -> tuple[int, int]:
    found = NIGHT.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of nights; expected YYYYMMDD:YYYYMMDD, of which one may be left out"
        )
    return int(found[1] or 0), int(found[2] or 99999999)


def _camera(text: str) -> str:
    if not CAMERA.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no camera; expected a band and a petal, such as r6")
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 < rate <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; expected a number above 0 and at most 10")
    return rate


def run_history(arguments: argparse.Namespace) -> int:
    """Search a store, print what changed and keep it; 1 if anything did."""
    from pytest_specqa.results.history.against import as_text, compare, read_known  # noqa: PLC0415
    from pytest_specqa.results.history.against import table as against_table  # noqa: PLC0415
    from pytest_specqa.results.history.changes import KEPT, as_json  # noqa: PLC0415
    from pytest_specqa.results.history.finding import find_all  # noqa: PLC0415
    from pytest_specqa.results.history.patches import write as write_patches  # noqa: PLC0415
    from pytest_specqa.results.history.telling import sentence, table, told  # noqa: PLC0415
    from pytest_specqa.results.store import write_text  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415

    if arguments.html and find_spec("pytest_specqa.site") is None:
        raise UsageError("--html needs the site of pytest-specqa, which this version lacks; use --json")
    store = Store.open(arguments.store)
    # What cannot be read is said before a search of minutes.
    known = [read_known(path) for path in arguments.against or ()]
    low, high = arguments.nights
    nights = [night for night in store.nights if low <= night <= high]
    changes, extent = find_all(store, nights=nights, camera=arguments.camera, rate=arguments.rate, progress=_progress())
    text = as_json(changes, told=told(extent, rate=arguments.rate))
    # A search of a part is no history of the store.
    if arguments.camera is None and len(nights) == len(store.nights):
        write_text(store.root / KEPT, text)
    if arguments.json:
        write_text(arguments.json, text)
    if arguments.html:
        import_module(PAGE).write(store, changes, arguments.html)
    if changes:
        print(table(changes))
        print()
    print(sentence(changes, extent, rate=arguments.rate))
    if known:
        compared = compare(store, changes, known, searched=told(extent, rate=arguments.rate))
        write_text(store.root / COMPARED, as_text(compared))
        print()
        print(against_table(compared))
    if arguments.patches:
        for each in write_patches(store, changes, arguments.patches):
            print(printable(f"{each.path}: {each.entries} entries to review"))
    return FOUND if changes else QUIET


def _progress() -> Callable[[str], None] | None:
    """Tell a person at a terminal what is read."""
    if not sys.stderr.isatty():
        return None
    return lambda what: print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)
