"""Measures of two runs side by side, in units of their error, so that noise does not count as change."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pytest_specqa.values import TREND, Record, key_of

RATE = 0.01
SMALLEST_SAMPLE = 8
MAD_TO_SIGMA = 1.4826
MAD_EFFICIENCY = 0.37
FLOOR = 0.02
"""Smallest error from scatter, in units of the limits' width: the worst of many fibers may jump between two of them, with most
units still."""


@dataclass(frozen=True)
class MeasureChange:
    """One measure of one unit before and after.

    Attributes
    ----------
    before, after : dict
        The two records.
    delta : float
        After minus before, in the unit of the value.
    sigma : float or None
        Standard error of `delta`; ``None`` where neither errors nor enough units tell it.
    origin : str
        Where `sigma` is from: ``errors``, ``scatter`` (over units) or ``none``.
    inflation : float
        Factor by which `sigma` exceeds the stated errors, because the changes of this measure scatter more than these allow.
    p_value : float
        Chance of a change at least this large from noise alone; 1 where there is no `sigma`.
    significant : bool
        Beyond noise after allowing for the number of measures that were compared.
    """

    before: Record
    after: Record
    delta: float
    sigma: float | None
    origin: str
    inflation: float = 1.0
    p_value: float = 1.0
    significant: bool = False

    @property
    def values(self) -> tuple[float, float]:
        """The value before and after."""
        old, new = self.before["value"], self.after["value"]
        if old is None or new is None:
            raise ValueError(f"{self.after['unit']} {self.after['measure']}: only two values make a change")
        return old, new

    @property
    def significance(self) -> float | None:
        """`delta` in units of `sigma`."""
        return self.delta / self.sigma if self.sigma else None

    @property
    def worse(self) -> bool | None:
        """Whether it moved towards or beyond its limit; ``None`` where the limit has no side."""
        low, high = self.after.get("low"), self.after.get("high")
        if low is None and high is None:
            return None
        if low is None or high is None:
            return (self.delta > 0) == (low is None)
        middle = (low + high) / 2
        old, new = self.values
        return abs(new - middle) > abs(old - middle)


@dataclass(frozen=True)
class Distribution:
    """One measure over all units that both runs measured.

    Attributes
    ----------
    before, after : tuple of float
        Values, unit by unit.
    shift : float
        Median of the paired differences.
    p_value : float
        Wilcoxon signed-rank probability of no common shift; 1 with fewer than 8 units that differ.
    pull_width : float or None
        Robust scatter of the differences in units of their stated errors: 1 where the errors are right and the two runs saw
        independent photons, less where they saw the same; ``None`` with fewer than 8.
    """

    expectation: str
    measure: str
    unit: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    low: float | None
    high: float | None
    shift: float
    p_value: float
    pull_width: float | None
    significant: bool = False


def measure_changes(before: Iterable[Record], after: Iterable[Record], *, rate: float = RATE) -> list[MeasureChange]:
    """Compare every measure that both runs have for a unit.

    Parameters
    ----------
    before, after : iterable of dict
        Measurements.
    rate : float
        Accepted fraction of false entries among the changes called significant; where nothing changed at all, the chance that
        anything is called so.

    Returns
    -------
    list of MeasureChange
        Largest change first.

    Notes
    -----
    The error of a difference is ``sqrt(e1**2 + e2**2)``. Two reductions of the same exposure share their photons, so that the
    true error of the difference is smaller: significances are conservative there, and a change of the pipeline smaller than the
    photon noise of the measure is not called significant. Where the changes of at least 8 units scatter around their median by more
    than the stated errors allow (the median absolute deviation, in units of the error), all errors of that measure are scaled up
    accordingly: an error that leaves out a part of the noise must not make noise a change. Where no error is stated, it is taken
    from the median absolute difference over the units whose value differs (at least 8), and is at least 2 % of the limits' width.
    Both use Student's t for the uncertainty of the scatter. A change that all units share inflates the latter, and is found by
    `distributions` instead. Look-elsewhere is allowed for by the procedure of Benjamini and Hochberg over all measures compared;
    units with identical inputs are no trials.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. 1995, J. R. Stat. Soc. B 57, 289.
    """
    # The value of a trend is that of its measure, and no trial of its own.
    before, after = ([record for record in run if not record["measure"].endswith(TREND)] for run in (before, after))
    old = {key_of(record): record for record in before}
    pairs = [(old[key], record) for record in after if (key := key_of(record)) in old and not record.get("reused")]
    groups: dict[tuple[str, str], list[MeasureChange]] = defaultdict(list)
    for one, two in pairs:
        if one["value"] is None or two["value"] is None:
            continue
        error = math.hypot(one["error"], two["error"]) if one["error"] and two["error"] else None
        change = MeasureChange(one, two, two["value"] - one["value"], error, "errors" if error else "none")
        groups[two["expectation"], two["measure"]].append(change)
    judged = [change for group in groups.values() for change in _with_probability(group)]
    trials = [change.p_value for change in judged if change.sigma]
    threshold = false_discovery_threshold(trials, rate=rate)
    judged = [replace(change, significant=bool(change.sigma) and change.p_value <= threshold) for change in judged]
    return sorted(judged, key=_worst_first)


def _worst_first(change: MeasureChange) -> tuple[int, float]:
    """Significant changes, then those that nothing tells from noise or not, in units of their limit, then noise."""
    if change.significant or change.sigma:
        return 0 if change.significant else 2, -abs(change.significance or 0.0)
    scale = max(abs(bound or 0.0) for bound in (change.after.get("low"), change.after.get("high")))
    return 1 if change.delta else 3, -abs(change.delta) / (scale or 1.0)


def _with_probability(group: list[MeasureChange]) -> list[MeasureChange]:
    """Add errors from the scatter where none are stated or where they are too small, then probabilities."""
    differing = sorted(abs(change.delta) for change in group if not change.sigma and change.delta)
    scatter = MAD_TO_SIGMA * _median(differing) if len(differing) >= SMALLEST_SAMPLE else None
    inflation, number = _inflation(group)
    found = []
    for change in group:
        if change.sigma and inflation > 1:
            sigma, freedom = change.sigma * inflation, MAD_EFFICIENCY * number
            p_value = _student(abs(change.delta) / sigma, freedom)
            found.append(replace(change, sigma=sigma, inflation=inflation, p_value=p_value))
        elif change.sigma:
            found.append(replace(change, p_value=math.erfc(abs(change.delta / change.sigma) / math.sqrt(2))))
        elif scatter:
            sigma = max(scatter, FLOOR * _span(change.after))
            p_value = _student(abs(change.delta) / sigma, MAD_EFFICIENCY * len(differing))
            found.append(replace(change, sigma=sigma, origin="scatter", p_value=p_value))
        else:
            found.append(change)
    return found


def _span(record: Record) -> float:
    """Width of the limits of a measure; their size where only one side is limited."""
    low, high = record.get("low"), record.get("high")
    if low is not None and high is not None:
        return float(high - low)
    return abs(float(high if high is not None else low if low is not None else 0.0))


def _inflation(group: list[MeasureChange]) -> tuple[float, int]:
    """Robust scatter of the changes around their median in units of their errors, at least 1, and the number it is from."""
    pulls = sorted(change.delta / change.sigma for change in group if change.sigma and change.delta)
    if len(pulls) < SMALLEST_SAMPLE:
        return 1.0, len(pulls)
    middle = _median(pulls)
    return max(1.0, MAD_TO_SIGMA * _median(sorted(abs(pull - middle) for pull in pulls))), len(pulls)


def _student(t: float, freedom: float) -> float:
    """Two-sided tail of Student's t."""
    from scipy.special import stdtr  # noqa: PLC0415

    return 2.0 * float(stdtr(freedom, -t))


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def false_discovery_threshold(p_values: Sequence[float], *, rate: float) -> float:
    """Largest p-value that is called significant at this false-discovery rate; negative if none is (Benjamini and Hochberg)."""
    count = len(p_values)
    passing = [p for rank, p in enumerate(sorted(p_values), start=1) if p <= rate * rank / count]
    return passing[-1] if passing else -1.0


def distributions(changes: Iterable[MeasureChange], *, rate: float = RATE) -> list[Distribution]:
    """Gather each measure over its units and test for a common shift.

    Parameters
    ----------
    changes : iterable of MeasureChange
        As `measure_changes` gives them.
    rate : float
        False-discovery rate over the measures.

    Returns
    -------
    list of Distribution
        Significant shifts first.
    """
    groups: dict[tuple[str, str], list[MeasureChange]] = defaultdict(list)
    for change in changes:
        groups[change.after["expectation"], change.after["measure"]].append(change)
    found = [_distribution(*name, group) for name, group in groups.items()]
    threshold = false_discovery_threshold([one.p_value for one in found], rate=rate)
    found = [replace(one, significant=one.p_value < 1 and one.p_value <= threshold) for one in found]
    return sorted(found, key=lambda one: (not one.significant, one.p_value, one.expectation, one.measure))


def _distribution(expectation: str, measure: str, group: list[MeasureChange]) -> Distribution:
    group = sorted(group, key=lambda change: change.after["unit"])
    last = group[-1].after
    pulls = sorted(abs(change.significance or 0.0) * change.inflation for change in group if change.origin == "errors")
    return Distribution(
        expectation=expectation,
        measure=measure,
        unit=last.get("value_unit") or "",
        before=tuple(change.values[0] for change in group),
        after=tuple(change.values[1] for change in group),
        low=last.get("low"),
        high=last.get("high"),
        shift=_median(sorted(change.delta for change in group)),
        p_value=_signed_rank([change.delta for change in group]),
        pull_width=MAD_TO_SIGMA * _median(pulls) if len(pulls) >= SMALLEST_SAMPLE else None,
    )


def _signed_rank(deltas: list[float]) -> float:
    differing = [delta for delta in deltas if delta]
    if len(differing) < SMALLEST_SAMPLE:
        return 1.0
    from scipy.stats import wilcoxon  # noqa: PLC0415

    return float(wilcoxon(differing, method="asymptotic" if len(differing) > 50 else "auto").pvalue)
