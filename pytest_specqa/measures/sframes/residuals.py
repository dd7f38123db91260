"""Residual spectra with the targets taken out, as far as a smooth continuum and its brightness describe them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.statistics import Bools, Floats, Ints, running_median

Weighted = tuple[Floats, Floats]

BIN = 8
"""Pixels of a bin in which continua are drawn and the broad search works: 6.4 Angstrom."""
CONTINUUM_BINS = 13
"""Bins of the running median that follows a target's continuum: 83 Angstrom."""
SANE = 5.0
"""Sigmas beyond which a residual says nothing of what the targets have in common."""
OBJECT_STRUCTURE = 0.03
"""Part of a target's brightness that its own lines and breaks may put into a residual; brighter targets count less by it."""
SHIFT_TOLERANCE = 0.02
"""Wavelength error in Angstrom that is normal (desispec#2106, #2380)."""
WIDTH_TOLERANCE = 0.005
"""Half of a difference in line-spread variance, Angstrom**2, that is normal (desispec#1008)."""
LINE_TOLERANCE = 0.01
"""Part of a sky line's flux that normal sky subtraction leaves."""
CONTINUUM_TOLERANCE = 0.003
"""Part of the sky continuum that normal sky subtraction leaves in a group of fibers."""
FEW_FIBERS = 50
"""Fibers with data below which a bin is not searched."""
BROAD_TOLERANCE = 0.01
"""The same for broad features, where the continuum of the targets adds to it; also what a sky model may vary by."""


@dataclass(frozen=True)
class LineTemplate:
    """The sky, and the shapes that errors of wavelength and of line width take.

    Attributes
    ----------
    continuum, lines : ndarray, shape (n,)
        Sky without its lines, and the lines alone, in electron/Angstrom.
    first, second : ndarray, shape (n,)
        First and second derivative of the sky with wavelength, in electron/Angstrom**2 and electron/Angstrom**3.
    floor : ndarray, shape (n,)
        Residual in electron/Angstrom that is no fault.
    """

    continuum: Floats
    lines: Floats
    first: Floats
    second: Floats
    floor: Floats


def line_template(sky: Floats, wave: Floats) -> LineTemplate:
    """Split a sky spectrum into continuum and lines, and state what residual each pixel may have.

    Parameters
    ----------
    sky, wave : ndarray, shape (n_wave,)
        Median sky of the camera in electron/Angstrom, wavelength in Angstrom. NaN counts as no sky.

    Returns
    -------
    LineTemplate
        Shapes on the same grid.
    """
    spectrum = np.nan_to_num(np.asarray(sky, dtype=np.float64))
    count = len(spectrum) // BIN
    low = np.quantile(spectrum[: count * BIN].reshape(count, BIN), 0.25, axis=1)
    smooth = gaussian_filter1d(median_filter(low, size=15, mode="nearest"), 3, mode="nearest")
    centres = (np.arange(count) + 0.5) * BIN - 0.5
    continuum = np.clip(np.interp(np.arange(len(spectrum)), centres, smooth), 0, None)
    lines = np.clip(spectrum - continuum, 0, None)
    first = np.gradient(spectrum, wave)
    second = np.gradient(first, wave)
    floor = (
        SHIFT_TOLERANCE * np.abs(first)
        + WIDTH_TOLERANCE * np.abs(second)
        + LINE_TOLERANCE * lines
        + CONTINUUM_TOLERANCE * continuum
    )
    return LineTemplate(continuum, lines, first, second, floor)


def _bins(spectra: Floats, weight: Floats) -> Weighted:
    """Weighted means and summed weights over bins of `BIN` pixels; a bin without weight takes its neighbour's value."""
    shape = (len(spectra), spectra.shape[1] // BIN)
    mean, mass = np.empty(shape, np.float32), np.empty(shape, np.float32)
    _fill_bins(rows_of(spectra), rows_of(weight), mean, mass)
    _fill_gaps(mean, mass)
    return mean, mass


@compiled
def _fill_bins(spectra: Floats, weight: Floats, mean: Floats, mass: Floats) -> None:
    for row in range(mean.shape[0]):
        for place in range(mean.shape[1]):
            total, light = np.float32(0), np.float32(0)
            for k in range(place * BIN, (place + 1) * BIN):
                total += weight[row, k]
                light += weight[row, k] * spectra[row, k]
            mass[row, place] = total
            mean[row, place] = light / max(total, np.float32(1e-30))


@compiled
def _fill_gaps(mean: Floats, mass: Floats) -> None:
    """Straight lines over bins without weight; before the first bin that has some, and after the last, the value of that."""
    n = mean.shape[1]
    for row in range(mean.shape[0]):
        last = -1
        for place in range(n):
            if mass[row, place] > 0:
                for k in range(last + 1, place):
                    part = np.float32(k - last) / np.float32(place - last) if last >= 0 else np.float32(1)
                    mean[row, k] = mean[row, place] * part + (mean[row, last] * (1 - part) if last >= 0 else np.float32(0))
                last = place
        for k in range(last + 1, n if last >= 0 else 0):
            mean[row, k] = mean[row, last]


def object_brightness(spectra: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Continuum of each fiber, a running median over 83 Angstrom, and its median level.

    Parameters
    ----------
    spectra, weight : ndarray, shape (n_fiber, n_wave)
        Flux in electron/Angstrom and inverse variance; zero weight marks pixels to leave out.

    Returns
    -------
    brightness : ndarray, shape (n_fiber,)
        Median of the continuum over wavelength, electron/Angstrom.
    continuum : ndarray, shape (n_fiber, n_wave)
        Continuum at each pixel in electron/Angstrom; zero for fibers without data.
    """
    mean, _ = _bins(spectra, weight)
    smooth = running_median(mean, CONTINUUM_BINS, mode="symmetric")
    place = np.clip((np.arange(spectra.shape[1]) + 0.5) / BIN - 0.5, 0, smooth.shape[1] - 1)
    left = np.minimum(place.astype(int), smooth.shape[1] - 2)
    continuum = np.empty(spectra.shape, np.float32)
    _fill_between(smooth, left, (place - left).astype(np.float32), continuum)
    return np.median(smooth, axis=1), continuum


@compiled
def _fill_between(smooth: Floats, left: Ints, part: Floats, continuum: Floats) -> None:
    """Straight lines between the values of bins."""
    for row in range(continuum.shape[0]):
        for k in range(continuum.shape[1]):
            continuum[row, k] = smooth[row, left[k]] * (np.float32(1) - part[k]) + smooth[row, left[k] + 1] * part[k]


def _structure(brightness: Floats) -> Floats:
    """Variance that each target's own structure adds."""
    return np.square((OBJECT_STRUCTURE * brightness).astype(np.float32))


def _without_common_shape(residual: Floats, weight: Floats, level: Floats) -> Floats:
    """Residual less what grows in proportion to the targets' brightness at each wavelength (telluric bands, stellar lines)."""
    slope = np.empty(residual.shape[1], np.float32)
    cleaned = np.empty(residual.shape, np.float32)
    _fill_common_shape(rows_of(residual), rows_of(weight), rows_of(level), slope, cleaned)
    return cleaned


@compiled
def _fill_common_shape(residual: Floats, weight: Floats, level: Floats, slope: Floats, cleaned: Floats) -> None:
    n_row, n = residual.shape
    top, bottom = np.zeros(n), np.zeros(n)
    for row in range(n_row):
        for k in range(n):
            mass = weight[row, k] * level[row, k]
            sane = residual[row, k] * residual[row, k] * weight[row, k] < SANE * SANE
            top[k] += mass * residual[row, k] if sane else np.float32(0)
            bottom[k] += mass * level[row, k] if sane else np.float32(0)
    for k in range(n):
        slope[k] = top[k] / max(bottom[k], 1e-30)
    for row in range(n_row):
        for k in range(n):
            cleaned[row, k] = residual[row, k] - level[row, k] * slope[k] if weight[row, k] > 0 else np.float32(0)


def detailed_residual(spectra: Floats, weight: Floats, *, continuum: Floats, brightness: Floats) -> Weighted:
    """Residual of each pixel from its fiber's continuum, for the narrow search.

    Parameters
    ----------
    spectra, weight : ndarray, shape (n_fiber, n_wave)
        Flux and inverse variance.
    continuum, brightness : ndarray
        What `object_brightness` gave.

    Returns
    -------
    residual, weight : ndarray, shape (n_fiber, n_wave)
        Residual in electron/Angstrom and the weight it deserves.
    """
    residual, deserved = np.empty(spectra.shape, np.float32), np.empty(spectra.shape, np.float32)
    _fill_detail(rows_of(spectra), rows_of(weight), rows_of(continuum), _structure(brightness), residual, deserved)
    return _without_common_shape(residual, deserved, continuum), deserved


@compiled
def _fill_detail(spectra: Floats, weight: Floats, continuum: Floats, structure: Floats, residual: Floats, deserved: Floats) -> None:
    for row in range(spectra.shape[0]):
        for k in range(spectra.shape[1]):
            deserved[row, k] = weight[row, k] / (np.float32(1) + weight[row, k] * structure[row])
            residual[row, k] = spectra[row, k] - continuum[row, k] if weight[row, k] > 0 else np.float32(0)


def binned_residual(
    spectra: Floats, weight: Floats, *, wave: Floats, brightness: Floats, template: LineTemplate, quiet: Bools
) -> tuple[Weighted, Floats, LineTemplate]:
    """Residual of eight-pixel bins from a cubic per fiber, for the broad search.

    Parameters
    ----------
    spectra, weight : ndarray, shape (n_fiber, n_wave)
        Flux and inverse variance.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    brightness : ndarray, shape (n_fiber,)
        Median level of each target in electron/Angstrom.
    template : LineTemplate
        Sky at full resolution.
    quiet : ndarray of bool, shape (n_wave,)
        Pixels to leave out.

    Returns
    -------
    tuple
        Residual and inverse variance, shape (n_fiber, n_bin); bin wavelengths; the sky in bins. Bins with data in fewer than
        `FEW_FIBERS` fibers have no weight.
    """
    dark = np.where(quiet | (template.lines > 2 * template.continuum), np.float32(0), weight)
    mean, mass = _bins(spectra, dark)
    count = mean.shape[1]
    deserved = mass / (1 + mass * _structure(brightness)[:, None])
    design = np.polynomial.legendre.legvander(np.linspace(-1, 1, count), 3)
    products = (design[:, :, None] * design[:, None, :]).reshape(count, 16)
    residual = mean
    for _ in range(2):
        normal = (mass @ products).reshape(-1, 4, 4) + 1e-12 * np.eye(4)
        target = (mass * mean) @ design
        fit = np.linalg.solve(normal, target[..., None])[..., 0] @ design.T
        residual = mean - fit
        reach = 4 / np.sqrt(np.maximum(deserved, 1e-30))
        mean = fit + np.clip(residual, -reach, reach)
    level = np.broadcast_to(brightness[:, None], residual.shape)
    residual = _without_common_shape(np.where(mass > 0, residual, 0), deserved, level)

    def binned(values: Floats) -> Floats:
        """Means over bins."""
        return np.asarray(values[: count * BIN].reshape(count, BIN).mean(axis=1))

    zero = np.zeros(count)
    used = (dark > 0).mean(axis=0)
    lines = binned(used * np.clip(template.floor - CONTINUUM_TOLERANCE * template.continuum, 0, None)) / np.maximum(
        binned(used), 1e-3
    )
    floor = BROAD_TOLERANCE * binned(template.continuum) + lines
    small = LineTemplate(binned(template.continuum), zero, zero, zero, floor)
    few = (mass > 0).sum(axis=0) < FEW_FIBERS
    return (residual, np.where(few, 0, mass)), binned(wave), small
