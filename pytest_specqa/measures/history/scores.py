"""Nights as scores that are Gaussian where nothing happens, whatever the tails, the programs and the memory of the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from pytest_specqa.measures.history.ranges import lengths_of
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Floats, mad_scale, nan_median

MANY_SERIES = 200
"""From so many series on, the scatter of each night is told from their spread in that night."""
SAMPLE = 2_000_000
"""Values that a pool is made of; more would not show in its tail."""
TAIL = 0.005
"""Part of the pool beyond which the tail is a fit."""
MIN_TAIL, MAX_TAIL = 30, 2_000
STEPS = 1.25
"""Scatter of a series, at most, over that of its steps from night to night; of independent nights it is 1."""
PER_SERIES = 2_000
"""Series that the scatter of a night and the memory of nights are told from."""


@dataclass(frozen=True)
class Standard:
    """Series less their usual value, in units of their usual scatter.

    Attributes
    ----------
    values : array, shape (n_series, nights)
        Robust z-values; NaN where a night is not known or a series never changes.
    level, scale : array, shape (n_series,)
        Median and scatter of each series in its own unit.
    """

    values: Floats
    level: Floats
    scale: Floats


def standardised(values: Floats) -> Standard:
    """Bring series to one scale: less their median, over their scatter, and over the scatter of each night where there are many.

    Parameters
    ----------
    values : array, shape (n_series, nights)
        NaN where a night is not known.

    Returns
    -------
    Standard
        A series of which more than half the nights are equal is scaled by the spread of its others.
    """
    values = np.asarray(values, dtype=np.float32)
    level = nan_median(values, axis=1)
    found = values - level[:, None]
    scale = mad_scale(values, axis=1, center=level)
    # The part of a series that is off does not make its scatter, however long it is: that is told from one night to the next.
    steps = mad_scale(np.diff(values, axis=1), axis=1) / np.sqrt(2) if values.shape[1] > 1 else scale
    scale = np.where((steps > 0) & (STEPS * steps < scale), STEPS * steps, scale)
    flat = ~(scale > 0) & np.isfinite(level)
    if flat.any():
        # Counts that are zero on most nights have no median deviation.
        with np.errstate(invalid="ignore"):
            scale[flat] = np.sqrt(np.nanmean(found[flat] ** 2, axis=1))
    scale[~(scale > 0)] = np.nan
    found /= scale[:, None]
    if len(found) >= MANY_SERIES:
        sample = found[:: 1 + len(found) // PER_SERIES]
        nightly = mad_scale(np.ascontiguousarray(sample), axis=0)
        known = np.isfinite(sample).sum(axis=0) >= MANY_SERIES // 2
        found /= np.where(known, np.clip(nightly, 0.5, None), 1.0)
    return Standard(found, level, scale)


@dataclass(frozen=True)
class Pool:
    """The distribution of clean values of many series, which makes Gaussian scores of them.

    Attributes
    ----------
    values, scores : array, shape (n_knot,)
        Value and score of each knot, both ascending.
    """

    values: Floats
    scores: Floats

    def __call__(self, values: Floats) -> Floats:
        """Score values; NaN stays NaN."""
        return np.interp(values, self.values, self.scores).astype(np.float32)


def pooled(values: Floats, *, most: float) -> Pool:
    """Learn which score a value has from all nights of all series of a kind.

    Parameters
    ----------
    values : array
        Standardised values of series that are of one kind; those that are not finite are left out.
    most : float
        Largest score, in sigmas. No night counts for more, however far it is off.

    Returns
    -------
    Pool
        Quantiles of the values themselves up to a tail; beyond that a generalised Pareto tail with a shape two standard errors
        heavier than the fitted one and no lighter than an exponential, so that little is believed of what few nights have shown.
        Faults among the values lower the scores of their like.

    References
    ----------
    J. R. M. Hosking & J. R. Wallis, Technometrics 29, 339 (1987): probability-weighted moments, and their errors.
    """
    known = values[np.isfinite(values)]
    known = np.sort(known[:: 1 + len(known) // SAMPLE]).astype(float)
    if len(known) < 2 * MIN_TAIL:
        return Pool(np.array([-1e30, 1e30]), np.zeros(2))
    upper, lower = _tail(known, most), _tail(-known[::-1], most)
    inner = -ndtri(_tail_count(len(known)) / len(known))
    scores = np.linspace(-inner, inner, 200)
    middle = np.interp(scores, ndtri((np.arange(len(known)) + 0.5) / len(known)), known)
    at = np.concatenate([-lower[0][::-1], middle, upper[0]])
    of = np.concatenate([-lower[1][::-1], scores, upper[1]])
    # Values that come many times have the mean of the scores that they stand for.
    places, inverse = np.unique(np.maximum.accumulate(at), return_inverse=True)
    return Pool(places, np.bincount(inverse, weights=of) / np.bincount(inverse))


def _tail_count(number: int) -> int:
    return int(np.clip(TAIL * number, MIN_TAIL, MAX_TAIL))


def _tail(known: Floats, most: float) -> tuple[Floats, Floats]:
    """Values and scores beyond the last quantile; `known` ascends."""
    count = _tail_count(len(known))
    start = float(known[-count - 1])
    beyond = known[-count:] - start
    first = float(beyond.mean())
    second = float(((1 - (np.arange(1, count + 1) - 0.35) / count) * beyond).mean())
    if not first > 2 * second > 0:
        shape, width = 1.0, max(first, 1e-9)
    else:
        shape, width = 2 - first / (first - 2 * second), 2 * first * second / (first - 2 * second)
    shape = float(np.clip(shape + 2 * 1.155 / np.sqrt(count), 1e-3, 2.0))
    inner = float(-ndtri(count / len(known)))
    if inner >= most:
        return np.array([start]), np.array([most])
    scores = np.arange(inner, most, 0.1) + 0.1
    log_chance = np.log(count / len(known)) - np.log(np.maximum(ndtr(-scores), 1e-300))
    return start + width / shape * np.expm1(shape * log_chance), np.minimum(scores, most)


def spread_of_ranges(scores: Floats) -> Floats:
    """Standard deviation of sum / sqrt(n) over ranges of n nights: what memory from night to night makes of it.

    Parameters
    ----------
    scores : array, shape (n_series, nights)
        Of one kind; NaN where a night is not known.

    Returns
    -------
    array, shape (nights + 1,)
        At least 1 and never falling with n, so that no range profits from nights that happen to oppose each other. Robust: changes
        in a quarter of the series do not show. One standard error is added, which is little where many series are alike.
    """
    nights = scores.shape[1]
    sample = scores[:: 1 + len(scores) // PER_SERIES]
    known = np.isfinite(sample)
    pad = ((0, 0), (1, 0))
    total = np.pad(np.cumsum(np.where(known, sample, 0), axis=1, dtype=float), pad)
    number = np.pad(np.cumsum(known, axis=1), pad)
    every = np.maximum(number[:, -1:], 1)
    total -= number * (total[:, -1:] / every)
    lengths, found = lengths_of(nights), []
    for length in lengths:
        starts = np.arange(0, nights - length + 1, max(1, length // 2))
        count = number[:, starts + length] - number[:, starts]
        effective = count * (1 - count / every)
        whole = count > length / 2
        ranged = (total[:, starts + length] - total[:, starts])[whole] / np.sqrt(np.maximum(effective[whole], 1e-9))
        independent = max(whole.sum() * min(1.0, max(1, length // 2) / length) * (1 - length / nights), 1.0)
        spread = MAD_TO_SIGMA * float(np.median(np.abs(ranged))) if ranged.size else 1.0
        # 1.167 / sqrt(m) is the relative error of a median absolute deviation of m Gaussian values.
        found.append(spread * (1 + 1.167 / np.sqrt(independent)) if length > 1 else 1.0)
    if not found:
        return np.ones(nights + 1)
    rising = np.maximum.accumulate(np.maximum(found, 1.0))
    return np.interp(np.log(np.maximum(np.arange(nights + 1), 1)), np.log(lengths), rising)
