"""Limits from one half of the nights, false alarms on the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from pytest_specqa.measures import tails
from pytest_specqa.results.calibrating.calibrate import Rates, calibrate
from pytest_specqa.results.calibrating.clean import Clean
from pytest_specqa.rules.limits import Limits
from pytest_specqa.values import Severity

SURE = 0.975
"""Chance that a count keeps below its upper limit, and above its lower one."""
SURE_TOTAL = 0.999


@dataclass(frozen=True)
class Counted:
    """False alarms of one bound on nights that it was not made from.

    Attributes
    ----------
    measure, bound : str
        What was judged.
    level, rate : float
        The bound, and the rate that was asked of it.
    values : int
        Clean values of the held-back nights.
    found : int
        Of these beyond the bound.
    nights : int
        Nights that these are of.
    apart : int
        Values of the held-back nights that are outliers by the rule of the calibration, and not counted.
    warns : bool
        Whether a value beyond it warns, and does not fail.
    """

    measure: str
    bound: str
    level: float
    rate: float
    values: int
    found: int
    nights: int
    apart: int
    warns: bool

    @property
    def expected(self) -> float:
        """False alarms that the rate allows."""
        return self.rate * self.values


def verify(groups: Iterable[Clean], limits: Limits, *, rates: Rates) -> Iterator[Counted]:
    """Calibrate on the first, third, fifth ... night and count on the others, for every bound that clean values carry.

    Parameters
    ----------
    groups : iterable of Clean
        Values of measures.
    limits : Limits
        What holds without the calibration.
    rates : Rates
        False alarms that are allowed.

    Yields
    ------
    Counted
        For each bound that has a level, whatever it rests on.
    """
    for clean in groups:
        nights, which = np.unique(clean.nights, return_inverse=True)
        if len(nights) < 2:
            continue
        first = which % 2 == 0
        half = Clean(clean.measure, clean.group, clean.values[first], clean.nights[first], clean.apart)
        for one in calibrate([half], limits, rates=rates):
            for bound in one.bounds:
                if bound.level.found:
                    values = bound.sign * clean.values[~first]
                    kept = values <= tails.outlier_cut(np.sort(values))
                    beyond = kept & (values > bound.sign * bound.found)
                    name = " ".join([clean.measure, *clean.group.values()])
                    of = len(np.unique(clean.nights[~first][beyond]))
                    warns = bound.name.startswith("warn") or one.limit.severity is Severity.WARN
                    yield Counted(
                        measure=name, bound=bound.name, level=bound.found, rate=bound.rate, values=int(kept.sum()),
                        found=int(beyond.sum()), nights=of, apart=int((~kept).sum()), warns=warns,
                    )  # fmt: skip


def range_of(expected: float, sure: float = SURE) -> tuple[int, int]:
    """Return the smallest and the largest count that chance gives where so many are expected."""
    from scipy.stats import poisson  # noqa: PLC0415

    return int(poisson.ppf(1.0 - sure, expected)), int(poisson.ppf(sure, expected))


def told(counted: list[Counted]) -> tuple[list[str], bool]:
    """Write a table; also tell whether the total keeps what was asked."""
    width = max([len("measure"), *(len(one.measure) for one in counted)])
    lines = [f"{'measure':<{width}}  bound      level      rate     values  expected  found  chance   nights  outliers"]
    for one in counted:
        low, high = range_of(one.expected)
        mark = "  more than chance" if one.found > high else ""
        lines.append(
            f"{one.measure:<{width}}  {one.bound:<9}  {one.level:<9.4g}  {one.rate:<7.1e}  {one.values:>7,}  {one.expected:>8.2f}"
            f"  {one.found:>5}  {f'{low}-{high}':<7}  {one.nights:>6}  {one.apart:>8}{mark}"
        )
    good = True
    for kind in ("fails", "warns"):
        same = [one for one in counted if one.warns == (kind == "warns")]
        expected, found = sum(one.expected for one in same), sum(one.found for one in same)
        low, high = range_of(expected, SURE_TOTAL)
        good = good and found <= high
        verdict = "kept" if found <= high else "NOT kept"
        lines.append(f"total where it {kind}: expected at most {expected:.1f}, found {found} (chance {low}-{high}): {verdict}")
    return lines, good
