"""Tables of a judgement: false alarms, power, efficiency, cross-talk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_specqa.trials import distributions
from pytest_specqa.trials.statistics import Power, Rate, detection_curve
from pytest_specqa.trials.trials import Result
from pytest_specqa.values import Outcome

FAILED, WARNED, NOT_MEASURED = str(Outcome.FAILED), str(Outcome.WARNED), str(Outcome.NOT_MEASURED)


@dataclass(frozen=True)
class FalseAlarms:
    """How one expectation behaves where nothing is wrong."""

    kind: str
    expectation: str
    failures: Rate
    warnings: Rate
    not_measured: Rate


def false_alarms(results: Iterable[Result]) -> list[FalseAlarms]:
    """Count the outcomes of clean trials for each expectation.

    Parameters
    ----------
    results : iterable of Result
        Of clean trials.

    Returns
    -------
    list of FalseAlarms
        By kind of unit and name.
    """
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for result in results:
        for expectation, outcome in result.outcomes.items():
            counts[result.trial.kind, expectation][outcome] += 1
    return [
        FalseAlarms(
            kind,
            expectation,
            Rate(count[FAILED], count.total()),
            Rate(count[WARNED], count.total()),
            Rate(count[NOT_MEASURED], count.total()),
        )
        for (kind, expectation), count in sorted(counts.items())
    ]


def quiet_matrix(results: Iterable[Result]) -> dict[str, dict[str, Rate]]:
    """Count failures of each expectation in each must-not-trigger case.

    Parameters
    ----------
    results : iterable of Result
        Of must-not-trigger trials.

    Returns
    -------
    dict of str to dict of str to Rate
        Case, expectation, failures.
    """
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for result in results:
        for expectation, outcome in result.outcomes.items():
            counts[result.trial.case.removeprefix("quiet:")][expectation][outcome] += 1
    return {
        case: {name: Rate(count[FAILED], count.total()) for name, count in sorted(found.items())}
        for case, found in sorted(counts.items())
    }


Curve = dict[float, Rate]


def seen(faulty: Iterable[Result], clean: Iterable[Result]) -> dict[tuple[str, str], dict[str, Curve]]:
    """Collect how often each measure left the range of all its clean values, whatever its limit.

    A limit may wait until a fault matters; this tells when the statistic knows of it, at a false-alarm rate of about one in the
    number of clean trials.

    Parameters
    ----------
    faulty, clean : iterable of Result
        Trials with faults, and without.

    Returns
    -------
    dict of (str, str) to dict of str to Curve
        Kind and fault, measure, rate by amplitude.
    """
    ranges = {(each.measure, each.kind): each for each in distributions.quantiles(clean) if not each.band}
    counts: dict[tuple[str, str], dict[str, dict[float, Counter[bool]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Counter))
    )
    for result in faulty:
        trial = result.trial
        for name, value in result.values.items():
            if (name, trial.kind) in ranges:
                usual = ranges[name, trial.kind]
                counts[trial.kind, trial.case][name][trial.amplitude][not usual.smallest <= value <= usual.largest] += 1
    return {case: {name: _rates(sizes) for name, sizes in found.items()} for case, found in sorted(counts.items())}


def _rates(sizes: Mapping[float, Counter[bool]]) -> Curve:
    return {size: Rate(count[True], count.total()) for size, count in sorted(sizes.items())}


def curves(results: Iterable[Result], *, outcomes: tuple[str, ...] = (FAILED,)) -> dict[tuple[str, str], dict[str, Curve]]:
    """Collect how often each expectation found each fault at each amplitude.

    Parameters
    ----------
    results : iterable of Result
        Of trials with faults.
    outcomes : tuple of str
        What counts as found.

    Returns
    -------
    dict of (str, str) to dict of str to Curve
        Kind and fault, expectation, rate by amplitude.
    """
    counts: dict[tuple[str, str], dict[str, dict[float, Counter[bool]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Counter))
    )
    for result in results:
        for expectation, outcome in result.outcomes.items():
            counts[result.trial.kind, result.trial.case][expectation][result.trial.amplitude][outcome in outcomes] += 1
    return {case: {name: _rates(sizes) for name, sizes in found.items()} for case, found in sorted(counts.items())}


def power(curve: Curve) -> Power:
    """Fit a detection curve.

    Parameters
    ----------
    curve : dict of float to Rate
        Detections by amplitude; the sign of the amplitude does not count.

    Returns
    -------
    Power
        Amplitudes at 50 and 95 %.
    """
    sizes = sorted(curve, key=abs)
    return detection_curve(
        [abs(size) for size in sizes], [curve[size].hits for size in sizes], [curve[size].trials for size in sizes]
    )


def best(found: Mapping[str, Curve]) -> tuple[str, Power]:
    """Choose the expectation that finds a fault at the smallest amplitude.

    Parameters
    ----------
    found : mapping of str to Curve
        Curves of one fault by expectation.

    Returns
    -------
    tuple of (str, Power)
        Its name, without those of the pipeline; where none finds it half of the time, the one that finds it most often.
    """
    ours = {name: power(curve) for name, curve in found.items() if not name.startswith("pipeline:")}
    return min(ours.items(), key=lambda pair: (not pair[1].half > 0, pair[1].half if pair[1].half > 0 else -pair[1].reached))
