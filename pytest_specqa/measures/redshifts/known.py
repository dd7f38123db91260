"""Redshifts at which known faults put spectra: what is looked for there needs no search, so that fewer spectra tell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.redshifts.reference import CLASSES, reference_density, structure_variance, wall_variance
from pytest_specqa.measures.redshifts.scan import Window, log_chance
from pytest_specqa.measures.statistics import Bools, Floats

BREAKS = ((0.23, 0.27), (0.48, 0.52), (0.78, 0.82), (3.57, 3.63))
"""A step of the flux between cameras or amplifiers is read as the break of a galaxy (desispec issues 1461, 1551, 1826 and 2193)."""
HIGH = (4.0, 4.25, 4.5, 5.0, 6.2)
"""Edges of ranges in which there are hardly any quasars."""
FIT_DENSITY = 0.1
"""Fits of quasars to noise per unit of ln(1+z) and uncertain spectrum: one in five is a quasar, anywhere in its range."""
FIT_ERROR = 0.35
"""Relative error of what is expected at known redshifts: which redshifts noise prefers."""
FEWEST_KNOWN = 4
"""Fewest spectra that are looked at."""


@dataclass(frozen=True)
class Part:
    """Spectra that a fault would have in common.

    Attributes
    ----------
    rows : ndarray of bool
        Which of the sample.
    petals : float
        Number of petals that they cover.
    trials : float
        Number of such parts.
    """

    rows: Bools
    petals: float
    trials: float


@dataclass(frozen=True)
class Known:
    """An excess at known redshifts: the window that holds most of it, and the rows that are too many in all of them."""

    window: Window
    rows: Bools


def breaks(z: Floats, parts: list[Part]) -> Known | None:
    """Count spectra at the redshifts of flux steps, in each part of a sample.

    *Null distribution*: negative binomial; expected is the part's share of what the sample holds beside these redshifts, with the
    variance of galaxy clustering in each of the ranges, which are independent.

    Parameters
    ----------
    z : ndarray, shape (n,)
        Redshifts of the sample.
    parts : list of Part
        Where to count.

    Returns
    -------
    Known or None
        The least likely; None where no part holds enough.
    """
    windows = [*((one,) for one in BREAKS), BREAKS]
    found = [one for part in parts for ranges in windows if (one := _at_breaks(z, part, ranges, trials=len(windows))) is not None]
    return min(found, key=lambda one: one.window.log_p, default=None)


def _at_breaks(z: Floats, part: Part, ranges: tuple[tuple[float, float], ...], *, trials: int) -> Known | None:
    inside = np.any([(z >= low) & (z < high) for low, high in ranges], axis=0)
    rows = inside & part.rows
    number = int(np.count_nonzero(rows))
    if number < FEWEST_KNOWN:
        return None
    share = np.count_nonzero(part.rows) / len(z)
    mean, variance = 0.0, 0.0
    for low, high in ranges:
        width = np.log1p(high) - np.log1p(low)
        x = np.abs(np.log1p(z) - np.log1p(0.5 * (low + high)))
        beside = np.count_nonzero((x > width) & (x < 3.0 * width))
        one = share * (beside + 0.5) / 4.0
        structure = structure_variance(low, width, petals=part.petals) + wall_variance(width)
        mean, variance = mean + one, variance + float(structure) * one**2 + share * one / 4.0
    variance += (FIT_ERROR * mean) ** 2
    log_p = _chance(number, mean, variance) + np.log(part.trials * trials)
    counts = [np.count_nonzero(rows & (z >= low) & (z < high)) for low, high in ranges]
    low, high = ranges[int(np.argmax(counts))]
    return Known(Window(-1, low, high, number, mean, float(np.sqrt(variance)), float(log_p)), rows)


def high_redshifts(z: Floats, *, classes: NDArray[np.str_], uncertain: Bools) -> Known | None:
    """Count spectra at redshifts where quasars are rare.

    *Null distribution*: negative binomial; expected are the reference n(z) of the targets, and fits to the noise of spectra whose
    redshift is uncertain.

    Parameters
    ----------
    z : ndarray, shape (n,)
        Redshifts of the targets.
    classes : ndarray of str, shape (n,)
        As `target_classes` gives them.
    uncertain : ndarray of bool, shape (n,)
        Spectra with a warning.

    Returns
    -------
    Known or None
        The least likely range; None where none holds enough.
    """
    found = []
    ranges = [*pairwise(HIGH), (HIGH[0], HIGH[-1])]
    size = {name: np.count_nonzero(classes == name) for name in CLASSES}
    for low, high in ranges:
        rows = (z >= low) & (z < high)
        number = int(np.count_nonzero(rows))
        if number < FEWEST_KNOWN:
            continue
        grid = np.linspace(low, high, 50)
        quasars = sum(size[name] * float(reference_density(grid, name).mean()) * (high - low) for name in CLASSES)
        noise = FIT_DENSITY * (np.count_nonzero(uncertain) + 5.0) * (np.log1p(high) - np.log1p(low))
        mean = quasars + noise
        log_p = _chance(number, mean, (FIT_ERROR * mean) ** 2 + 0.5) + np.log(len(ranges))
        found.append(Known(Window(-1, low, high, number, mean, FIT_ERROR * mean, float(log_p)), rows))
    return min(found, key=lambda one: one.window.log_p, default=None)


def _chance(number: int, mean: float, variance: float) -> float:
    return float(log_chance(*(np.array([float(value)]) for value in (number, mean, variance)))[0])
