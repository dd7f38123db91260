"""Is the sky model one sky, seen through 500 slightly different spectrographs and nothing more?

A sound sky model differs from fiber to fiber by resolution (at lines) and by one small achromatic factor. A continuum that
varies with both fiber and wavelength was put there by the model, and comes back with opposite sign in every sframe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.statistics import Bools, Floats, Ints
from pytest_specqa.values import Feature, Measured

BIN = 5
"""Pixels of a wavelength bin; the ratio is averaged over three (12 Angstrom): wider than a line, narrower than a triangle."""
RUN = 10
"""Fibers in the narrow running median across the slit: the width of the median filter that made the founding defect."""
MIN_SIGNAL = 25.0
"""Signal to noise of the model in a window below which its smoothness is not judged."""
LSF_TOLERANCE = 0.10
"""Difference in line-spread variance between fibers, Angstrom**2, that a pixel must survive to count as continuum."""


@dataclass(frozen=True)
class SkySmoothness:
    """What `sky_smoothness` found.

    Attributes
    ----------
    block : Measured
        Largest chromatic deviation from the camera's median sky, as a fraction of the sky, in a running median over a slit block.
    run : Measured
        The same for a running median of 10 fibers.
    ratio : ndarray, shape (n_fiber, n_grid)
        Chromatic part of each fiber's model on `grid`, NaN where the sky has no continuum to compare.
    grid : ndarray, shape (n_grid,)
        Wavelength in Angstrom.
    """

    block: Measured
    run: Measured
    ratio: Floats
    grid: Floats


def sky_smoothness(sky: Floats, ivar: Floats, *, wave: Floats, fiber: Ints, instrument: Instrument = DESI) -> SkySmoothness:
    """Measure the fiber-to-fiber variation of a sky model that neither resolution nor throughput explains.

    Each fiber's model is divided by the camera's median model. Pixels count by how little a difference in resolution would move
    them (the second derivative of the sky); the part of the ratio that follows the first and second derivative of the sky is
    fitted and removed, and so is one achromatic factor per fiber. What is left is averaged over 12 Angstrom and over running
    medians of 10 fibers and of a slit block. The model carries no photon noise of its own from fiber to fiber, so that there is
    no null distribution to speak of: a limit on it is a physical one.

    Parameters
    ----------
    sky : ndarray, shape (n_fiber, n_wave)
        Model in electron/Angstrom. NaN pixels are left out.
    ivar : ndarray, shape (n_fiber, n_wave)
        Its inverse variance; pixels with ``ivar = 0`` are left out, and so are fibers with less than half of their pixels, and
        windows in which the model itself has a signal to noise below 25.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER.
    instrument : Instrument
        Knows the slit block, the wide running median.

    Returns
    -------
    SkySmoothness
        The two values with their place, and the arrays for a picture. With fewer than 20 usable fibers, or no positive sky,
        nothing is measured.

    Notes
    -----
    Blind to: an error that all fibers share; an achromatic error (see the throughput checks); structure narrower than
    about 5 Angstrom or within a few Angstrom of bright lines.

    References
    ----------
    desispec PR #1452 (the defect and its fix); desihub/desispec#947 (what resolution does at lines).
    """
    good = (ivar > 0) & np.isfinite(sky)
    kept = good.mean(axis=1) > 0.5
    empty = np.full((len(sky), 0), np.nan)
    if kept.sum() < 2 * RUN:
        nothing = Measured.impossible(f"only {int(kept.sum())} fibers have a sky model: {2 * RUN} are needed")
        return SkySmoothness(nothing, nothing, empty, np.empty(0))
    model = np.where(good[kept], sky[kept], np.nan).astype(np.float32)
    median = _column_median(model)
    usable = np.isfinite(median) & (median > 0)
    if usable.mean() < 0.5:
        nothing = Measured.impossible("the median sky model is not positive over half of the camera")
        return SkySmoothness(nothing, nothing, empty, np.empty(0))
    median = np.interp(np.arange(len(wave)), np.flatnonzero(usable), median[usable])
    weight, slopes = _continuum_weight(median, wave)
    present = np.isfinite(model)
    ratio = np.where(present, model / median.astype(np.float32), np.float32(1))
    weights = np.where(present & usable, weight.astype(np.float32), np.float32(0))
    factor = _achromatic(ratio, weights)
    chromatic = ratio / factor[:, None] - 1
    chromatic -= _follow(chromatic, slopes, weight * usable)
    grid, smooth = _smooth(chromatic, weights, wave)
    smooth[:, _window_signal(median, ivar[kept], wave) < MIN_SIGNAL] = np.nan
    full = np.full((len(sky), len(grid)), np.nan)
    full[kept] = smooth
    numbers = fiber[kept]
    return SkySmoothness(
        block=_worst(_running_median(smooth, instrument.block), grid, numbers),
        run=_worst(_running_median(smooth, RUN), grid, numbers),
        ratio=full,
        grid=grid,
    )


def _column_median(model: Floats) -> Floats:
    """Median over fibers; the few columns with gaps take the slow path."""
    median = np.median(model, axis=0).astype(np.float64)
    for column in np.flatnonzero(~np.isfinite(median)):
        values = model[:, column]
        values = values[np.isfinite(values)]
        median[column] = np.median(values) if len(values) >= RUN else np.nan
    return median


def _running_median(smooth: Floats, width: int) -> Floats:
    """Median over `width` neighbouring fibers; the ends of the slit take the nearest full window."""
    if len(smooth) < width:
        return np.full_like(smooth, np.nan)
    across = median_filter(np.nan_to_num(smooth), size=(width, 1), mode="nearest")
    across[~np.isfinite(smooth)] = np.nan
    half = width // 2
    return np.asarray(across[np.clip(np.arange(len(smooth)), half, len(smooth) - width + half)])


def _continuum_weight(median: Floats, wave: Floats) -> tuple[Floats, Floats]:
    """Weight of each pixel, and the two shapes, relative to the sky, that a line-spread difference can take."""
    smooth = gaussian_filter1d(median, 0.7)
    first = np.gradient(smooth, wave)
    second = np.gradient(first, wave)
    shapes = np.stack([first / median, second / median])
    harm = 0.5 * LSF_TOLERANCE * np.abs(gaussian_filter1d(np.abs(shapes[1]), 1.0)) + 0.02 * np.abs(shapes[0])
    return 1 / (1 + (harm / 0.002) ** 2), shapes


def _achromatic(ratio: Floats, weights: Floats) -> Floats:
    """Weighted median over wavelength of each fiber's ratio: a bump over less than half of the camera leaves it alone."""
    clean = weights.mean(axis=0)
    chosen = clean >= np.quantile(clean, 0.5)
    return np.asarray(np.median(ratio[:, chosen], axis=1))


def _follow(chromatic: Floats, slopes: Floats, weight: Floats) -> Floats:
    """The part of each fiber's ratio that a shift or a width difference, linear in wavelength, explains."""
    ramp = np.linspace(-1, 1, chromatic.shape[1])
    design = np.stack([np.ones_like(ramp), slopes[0], slopes[0] * ramp, slopes[1], slopes[1] * ramp])
    mild = (weight > 0.02) & (np.abs(slopes[1]) < np.quantile(np.abs(slopes[1]), 0.9))
    if mild.sum() < 10 * len(design):
        return np.zeros_like(chromatic)
    shapes = design[:, mild]
    solution = chromatic[:, mild] @ np.linalg.pinv(shapes).astype(np.float32)
    return np.asarray(solution[:, 1:] @ design[1:].astype(np.float32))


def _smooth(chromatic: Floats, weights: Floats, wave: Floats) -> tuple[Floats, Floats]:
    """Weighted running mean over three bins of `BIN` pixels, NaN where too little continuum is in the window."""
    count = len(wave) // BIN

    def binned(values: Floats) -> Floats:
        """Sums over three bins."""
        sums = values[:, : count * BIN].reshape(len(values), count, BIN).sum(axis=2, dtype=np.float64)
        return np.asarray(sums[:, :-2] + sums[:, 1:-1] + sums[:, 2:])

    mass = binned(weights)
    mean = binned(weights * chromatic) / np.maximum(mass, 1e-9)
    centres = wave[: count * BIN].reshape(count, BIN).mean(axis=1)[1:-1]
    return centres, np.where(mass > 2, mean, np.nan)


def _window_signal(median: Floats, ivar: Floats, wave: Floats) -> Floats:
    """Signal to noise of the median model in each window; where it is low, resolution differences turn noise into structure."""
    precision = np.median(ivar, axis=0)
    count = len(wave) // BIN
    squared = (median**2 * precision)[: count * BIN].reshape(count, BIN).sum(axis=1)
    return np.asarray(np.sqrt(squared[:-2] + squared[1:-1] + squared[2:]))


def _worst(deviation: Floats, grid: Floats, fiber: Ints) -> Measured:
    size = np.abs(deviation)
    if not np.isfinite(size).any():
        return Measured.impossible("no wavelength has enough continuum between sky lines, at enough signal")
    row, column = np.unravel_index(np.nanargmax(size), size.shape)
    peak = float(deviation[row, column])
    beyond = ~(np.sign(peak) * deviation <= abs(peak) / 2)
    rows = _around(beyond[:, column], int(row))
    columns = _around(beyond[row], int(column))
    fibers = (int(fiber[rows[0]]), int(fiber[rows[1]]))
    waves = (float(grid[columns[0]]), float(grid[columns[1]]))
    direction = "above" if peak > 0 else "below"
    detail = (
        f"the sky model of fibers {fibers[0]}-{fibers[1]} is {abs(peak):.1%} {direction} the camera's median sky at "
        f"{grid[column]:.0f} A (half maximum {waves[0]:.0f}-{waves[1]:.0f} A) after an achromatic factor"
    )
    feature = Feature("bump", fibers, waves, peak, 0.0, np.inf, unit="fraction of sky", label=f"{peak:+.1%}")
    return Measured(abs(peak), fibers=(fibers,), waves=waves, detail=detail, features=(feature,))


def _around(flag: Bools, index: int) -> tuple[int, int]:
    """First and last index of the run of true values that holds `index`."""
    off = np.flatnonzero(~flag)
    low = off[off < index].max(initial=-1) + 1
    high = off[off > index].min(initial=len(flag)) - 1
    return int(low), int(high)
