"""The verb ``specqa store``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import ResultsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_specqa.results.storing.dataset import Store

DONE, PROBLEMS = 0, 1


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb and what it can do; each sets ``run``."""
    parser = subparsers.add_parser("store", help="keep the results of many nights, and look after them")
    verbs = parser.add_subparsers(dest="what", metavar="add|check|compact|export", required=True)

    def declared(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        """Declare one."""
        verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ". Exit code 0: done, 2: misuse.")
        verb.set_defaults(run=run)
        return verb

    add = declared("add", "add stored results that are not there yet; makes the store", run_add)
    add.add_argument(
        "results", nargs="+", metavar="RESULTS", help=".jsonl or .parquet files, or quoted patterns; the last is newest"
    )
    add.add_argument("--store", metavar="DIR", type=Path, required=True, help="folder of the store of one production")
    check = declared("check", "read all of a store; exit code 1 and a line for each problem", run_check)
    compact = declared("compact", "make one file of those of a night; others may add meanwhile", run_compact)
    export = declared("export", "write current measurements as a results file that gate, triage and compare read", run_export)
    for verb in (check, compact, export):
        verb.add_argument("store", metavar="DIR", type=Path, help="folder of the store")
    export.add_argument("out", metavar="OUT.parquet|.jsonl", type=Path, help="the results file")
    for verb in (compact, export):
        verb.add_argument(
            "--night", metavar="A:B", action="append", type=night_range, help="nights YYYYMMDD or inclusive ranges; repeatable"
        )


def night_range(text: str) -> tuple[int, int]:
    """Read a night or an inclusive range of nights; `argparse.ArgumentTypeError` says what is expected."""
    match = re.fullmatch(r"(20\d{6})(?::(20\d{6}))?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no night, expected YYYYMMDD or YYYYMMDD:YYYYMMDD")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise argparse.ArgumentTypeError(f"{text!r} runs backwards, expected {last}:{first}")
    return first, last


def _chosen(store: Store, ranges: list[tuple[int, int]] | None) -> list[int] | None:
    """Return the nights of a store that lie in some ranges; None for all."""
    if not ranges:
        return None
    nights = [night for night in store.nights if any(first <= night <= last for first, last in ranges)]
    if not nights:
        have = f"{store.nights[0]} to {store.nights[-1]}" if store.nights else "none"
        asked = ", ".join(f"{first}:{last}" for first, last in ranges)
        raise ResultsError(f"{store.root}: holds no night of {asked}; it holds {have}")
    return nights


def run_add(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa store add``."""
    from pytest_specqa.checks.whole import extent  # noqa: PLC0415
    from pytest_specqa.results import store as results  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415

    paths = results.expand(arguments.results)
    store: Store | None = None
    for path in paths:
        records = results.read(path)
        try:
            store = store or Store.create(arguments.store, production=_production(records))
            added = store.add(records)
        except ResultsError as error:
            # What was found in the file is told by its name; what is wrong with the store names that.
            told = str(error)
            raise ResultsError(told if told.startswith(str(arguments.store)) else f"{path}: {told}") from None
        print(f"{path}: {added.told}")
        if partial := extent(records).told:
            print(f"{path}: NOT WHOLE: {partial}; what it holds is added")
    return DONE


def _production(records: list[Any]) -> str:
    named = {(record.get("versions") or {}).get("production", "") for record in records}
    if len(named) > 1 or not all(named):
        found = ", ".join(sorted(map(repr, named - {""}))[:3]) or "none"
        raise ResultsError(f"names {'several productions' if len(named - {''}) > 1 else 'no production'} ({found}), expected one")
    return str(named.pop())


def run_check(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa store check``."""
    from pytest_specqa.checks.wording import count  # noqa: PLC0415
    from pytest_specqa.results.storing.checking import problems  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415

    store, bad = Store.open(arguments.store), False
    for line in problems(store):
        bad = True
        print(line)
    if bad:
        return PROBLEMS
    views = ("all_records", "records", "vectors")
    every, current, kept = store.ask(
        lambda connection: [connection.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0] for view in views]
    )
    print(
        f"{arguments.store}: production {store.production}, {count(len(store.nights), 'night')}, {count(every, 'measurement')} "
        f"({current} current), {count(kept, 'vector')}; every part is whole"
    )
    return DONE


def run_compact(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa store compact``."""
    from pytest_specqa.checks.wording import count  # noqa: PLC0415
    from pytest_specqa.results.storing.compacting import compact  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415

    store, nights = Store.open(arguments.store), 0
    for done in compact(store, _chosen(store, arguments.night)):
        nights += 1
        more = f", {done.doubled} that were there twice left out" * bool(done.doubled)
        more += f", {count(done.leftovers, 'leftover')} removed" * bool(done.leftovers)
        print(f"{done.night}: {count(done.parts, 'part')}, {count(done.rows, 'row')}{more}")
    print(f"{arguments.store}: {count(nights, 'night')} compacted" if nights else f"{arguments.store}: nothing to do")
    return DONE


def run_export(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa store export``."""
    from pytest_specqa.checks.wording import count  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415
    from pytest_specqa.results.storing.exporting import export  # noqa: PLC0415
    from pytest_specqa.results.writable import verify  # noqa: PLC0415

    store = Store.open(arguments.store)
    if arguments.out.resolve().is_relative_to(arguments.store.resolve()):
        raise UsageError(f"{arguments.out}: lies in the store; choose a place outside")
    verify(arguments.out)
    written = export(store, arguments.out, _chosen(store, arguments.night))
    print(f"{arguments.out}: {count(written, 'measurement')} of production {store.production}")
    return DONE
