"""Tails of clean values: the level that a value exceeds at a given rate, beyond what was ever seen, and what is no clean value.

A level is found in three steps:

1. What is no clean value is set apart. A generalised Pareto law goes through the levels that one value in 3, in 11 and in 33
   exceeds, which a contamination of one percent hardly moves. Its shape is raised by `SPREAD` and two standard errors, so that it
   is heavier than what it describes, and values too far out for it are outliers by the rule of Benjamini and Hochberg.
   The cut lies far beyond the clean tail, so that what it takes from it does not count (tests/measures/test_tails.py).
2. The `tail_size` largest of the others are fitted with a generalised Pareto law (Zhang and Stephens). A tail that is heavier than
   `HEAVIEST`, there or from one value in ten on, is that of two kinds of values: faults that nothing has set apart, and no level
   follows from it.
3. The law gives the level; nights drawn anew give its error, as the values of a night are no independent ones.

In all functions large values are the bad ones; NaN must have been taken out.

References
----------
Zhang and Stephens 2009, Technometrics 51, 316 (estimator). Pickands 1975, Ann. Stat. 3, 119 (law through three levels). Vehtari et
al. 2024, JMLR 25, 72 (size of the tail). Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57, 289. Coles 2001, ch. 4 (the method).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

PLACES = (0.3, 0.3 / math.sqrt(10), 0.03)
"""Parts of the values that exceed the three levels of the law that outliers are judged by."""
SPREAD = 0.15
"""By how much the shape of that law is raised: from one value in 33 to the last, the shape of a Gaussian grows by 0.1, that of a
Student law with three degrees of freedom by up to 0.2."""
OUTLIERS = 0.01
"""Chance that clean values are thought to have an outlier among them."""
FEWEST = 100
"""Values below which there are no outliers, as three levels say nothing."""
LEAST_TAIL = 30
"""Values that a tail must have to be fitted: the standard error of the shape is 0.2 then."""
LEAST_LEVELS = 10
"""Different values that a tail must have; with fewer it is one of counts, which no smooth law describes."""
HEAVIEST = 0.6
"""Shape beyond which a tail is no clean one: its variance would be infinite. Lognormal values that scatter by a factor e, and
Student's with three degrees of freedom, keep below it."""
BROAD = 0.1
"""Part of the values that is the second tail in which the shape is looked at."""


class Pareto(NamedTuple):
    """A generalised Pareto law of what lies above a threshold.

    Attributes
    ----------
    threshold, shape, scale : float
        The law; a shape above zero is a heavy tail.
    part : float
        Part of all values that lie above the threshold.
    """

    threshold: float
    shape: float
    scale: float
    part: float

    def level(self, rate: float) -> float:
        """Return what a value exceeds at `rate`, which is below `part`."""
        ratio = math.log(self.part / rate)
        return self.threshold + self.scale * _growth(self.shape, ratio)

    def rate(self, values: Floats) -> Floats:
        """Return the rate at which each value, at or above the threshold, is exceeded."""
        excess = np.maximum((np.asarray(values, float) - self.threshold) / self.scale, 0.0)
        if abs(self.shape) < 1e-9:
            return np.asarray(self.part * np.exp(-excess))
        base = np.maximum(1.0 + self.shape * excess, 1e-300)
        rate: Floats = self.part * np.where(base > 1e-300, base ** (-1.0 / self.shape), 0.0)
        return rate


def _growth(shape: float, ratio: float) -> float:
    return ratio if abs(shape) < 1e-9 else math.expm1(shape * ratio) / shape


def tail_size(count: int) -> int:
    """Return how many of the largest values are the tail: a fifth, and for many values three times the root of their number."""
    return int(min(0.2 * count, 3.0 * math.sqrt(count)))


def fit(excess: Floats) -> tuple[float, float]:
    """Fit a generalised Pareto law by the estimator of Zhang and Stephens.

    Parameters
    ----------
    excess : array of float, shape (n,)
        What lies above the threshold, less the threshold, in ascending order; all positive.

    Returns
    -------
    float, float
        Shape and scale.
    """
    count = len(excess)
    places = 30 + int(math.sqrt(count))
    grid = 1.0 - np.sqrt(places / (np.arange(1, places + 1) - 0.5))
    grid = grid / (3.0 * excess[int(count / 4 + 0.5) - 1]) + 1.0 / excess[-1]
    shapes = -np.log1p(-grid[:, None] * excess).mean(axis=1)
    likelihood = count * (np.log(grid / shapes) + shapes - 1.0)
    with np.errstate(over="ignore"):
        weights = 1.0 / np.exp(likelihood - likelihood[:, None]).sum(axis=1)
    chosen = float((grid * weights).sum() / weights.sum())
    shape = float(np.log1p(-chosen * excess).mean())
    return shape, -shape / chosen


def rough_law(ordered: Floats) -> Pareto | None:
    """Return the law that outliers are judged by; None where it takes no shape: too few values, or most of them alike.

    Parameters
    ----------
    ordered : array of float, shape (n,)
        All values, in ascending order.
    """
    count = len(ordered)
    if count < FEWEST:
        return None
    low, middle, high = (float(ordered[min(int(count * (1.0 - part)), count - 1)]) for part in PLACES)
    if not low < middle < high:
        return None
    ratio = 0.5 * math.log(10)
    shape = math.log((high - middle) / (middle - low)) / ratio
    # Standard error of this estimator: from the scatter of the highest of its three levels, which has the fewest values beyond it.
    error = math.hypot(1.0, shape) / math.sqrt(PLACES[-1] * count) / ratio
    raised = max(shape, 0.0) + SPREAD + 2.0 * error
    # The level that one value in 33 exceeds stays where it was found.
    scale = (high - low) / _growth(shape, 2 * ratio) * math.exp(shape * 2 * ratio)
    return Pareto(high, raised, scale, PLACES[-1])


def outlier_cut(ordered: Floats) -> float:
    """Return the level above which values are too far out to be clean; infinite where there are none.

    Parameters
    ----------
    ordered : array of float, shape (n,)
        All values, in ascending order.
    """
    law = rough_law(ordered)
    if law is None:
        return math.inf
    beyond = ordered[ordered > law.threshold]
    rates = law.rate(beyond) * len(ordered)
    ranks = np.arange(len(beyond), 0, -1)
    found = np.flatnonzero(rates <= OUTLIERS * ranks)
    if not len(found):
        return math.inf
    first = int(found[0])
    below = beyond[first - 1] if first else law.threshold
    return float(0.5 * (below + beyond[first]))


def law_of(ordered: Floats, *, count: int | None = None) -> Pareto | None:
    """Fit the tail of clean values: those up to `outlier_cut`.

    Parameters
    ----------
    ordered : array of float, shape (n,)
        Values in ascending order: all, or the largest of `count`.
    count : int, optional
        Number of all values.

    Returns
    -------
    Pareto or None
        None where the tail is too small, or one of counts.
    """
    count = len(ordered) if count is None else count
    size = tail_size(count)
    if size < LEAST_TAIL or len(ordered) <= size:
        return None
    threshold, excess = _beyond(ordered, size)
    if len(excess) < LEAST_TAIL or len(np.unique(excess)) < LEAST_LEVELS:
        return None
    shape, scale = fit(excess)
    return Pareto(threshold, shape, scale, len(excess) / count)


def is_mixed(ordered: Floats) -> bool:
    """Tell whether the largest values are of two kinds: some are far heavier than any clean tail.

    Parameters
    ----------
    ordered : array of float, shape (n,)
        All values but outliers, in ascending order.
    """
    for size in (tail_size(len(ordered)), int(BROAD * len(ordered))):
        if size >= LEAST_TAIL:
            _, excess = _beyond(ordered, size)
            if len(excess) >= LEAST_TAIL and fit(excess)[0] > HEAVIEST + 1.0 / math.sqrt(len(excess)):
                return True
    return False


def _beyond(ordered: Floats, size: int) -> tuple[float, Floats]:
    """Return the largest value below the tail, and by how much those of the tail that lie above it exceed it."""
    threshold = float(ordered[-size - 1])
    return threshold, ordered[ordered > threshold] - threshold
