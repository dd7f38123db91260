"""What is left in every single fiber, in some tens of bins of wavelength: what the history of nights adds up.

A column of the CCD, a trap or a tail of charge is too small in one exposure to tell from the object. Over many exposures with other
objects it stays where it is, in one fiber at one wavelength, while the objects average out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.ranks import running_median
from pytest_specqa.measures.sframes.residuals import BRIGHTEST
from pytest_specqa.measures.spectra import CameraSpectra, once
from pytest_specqa.measures.statistics import Bools, Floats, Ints, mad_scale, nan_median

WIDTH = 32
"""Pixels of a bin, 26 Angstrom in DESI: a fault of four pixels keeps a third of its significance in one."""
LEAST = 8
"""Good pixels that a bin needs."""
CONTINUUM = 9
"""Bins of the running median that follows a bright object, 230 Angstrom: more would leave its breaks, less takes faults out."""
DEGREE = 3
"""Of the polynomial that is the continuum of a faint object."""
REACH = 4.0
"""Errors of a bin beyond which it does not draw the polynomial to itself."""
WILD = 6.0
"""Scatters of the bins of a fiber to which its bins are pulled in before anything is fitted."""
RIDGE = 1e-9
"""Part of the weight that keeps the polynomial of a fiber with few bins within bounds."""
CLIP = 3.0
"""Sigmas to which a pixel is pulled in: lines of objects and cosmic rays are in one exposure, a fault is in all."""
SANE = 5.0
"""Sigmas of a bin beyond which it says nothing of what objects have in common."""
QUIETEST = 0.5
"""Least scatter of a bin between fibers, in its stated error: near sky lines the stated variance is generous."""
UNEVEN = 1.25
"""Scatter between the bins of a fiber from which on it is no chance: two errors of a scatter from 70 bins."""
STEP = 0.75
"""Quantum of the residual: it adds 2 % to the noise, and 2.5 bits hold one value."""
LARGEST = 31.5
"""Sigmas beyond which a residual is not followed."""


@dataclass(frozen=True)
class FiberBins:
    """What `fiber_bins` found.

    Attributes
    ----------
    residual : ndarray f4, shape (n_fiber, n_bin)
        Residual in units of its error; NaN for bins with fewer than eight good pixels.
    error : ndarray, shape (n_fiber,)
        Median error of a bin of each fiber in electron/Angstrom, as a mean over the bin; NaN for fibers without any.
    edges : ndarray, shape (n_bin + 1,)
        Wavelengths between which the bins lie, in Angstrom.
    """

    residual: Floats
    error: Floats
    edges: Floats


@once
def fiber_bins(spectra: CameraSpectra) -> FiberBins:
    """Residual of every fiber in bins of 32 pixels, the continuum of its object taken out.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera; the sky model is not needed.

    Returns
    -------
    FiberBins
        A sum over the pixels of each bin, each divided by its stated error, pulled in to three sigmas and weighted as for a
        constant excess.

    Notes
    -----
    The continuum is a cubic, and for objects that are not faint a running median besides. What grows from fiber to fiber with the
    brightness of the object (telluric bands, common stellar lines) is taken out. The scatter of each bin between fibers is divided
    out, and then that of each fiber between its bins where it is no chance: sky fibers, faint and bright objects all scatter
    by 1, and the features of a bright object weigh little.

    Of the significance that the best filter would find, a constant excess over 4 pixels keeps 0.33, over 8 pixels 0.45 and over 32
    pixels 0.7 in its bin, over 80 pixels 0.7 and over 200 pixels 0.6 (0.24 on a bright object) in the sum of the bins that it
    touches: see tests. Bins of twice the width would keep 0.7 of that for narrow faults, and half the width would need two thirds
    more room. Wavelengths are those of the file: where these are barycentric, what lies on one pixel of the CCD moves by a pixel
    within a year, which a bin does not see.
    """
    starts = _starts(spectra.wave.size)
    mean, mass = (np.empty((len(spectra.flux), len(starts) - 1), np.float32) for _ in range(2))
    flux, ivar = rows_of(spectra.flux), rows_of(spectra.ivar)
    _fill_means(flux, ivar, starts, mean, mass)
    level = _continuum(mean, mass, bright=~spectra.faint)
    known = mass > 0
    root = np.sqrt(np.where(known, mass, np.nan))
    residual = _without_common(_sums(flux, ivar, starts, level) / root, root, level)
    between = np.maximum(mad_scale(residual, axis=0), QUIETEST).astype(np.float32)
    residual /= np.where(np.isfinite(between), between, 1)
    own = mad_scale(residual, axis=1)[:, None].astype(np.float32)
    own = np.where(own > UNEVEN, own, np.float32(1))
    error = nan_median(between * own / root, axis=1)
    return FiberBins(np.clip(residual / own, -LARGEST, LARGEST), error, bin_edges(spectra))


def bin_edges(spectra: CameraSpectra) -> Floats:
    """Wavelengths between which the bins of `fiber_bins` lie.

    Parameters
    ----------
    spectra : CameraSpectra
        Spectra of one camera.

    Returns
    -------
    ndarray, shape (n_bin + 1,)
        In Angstrom; bins differ in width by one pixel at most.
    """
    wave, half = spectra.wave, 0.5 * spectra.step
    return np.append(wave[_starts(wave.size)[:-1]] - half, wave[-1] + half)


def _starts(size: int) -> Ints:
    """First pixel of each bin, and the number of pixels."""
    count = max(size // WIDTH, 1)
    return np.arange(count + 1) * size // count


@compiled
def _fill_means(flux: Floats, ivar: Floats, starts: Ints, mean: Floats, mass: Floats) -> None:
    """Weighted mean and summed weight of each bin; those without enough pixels have no weight, and the mean of a neighbour."""
    n_row, n_bin = mean.shape
    for row in range(n_row):
        last = -1
        for place in range(n_bin):
            total, light, count = np.float32(0), np.float32(0), 0
            for k in range(starts[place], starts[place + 1]):
                good = ivar[row, k] > 0 and np.isfinite(flux[row, k]) and np.isfinite(ivar[row, k])
                total += ivar[row, k] if good else np.float32(0)
                light += ivar[row, k] * flux[row, k] if good else np.float32(0)
                count += 1 if good else 0
            enough = count >= LEAST and total > 0 and np.isfinite(light)
            mass[row, place] = total if enough else np.float32(0)
            if enough:
                mean[row, place] = light / total
                for k in range(last + 1, place):
                    mean[row, k] = mean[row, place] if last < 0 or place - k < k - last else mean[row, last]
                last = place
        for k in range(last + 1, n_bin):
            mean[row, k] = mean[row, last] if last >= 0 else np.float32(0)


def _sums(flux: Floats, ivar: Floats, starts: Ints, level: Floats) -> Floats:
    """Residual from the level times weight, summed over each bin; straight lines lead from the middle of one bin to the next."""
    n_bin, sums = level.shape[1], np.empty(level.shape, np.float32)
    at = np.clip((np.arange(flux.shape[1]) + 0.5) * n_bin / flux.shape[1] - 0.5, 0, n_bin - 1)
    left = np.minimum(at.astype(np.int64), max(n_bin - 2, 0))
    right = np.minimum(left + 1, n_bin - 1)
    _fill_sums(flux, ivar, starts, level, left, right, (at - left).astype(np.float32), sums)
    return sums


@compiled
def _fill_sums(
    flux: Floats, ivar: Floats, starts: Ints, level: Floats, left: Ints, right: Ints, part: Floats, sums: Floats
) -> None:
    n_row, n_bin = level.shape
    clip, here = np.float32(CLIP), np.empty(flux.shape[1], np.float32)
    for row in range(n_row):
        for k in range(len(here)):
            here[k] = level[row, left[k]] * (np.float32(1) - part[k]) + level[row, right[k]] * part[k]
        for place in range(n_bin):
            total = np.float32(0)
            for k in range(starts[place], starts[place + 1]):
                good = ivar[row, k] > 0 and np.isfinite(flux[row, k]) and np.isfinite(ivar[row, k])
                root = np.sqrt(ivar[row, k] if good else np.float32(0))
                apart = (flux[row, k] - here[k] if good else np.float32(0)) * root
                total += root * min(max(apart, -clip), clip)
            sums[row, place] = total


def _continuum(mean: Floats, mass: Floats, *, bright: Bools) -> Floats:
    """Continuum of each object in bins: a cubic, and of those that are bright what a running median follows besides.

    The cubic is fitted twice, with what is farther from the first fit than `REACH` errors pulled in.
    """
    design = np.polynomial.legendre.legvander(np.linspace(-1, 1, mean.shape[1]), DEGREE)
    weight = mass.astype(np.float64)
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    normal = (weight @ products).reshape(-1, DEGREE + 1, DEGREE + 1)
    normal += np.maximum(RIDGE * normal[:, :1, :1], np.finfo(float).tiny) * np.eye(DEGREE + 1)
    reach = REACH / np.sqrt(np.maximum(weight, np.finfo(float).tiny))
    # What is wild must not draw even the first fit to itself.
    middle, scale = nan_median(mean, axis=1)[:, None], WILD * mad_scale(mean, axis=1)[:, None]
    fit, pulled = np.zeros(mean.shape), np.clip(mean.astype(np.float64), middle - scale, middle + scale)
    for _ in range(2):
        fit = np.linalg.solve(normal, ((weight * pulled) @ design)[..., None])[..., 0] @ design.T
        pulled = fit + np.clip(mean - fit, -reach, reach)
    level = fit.astype(np.float32)
    left = mean[bright] - level[bright]
    level[bright] += running_median(np.ascontiguousarray(left.T), CONTINUUM, mode="symmetric").T
    return level


def _without_common(residual: Floats, root: Floats, level: Floats) -> Floats:
    """Residual in sigmas less what grows in each bin with the continuum of the objects."""
    light = np.where(np.isfinite(residual), np.clip(level, -BRIGHTEST, BRIGHTEST) * root.astype(np.float64), 0.0)
    sane = np.where(np.abs(residual) < SANE, light, 0.0)
    slope = np.nansum(sane * residual, axis=0) / np.maximum((sane * light).sum(axis=0), np.finfo(float).tiny)
    common = light * slope
    # Where it is large, pixels were pulled in: no more than all of the residual is taken away.
    most = np.maximum(residual * np.sign(common), 0)
    common = np.where(np.abs(common) > SANE, np.sign(common) * np.minimum(np.abs(common), most), common)
    return np.asarray(residual - common, dtype=np.float32)
