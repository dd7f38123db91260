"""Counts in sliding redshift windows, and the chance of each where redshifts are smooth and galaxies cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, gammaln, log_ndtr

from pytest_specqa.measures.redshifts.reference import structure_variance, wall_variance
from pytest_specqa.measures.statistics import Floats, Ints

Z_LOW = 0.01
"""Lower end of the scan. Below lie the stars, the lower end of the galaxy templates, and galaxies that are Galactic H-alpha."""
Z_HIGH = 6.2
"""Upper end of the scan: beyond, the quasar templates of redrock end."""
STEP = 0.001
"""Bin of ln(1+z)."""
WIDTHS = (2, 3, 5, 8, 12, 18, 27, 40, 60)
"""Window widths in bins: 600 km/s to dz/(1+z) = 0.06."""
WIDTH_TRIALS = 4.0
"""Number of independent widths; neighbouring ones see mostly the same spectra."""
MINIMUM = 5
"""Fewest spectra that make a pile-up."""
SHAPE_ERROR = 0.2
"""Relative error of every smooth expectation: curvature of n(z), fits that prefer some redshifts."""
REFERENCE_ERROR = 0.25
"""Relative error of the reference n(z): how far that of single programs and tiles departs from it."""
N_BINS = int(np.ceil(np.log((1 + Z_HIGH) / (1 + Z_LOW)) / STEP))
"""Number of bins."""
EDGES = (1 + Z_LOW) * np.exp(STEP * np.arange(N_BINS + 1)) - 1
"""Redshifts of the bin edges."""


@dataclass(frozen=True)
class Window:
    """The least likely window of a scan.

    Attributes
    ----------
    row : int
        Which of the samples that were scanned.
    low, high : float
        Redshift range.
    count : int
        Spectra inside.
    expected, error : float
        Expected count and its standard error (clustering and the error of the smooth estimate; no Poisson term).
    log_p : float
        Natural logarithm of the expected number of windows in the whole search that are as unlikely as this one.
    """

    row: int
    low: float
    high: float
    count: int
    expected: float
    error: float
    log_p: float


def bin_redshifts(z: Floats, rows: Ints, *, n_rows: int) -> Floats:
    """Count redshifts per sample and bin.

    Parameters
    ----------
    z : ndarray
        Redshifts; those outside the scan are left out.
    rows : ndarray of int
        Sample of each.
    n_rows : int
        Number of samples.

    Returns
    -------
    ndarray, shape (n_rows, N_BINS)
        Counts.
    """
    place = np.searchsorted(EDGES, z, side="right") - 1
    inside = (place >= 0) & (place < N_BINS)
    flat = np.bincount(rows[inside] * N_BINS + place[inside], minlength=n_rows * N_BINS)
    return flat.reshape(n_rows, N_BINS).astype(float)


@dataclass(frozen=True)
class Samples:
    """Sets of spectra to scan; all arrays have a row, or an entry, per set.

    Attributes
    ----------
    counts : ndarray, shape (n_samples, N_BINS)
        Spectra of the set.
    around, clustered : ndarray, shape (n_samples, N_BINS)
        Spectra from which the smooth expectation is drawn (the set itself, or a larger one that holds it), and the galaxies among
        them, which cluster.
    share : ndarray, shape (n_samples,)
        Size of the set over that of the larger one.
    reference, outside : ndarray, shape (n_samples, N_BINS)
        Expected counts from the reference n(z) and from the other petals of the tile; zero where there is none.
    petals : ndarray, shape (n_samples,)
        Number of petals that the set covers.
    trials : ndarray, shape (n_samples,)
        Number of independent sets that each stands for.
    """

    counts: Floats
    around: Floats
    clustered: Floats
    share: Floats
    reference: Floats
    outside: Floats
    petals: Floats
    trials: Floats


def least_likely_window(samples: Samples, *, walls: bool) -> Window | None:
    """Find the window with the smallest chance in any of several samples.

    The expectation of a window is estimated in several ways (both sides, the left, the right, the reference, the other petals);
    the one under which the count is most likely is believed. Each estimate has a gamma distribution with its counting error, its
    shape error and the variance of galaxy clustering, so that the count is negative binomial; where the lognormal tail of the
    galaxy density makes the count more likely still, that is believed.

    Parameters
    ----------
    samples : Samples
        What to scan.
    walls : bool
        Whether the galaxies are targets of a galaxy sample, in which walls show.

    Returns
    -------
    Window or None
        None where no window holds more than expected.
    """
    inside, around = _cumulative(samples.counts), _Sums(*(_cumulative(one) for one in (samples.around, samples.clustered)))
    expected = [_cumulative(one) for one in (samples.reference, samples.outside)]
    found = [_best_of_width(samples, inside, around, expected, width=width, walls=walls) for width in WIDTHS]
    return min((window for window in found if window is not None), key=lambda window: window.log_p, default=None)


@dataclass(frozen=True)
class _Sums:
    """Cumulative counts along redshift."""

    total: Floats
    galaxies: Floats


def _best_of_width(
    samples: Samples, inside: Floats, around: _Sums, expected: list[Floats], *, width: int, walls: bool
) -> Window | None:
    count = inside[:, width:] - inside[:, :-width]
    sample, start = np.nonzero(count >= MINIMUM)
    share = samples.share[sample]
    worth = count[sample, start] > _dull_count(around.total, sample=sample, start=start, width=width, share=share)
    if not worth.any():
        return None
    sample, start, share = sample[worth], start[worth], share[worth]
    n = count[sample, start]
    structure = structure_variance(EDGES[start + width // 2], width * STEP, petals=samples.petals[sample])
    structure = structure + wall_variance(width * STEP) if walls else structure
    estimates = _side_estimates(around, sample=sample, start=start, width=width, structure=structure, share=share)
    model, other = (one[sample, start + width] - one[sample, start] for one in expected)
    estimates.append((model, model**2 * (REFERENCE_ERROR**2 + structure), model))
    estimates.append((other, other**2 * (SHAPE_ERROR**2 + structure) + 0.1 * other, 0.0 * other))
    chances = [
        np.maximum(log_chance(n, mean, variance), _log_chance_of_structure(n, mean, galaxies=part, structure=structure))
        for mean, variance, part in estimates
    ]
    likeliest = np.argmax(chances, axis=0)
    anywhere = np.max(chances, axis=0) + np.log(samples.trials[sample] * WIDTH_TRIALS * N_BINS / width)
    worst = int(np.argmin(anywhere))
    mean, variance, _ = estimates[likeliest[worst]]
    return Window(
        row=int(sample[worst]),
        low=float(EDGES[start[worst]]),
        high=float(EDGES[start[worst] + width]),
        count=int(n[worst]),
        expected=float(mean[worst]),
        error=float(np.sqrt(variance[worst])),
        log_p=float(anywhere[worst]),
    )


def _cumulative(counts: Floats) -> Floats:
    return np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)


def _dull_count(total: Floats, *, sample: Ints, start: Ints, width: int, share: Floats) -> Floats:
    """Count below which a window is within four Poisson sigmas of its sides: no estimate needed, it cannot stand out."""
    mean, _ = _side_means(total, sample=sample, bounds=_both_sides(start, width=width), width=width)
    return np.asarray(mean * share + 4.0 * np.sqrt(mean * share), dtype=float)


def _side_estimates(
    around: _Sums, *, sample: Ints, start: Ints, width: int, structure: Floats, share: Floats
) -> list[tuple[Floats, Floats, Floats]]:
    """Mean, variance and the galaxies' part of the mean, from both sides, and from wider stretches on either side alone.

    Each side alone guards against an edge or a bend of n(z) inside the stretch.
    """
    gap, far = _gap(width), max(6 * width, 80)
    left = (start - gap - far, start - gap, start, start)
    right = (start, start, start + width + gap, start + width + gap + far)
    estimates: list[tuple[Floats, Floats, Floats]] = []
    for bounds in (_both_sides(start, width=width), left, right):
        whole, ratio = _side_means(around.total, sample=sample, bounds=bounds, width=width)
        clustered = share * (_side_means(around.galaxies, sample=sample, bounds=bounds, width=width)[0] - 0.5 * ratio)
        mean = share * whole
        estimates.append((mean, mean * ratio * share + structure * clustered**2 + (SHAPE_ERROR * mean) ** 2, clustered))
    return estimates


def _gap(width: int) -> int:
    """Bins between a window and its sides, which keep the wings of a pile-up out of the estimate."""
    return max(width // 2, 2)


def _both_sides(start: Ints, *, width: int) -> tuple[Ints, Ints, Ints, Ints]:
    gap, near = _gap(width), max(3 * width, 30)
    return start - gap - near, start - gap, start + width + gap, start + width + gap + near


def _side_means(total: Floats, *, sample: Ints, bounds: tuple[Ints, Ints, Ints, Ints], width: int) -> tuple[Floats, Floats]:
    """Expected count from two stretches beside the window, and the ratio of lengths; zeros where the stretches are too short."""
    a, b, c, d = (np.minimum(np.maximum(edge, 0), N_BINS) for edge in bounds)
    length = (b - a + d - c).astype(float)
    seen = total[sample, b] - total[sample, a] + total[sample, d] - total[sample, c]
    ratio = np.where(length >= 2 * width, width / np.maximum(length, 1.0), 0.0)
    return (seen + 0.5) * ratio, ratio


def log_chance(n: Floats, mean: Floats, variance: Floats) -> Floats:
    """Log of the chance of `n` or more counts whose mean is gamma-distributed; minus infinity for no expectation.

    Parameters
    ----------
    n, mean, variance : ndarray, same shape
        Counts, their expectation, and the variance of the expectation (no Poisson term).

    Returns
    -------
    ndarray
        Natural logarithms.
    """
    chance = np.where(mean > 0, 0.0, -np.inf)
    # A count at or below its mean is as likely as can be, and most are.
    high = (mean > 0) & (n > mean)
    n, mean = n[high], mean[high]
    shape = mean**2 / variance[high]
    odds = mean / (mean + shape)
    tail = betainc(n, shape, odds)
    chance[high] = np.log(np.maximum(tail, 1e-300))
    tiny = tail <= 1e-280
    if tiny.any():
        n, shape, odds = n[tiny], shape[tiny], odds[tiny]
        first = gammaln(n + shape) - gammaln(shape) - gammaln(n + 1) + n * np.log(odds) + shape * np.log1p(-odds)
        chance[np.flatnonzero(high)[tiny]] = first - np.log1p(-odds)
    return chance


def _log_chance_of_structure(n: Floats, mean: Floats, *, galaxies: Floats, structure: Floats) -> Floats:
    """Log of the chance that galaxies alone are as dense as the count, less two sigmas of Poisson noise.

    The density of matter is lognormal, and rich clusters give it a longer tail than the gamma distribution has.
    """
    sigma = np.sqrt(np.log1p(structure))
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = (n - 2.0 * np.sqrt(n) - (mean - galaxies)) / galaxies
        log_tail = log_ndtr(-(np.log(contrast) / sigma + 0.5 * sigma))
    return np.where(galaxies > 0, np.where(contrast > 0, log_tail, 0.0), -np.inf)
