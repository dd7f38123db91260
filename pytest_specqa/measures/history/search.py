"""Ranges of nights in which a series is not what it usually is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pytest_specqa.measures.history.chance import threshold
from pytest_specqa.measures.history.ranges import KEPT, best_range, coarse_statistics
from pytest_specqa.measures.history.scores import MANY_SERIES, PER_SERIES, pooled, spread_of_ranges, standardised
from pytest_specqa.measures.statistics import Bools, Floats, Ints

MIN_NIGHTS = 20
"""Nights below which a series has no usual value."""
MOST_RANGES = 6
"""Ranges of one series that are told."""
FEW, MANY = 1e-3, 0.5
"""Part of the series that may be off, from which on the others are told from without them, and up to which that can be done."""
RARE = 1e-7
"""Chance of the statistic that tells which series may be off, whatever is asked for: clean ones must stay in their pool."""
SURE, WARY = 0.85, 0.55
"""Part of that statistic from which on a series may be off: among many, and among few, of which one that is off is a large part."""
SCRAP = 0.25
"""Part of the nights outside a range, at one of its ends, that is not worth a change of its own."""
TILTS = np.linspace(0.0, 8.0, 81)
"""Exponents of the bound on the chance of a mean; steeper ones bind no score that is kept."""


@dataclass(frozen=True)
class Hit:
    """A range of nights in which a series is off.

    Attributes
    ----------
    series : int
        Row of the panel.
    first, last : int
        Its first and last night, as columns of the panel.
    statistic : float
        With sign, in sigmas before the search; what the memory and the wildness of this series leave of it.
    nights : int
        Nights that the series has.
    """

    series: int
    first: int
    last: int
    statistic: float
    nights: int


@dataclass(frozen=True)
class Searched:
    """Outcome of the search of a panel.

    Attributes
    ----------
    hits : tuple of Hit
        By series; those of one series do not overlap.
    values : array, shape (n_series, nights)
        The panel, standardised.
    level, scale : array, shape (n_series,)
        Usual value and scatter of a night, in the unit of the panel.
    searched : int
        Series that had enough nights.
    ranges : int
        Ranges of dates that they have.
    spread : array, shape (nights + 1,)
        Memory from night to night: see `spread_of_ranges`.
    suspects : array, shape (n_series,)
        Series that are, or may be, off: the others are told from without them.
    """

    hits: tuple[Hit, ...]
    values: Floats
    level: Floats
    scale: Floats
    searched: int
    ranges: int
    spread: Floats
    suspects: Bools


def search(panel: Floats, *, chance: float, most: float, kinds: int = 1) -> Searched:
    """Search series of one kind over all ranges of their nights.

    Parameters
    ----------
    panel : array, shape (n_series, nights)
        A value a night, with what is common to all taken off; NaN where a night is not known.
    chance : float
        That one clean series has a hit.
    most : float
        Sigmas beyond which a night counts for no more.
    kinds : int
        Kinds of series that follow each other in turn: see `standardised`.

    Returns
    -------
    Searched
        Series of fewer than `MIN_NIGHTS` nights, and those that never change, are not searched.
    """
    standard = standardised(panel, kinds=kinds)
    counts = np.isfinite(standard.values).sum(axis=1)
    enough = np.flatnonzero(counts >= MIN_NIGHTS)
    nights = panel.shape[1]
    if not len(enough):
        none = np.zeros(len(panel), dtype=bool)
        return Searched((), standard.values, standard.level, standard.scale, 0, 0, np.ones(nights + 1), none)
    lowest = threshold(chance, int(counts[enough].min()))
    values = standard.values[enough]
    scores, spread, coarse = _scored(values, values, most=most)
    wary = (SURE if len(values) >= MANY_SERIES else WARY) * threshold(RARE, int(counts[enough].max()))
    suspects = coarse > wary
    if FEW < suspects.mean() < MANY:
        scores, spread, coarse = _scored(values, values[~suspects], most=most)
        suspects = coarse > wary
    hits: list[Hit] = []
    for row in np.flatnonzero(coarse > KEPT * lowest):
        known = int(counts[enough[row]])
        bar = threshold(chance, known)
        hits += [
            Hit(int(enough[row]), first, last, statistic, known)
            for statistic, first, last in _ranges(scores[row], spread=spread, bar=bar)
        ]
    of = counts[enough].astype(np.int64)
    ranges = int((of * (of - 1) // 2).sum())
    marked = np.zeros(len(panel), dtype=bool)
    marked[enough] = suspects
    return Searched(tuple(hits), standard.values, standard.level, standard.scale, len(enough), ranges, spread, marked)


def _scored(values: Floats, clean: Floats, *, most: float) -> tuple[Floats, Floats, Floats]:
    """Scores of series, memory of their nights, and the statistic of each, with the distribution and the memory of clean ones."""
    pool = pooled(clean, most=most)
    scores = pool(values)
    spread = spread_of_ranges(pool(clean[:: 1 + len(clean) // PER_SERIES]))
    return scores, spread, coarse_statistics(scores, spread=spread)


def _ranges(scores: Floats, *, spread: Floats, bar: float) -> Iterator[tuple[float, int, int]]:
    """Ranges of one series above the bar, the largest first, each without the ones before."""
    left, found = scores.copy(), []
    for _ in range(MOST_RANGES):
        statistic, first, last = best_range(left, spread=spread)
        if abs(statistic) < bar:
            break
        statistic, first, last = _rarer_part(left, statistic, first, last)
        found.append((statistic, first, last))
        left[first : last + 1] = np.nan
        if np.isfinite(left).sum() < MIN_NIGHTS // 2:
            break
    for statistic, first, last in _joined(found, np.flatnonzero(np.isfinite(scores))):
        tempered = temper(statistic, scores[first : last + 1], left, spread=spread)
        if abs(tempered) >= bar:
            yield tempered, first, last


def _joined(found: list[tuple[float, int, int]], known: Ints) -> list[tuple[float, int, int]]:
    """Join ranges that follow each other and are off the same way: chance has cut one range."""
    joined: list[tuple[float, int, int]] = []
    for statistic, first, last in sorted(found, key=lambda one: one[1]):
        if joined and joined[-1][0] * statistic > 0 and ((known > joined[-1][2]) & (known < first)).sum() <= 1:
            before = joined.pop()
            joined.append((max(before[0], statistic, key=abs), before[1], last))
        else:
            joined.append((statistic, first, last))
    return joined


def _rarer_part(scores: Floats, statistic: float, first: int, last: int) -> tuple[float, int, int]:
    """The rest of the series instead of the range, if that is shorter and in one piece: what is usual is what is common."""
    known = np.flatnonzero(np.isfinite(scores))
    before, after = known[known < first], known[known > last]
    rest = len(before) + len(after)
    if 2 * rest >= len(known):
        return statistic, first, last
    # Chance adds or takes a few nights at an end.
    if len(before) < SCRAP * rest:
        return -statistic, int(after[0]), int(known[-1])
    if len(after) < SCRAP * rest:
        return -statistic, int(known[0]), int(before[-1])
    return statistic, first, last


def temper(statistic: float, inside: Floats, outside: Floats, *, spread: Floats) -> float:
    """Lower a statistic by what the series itself does elsewhere: wild nights, memory, waves as long as the range.

    Parameters
    ----------
    statistic : float
        With sign.
    inside, outside : array, shape (nights,)
        Scores of the range, and of the series with every range that was found as NaN.
    spread : array, shape (nights + 1,)
        The memory that the statistic allows for already.

    Returns
    -------
    float
        No larger in size; the same for a series that is like the others of its kind.

    Notes
    -----
    Wild nights: by Chernoff's bound the mean of n nights reaches m with a chance of at most exp(-n I(m)), with I the Legendre
    transform of the log of the mean of exp(t score) over the nights outside. It is a bound for the nights that were seen: it tells
    a run of far nights from the same number of far nights that come now and then in that series.
    """
    inside, known = inside[np.isfinite(inside)], outside[np.isfinite(outside)]
    if len(known) < MIN_NIGHTS // 2 or not len(inside):
        return statistic
    sign, count = math.copysign(1.0, statistic), len(inside)
    mean = sign * float(inside.mean() - known.mean())
    log_mean = np.log(np.exp(TILTS[:, None] * (sign * (known - known.mean()))[None, :]).mean(axis=1))
    rate = float(np.max(TILTS * mean - log_mean))
    # The rate is known to some 2 / sqrt(number of nights) of itself.
    wild = math.sqrt(max(0.0, 2 * count * rate * (1 + 2 / math.sqrt(len(known))))) / spread[count]
    size = min(abs(statistic), wild) if mean > 0 else 0.0
    # The scale of a series is known to 1.2 / sqrt(number of nights) of itself; where it came out small, its nights are wide.
    width = max(1.0, float(known.std()))
    return sign * size / width / max(1.0, _memory(outside, count) / float(spread[count]), _waves(outside, count, spread) / width)


def _memory(outside: Floats, count: int) -> float:
    """Standard deviation of sum / sqrt(n) from the series' own correlation of neighbouring nights, as far as that is certain."""
    pairs = np.isfinite(outside[1:]) & np.isfinite(outside[:-1])
    if pairs.sum() < MIN_NIGHTS // 2:
        return 1.0
    centred = outside - np.nanmean(outside)
    variance = float(np.nanmean(centred**2))
    lag = float(np.mean(centred[1:][pairs] * centred[:-1][pairs])) / max(variance, 1e-9) - 2 / math.sqrt(pairs.sum())
    lag = min(max(lag, 0.0), 0.98)
    steps = np.arange(1, count)
    return math.sqrt(1 + 2 * float(np.sum((1 - steps / count) * lag**steps))) if count > 1 else 1.0


def _waves(outside: Floats, count: int, spread: Floats) -> float:
    """Scatter of the other stretches of the same length, in units of what was expected of them, as far as that is certain."""
    known = outside[np.isfinite(outside)]
    windows = len(known) // count
    if count == 1 or windows < 3:
        return 1.0
    stretches = (known - known.mean())[: windows * count].reshape(windows, count).sum(axis=1) / math.sqrt(count) / spread[count]
    freedom = windows - 1
    return math.sqrt(float(np.sum(stretches**2)) / freedom) / (1 + 1.5 / math.sqrt(2 * freedom))
