"""The scan of a series over all ranges of its nights."""

from __future__ import annotations

import math

import numpy as np

from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.statistics import Floats, Ints

FINE = 6
"""Ranges of up to this many nights are all scanned; of longer ones those starting at multiples of a `FINE`-th of their length."""


def lengths_of(nights: int) -> Ints:
    """Lengths of the coarse scan: each is at most 1.26 times the one before, so that every range has one much like it.

    A range with a true change of statistic T is overlapped by one of the set with at least 0.87 T (worst between two lengths and
    two starts): what reaches a threshold is found by the coarse scan at `KEPT` of it, and scanned exactly.

    Parameters
    ----------
    nights : int
        Nights of the series.

    Returns
    -------
    array of int
        In ascending order, from 1 night on, shorter than the series.
    """
    found: list[int] = []
    length = 1.0
    while math.ceil(length) < nights:
        if not found or math.ceil(length) > found[-1]:
            found.append(math.ceil(length))
        length = max(length + 1, length * 1.26) if length < FINE else length * 1.26
    return np.array(found, dtype=np.int64)


KEPT = 0.75
"""Part of the threshold from which on a series of the coarse scan is scanned exactly."""


@compiled
def _gather(scores: Floats, sums: Floats, places: Ints) -> int:
    """Sums from the first night that is known, less the share of the mean; return how many are known."""
    known, total = 0, 0.0
    for night in range(len(scores)):
        if not np.isnan(scores[night]):
            places[known] = night
            total += scores[night]
            known += 1
            sums[known] = total
    for number in range(known + 1):
        sums[number] -= total * number / max(known, 1)
    return known


@compiled
def _coarse(scores: Floats, lengths: Ints, spread: Floats) -> Floats:
    """Largest statistic of each series over the coarse set of ranges."""
    n_series, nights = scores.shape
    best = np.zeros(n_series, dtype=np.float32)
    sums, places = np.zeros(nights + 1), np.zeros(nights, dtype=np.int64)
    for series in range(n_series):
        known = _gather(scores[series], sums, places)
        for length in lengths:
            if length >= known:
                continue
            step, highest, low, high = max(1, length // 6), 0.0, 0.0, 0.0
            for start in range(0, known - length + 1, step):
                difference = sums[start + length] - sums[start]
                high = max(high, difference)
                low = min(low, difference)
            highest = max(high, -low, abs(sums[known - length]))
            best[series] = max(best[series], highest / math.sqrt(length * (1 - length / known)) / spread[length])
    return best


@compiled
def _exact(scores: Floats, spread: Floats) -> tuple[float, int, int]:
    """The range with the largest statistic: statistic with sign, first and last night."""
    nights = len(scores)
    sums, places = np.zeros(nights + 1), np.zeros(nights, dtype=np.int64)
    known = _gather(scores, sums, places)
    best, begin, end = 0.0, -1, -1
    for length in range(1, known):
        norm = 1 / math.sqrt(length * (1 - length / known)) / spread[length]
        for start in range(known - length + 1):
            statistic = (sums[start + length] - sums[start]) * norm
            if abs(statistic) > abs(best):
                best, begin, end = statistic, places[start], places[start + length - 1]
    return best, begin, end


def coarse_statistics(scores: Floats, *, spread: Floats) -> Floats:
    """Largest statistic of each series over a set of ranges that has one much like every range.

    Parameters
    ----------
    scores : array, shape (n_series, nights)
        With unit variance where nothing happens; NaN where a night is not known.
    spread : array, shape (nights + 1,)
        Standard deviation of sum / sqrt(n) of a range of n nights; 1 where nights are independent.

    Returns
    -------
    array, shape (n_series,)
        Without sign, in sigmas; 0 for a series of fewer than two nights.
    """
    lengths = lengths_of(scores.shape[1])
    return np.asarray(_coarse(np.ascontiguousarray(scores, dtype=np.float32), lengths, np.asarray(spread, dtype=float)))


def best_range(scores: Floats, *, spread: Floats) -> tuple[float, int, int]:
    """Return the range of one series with the largest statistic, over all ranges.

    Parameters
    ----------
    scores, spread
        As in `coarse_statistics`, for one series.

    Returns
    -------
    statistic : float
        With sign: above or below the rest of the series.
    first, last : int
        Places of its first and last night that are known; -1 in a series of fewer than two nights.
    """
    statistic, first, last = _exact(np.ascontiguousarray(scores, dtype=np.float32), np.asarray(spread, dtype=float))
    return float(statistic), int(first), int(last)
