"""Residual spectra with the targets taken out, as far as a smooth continuum and its brightness describe them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from pytest_specqa.measures.statistics import Bools, Floats

Weighted = tuple[Floats, Floats]

BIN = 8
"""Pixels of a bin in which continua are drawn and the broad search works: 6.4 Angstrom."""
CONTINUUM_BINS = 13
"""Bins of the running median that follows a target's continuum: 83 Angstrom."""
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
    count = spectra.shape[1] // BIN
    shape = (len(spectra), count, BIN)
    part = weight[:, : count * BIN].reshape(shape)
    mass = part.sum(axis=2)
    mean = np.einsum("ijk,ijk->ij", part, spectra[:, : count * BIN].reshape(shape)) / np.maximum(mass, 1e-30)
    for row in np.flatnonzero((mass == 0).any(axis=1)):
        there = np.flatnonzero(mass[row] > 0)
        if len(there):
            mean[row] = np.interp(np.arange(count), there, mean[row, there])
    return mean, mass


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
    smooth = median_filter(mean, size=(1, CONTINUUM_BINS), mode="reflect")
    place = np.clip((np.arange(spectra.shape[1]) + 0.5) / BIN - 0.5, 0, smooth.shape[1] - 1)
    left = np.minimum(place.astype(int), smooth.shape[1] - 2)
    part = (place - left).astype(np.float32)
    continuum = smooth[:, left] * (1 - part) + smooth[:, left + 1] * part
    return np.median(smooth, axis=1), continuum


def _down_weighted(weight: Floats, brightness: Floats) -> Floats:
    """Inverse variance that knows of the targets' own structure."""
    extra = (OBJECT_STRUCTURE * brightness[:, None]).astype(np.float32) ** 2
    return weight / (1 + weight * extra)


def _without_common_shape(residual: Floats, weight: Floats, level: Floats) -> Floats:
    """Residual less what grows in proportion to the targets' brightness at each wavelength (telluric bands, stellar lines)."""
    sane = np.where(np.abs(residual) * np.sqrt(weight) < 5, weight, 0)
    top = np.einsum("ij,ij,ij->j", sane, residual, level)
    bottom = np.einsum("ij,ij,ij->j", sane, level, level)
    slope = top / np.maximum(bottom, 1e-30)
    return np.asarray(np.where(weight > 0, residual - level * slope, 0))


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
    deserved = _down_weighted(weight, brightness)
    return _without_common_shape(np.where(weight > 0, spectra - continuum, 0), deserved, continuum), deserved


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
    deserved = _down_weighted(mass, brightness)
    design = np.polynomial.legendre.legvander(np.linspace(-1, 1, count), 3)
    residual = mean
    for _ in range(2):
        normal = np.einsum("ij,jk,jl->ikl", mass, design, design) + 1e-12 * np.eye(4)
        target = np.einsum("ij,ij,jk->ik", mass, mean, design)
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
