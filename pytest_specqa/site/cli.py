"""The verb ``specqa site``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from pytest_specqa.checks.wording import count
from pytest_specqa.printable import printable


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb; it sets ``run``, which takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "site",
        help="write static pages of a store: nights, exposures, cameras, fibers, trends",
        description="Write or bring up to date the pages of a store. They open from a file share, without a server or a network.",
    )
    parser.add_argument("store", type=Path, metavar="STORE", help="store, as specqa store or --specqa-store wrote it")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the site: new, empty, or a site already")
    parser.add_argument(
        "--reports", type=Path, metavar="DIR", help="folder with reports whose names hold their night (report-YYYYMMDD.html)"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=min(os.cpu_count() or 1, 8),
        metavar="N",
        help="processes that work on many nights [%(default)s]",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa site``."""
    from pytest_specqa.site.build import build  # noqa: PLC0415

    built = build(arguments.store, arguments.out, reports=arguments.reports, processes=max(1, arguments.processes))
    removed = f", {count(len(built.removed), 'file')} removed" if built.removed else ""
    print(
        f"site: {printable(arguments.out / 'index.html')} ({count(len(built.nights), 'night')} and "
        f"{count(len(built.written), 'file')} written{removed})"
    )
    return 0
