"""The verb ``specqa try``: one expectation on a few simulated units, clean ones and ones with a fault of one's choice."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_specqa.checks import wording
from pytest_specqa.errors import UsageError
from pytest_specqa.values import DataUnit, Measurement, Outcome

if TYPE_CHECKING:
    from pytest_specqa.trials.runner import Suite

Fixtures = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True)
class Case:
    """What became of an expectation on units of one kind: clean ones, or ones with a fault of one size."""

    name: str
    trials: list[list[Measurement]]

    @property
    def outcomes(self) -> list[Outcome]:
        """Outcome of each trial."""
        return [max((found.outcome for found in trial), key=lambda one: one.rank) for trial in self.trials]

    def count(self, outcome: Outcome) -> int:
        """Number of trials with this outcome."""
        return self.outcomes.count(outcome)


def add_verb(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the verb to the command line.

    Parameters
    ----------
    subparsers : argparse action
        Of the program.
    """
    verb = subparsers.add_parser("try", help="try one expectation on simulated units, clean and with a fault")
    verb.add_argument("test", metavar="FILE::TEST", help="the expectation, such as qa_tests/test_sky.py::test_sky_model_smooth")
    verb.add_argument("--fault", default="", metavar="NAME[=AMPLITUDE]", help="plant it too (specqa demo --list-faults)")
    verb.add_argument("--band", default="", help="b, r or z (default: r, or a band that the test is for and the fault shows in)")
    verb.add_argument("--trials", type=int, default=4, metavar="N", help="units of each case (default: 4)")
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
        0 if no clean unit fails and the fault, where one is given, fails most units; 1 otherwise.
    """
    from pytest_specqa.demo.cli import parse_faults  # noqa: PLC0415
    from pytest_specqa.trials.plan import REPORTED  # noqa: PLC0415
    from pytest_specqa.trials.runner import Suite  # noqa: PLC0415

    if args.trials < 1:
        raise UsageError(f"--trials {args.trials}: expected at least 1")
    path, _, name = args.test.partition("::")
    if not Path(path).is_file() or not name:
        raise UsageError(f"{args.test}: expected a file and a test in it, such as qa_tests/test_sky.py::test_sky_model_smooth")
    suite = Suite(Path(path).resolve().parent)
    if name not in suite.expectations:
        near = difflib.get_close_matches(name, suite.expectations, n=3, cutoff=0.3)
        raise UsageError(f"{path} holds no {name}; nearest are {', '.join(near) or 'none'}")
    faults = parse_faults([args.fault] if args.fault else [])
    make = _maker(suite, name)
    band = args.band or _band(suite, name, fault=next(iter(faults), ""))

    def case(title: str, fault: str, amplitude: float) -> Case:
        """Judge some units."""
        made = (make(fault, amplitude, band, seed) for seed in range(args.trials))
        return Case(title, [suite.judge(name, unit, fixtures=fixtures) for unit, fixtures in made])

    cases = [case("clean", "clean", 0.0)]
    for fault, amplitude in faults.items():
        cases += [case(f"{fault} {amplitude * size:.3g}", fault, amplitude * size) for size in REPORTED]
    sys.stdout.write("\n".join(_told(suite, name, band=band, cases=cases)) + "\n")
    quiet = not cases[0].count(Outcome.FAILED)
    found = not faults or cases[2].count(Outcome.FAILED) > args.trials / 2
    return 0 if quiet and found else 1


def _maker(suite: Suite, name: str) -> Callable[[str, float, str, int], tuple[DataUnit, Fixtures]]:
    """Return what simulates a unit of the kind that the expectation asks for."""
    import numpy as np  # noqa: PLC0415

    from pytest_specqa.trials import fixtures  # noqa: PLC0415
    from pytest_specqa.trials.trials import unit_and_fixtures  # noqa: PLC0415

    kinds = fixtures.KINDS
    kind = next((kind for kind, given in kinds.items() if name in suite.fitting(set(given))), "")
    if not kind:
        missing = suite.unjudged(kinds.values())[name]
        raise UsageError(f"{name} cannot be tried: no simulated unit has {', '.join(missing)}")

    def make(fault: str, amplitude: float, band: str, seed: int) -> tuple[DataUnit, Fixtures]:
        """Simulate one unit."""
        return unit_and_fixtures(kind, fault, amplitude, band=band, rng=np.random.default_rng([seed, *f"{kind}/{fault}".encode()]))

    return make


def _band(suite: Suite, name: str, *, fault: str) -> str:
    """Choose a band that the test is for and that the fault shows in: r where it is one of them."""
    from pytest_specqa.demo.faults import FAULTS  # noqa: PLC0415
    from pytest_specqa.instrument import DESI  # noqa: PLC0415

    shows = FAULTS[fault].bands if fault else DESI.letters
    both = [band for band in suite.bands(name) if band in shows]
    if not both:
        raise UsageError(f"{name} is for bands {', '.join(suite.bands(name))}, and {fault} shows in {', '.join(shows)} only")
    return "r" if "r" in both else both[0]


def _told(suite: Suite, name: str, *, band: str, cases: Sequence[Case]) -> list[str]:
    """What is printed: the claim, a line for each case and measure, and the worst finding of each case."""
    claim = " ".join((suite.expectations[name].__doc__ or "").split())
    lines = [f"{name}: {claim}", f"band {band}, {len(cases[0].trials)} simulated units of each case", ""]
    width = max(len(case.name) for case in cases)
    for case in cases:
        counts = Counter(map(str, case.outcomes))
        lines.append(f"{case.name:<{width}}  " + ", ".join(f"{counts[str(one)]} {one}" for one in Outcome if counts[str(one)]))
        found = [one for trial in case.trials for one in trial]
        for measure in dict.fromkeys(one.limit.name for one in found):
            worst = max(
                (one for one in found if one.limit.name == measure), key=lambda one: (one.outcome.rank, abs(one.measured.value))
            )
            lines.append(f"    {worst.outcome}: {_short(worst)}")
    return lines


def _short(found: Measurement) -> str:
    """A value that passed needs no story."""
    if found.outcome is not Outcome.PASSED:
        return found.message
    unit = f" {found.limit.unit}" if found.limit.unit else ""
    return f"{found.limit.name} = {wording.number(found.measured.value)}{unit} (limit {wording.allowed(found.limit)})"
