"""The verb ``specqa judgement``: measure how well the expectations judge, and write it down."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.errors import UsageError
from pytest_specqa.processes import single_threaded
from pytest_specqa.run import preparing

if TYPE_CHECKING:
    from pytest_specqa.trials import document


def add_verb(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the verb to the command line.

    Parameters
    ----------
    subparsers : argparse action
        Of the program.
    """
    verb = subparsers.add_parser("judgement", help="measure false alarms and sensitivity of the expectations")
    verb.add_argument("--docs", type=Path, default=Path("docs"), metavar="DIR", help="folder of judgement.md (default: docs)")
    verb.add_argument("--work", type=Path, default=Path(".judgement"), metavar="DIR", help="folder of the trials, to go on from")
    verb.add_argument("--full", action="store_true", help="thousands of trials: hours, and can be stopped and resumed")
    verb.add_argument("--processes", type=int, default=0, metavar="N", help="processes (default: all cores)")
    verb.add_argument(
        "--minutes", type=float, default=math.inf, metavar="M", help="write what is there after M minutes; go on later"
    )
    verb.add_argument(
        "--specprod", default="", metavar="PROD", help="judge the judge on a production, or on results (.jsonl, .parquet), instead"
    )
    verb.add_argument(
        "--bad", nargs="*", default=[], metavar="UNIT", help="units with known faults, or files that list them; with --specprod"
    )
    verb.add_argument("--triage", action="store_true", help="only how often the triage is right: nights with planted faults")
    verb.add_argument("--no-progress", action="store_true", help="no progress bar")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the verb.

    Parameters
    ----------
    args : argparse.Namespace
        Of the command line.

    Returns
    -------
    int
        Exit code: 0 once the page is written.
    """
    single_threaded(os.environ)
    if args.bad and not args.specprod:
        raise UsageError("--bad lists units of a production: give --specprod too")
    if args.triage and args.specprod:
        raise UsageError("--triage tries nights with known faults: leave --specprod out")
    if args.specprod:
        return _on_a_production(args)
    preparing.ensure(lambda text: print(text, file=sys.stderr))
    from pytest_specqa.trials import document, plan, tried  # noqa: PLC0415
    from pytest_specqa.trials.stored import night_store, workers  # noqa: PLC0415

    chosen = plan.FULL if args.full else plan.QUICK
    end = time.monotonic() + 60 * args.minutes
    judgement = None if args.triage else _units(args)
    found = tried.carry_out(
        chosen,
        night_store(args.work),
        processes=args.processes or workers(),
        progress=not args.no_progress,
        seconds=end - time.monotonic(),
    )
    if judgement is None:
        page = document.write_triage(found, args.docs)
    else:
        page = document.write(replace(judgement, tried=found), args.docs)
    sys.stdout.write(f"{len(found.told) + len(found.unseen)} nights with one fault, {len(found.pairs)} with two; {page}\n")
    return 0


def _units(args: argparse.Namespace) -> document.Judgement:
    """Judge single units, clean ones and ones with faults."""
    from pytest_specqa.trials import document, matched, plan  # noqa: PLC0415
    from pytest_specqa.trials.fixtures import KINDS  # noqa: PLC0415
    from pytest_specqa.trials.runner import Suite, why_not  # noqa: PLC0415
    from pytest_specqa.trials.stored import store, workers  # noqa: PLC0415

    chosen = plan.FULL if args.full else plan.QUICK
    wanted = {
        "clean": list(plan.clean_trials(chosen)),
        "fitted": list(plan.fitted_trials(chosen)),
        "quiet": list(plan.quiet_trials(chosen)),
        "faulty": list(plan.fault_trials(chosen)),
    }
    suite = Suite()
    unjudged = suite.unjudged(KINDS.values())
    for name, fixtures in unjudged.items():
        print(why_not(name, fixtures))
    everything = [trial for trials in wanted.values() for trial in trials]
    results = {
        result.trial.key: result
        for result in store(args.work).complete(
            everything, processes=args.processes or workers(), progress=not args.no_progress, seconds=60 * args.minutes
        )
    }
    done = {name: [results[trial.key] for trial in trials if trial.key in results] for name, trials in wanted.items()}
    command = "make judgement FULL=--full" if args.full else "make judgement"
    sys.stdout.write(f"{len(results)} of {len(everything)} trials\n")
    return document.Judgement(
        clean=done["clean"],
        fitted=done["fitted"],
        quiet=done["quiet"],
        faulty=done["faulty"],
        matched=matched.matched_amplitudes(),
        limits=suite.limits,
        command=command,
        unjudged=unjudged,
    )


def _on_a_production(args: argparse.Namespace) -> int:
    """Judge the judge on the units of a production."""
    from pytest_specqa.production import resolve  # noqa: PLC0415
    from pytest_specqa.results import store  # noqa: PLC0415
    from pytest_specqa.run.apart import Suite as Apart  # noqa: PLC0415
    from pytest_specqa.trials import own  # noqa: PLC0415
    from pytest_specqa.trials.runner import Suite  # noqa: PLC0415
    from pytest_specqa.trials.stored import workers  # noqa: PLC0415

    if store.is_results_file(args.specprod):
        records, name = store.read(args.specprod), Path(args.specprod).stem
    else:
        root = resolve(args.specprod, os.environ)
        records, name = Apart(processes=args.processes or workers()).measure(root), root.resolve().name
    bad = own.read_bad(args.bad)
    results = own.as_results(records, bad=bad)
    if not results:
        raise UsageError(f"{args.specprod}: --bad leaves no unit; expected some that are taken as clean")
    words = ["specqa judgement --specprod", args.specprod, *(["--bad", *args.bad] if args.bad else [])]
    page = own.write(results, name=name, limits=Suite().limits, folder=args.docs, command=" ".join(words))
    sys.stdout.write(f"{len(results)} units taken as clean; {page}\n")
    return 0
