"""Events of one series that crowd in a range of dates: which range is least likely, and how unlikely that is anywhere in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import pdtrc

from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.history.chances import log_any, log_tail, log_weights
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Bools, Floats, Ints

SURE = 1e-3
"""Chance below which a tile is taken to be worse than others, whatever its objects."""
PRIOR = 5.0
"""Events that the common rate counts for in the rate of one tile."""
ENOUGH_EVENTS = 10.0
"""Expected events per series from which on the scatter between series is measured without trimming."""


class Interval(NamedTuple):
    """The least likely range of one series.

    Attributes
    ----------
    first, last : int
        Positions of the first and last event in the series.
    events : int
        Events from the first to the last, both included.
    expected : float
        Events that a series without fault has there.
    log_number : float
        Natural logarithm of the expected number of such ranges, or less likely ones, in this series without fault.
    """

    first: int
    last: int
    events: int
    expected: float
    log_number: float


def local_rates(bad: Bools, groups: Ints, *, weights: Floats | None = None) -> Floats:
    """Expected chance of an event for each observation: the common rate, and where a whole group is worse, that of the group.

    Parameters
    ----------
    bad : ndarray of bool, shape (n,)
        Events.
    groups : ndarray of int, shape (n,)
        Number of the group, such as one petal of one tile, of each observation.
    weights : ndarray, shape (n,), optional
        Common rate of each observation; by default that of all.

    Returns
    -------
    ndarray, shape (n,)
        Rates. A group counts with `PRIOR` events of the common rate, and with its own rate alone where that is beyond doubt higher.
    """
    common = np.full(len(bad), bad.mean() if len(bad) else 0.0) if weights is None else weights
    size = int(groups.max()) + 1 if len(groups) else 0
    events, expected = (np.bincount(groups, weights=each, minlength=size) for each in (bad.astype(float), common))
    factor = (PRIOR + events) / (PRIOR + expected)
    alone = events / np.maximum(expected, 1e-12)
    worse = pdtrc(np.maximum(events - 1.0, 0.0), np.maximum(expected, 1e-12)) < SURE
    factor = np.where(worse & (events > 0), np.maximum(factor, alone), factor)
    return np.minimum(common * factor[groups], 1.0)


def spread_between(events: Floats, expected: Floats) -> float:
    """Relative variance of the rate between series, robust against those that have a fault.

    Parameters
    ----------
    events, expected : ndarray, shape (n_series,)
        Number of events, and what the common rate lets expect.

    Returns
    -------
    float
        0 where chance explains the scatter. Where a series has few events, from the variance of the count without the series that
        chance makes less than once in `SURE`; otherwise from the median absolute deviation of the ratio.
    """
    used = expected > 0
    if np.count_nonzero(used) < 2:
        return 0.0
    events, expected = events[used], expected[used]
    if np.median(expected) >= ENOUGH_EVENTS:
        ratio = events / expected
        scale = MAD_TO_SIGMA * float(np.median(np.abs(ratio - np.median(ratio))))
        return max(scale**2 - float(np.median(1.0 / expected)), 0.0)
    plain = pdtrc(np.maximum(events - 1.0, 0.0), expected) >= SURE
    plain |= events == 0
    excess = ((events - expected) ** 2 - expected)[plain].sum() / (expected[plain] ** 2).sum()
    # Chance alone gives so much: what lies within it is no spread, and would cost power.
    noise = np.sqrt((2.0 * expected[plain] ** 2 + expected[plain]).sum()) / (expected[plain] ** 2).sum()
    return float(excess) if excess > 2.0 * noise else 0.0


def _least_ranges(starts: Ints, reached: Floats, spread: float, weights: Floats) -> tuple[Floats, Ints, Ints]:
    """Return log tail, first and last event of the least likely range of each series; see `scan`."""
    number = len(starts) - 1
    least, first, last = np.zeros(number), np.zeros(number, np.int64), np.zeros(number, np.int64)
    for series in range(number):
        for i in range(starts[series], starts[series + 1]):
            for j in range(i + 1, starts[series + 1]):
                chance = log_tail(j - i, reached[j] - reached[i], spread, weights)
                if chance < least[series]:
                    least[series], first[series], last[series] = chance, i, j
    return least, first, last


_least = compiled(_least_ranges)


def scan(bad: Bools, rates: Floats, starts: Ints, *, spread: float = 0.0) -> list[Interval | None]:
    """Find the range of dates of each series in which events crowd most.

    *Statistic*: the chance of so many other events between the first and the last of a range, over all ranges that begin and end
    with an event, which are all that can be the least likely. *Null distribution*: events come at their rates, independently of
    each other, times a factor of the series that is gamma-distributed with the relative variance `spread`; a Poisson tail bounds
    that of unequal chances. The number of ranges enters exactly (`chances.log_any`).

    Parameters
    ----------
    bad : ndarray of bool, shape (n,)
        Events, series by series, in the order of dates.
    rates : ndarray, shape (n,)
        Chance of an event without fault.
    starts : ndarray of int, shape (n_series + 1,)
        Where each series begins.
    spread : float
        Relative variance of the rate between series.

    Returns
    -------
    list of Interval or None
        One for each series; none for a series of less than two events.

    References
    ----------
    Hoeffding 1956, Ann. Math. Statist. 27, 713 (unequal chances); Naus 1965, JASA 60, 532 (scan statistics).
    """
    place = np.flatnonzero(bad)
    series_start = np.searchsorted(place, starts)
    reached = np.cumsum(rates)
    weights = log_weights(spread)
    least, first, last = _least(series_start, reached[place], spread, weights)
    found: list[Interval | None] = []
    for series in range(len(starts) - 1):
        if least[series] >= 0.0:
            found.append(None)
            continue
        begin, end = int(place[first[series]]), int(place[last[series]])
        low, high = int(starts[series]), int(starts[series + 1])
        total = float(reached[high - 1] - reached[low] + rates[low])
        expected = float(reached[end] - reached[begin] + rates[begin])
        log_number = log_any(float(least[series]), total=total, spread=spread)
        found.append(Interval(begin - low, end - low, int(last[series] - first[series]) + 1, expected, log_number))
    return found
