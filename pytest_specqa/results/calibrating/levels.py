"""The level that clean values of many nights exceed at a given rate, with its error; or why these values do not tell it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures import tails

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

NIGHTS = 20
"""Nights that values must come from: what a moon and a month of weather do must be among them."""
TAIL_NIGHTS = 10
"""Nights that the tail must come from: a level that rests on a bad night or two is theirs."""
REACH = 0.5
"""Part of a value that is expected beyond the level: rates below 1 in twice the number of values are out of reach, as the level is
then wrong by more than a factor of two in rate as often as not (measured in tests/results/calibrating)."""
RESAMPLES = 100
SEED = 20260101


@dataclass(frozen=True)
class Level:
    """What was found for one side of one limit.

    Attributes
    ----------
    value, error : float
        The level and its standard error, from nights drawn anew; NaN where there is none.
    method : str
        How it was found; or why it was not.
    values, nights : int
        Clean values, and nights that they come from.
    outliers : int
        Values that were set apart as too far out.
    """

    value: float
    error: float
    method: str
    values: int
    nights: int
    outliers: int

    @property
    def found(self) -> bool:
        """Whether there is a level."""
        return math.isfinite(self.value)

    @property
    def outer(self) -> float:
        """The level with its error: what keeps the rate although the level is only known so well."""
        return self.value + self.error


def level_of(values: Floats, nights: Ints, rate: float) -> Level:
    """Find the level that clean values exceed at a rate.

    Parameters
    ----------
    values : array of float, shape (n,)
        Finite; large ones are bad.
    nights : array of int, shape (n,)
        Night of each.
    rate : float
        Of values above the level.

    Returns
    -------
    Level
        Where the values do not carry the rate, without a value, and with the reason in `method`.
    """
    order = np.argsort(values, kind="stable")
    values, (_, which) = values[order], np.unique(nights[order], return_inverse=True)
    cut = tails.outlier_cut(values)
    clean = values <= cut
    outliers, values, which = int((~clean).sum()), values[clean], which[clean]
    count, seen = len(values), len(np.unique(which))

    def told(method: str, value: float = math.nan, error: float = math.nan) -> Level:
        """Make a level; without a value it says why there is none."""
        return Level(value, error, method, values=count, nights=seen, outliers=outliers)

    if why := _too_few(count, seen, rate=rate):
        return told(why)
    law = tails.law_of(values)
    if law is None or rate >= law.part:
        return _counted(values, rate, told)
    if tails.is_mixed(values):
        return told("the tail is of two kinds: faults that nobody waived? look at the largest values")
    error = _error(values, which, rate=rate)
    if len(np.unique(which[values > law.threshold])) < TAIL_NIGHTS or not math.isfinite(error):
        return told(f"too few nights in the tail: fewer than {TAIL_NIGHTS}, or nights drawn anew give no level")
    method = f"generalised Pareto tail of {round(law.part * count):,} values, shape {law.shape:.2f}"
    return told(method, law.level(rate), error)


def _too_few(count: int, nights: int, *, rate: float) -> str:
    """Say what there is too little of to carry a rate; empty if there is enough."""
    if nights < NIGHTS:
        return f"too few nights: {nights}, expected {NIGHTS}"
    if count * rate < REACH:
        return f"too few values: {count:,}, expected {math.ceil(REACH / rate):,}"
    return ""


def _counted(values: Floats, rate: float, told: Callable[..., Level]) -> Level:
    """Where no law describes the tail, as values are counts or mostly the same: the level that few enough exceed for certain."""
    count = len(values)
    levels, first = np.unique(values, return_index=True)
    above = count - np.append(first[1:], count)
    # Upper limit of a count at one sigma: Gehrels 1986, eq. 7.
    sure = above + np.sqrt(above + 0.75) + 1.0 <= rate * count
    if not sure.any():
        return told(f"too few values to count: {count:,}")
    place = int(np.flatnonzero(sure)[0])
    return told(f"counted, {int(above[place])} of {count:,} are larger", float(levels[place]), 0.0)


def _error(values: Floats, which: Ints, *, rate: float) -> float:
    """Standard error of the level: its scatter over nights drawn anew, from the range that holds the middle 68 %."""
    generator = np.random.default_rng(SEED)
    number = int(which.max()) + 1
    sizes = np.bincount(which, minlength=number)
    present = np.flatnonzero(sizes)
    # Nights drawn anew have up to a few times the large values of the sample.
    top = values[-min(4 * tails.tail_size(len(values)) + 1, len(values)) :]
    of_top = which[-len(top) :]
    found = []
    for _ in range(RESAMPLES):
        times = np.bincount(generator.choice(present, len(present)), minlength=number)
        repeated = np.repeat(top, times[of_top])
        count = int((times * sizes).sum())
        law = tails.law_of(repeated, count=count)
        if law is not None and rate < law.part:
            found.append(law.level(rate))
    if len(found) < RESAMPLES // 2:
        return math.nan
    low, high = np.percentile(found, [16, 84])
    return float(high - low) / 2.0
