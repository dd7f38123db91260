"""The verbs ``specqa gate``, ``specqa triage``, ``specqa waive`` and ``specqa results``."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_specqa.errors import UsageError
from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    from pytest_specqa.results.gating.gate import GateReport

PASSED, BLOCKED = 0, 1


def add_verb(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verbs; each sets ``run``, which takes the parsed arguments and returns the exit code."""
    _add_gate(subparsers)
    _add_triage(subparsers)
    _add_waive(subparsers)
    _add_results(subparsers)


def _add_gate(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "gate",
        help="may this release go? judge stored results against a policy",
        description="Judge stored results against a policy. Exit code 0: pass, 1: blocked, 2: misuse.",
    )
    text = ".jsonl or .parquet files, quoted patterns such as 'nights/*.parquet', or stores, whose plans must be judged whole"
    parser.add_argument("results", nargs="+", metavar="RESULTS", help=text)
    parser.add_argument("--policy", metavar="FILE", help="gate.toml; without it: no failure, at least half measured")
    parser.add_argument("--waivers", metavar="FILE", help="waivers.toml: known failures with reason, owner and expiry")
    parser.add_argument(
        "--markdown", metavar="FILE", type=Path, help="write a summary for CI or a pull request (appended to $GITHUB_STEP_SUMMARY)"
    )
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write JUnit XML")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write everything as JSON")
    parser.add_argument("--today", metavar="DATE", type=_date, help="judge the expiry of waivers as of YYYY-MM-DD")
    parser.set_defaults(run=run_gate)


def _add_triage(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "triage",
        help="say from stored results what is wrong, where it began and what to do",
        description="Group what failed, and what warns, into findings: first bad stage, reach, cause, what follows, what to do. "
        "Exit code 0: nothing fails, 1: something fails or the run is not whole, 2: misuse.",
    )
    parser.add_argument(
        "results", nargs="+", metavar="RESULTS", help=".jsonl or .parquet files, or quoted patterns such as 'nights/*.parquet'"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(run=run_triage)


def _add_waive(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "waive",
        help="draft waivers for what failed",
        description="Draft waivers.toml entries for what failed; they are refused until a person completes them.",
    )
    parser.add_argument("results", nargs="+", metavar="RESULTS", help=".jsonl or .parquet files")
    parser.add_argument("--warnings", action="store_true", help="also for warnings")
    parser.add_argument("-o", "--outfile", metavar="FILE", type=Path, help="a new file instead of the terminal")
    parser.set_defaults(run=run_waive)


def _add_results(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("results", help="make results of what a run judged before it was cut short")
    verbs = parser.add_subparsers(dest="what", metavar="recover", required=True)
    text = "Make results of the journal that a run has left which was cut short. Exit code 0: done, 2: misuse."
    recover = verbs.add_parser("recover", help="turn a journal into a results file", description=text)
    recover.add_argument("journal", metavar="JOURNAL|RESULTS", type=Path, help="the journal, or the results beside it")
    recover.add_argument("--out", metavar="FILE", type=Path, help="a new .jsonl or .parquet file [the one of the run]")
    recover.set_defaults(run=run_recover)


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, expected YYYY-MM-DD") from None


def run_gate(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa gate``."""
    from pytest_specqa.results.deliver import deliver  # noqa: PLC0415
    from pytest_specqa.results.gating import gate_output  # noqa: PLC0415
    from pytest_specqa.results.gating.gate import gate  # noqa: PLC0415
    from pytest_specqa.rules import waiver_file  # noqa: PLC0415
    from pytest_specqa.rules.policy import Policy, load  # noqa: PLC0415

    policy = load(arguments.policy) if arguments.policy else Policy()
    waivers = waiver_file.load(arguments.waivers) if arguments.waivers else []
    report = gate(arguments.results, policy, waivers=waivers, today=arguments.today or datetime.date.today())
    writers: list[tuple[Path | None, Callable[[GateReport], str]]] = [
        (arguments.markdown, gate_output.markdown),
        (arguments.junit, gate_output.junit),
        (arguments.json, gate_output.as_json),
    ]
    for path, writer in writers:
        if path:
            deliver(path, writer(report))
    print(gate_output.text(report))
    return PASSED if report.passed else BLOCKED


def run_triage(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa triage``."""
    from pytest_specqa.checks.outcome import is_excused  # noqa: PLC0415
    from pytest_specqa.checks.whole import extent  # noqa: PLC0415
    from pytest_specqa.results import store  # noqa: PLC0415
    from pytest_specqa.triage.findings import findings  # noqa: PLC0415
    from pytest_specqa.triage.telling import as_json, report  # noqa: PLC0415

    records = store.read(arguments.results)
    made = findings(record for record in records if not is_excused(record))
    print(as_json(made) if arguments.json else report(made))
    if partial := extent(records).told:
        print(f"INCOMPLETE: {partial}, which proves nothing of the rest", file=sys.stderr if arguments.json else sys.stdout)
    return BLOCKED if partial or any(finding.outcome is Outcome.FAILED for finding in made) else PASSED


def run_waive(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa waive``."""
    from pytest_specqa.results import store  # noqa: PLC0415
    from pytest_specqa.rules import waiver_file  # noqa: PLC0415

    if arguments.outfile and arguments.outfile.exists():
        raise UsageError(f"{arguments.outfile}: exists; choose a new name, and move completed entries over by hand")
    drafted = waiver_file.draft(store.read(arguments.results), warnings=arguments.warnings)
    if not drafted:
        print("nothing failed: there is nothing to waive", file=sys.stderr)
    elif arguments.outfile:
        store.write_text(arguments.outfile, drafted)
        print(f"{arguments.outfile}: give every entry a reason, issue, owner and expiry; until then the file is refused")
    else:
        print(drafted, end="")
    return PASSED


def run_recover(arguments: argparse.Namespace) -> int:
    """Carry out ``specqa results recover``."""
    from pytest_specqa.results.recovering import recover  # noqa: PLC0415

    print("\n".join(recover(arguments.journal, out=arguments.out)))
    return PASSED
