"""The verb ``specqa limits``: check a limits file, or list what is in force."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_specqa.checks import wording
from pytest_specqa.printable import joined, printable
from pytest_specqa.rules import limits_file
from pytest_specqa.values import DataUnit


def add_verb(subparsers: Any) -> Any:
    """Add ``limits lint`` and ``limits list``; return what takes further actions."""
    verb = subparsers.add_parser("limits", help="check or list limits files")
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    lint = actions.add_parser("lint", help="check files on top of the project's limits; exit 1 if a line is wrong")
    lint.add_argument("files", nargs="+", type=Path, metavar="FILE")
    lint.set_defaults(run=run_lint)
    show = actions.add_parser("list", help="print every limit with its source and what a miss of it means")
    show.add_argument("files", nargs="*", type=Path, metavar="FILE", help="your layers, on top of the project's limits")
    show.set_defaults(run=run_list)
    return actions


def run_lint(arguments: argparse.Namespace) -> int:
    """Print every problem of the files, one line each; return 1 if there is any."""
    default = limits_file.default_file()
    problems = []
    for file in arguments.files:
        below = [default] if default.is_file() and not (file.exists() and file.samefile(default)) else []
        problems += limits_file.lint(file, below)
    print(joined(problems) if problems else f"{wording.count(len(arguments.files), 'file')} without a problem")
    return 1 if problems else 0


def run_list(arguments: argparse.Namespace) -> int:
    """Print name, range, severity, source and meaning of every limit, as they hold where no override applies."""
    found = limits_file.load([limits_file.default_file(), *arguments.files])
    anywhere = DataUnit("night", 0)
    for name in found.names:
        limit = found.find(name, anywhere)
        unit = f" {limit.unit}" if limit.unit else ""
        called = f"{limit.plain}; " if limit.plain else ""
        print(printable(f"{name}: {called}{wording.allowed(limit)}{unit} ({limit.severity}); {limit.source} [{found.where(name)}]"))
        if limit.doc:
            print(printable(f"    {limit.doc}"))
    return 0
