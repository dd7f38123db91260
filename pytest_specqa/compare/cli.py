"""The verb ``specqa compare``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.printable import printable

if TYPE_CHECKING:
    from pytest_specqa.compare.redshifts import RedshiftChanges
    from pytest_specqa.compare.runs import Side
    from pytest_specqa.results.comparing.compare import Comparison
    from pytest_specqa.values import Record

NOTHING_BROKE, BROKE = 0, 1
FILTERS = ("night", "tile", "expid", "camera", "petal", "healpix")


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb; it sets ``run``, which takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "compare",
        help="compare two productions or two stored results",
        description="Compare two productions, or two stored results. Exit code 0: nothing broke, 1: a check did, or the redshifts "
        "of a class moved together by more than the survey allows, 2: misuse.",
    )
    for name in ("before", "after"):
        parser.add_argument(
            name, metavar=name.upper(), help="production (path, or name under $DESI_SPECTRO_REDUX) or .jsonl/.parquet results"
        )
    for name in FILTERS:
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar=f"{name.upper()}S", help=f"only these {name}s, as in pytest"
        )
    parser.add_argument("--group", default="", help="reductions: cumulative, pernight, perexp, older, healpix [what is there]")
    parser.add_argument("-n", dest="processes", type=int, default=0, metavar="N", help="measure with N processes")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the comparison as one self-contained page")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it for a pull request: findings first, at most 60 kB")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it for other programs")
    for name in ("before", "after"):
        text = f"results of {name.upper()}: read instead of measuring if the file exists, else written"
        parser.add_argument(f"--results-{name}", type=Path, metavar="FILE", help=text)
    parser.add_argument("--rate", type=_rate, default=0.01, help="false-discovery rate of the changes called significant [0.01]")
    parser.add_argument("--max-pictures", type=int, default=6, metavar="N", help="most cameras, and most tiles, to draw [6]")
    parser.set_defaults(run=run)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate, expected a number between 0 and 1")
    return rate


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa compare``."""
    from pytest_specqa.compare.redshifts import verdict  # noqa: PLC0415
    from pytest_specqa.compare.runs import open_side, records_of  # noqa: PLC0415
    from pytest_specqa.results.comparing.compare import compare, summary  # noqa: PLC0415
    from pytest_specqa.run.apart import Suite  # noqa: PLC0415

    before = open_side(arguments.before, stored=arguments.results_before)
    after = open_side(arguments.after, stored=arguments.results_after)
    filters = [f"--{name}={value}" for name in FILTERS for value in getattr(arguments, name)]
    old, new = records_of(before, after, Suite(tuple(filters), arguments.group, arguments.processes))
    comparison = compare(old, new, rate=arguments.rate)
    _refuse_nothing_in_common(comparison, before, after)
    redshifts = _redshifts(before, after, [*old, *new], group=arguments.group, rate=arguments.rate)
    sentence = verdict(comparison, redshifts)
    print("\n".join([sentence, "", *redshifts.lines, summary(comparison, sentence=sentence)]))
    _write_exports(arguments, comparison, redshifts, before=before, after=after)
    if arguments.html:
        _write_page(arguments, comparison, redshifts, before=before, after=after)
    return BROKE if comparison.broken or redshifts.broken else NOTHING_BROKE


def _refuse_nothing_in_common(comparison: Comparison, before: Side, after: Side) -> None:
    from pytest_specqa.errors import UsageError  # noqa: PLC0415

    if not comparison.verdicts:
        raise UsageError(f"{before.name} and {after.name} have no night and expectation in common: nothing can be compared")


def _redshifts(before: Side, after: Side, records: list[Record], *, group: str, rate: float) -> RedshiftChanges:
    """Compare the redshifts of all tile petals and pixels that were judged, if both sides are productions."""
    from pytest_specqa.compare.redshifts import Place, RedshiftChanges, redshift_changes  # noqa: PLC0415
    from pytest_specqa.production import Production  # noqa: PLC0415
    from pytest_specqa.production.redshifts import ANY_PETAL  # noqa: PLC0415
    from pytest_specqa.rules.waivers import pixel_of  # noqa: PLC0415

    petals = [
        Place(tile, record["night"], petal, record["expid"] or 0)
        for record in records
        if record["kind"] == "petal" and (tile := record["tile"]) is not None and (petal := record["petal"]) is not None
    ]
    petals += [Place(0, record["night"], ANY_PETAL, pixel=pixel) for record in records if (pixel := pixel_of(record))]
    if not before.root or not after.root or not petals:
        return RedshiftChanges()
    return redshift_changes(Production(before.root), Production(after.root), petals=petals, group=group, rate=rate)


def _write_exports(
    arguments: argparse.Namespace, comparison: Comparison, redshifts: RedshiftChanges, *, before: Side, after: Side
) -> None:
    from pytest_specqa.compare import exports  # noqa: PLC0415
    from pytest_specqa.results.deliver import deliver  # noqa: PLC0415

    for path, write in ((arguments.markdown, exports.markdown), (arguments.json, exports.as_json)):
        if path:
            deliver(path, write(comparison, sides=(before.name, after.name), redshifts=redshifts))


def _write_page(
    arguments: argparse.Namespace, comparison: Comparison, redshifts: RedshiftChanges, *, before: Side, after: Side
) -> None:
    from pytest_specqa.compare.page import build  # noqa: PLC0415
    from pytest_specqa.compare.pictures import draw_all  # noqa: PLC0415
    from pytest_specqa.production import Production  # noqa: PLC0415
    from pytest_specqa.results.store import write_text  # noqa: PLC0415

    pictures = []
    if before.root and after.root:
        sides = Production(before.root), Production(after.root)
        pictures = draw_all(*sides, flips=comparison.flips, redshifts=redshifts, most=arguments.max_pictures)
    write_text(arguments.html, build(comparison, sides=(before.name, after.name), redshifts=redshifts, pictures=pictures))
    print(f"page: {printable(arguments.html)}")
