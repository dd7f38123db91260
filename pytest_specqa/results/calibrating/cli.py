"""The verb ``specqa limits``: what `pytest_specqa.checks.cli` offers, and limits from one's own data."""

from __future__ import annotations

import argparse
import datetime
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa import __version__
from pytest_specqa.checks import cli as checks_cli
from pytest_specqa.checks import wording
from pytest_specqa.errors import UsageError
from pytest_specqa.printable import command, joined, printable

if TYPE_CHECKING:
    from pytest_specqa.results.calibrating.clean import Choice
    from pytest_specqa.results.storing.dataset import Store
    from pytest_specqa.rules.limits import Limits

MEMORY = "1000MB"
WARN_TIMES = 10
"""How many warnings there may be for each failure, where --warn-rate does not say."""
APART = ("program", "band", "camera")


def add_verb(subparsers: Any) -> None:
    """Add the actions of ``limits``."""
    actions = checks_cli.add_verb(subparsers)
    made = actions.add_parser("calibrate", help="write the limits that the clean units of a store would keep at a given rate")
    made.add_argument("store", type=Path, metavar="STORE", help="folder of a store (specqa store)")
    made.add_argument("--rate", type=_rate, default=1e-4, metavar="RATE", help="failures of clean values [1e-4]")
    made.add_argument("--warn-rate", type=_rate, metavar="RATE", help=f"warnings of clean values [{WARN_TIMES} x --rate]")
    made.add_argument("--nights", type=_nights, metavar="A:B", help="nights to use, YYYYMMDD:YYYYMMDD [all]")
    for name, metavar in zip(APART, ("dark,bright", "b,r,z", "r6,b0"), strict=True):
        made.add_argument(f"--{name}", type=_names, metavar=metavar, help=f"only these; the limits hold for this {name} only")
    made.add_argument("--by", type=_by, default=(), metavar="program,band,camera", help="a limit of its own for each of these")
    made.add_argument("--tighten", action="store_true", help="write physical limits, too, where the data keep far inside them")
    made.add_argument("--verify", action="store_true", help="calibrate on every other night, count on the rest; writes nothing")
    made.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="date of the file [today]")
    made.add_argument("--out", type=Path, metavar="FILE", help="a new file [limits-YYYYMMDD.toml]")
    made.set_defaults(run=run_calibrate)
    side = actions.add_parser("diff", help="show two limits files side by side: tighter, looser, only here")
    side.add_argument("first", type=Path, metavar="A")
    side.add_argument("second", type=Path, nargs="?", metavar="B", help="by default the shipped limits")
    side.set_defaults(run=run_diff)


def _rate(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1e-9 <= found <= 0.1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a rate between 1e-9 and 0.1, such as 1e-4")
    return found


def _nights(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(20\d{6}):(20\d{6})", text)
    if found is None or found[1] > found[2]:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a range YYYYMMDD:YYYYMMDD")
    return int(found[1]), int(found[2])


def _names(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r}: expected names separated by single commas")
    return found


def _by(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if unknown := [one for one in found if one not in APART]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}: expected one or more of {', '.join(APART)}")
    return tuple(name for name in APART if name in found)


def _date(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a date YYYY-MM-DD") from None


def run_calibrate(arguments: argparse.Namespace) -> int:
    """Write the limits file, or verify the method on nights held back; 1 if these do not keep the rate."""
    from pytest_specqa.results.calibrating import calibrate, verify, writing  # noqa: PLC0415
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415
    from pytest_specqa.rules import limits_file  # noqa: PLC0415

    date = arguments.date or datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    out: Path = arguments.out or Path(f"limits-{date.replace('-', '')}.toml")
    if not arguments.verify:
        _require_new(out)
    store = Store.open(arguments.store)
    choice = _choice(arguments, store)
    limits = limits_file.load([limits_file.default_file()])
    warn_rate = min(WARN_TIMES * arguments.rate, 0.1) if arguments.warn_rate is None else arguments.warn_rate
    rates = calibrate.Rates(arguments.rate, warn_rate)
    if arguments.verify:
        lines, good = _asked(store, choice, limits, lambda groups: verify.told(list(verify.verify(groups, limits, rates=rates))))
        print(joined(lines))
        return 0 if good else 1
    found = _asked(
        store, choice, limits, lambda groups: list(calibrate.calibrate(groups, limits, rates=rates, tighten=arguments.tighten))
    )
    told = writing.Told(store=f"store {store.root.resolve().name} of {store.production}", date=date, version=__version__)
    text = writing.text_of(found, choice, told=told, command=_command(arguments, warn_rate, date))
    _write(out, text, limits_file.lint)
    print(joined(writing.summary(found)))
    changed = sum(len(one.new) for one in found)
    print(printable(f"{wording.count(changed, 'bound')} changed, of {wording.count(len(found), 'measure')}; written to {out}"))
    return 0


def _command(arguments: argparse.Namespace, warn_rate: float, date: str) -> str:
    words = [
        "specqa",
        "limits",
        "calibrate",
        str(arguments.store),
        "--rate",
        f"{arguments.rate:g}",
        "--warn-rate",
        f"{warn_rate:g}",
    ]
    words += ["--nights", "{}:{}".format(*arguments.nights)] if arguments.nights else []
    for name in APART:
        words += [f"--{name}", ",".join(getattr(arguments, name))] if getattr(arguments, name) else []
    words += ["--by", ",".join(arguments.by)] if arguments.by else []
    words += ["--tighten"] if arguments.tighten else []
    return command([*words, "--date", date])


def _choice(arguments: argparse.Namespace, store: Store) -> Choice:
    from pytest_specqa.results.calibrating.clean import Choice  # noqa: PLC0415

    nights: list[int] = []
    if arguments.nights:
        low, high = arguments.nights
        nights = [night for night in store.nights if low <= night <= high]
        if not nights:
            held = f"{store.nights[0]}:{store.nights[-1]}" if store.nights else "none"
            raise UsageError(f"--nights {low}:{high}: the store holds none of these nights; it has {held}")
    names = {name: getattr(arguments, name) for name in APART if getattr(arguments, name)}
    return Choice(nights, names, arguments.by)


def _asked(store: Store, choice: Choice, limits: Limits, use: Any) -> Any:
    """Give the clean values of a store to `use`."""
    from pytest_specqa.results.calibrating.clean import read  # noqa: PLC0415
    from pytest_specqa.rules.limits import Basis  # noqa: PLC0415

    faults = [name for name in limits.names if limits.basis(name)[0] is not Basis.STATISTICAL]
    return store.ask(lambda connection: use(read(connection, choice, faults=faults)), memory=MEMORY)


def _require_new(out: Path) -> None:
    if os.path.lexists(out):
        raise UsageError(f"{out}: exists, and is not written over; give another name with --out, or remove it first")
    from pytest_specqa.results.writable import verify  # noqa: PLC0415

    verify(out, option="--out")


def _write(out: Path, text: str, lint: Any) -> None:
    """Write a file whole or not at all; what does not read back is no limits file."""
    from pytest_specqa.results.store import replacing  # noqa: PLC0415
    from pytest_specqa.rules.limits_file import default_file  # noqa: PLC0415

    with replacing(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
        if problems := lint(temporary, [default_file()]):
            raise UsageError(f"{out}: not written: {problems[0]}")
        _require_new(out)


def run_diff(arguments: argparse.Namespace) -> int:
    """Print what differs."""
    from pytest_specqa.results.calibrating.diff import diff  # noqa: PLC0415
    from pytest_specqa.rules.limits_file import default_file  # noqa: PLC0415

    lines = diff(arguments.first, arguments.second or default_file())
    print(joined(lines) if lines else "no difference")
    return 0
