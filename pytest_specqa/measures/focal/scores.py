"""How much each fiber says about a local error of the sky, whatever its target adds.

Targets only add light: the faint edge of their distribution is sharp and its tail long. A score that rises over the edge and is
flat beyond it measures a shift of the whole distribution nearly as well as is possible, and no bright target moves it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Floats, Ints

EDGE_CLIP = (-2.5, 0.25)
"""Range of the score of targets, in widths of the faint edge of their distribution."""
SYMMETRIC_CLIP = (-5.0, 5.0)
"""Range of the score of fibers without light of their own, in standard deviations: only outliers are bounded."""
FEWEST = 8
"""Fewest fibers of a kind from which its distribution is known."""


@dataclass(frozen=True)
class Score:
    """A bounded score of a residual, zero on average over the petal.

    Attributes
    ----------
    location : float
        Residual at which the score is zero.
    width : float
        Scale of the residuals.
    clip : tuple of float
        Smallest and largest score.
    slope : float
        Change of the mean score with the location.
    variance, skew : float
        Variance of one fiber's shift estimate, and the third central moment over its 3/2 power.
    """

    location: float
    width: float
    clip: tuple[float, float]
    slope: float
    variance: float
    skew: float

    def shifts(self, residual: Floats, *, shift: float = 0.0) -> Floats:
        """Estimate of each fiber's shift, less `shift`; exact on average for small ones, bounded for large ones."""
        return np.asarray(np.clip((residual - self.location - shift) / self.width, *self.clip) / self.slope)


def edge_width(residual: Floats, *, fiber: Ints, instrument: Instrument = DESI) -> float:
    """Width of the faint edge of the targets' distribution, patches left out.

    Parameters
    ----------
    residual : ndarray
        Finite residuals of the targets of one petal.
    fiber : ndarray of int
        FIBER of each.
    instrument : Instrument
        Knows the patches of the slit.

    Returns
    -------
    float
        Three quarters of the distance between the percentiles 5 and 25, median over the patches; NaN without a full one.
    """
    widths = [_between(np.sort(residual[rows]), 0.05, 0.25) for rows in _full_patches(fiber, instrument.patch)]
    return 0.75 * float(np.median(widths)) if widths else float("nan")


def _between(ordered: Floats, low: float, high: float) -> float:
    """Distance between two quantiles of values in order, ten times as fast as `numpy.percentile` for fifty of them."""
    first, second = np.interp(np.array([low, high]) * (ordered.size - 1), np.arange(ordered.size), ordered)
    return float(second - first)


def edge_score(residual: Floats, *, width: float, fiber: Ints, instrument: Instrument = DESI) -> Score:
    """Score for targets, which add light.

    Its slope and variance come from the residuals themselves, each patch moved to the common edge first, so that patches
    do not blur the edge by which they are measured.

    Parameters
    ----------
    residual : ndarray
        Finite residuals of the targets of one petal.
    width : float
        Width of the faint edge, as `edge_width` gives it.
    fiber : ndarray of int
        FIBER of each.
    instrument : Instrument
        Knows the patches of the slit.

    Returns
    -------
    Score
        Rising over the edge, flat beyond.
    """
    location = _zero(residual, width=width, clip=EDGE_CLIP)
    aligned = residual - location
    for rows in _full_patches(fiber, instrument.patch):
        aligned[rows] = residual[rows] - _zero(residual[rows], width=width, clip=EDGE_CLIP)
    step = 0.25 * width
    rise = _mean_score(aligned, -step, width=width, clip=EDGE_CLIP)
    fall = _mean_score(aligned, step, width=width, clip=EDGE_CLIP)
    slope = max((rise - fall) / (2.0 * step), 1e-12)
    scores = np.clip(aligned / width, *EDGE_CLIP)
    second = max(float(np.mean(scores**2)), 1e-30)
    return Score(location, width, EDGE_CLIP, slope, second / slope**2, float(np.mean(scores**3)) / second**1.5)


def _full_patches(fiber: Ints, patch: int) -> list[Ints]:
    """Rows of the patches of which at least half is there."""
    groups = [np.flatnonzero(fiber // patch == number) for number in np.unique(fiber // patch)]
    return [rows for rows in groups if rows.size >= patch // 2]


def symmetric_score(residual: Floats, *, width: float) -> Score:
    """Score for fibers without light of their own.

    Parameters
    ----------
    residual : ndarray
        Finite residuals of one petal.
    width : float
        Their standard deviation.

    Returns
    -------
    Score
        Linear, but for outliers; slope and variance are those of Gaussian residuals.
    """
    return Score(_zero(residual, width=width, clip=SYMMETRIC_CLIP), width, SYMMETRIC_CLIP, 1.0 / width, width**2, 0.0)


def local_scatter(residual: Floats, error: Floats, *, fiber: Ints, instrument: Instrument = DESI) -> float:
    """Scatter of neighbouring fibers in units of their errors, at least one.

    Only differences inside patches count, so that a patch does not hide in its own scatter. The estimate is raised by its
    own standard error: few pairs make a cautious search, not a nervous one.

    Parameters
    ----------
    residual, error : ndarray
        Residuals and their errors, in units of the sky.
    fiber : ndarray of int
        FIBER of each.
    instrument : Instrument
        Knows the patches of the slit.

    Returns
    -------
    float
        Factor for the errors; 1 with fewer than two pairs.
    """
    order = np.argsort(fiber)
    group = fiber[order] // instrument.patch
    pairs = group[1:] == group[:-1]
    if np.count_nonzero(pairs) < 2:
        return 1.0
    difference, variance = np.diff(residual[order])[pairs], (error[order][1:] ** 2 + error[order][:-1] ** 2)[pairs]
    scale = MAD_TO_SIGMA * float(np.median(np.abs(difference) / np.sqrt(variance)))
    return max(1.0, float(scale * (1.0 + 1.0 / np.sqrt(np.count_nonzero(pairs)))))


def _mean_score(residual: Floats, location: float, *, width: float, clip: tuple[float, float]) -> float:
    return sum_of_scores(residual, location, width, *clip) / residual.size


@compiled
def sum_of_scores(residual: Floats, location: float, width: float, low: float, high: float) -> float:
    """Sum of bounded scores; a root of it is looked for some thousand times in an exposure.

    Parameters
    ----------
    residual : ndarray f8
        Finite residuals.
    location, width : float
        Where a score is zero, and what one unit of it is.
    low, high : float
        Smallest and largest score.

    Returns
    -------
    float
        The sum over the residuals.
    """
    total = 0.0
    for k in range(len(residual)):
        total += min(max((residual[k] - location) / width, low), high)
    return total


def _zero(residual: Floats, *, width: float, clip: tuple[float, float]) -> float:
    reach = 4.0 * width
    low, high = float(residual.min()) - reach, float(residual.max()) + reach
    return float(brentq(lambda place: _mean_score(residual, place, width=width, clip=clip), low, high, xtol=1e-3 * width))
