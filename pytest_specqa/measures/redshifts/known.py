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
TOGETHER = (*((one,) for one in BREAKS), BREAKS[:2], BREAKS)
"""Which of them are looked at as one: a step in a blue camera gives 0.25 and 0.5, one between cameras any of them."""
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


def breaks(z: Floats, parts: list[Part], *, clustered: bool) -> Known | None:
    """Count spectra at the redshifts of flux steps, in each part of a sample.

    *Null distribution*: negative binomial; expected is the part's share of what the sample holds beside these redshifts. Galaxies
    cluster: among them the range that holds most does not count, so that one cluster is not enough, and the others have the
    variance of clustering.

    Parameters
    ----------
    z : ndarray, shape (n,)
        Redshifts of the sample.
    parts : list of Part
        Where to count.
    clustered : bool
        Whether galaxies are among them; there are none in sky fibers.

    Returns
    -------
    Known or None
        The least likely; None where no part holds enough.
    """
    looks = (BREAKS,) if clustered else TOGETHER
    found = [_at_breaks(z, part, ranges, clustered=clustered, looks=len(looks)) for part in parts for ranges in looks]
    return min((one for one in found if one is not None), key=lambda one: one.window.log_p, default=None)


def _at_breaks(z: Floats, part: Part, ranges: tuple[tuple[float, float], ...], *, clustered: bool, looks: int) -> Known | None:
    inside = [part.rows & (z >= low) & (z < high) for low, high in ranges]
    counts = np.array([np.count_nonzero(rows) for rows in inside])
    most = int(np.argmax(counts))
    counted = np.delete(np.arange(len(ranges)), most) if clustered else np.arange(len(ranges))
    number = int(counts[counted].sum())
    if number < FEWEST_KNOWN:
        return None
    share = np.count_nonzero(part.rows) / len(z)
    means, variances = np.array([_beside(z, *one, part=part, share=share, clustered=clustered) for one in ranges]).T
    mean = float(means[counted].sum())
    variance = float(variances[counted].sum()) + (FIT_ERROR * mean) ** 2
    log_p = _chance(number, mean, variance) + np.log(part.trials * looks)
    window = Window(-1, *ranges[most], int(counts.sum()), float(means.sum()), float(np.sqrt(variance)), float(log_p))
    return Known(window, np.any(inside, axis=0))


def _beside(z: Floats, low: float, high: float, *, part: Part, share: float, clustered: bool) -> tuple[float, float]:
    """Spectra of a part that a range should hold, from stretches of twice its width on either side, and the variance of that."""
    width = np.log1p(high) - np.log1p(low)
    away = np.abs(np.log1p(z) - np.log1p(0.5 * (low + high)))
    mean = share * (np.count_nonzero((away > width) & (away < 3.0 * width)) + 0.5) / 4.0
    structure = structure_variance(low, width, petals=part.petals) + wall_variance(width) if clustered else 0.0
    return mean, float(structure) * mean**2 + share * mean / 4.0


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
        The least likely range; None where none holds enough, or no class is known.
    """
    if not (classes != "").any():
        return None
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
        log_p = _chance(number, mean, (FIT_ERROR * mean) ** 2 + 0.5) + np.log(2.0 * len(ranges))
        found.append(Known(Window(-1, low, high, number, mean, FIT_ERROR * mean, float(log_p)), rows))
    return min(found, key=lambda one: one.window.log_p, default=None)


def _chance(number: int, mean: float, variance: float) -> float:
    return float(log_chance(*(np.array([float(value)]) for value in (number, mean, variance)))[0])
