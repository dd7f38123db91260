"""What is usual for each of several places, such as cameras, on a coming night: level, scatter, and how far out chance goes.

A place is described by its own nights alone. Its level is a constant, a straight line in time or a term of the Moon's phase: a term
is kept only where nights left out one by one are foretold with less scatter. How far chance goes is found from all places
together, in units of the scatter of each: one place has too few nights to tell.

References
----------
Huber and Ronchetti 2009, Robust Statistics, ch. 7 (weights). Meeus 1998, Astronomical Algorithms, ch. 49 (new moons).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures import tails
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Bools, Floats, Ints, mad_scale, nan_median

NIGHTS = 20
"""Nights below which nothing is called usual for a place."""
NEW_MOON, MONTH = 51549.6, 29.530588853
"""A new moon, as a modified Julian date, and the days from one to the next."""
GAIN = 0.7
"""Part of the scatter to which a term must bring it. Of places that only scatter, 6 in 100 get a term in 20 nights, 3 in 30 nights
and less than one in 60 (1,440 places simulated for each)."""
TUNING = 4.685
"""Of Tukey's weights: 95 % of the efficiency of the mean for Gaussian values."""
ROUNDS = 8
TERMS = ("", "a slow trend", "the phase of the Moon")
OFF = 5.0
"""Scatters of a single value; the median of a night is off by so much in no clean night out of many."""
FEWEST_LEVELS = 10
"""Different values that a place must have; the scatter of fewer is that of their steps."""


class Usual(NamedTuple):
    """What is usual on a coming night, for each place.

    Attributes
    ----------
    center, scale : array, shape (n_place,)
        The value that is expected, and the standard deviation of one value about it; NaN where nothing is usual.
    term : array of int, shape (n_place,)
        Of `TERMS`: what the level follows.
    scaled : array of float, shape (n_value,)
        Deviation of each value from what the other nights foretell, over the scatter of its place; NaN where nothing is usual, and
        on the last nights of a place as long as their medians are `OFF` scatters off on one side: a change that has just begun is
        no part of what is usual, and would hide itself.
    """

    center: Floats
    scale: Floats
    term: Ints
    scaled: Floats


class Coming(NamedTuple):
    """Values of past nights, one row each, and the night that they shall tell of.

    Attributes
    ----------
    values : array, shape (n_value,)
        Finite.
    place, night : array of int, shape (n_value,)
        Index of its place and night.
    days : array, shape (n_night,)
        Modified Julian date of each night.
    when : float
        That of the coming night.
    """

    values: Floats
    place: Ints
    night: Ints
    days: Floats
    when: float


def usual(past: Coming, places: int) -> Usual:
    """Find what is usual for each place on the coming night.

    Parameters
    ----------
    past : Coming
        Values of past nights.
    places : int
        Number of places.
    """
    nightly = _nightly_medians(past, places)
    enough = np.isfinite(nightly).sum(axis=1) >= NIGHTS
    best = _foretold(nightly, _design(past, 0))
    term = np.zeros(places, int)
    for number in (1, 2):
        other = _foretold(nightly, _design(past, number))
        better = other.scatter < GAIN * best.scatter
        best = _Foretold(*(_chosen(better, one, two) for one, two in zip(other, best, strict=True)))
        term = np.where(better, number, term)
    residual = past.values - best.each[past.place, past.night]
    scale = MAD_TO_SIGMA * _medians(np.abs(residual), past.place, places)
    scale[~enough | (_levels(past, places) < FEWEST_LEVELS)] = np.nan
    scale[~(scale > 0)] = np.nan
    off = _last_off((nightly - best.each) / scale[:, None])
    return Usual(
        center=np.where(np.isfinite(scale), best.coming, np.nan),
        scale=scale * np.sqrt(1.0 + best.leverage),
        term=term,
        scaled=np.where(off[past.place, past.night], np.nan, residual / scale[past.place]),
    )


def reach(scaled: Floats, blocks: Ints, rates: tuple[float, ...]) -> tuple[float, ...]:
    """Return how many scatters out a value lies at each of some rates, far beyond what was seen; NaN where it cannot be told.

    Parameters
    ----------
    scaled : array, shape (n_value,)
        Deviations in units of their scatter; large ones are bad; NaN is left out.
    blocks : array of int, shape (n_value,)
        A number for each night of each place: the values of one hang together, and the shape of the tail is known no better than
        from one value of each.
    rates : tuple of float
        Of values farther out.

    Returns
    -------
    tuple of float
        From a generalised Pareto tail whose shape is raised by its standard error, and is at least that of an exponential.
    """
    known = np.isfinite(scaled)
    order = np.argsort(scaled[known], kind="stable")
    ordered, blocks = scaled[known][order], blocks[known][order]
    clean = ordered <= tails.outlier_cut(ordered)
    ordered, blocks = ordered[clean], blocks[clean]
    law = tails.law_of(ordered)
    if law is None:
        return tuple(math.nan for _ in rates)
    number = len(np.unique(blocks[ordered > law.threshold]))
    error = (1.0 + max(law.shape, 0.0)) / math.sqrt(number)
    raised = law._replace(shape=max(law.shape, 0.0) + error)
    return tuple(raised.level(min(rate, law.part)) for rate in rates)


def _last_off(nightly: Floats) -> Bools:
    """Mark the last nights of each place, as long as all of them are off on the same side; nights without a value do not count."""
    off = np.zeros(nightly.shape, bool)
    for row, marked in zip(nightly, off, strict=True):
        side = 0.0
        for night in np.flatnonzero(np.isfinite(row))[::-1]:
            if abs(row[night]) < OFF or row[night] * side < 0:
                break
            marked[night], side = True, row[night]
    return off


class _Foretold(NamedTuple):
    """A level of each place on each night, foretold from the others; that of the coming night; its leverage; the scatter left."""

    each: Floats
    coming: Floats
    leverage: Floats
    scatter: Floats


def _chosen(better: Bools, one: Floats, other: Floats) -> Floats:
    return np.where(better.reshape(-1, *[1] * (one.ndim - 1)), one, other)


def _nightly_medians(past: Coming, places: int) -> Floats:
    """Median of each place on each night, shape (n_place, n_night); NaN where there is no value."""
    nights = len(past.days)
    return _medians(past.values, past.place * nights + past.night, places * nights).reshape(places, nights)


def _medians(values: Floats, group: Ints, groups: int) -> Floats:
    """Median of the values of each group; NaN for one without any."""
    order = np.lexsort((values, group))
    ordered = values[order]
    ends = np.cumsum(np.bincount(group, minlength=groups))
    start = np.append(0, ends[:-1])
    there = ends > start
    low, high = (start + ends - 1) // 2, (start + ends) // 2
    found = np.full(groups, np.nan)
    found[there] = 0.5 * (ordered[low[there]] + ordered[high[there]])
    return found


def _levels(past: Coming, places: int) -> Ints:
    """Count the different values of each place."""
    order = np.lexsort((past.values, past.place))
    values, place = past.values[order], past.place[order]
    new = np.append(True, (np.diff(values) != 0) | (np.diff(place) != 0)) if len(values) else np.zeros(0, bool)
    return np.bincount(place[new], minlength=places)


def _design(past: Coming, term: int) -> Floats:
    """Columns of a model for the past nights and, last, for the coming one; shape (n_night + 1, n_column)."""
    days = np.append(past.days, past.when)
    columns = [np.ones(len(days))]
    if term == 1:
        columns.append((days - past.when) / max(np.ptp(days), 1.0))
    if term == 2:
        phase = 2.0 * math.pi * (days - NEW_MOON) / MONTH
        columns += [np.cos(phase), np.sin(phase)]
    return np.stack(columns, axis=1)


def _foretold(nightly: Floats, design: Floats) -> _Foretold:
    """Fit each place with Tukey's weights, and foretell each night from the others and the coming one from all."""
    past, coming = design[:-1], design[-1]
    known = np.isfinite(nightly)
    filled = np.where(known, nightly, 0.0)
    fitted = np.broadcast_to(nan_median(nightly, axis=1)[:, None], nightly.shape)
    tiny = 1e-9 * np.eye(len(coming))
    pairs = (past[:, :, None] * past[:, None, :]).reshape(len(past), -1)
    for _ in range(ROUNDS):
        residual = np.where(known, filled - fitted, np.nan)
        scale = mad_scale(residual, axis=1, center=np.zeros(len(residual)))
        reduced = residual / (TUNING * np.where(scale > 0, scale, np.inf))[:, None]
        weight = np.where(known & (np.abs(reduced) < 1.0), (1.0 - reduced**2) ** 2, 0.0)
        inverse = np.linalg.inv((weight @ pairs).reshape(-1, *tiny.shape) + tiny)
        coefficient = np.einsum("pij,pj->pi", inverse, (weight * filled) @ past)
        fitted = coefficient @ past.T
    part = np.minimum(weight * (inverse.reshape(len(inverse), -1) @ pairs.T), 0.9)
    left_out = np.where(known, filled - fitted, np.nan) / (1.0 - part)
    return _Foretold(
        each=np.where(known, filled - left_out, np.nan),
        coming=coefficient @ coming,
        leverage=np.einsum("i,pij,j->p", coming, inverse, coming),
        scatter=nan_median(np.abs(left_out), axis=1),
    )
