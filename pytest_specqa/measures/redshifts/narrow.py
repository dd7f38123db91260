"""Spectra that share one redshift more closely than the galaxies of any cluster do.

A fit that hangs on one feature of the detector gives every spectrum the same redshift to some ten km/s. Galaxies that belong
together move through each other: their velocities differ by 200 km/s and more. So what is counted is how many of the spectra
around a redshift lie in a window that is narrower than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, erf, log_ndtr

from pytest_specqa.instrument import SPEED_OF_LIGHT
from pytest_specqa.measures.redshifts.reference import structure_variance, wall_variance
from pytest_specqa.measures.redshifts.scan import EDGES, SHAPE_ERROR, Z_HIGH, Z_LOW, Window
from pytest_specqa.measures.statistics import Bools, Floats, Ints

WIDTHS = (30.0, 60.0, 120.0, 240.0)
"""Window widths in km/s."""
WIDTH_TRIALS = 3.0
"""Number of independent widths."""
REACH = 600.0
"""Half-width in km/s of the range that is looked at around a window: a cluster or a wall fills it."""
FAR = 6000.0
"""Length in km/s of the stretches on either side of that range that say how many spectra to expect."""
DISPERSION = 300.0
"""Velocity dispersion in km/s of a group that is rich enough to matter: groups of five and more galaxies have 200-300 km/s, those
of ten more, clusters 500-1000 (Robotham et al. 2011, MNRAS 416, 2640; Zabludoff & Mulchaey 1998, ApJ 496, 39); walls are some
5 Mpc/h or 500 km/s thick (Geller & Huchra 1989, Science 246, 897). Quieter groups show in the spectra around a window."""
FEWEST_TOGETHER, LEAST_SHARE = 5, 0.01
"""Fewest spectra that are looked at, and the least part of a set: fits to noise prefer the redshifts of some sky lines."""
ROUNDING = 1e-5
"""km/s by which a window is wider than its spectra, so that all are inside."""
TOLERANCE = 75.0
"""km/s by which a redshift may miss that of a line on another and still stem from it."""


@dataclass(frozen=True)
class Set:
    """Spectra that are scanned together.

    Attributes
    ----------
    row : int
        Number that a window of this set bears.
    velocity : ndarray
        c ln(1+z) in km/s of each spectrum, sorted.
    petals : float
        Number of petals that the set covers.
    expected : ndarray, shape (N_BINS + 1,)
        Spectra below each bin edge that the reference n(z) predicts.
    trials : float
        Number of spectra that a window may begin with, over all sets, by the share of the search that belongs to this kind of set.
    """

    row: int
    velocity: Floats
    petals: float
    expected: Floats
    trials: float


def velocities(z: Floats) -> Floats:
    """Return c ln(1+z) in km/s, sorted, of the redshifts that are scanned."""
    inside = z[(z >= Z_LOW) & (z < Z_HIGH)]
    return np.sort(SPEED_OF_LIGHT * np.log1p(inside))


def concentration(width: float) -> float:
    """Return the part of the spectra within `REACH` that a window around the centre of the tightest group holds at most."""
    inside, around = (erf(half / (np.sqrt(2.0) * DISPERSION)) for half in (0.5 * width, REACH))
    return float(inside / around)


def tightest_windows(sets: list[Set], *, aside: Floats) -> tuple[Window | None, Window | None]:
    """Find the windows that are hardest to explain by galaxies that belong together.

    *Statistic*: the chance that so many others lie beside a spectrum. *Null distribution*: the spectra around it have a density
    that is gamma-distributed about what the redshifts further off and the reference n(z) let expect, with the variance of galaxy
    clustering; it is weighted by the spectrum itself and updated by those within 600 km/s. The part `concentration` of them may
    lie in the window. Where a lognormal density that is as high, times the binomial chance of the concentration, makes the count
    more likely, that is believed: it has the longer tail, for rich clusters.

    Parameters
    ----------
    sets : list of Set
        What to scan.
    aside : ndarray
        Velocities in km/s at which emission of the Galaxy is read as a redshift.

    Returns
    -------
    tuple of Window or None
        The least likely window, and the least likely of those at a velocity of `aside`.
    """
    best: list[Window | None] = [None, None]
    for one in sets:
        for width in WIDTHS:
            for kind, window in enumerate(_of_width(one, width=width, aside=aside)):
                other = best[kind]
                if window is not None and (other is None or window.log_p < other.log_p):
                    best[kind] = window
    return best[0], best[1]


def _of_width(one: Set, *, width: float, aside: Floats) -> tuple[Window | None, Window | None]:
    v = one.velocity
    number = np.searchsorted(v, v + width, side="right") - np.arange(len(v))
    start = np.flatnonzero(number >= max(FEWEST_TOGETHER, LEAST_SHARE * len(v)))
    if not len(start):
        return None, None
    number = number[start]
    ends = np.stack([v[start], v[start + number - 1]])
    middle = ends.mean(axis=0)
    around = np.searchsorted(v, middle + REACH) - np.searchsorted(v, middle - REACH) - number
    mean, variance = _expected(one, middle)
    chance = log_chance_together(number, around, mean=mean, variance=variance, share=concentration(width))
    chance = chance + np.log(one.trials * WIDTH_TRIALS)
    galactic = (np.abs(middle[:, None] - aside) < 0.5 * width + TOLERANCE).any(axis=1)

    def least(rows: Bools) -> Window | None:
        """Describe the least likely of some windows."""
        if not rows.any():
            return None
        k = int(np.argmin(np.where(rows, chance, np.inf)))
        low, high = np.expm1((ends[:, k] + np.array([-ROUNDING, ROUNDING])) / SPEED_OF_LIGHT)
        part = concentration(width)
        return Window(
            row=one.row,
            low=float(low),
            high=float(high),
            count=int(number[k]),
            expected=part * float(max(mean[k], around[k])),
            error=part * float(mean[k] * np.sqrt(variance[k])),
            log_p=float(chance[k]),
        )

    return least(~galactic), least(galactic)


def _expected(one: Set, middle: Floats) -> tuple[Floats, Floats]:
    """Number of spectra within `REACH` of some velocities, and its relative variance: the largest of several estimates."""
    v, bins = one.velocity, SPEED_OF_LIGHT * np.log1p(EDGES)

    def count(low: Floats, high: Floats) -> Floats:
        """Spectra between two velocities, and one more: none is not proof that there are none."""
        return np.searchsorted(v, high) - np.searchsorted(v, low) + 1.0

    left, right = (count(middle - REACH - FAR, middle - REACH), count(middle + REACH, middle + REACH + FAR))
    model = np.interp(middle + REACH, bins, one.expected) - np.interp(middle - REACH, bins, one.expected)
    mean = np.max([left * 2 * REACH / FAR, right * 2 * REACH / FAR, model], axis=0)
    depth = 2.0 * REACH / SPEED_OF_LIGHT
    structure = structure_variance(np.expm1(middle / SPEED_OF_LIGHT), depth, petals=one.petals)
    return mean, structure + wall_variance(depth) + SHAPE_ERROR**2


def log_chance_together(number: Ints, around: Ints, *, mean: Floats, variance: Floats, share: float) -> Floats:
    """Log of the chance that a spectrum has so many others beside it.

    Parameters
    ----------
    number, around : ndarray of int, shape (n,)
        Spectra in the window, and in the rest of the range around it.
    mean, variance : ndarray, shape (n,)
        Spectra that the whole range should hold, and the relative variance of that.
    share : float
        Part of those that belong together that may lie in the window.

    Returns
    -------
    ndarray, shape (n,)
        Natural logarithm; no trials.
    """
    others, shape = number - 1.0, 1.0 / variance
    # A spectrum is where galaxies are: its surroundings are denser than average, by a density that weighs itself.
    odds = share / (1.0 + shape / mean)
    predicted = np.log(np.maximum(betainc(others, shape + 1.0 + around, odds), 1e-300))
    sigma, total = np.sqrt(np.log1p(variance)), others + around
    contrast = np.maximum(total - np.sqrt(total), 0.1) / mean
    dense = log_ndtr(-(np.log(contrast) / sigma - 0.5 * sigma))
    together = np.log(np.maximum(betainc(others, around + 1.0, share), 1e-300))
    return np.asarray(np.maximum(predicted, dense + together), dtype=float)


def fewest_seen(one: Set, *, log_p: float) -> int:
    """Return how many spectra within 60 km/s, with none around them, would have had at most this chance.

    Parameters
    ----------
    one : Set
        What was scanned.
    log_p : float
        Natural logarithm of the chance.

    Returns
    -------
    int
        For a redshift among the most frequent: nine of ten have fewer spectra around them.
    """
    places = one.velocity if len(one.velocity) else np.zeros(1)
    mean, variance = (np.quantile(each, 0.9) for each in _expected(one, places))
    number = np.arange(FEWEST_TOGETHER, 400)
    every = np.ones(len(number))
    chance = log_chance_together(number, 0 * number, mean=mean * every, variance=variance * every, share=concentration(60.0))
    return int(number[np.argmax(chance + np.log(one.trials * WIDTH_TRIALS) < log_p)])
