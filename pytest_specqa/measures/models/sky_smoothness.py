"""Is the sky model one sky, seen through 500 slightly different spectrographs and nothing more?

A sound sky model differs from fiber to fiber by resolution (at lines) and by one small achromatic factor. A continuum that
varies with both fiber and wavelength was put there by the model, and comes back with opposite sign in every sframe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.ranks import running_median
from pytest_specqa.measures.statistics import MARGIN, Bools, Floats, Ints, nan_median
from pytest_specqa.values import Feature, Measured

BIN = 5
"""Pixels of a wavelength bin; the ratio is averaged over three (12 Angstrom): wider than a line, narrower than a triangle."""
SAMPLE = 8
"""Of every so many pixels one tells whether a fiber has a sky at all."""
RUN = 10
"""Fibers in the narrow running median across the slit: the width of the median filter that made the founding defect."""
MIN_SIGNAL = 25.0
"""Signal to noise of the model in a window below which its smoothness is not judged."""
NOISE = 0.07
"""Error of a running median over the signal to noise of the model in its window: fibers whose line-spread widths differ by 2 % turn
the noise that they share into structure. Clean models whose windows reach 25 to 100 have extremes of 2 to 6 times this."""
LSF_TOLERANCE = 0.10
"""Difference in line-spread variance between fibers, Angstrom**2, that a pixel must survive to count as continuum."""


@dataclass(frozen=True)
class SkySmoothness:
    """What `sky_smoothness` found.

    Attributes
    ----------
    block : Measured
        Largest chromatic deviation from the camera's median sky, as a fraction of the sky, in a running median over a slit block;
        three errors that a faint model makes are taken off.
    run : Measured
        The same for a running median of 10 fibers.
    over_block, over_run : ndarray, shape (n_fiber, n_grid)
        Running medians of the chromatic part of each fiber's model on `grid`, in which `block` and `run` are the largest; NaN where
        the sky has no continuum to compare.
    grid : ndarray, shape (n_grid,)
        Wavelength in Angstrom.
    """

    block: Measured
    run: Measured
    over_block: Floats
    over_run: Floats
    grid: Floats


def sky_smoothness(sky: Floats, ivar: Floats, *, wave: Floats, fiber: Ints, instrument: Instrument = DESI) -> SkySmoothness:
    """Measure the fiber-to-fiber variation of a sky model that neither resolution nor throughput explains.

    Each fiber's model is divided by the camera's median model. Pixels count by how little a difference in resolution would move
    them (the second derivative of the sky); the part of the ratio that follows the first and second derivative of the sky is
    fitted and removed, and so is one achromatic factor per fiber. What is left is averaged over 12 Angstrom and over running
    medians of 10 fibers and of a slit block. The model carries no photon noise of its own from fiber to fiber, only what different
    resolutions make of the noise that all share (`NOISE`): that is taken off, and a limit on the rest is a physical one.

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
    # A fiber without any sky has no shape to compare; that it has none is another measure's to say.
    some = slice(None, None, SAMPLE)
    kept = (good.mean(axis=1) > 0.5) & (np.where(good[:, some], sky[:, some], 0).sum(axis=1) > 0)
    empty = np.full((len(sky), 0), np.nan)
    if kept.sum() < 2 * RUN:
        nothing = Measured.impossible(f"only {int(kept.sum())} fibers have a sky model: {2 * RUN} are needed")
        return SkySmoothness(nothing, nothing, empty, empty, np.empty(0))
    rows = slice(None) if kept.all() else kept
    model = np.asarray(sky[rows] if good.all() else np.where(good[rows], sky[rows], np.float32(np.nan)), dtype=np.float32)
    present = np.isfinite(model)
    count = present.sum(axis=0, dtype=np.int32)
    # Where fibers are missing, the few that are left must be enough.
    median = np.where((count == len(model)) | (count >= RUN), nan_median(model, axis=0), np.nan)
    usable = np.isfinite(median) & (median > 0)
    if usable.mean() < 0.5:
        nothing = Measured.impossible("the median sky model is not positive over half of the camera")
        return SkySmoothness(nothing, nothing, empty, empty, np.empty(0))
    median = np.interp(np.arange(len(wave)), np.flatnonzero(usable), median[usable])
    weight, slopes = _continuum_weight(median, wave)
    weight = np.where(usable, weight, 0).astype(np.float32)
    ratio = np.where(present, model / median.astype(np.float32), np.float32(1))
    factor = _achromatic(ratio, weight * count)
    shapes, coefficients = _follow(ratio, factor, slopes, weight)
    smooth = np.empty((len(model), len(wave) // BIN - 2), np.float32)
    _fill_smooth(model, ratio, factor, weight, coefficients, shapes, smooth)
    grid = wave[: len(wave) // BIN * BIN].reshape(-1, BIN).mean(axis=1)[1:-1]
    signal = _window_signal(median, ivar[rows], wave)
    smooth[:, signal < MIN_SIGNAL] = np.nan
    medians = [_running_median(smooth, width) for width in (instrument.block, RUN)]
    block, run = (_worst(median_, NOISE / signal, grid=grid, fiber=fiber[kept]) for median_ in medians)
    over_block, over_run = (_everywhere(median_, kept) for median_ in medians)
    return SkySmoothness(block, run, over_block, over_run, grid)


def _everywhere(values: Floats, kept: Bools) -> Floats:
    """The rows that were kept among all fibers."""
    full = np.full((kept.size, values.shape[1]), np.nan, values.dtype)
    full[kept] = values
    return full


def _running_median(smooth: Floats, width: int) -> Floats:
    """Median over `width` neighbouring fibers; the ends of the slit take the nearest full window."""
    if len(smooth) < width:
        return np.full_like(smooth, np.nan)
    across = running_median(np.nan_to_num(smooth), width, mode="edge")
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


def _achromatic(ratio: Floats, clean: Floats) -> Floats:
    """Median over the cleaner half of the wavelengths of each fiber's ratio: a bump over less than that half leaves it alone."""
    factor = np.asarray(nan_median(ratio[:, clean >= np.quantile(clean, 0.5)], axis=1), dtype=np.float32)
    # A sky that is zero over most of these wavelengths, and not over all, has a shape: it is held against that of the camera.
    return np.where(factor == 0, np.float32(1), factor)


def _follow(ratio: Floats, factor: Floats, slopes: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Shapes of a shift and of a width difference, linear in wavelength, and how much of each explains each fiber's ratio."""
    ramp = np.linspace(-1, 1, ratio.shape[1])
    design = np.stack([np.ones_like(ramp), slopes[0], slopes[0] * ramp, slopes[1], slopes[1] * ramp])
    shapes = design[1:].astype(np.float32)
    mild = (weight > 0.02) & (np.abs(slopes[1]) < np.quantile(np.abs(slopes[1]), 0.9))
    if mild.sum() < 10 * len(design):
        return shapes, np.zeros((len(ratio), len(shapes)), np.float32)
    chromatic = ratio[:, mild] / factor[:, None] - 1
    solution = chromatic @ np.linalg.pinv(design[:, mild]).astype(np.float32)
    return shapes, np.ascontiguousarray(solution[:, 1:])


@compiled
def _fill_smooth(
    model: Floats, ratio: Floats, factor: Floats, weight: Floats, coefficients: Floats, shapes: Floats, smooth: Floats
) -> None:
    """Weighted running mean of what is chromatic over three bins of `BIN` pixels, NaN where the window has too little continuum."""
    n_bin = smooth.shape[1] + 2
    chromatic = np.empty(n_bin * BIN, np.float32)
    light, mass = np.empty(n_bin), np.empty(n_bin)
    for row in range(smooth.shape[0]):
        for k in range(n_bin * BIN):
            followed = np.float32(0)
            for term in range(4):
                followed += coefficients[row, term] * shapes[term, k]
            chromatic[k] = ratio[row, k] / factor[row] - np.float32(1) - followed
        for place in range(n_bin):
            light[place], mass[place] = 0.0, 0.0
            for k in range(place * BIN, (place + 1) * BIN):
                share = weight[k] if np.isfinite(model[row, k]) else np.float32(0)
                light[place] += share * chromatic[k]
                mass[place] += share
        for place in range(n_bin - 2):
            total = mass[place] + mass[place + 1] + mass[place + 2]
            mean = (light[place] + light[place + 1] + light[place + 2]) / max(total, 1e-9)
            smooth[row, place] = mean if total > 2 else np.nan


def _window_signal(median: Floats, ivar: Floats, wave: Floats) -> Floats:
    """Signal to noise of the median model in each window; where it is low, resolution differences turn noise into structure."""
    precision = nan_median(ivar, axis=0)
    count = len(wave) // BIN
    squared = (median**2 * precision)[: count * BIN].reshape(count, BIN).sum(axis=1)
    return np.asarray(np.sqrt(squared[:-2] + squared[1:-1] + squared[2:]))


def _worst(deviation: Floats, error: Floats, *, grid: Floats, fiber: Ints) -> Measured:
    size = np.maximum(np.abs(deviation) - MARGIN * error, 0.0)
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
    feature = Feature("bump", fibers, waves, peak, float(error[column]), np.inf, unit="fraction of sky", label=f"{peak:+.1%}")
    value, sigma = float(size[row, column]), float(error[column])
    return Measured(value, error=sigma, fibers=(fibers,), waves=waves, detail=detail, features=(feature,))


def _around(flag: Bools, index: int) -> tuple[int, int]:
    """First and last index of the run of true values that holds `index`."""
    off = np.flatnonzero(~flag)
    low = off[off < index].max(initial=-1) + 1
    high = off[off > index].min(initial=len(flag)) - 1
    return int(low), int(high)
