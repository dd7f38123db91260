"""Residual spectra with the targets taken out, as far as a smooth continuum and its brightness describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.ranks import running_median
from pytest_specqa.measures.statistics import Bools, Floats, Ints

Weighted = tuple[Floats, Floats]

BIN = 8
"""Pixels of a bin in which continua are drawn and the broad search works: 6.4 Angstrom."""
CONTINUUM_BINS = 13
"""Bins of the running median that follows a target's continuum: 83 Angstrom."""
SANE = 5.0
"""Sigmas beyond which a residual says nothing of what the targets have in common."""
OBJECT_STRUCTURE = 0.03
"""Part of a target's brightness that its own lines and breaks may put into a residual; brighter targets count less by it."""
BRIGHTEST = 1e9
"""Electron/Angstrom above which there is no light of an object; the square of more may be no number of 32 bits."""
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


def _bins(spectra: Floats, weight: Floats, chosen: Bools) -> tuple[Floats, Floats, Floats]:
    """Weighted means and summed weights over bins of `BIN` pixels, and the part of the fibers that each chosen pixel has weight in.

    A bin without weight takes its neighbour's value.
    """
    shape = (len(spectra), spectra.shape[1] // BIN)
    mean, mass, live = np.empty(shape, np.float32), np.empty(shape, np.float32), np.zeros(spectra.shape[1], np.int32)
    _fill_bins(rows_of(spectra), rows_of(weight), chosen, mean, mass, live)
    _fill_gaps(mean, mass)
    return mean, mass, live / len(spectra)


@compiled
def _fill_bins(spectra: Floats, weight: Floats, chosen: Bools, mean: Floats, mass: Floats, live: Ints) -> None:
    share = chosen.astype(np.float32)
    for row in range(mean.shape[0]):
        for k in range(len(live)):
            live[k] += 1 if weight[row, k] * share[k] > 0 else 0
        for place in range(mean.shape[1]):
            total, light = np.float32(0), np.float32(0)
            for k in range(place * BIN, (place + 1) * BIN):
                total += weight[row, k] * share[k]
                light += weight[row, k] * share[k] * spectra[row, k]
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


class Continuum(NamedTuple):
    """Continuum of each fiber, a running median over 83 Angstrom.

    Attributes
    ----------
    bins : ndarray, shape (n_fiber, n_bin)
        In bins of `BIN` pixels, in electron/Angstrom; zero for fibers without data.
    left : ndarray of int, shape (n_wave,)
        Bin whose middle lies before each pixel.
    part : ndarray, shape (n_wave,)
        How far each pixel lies on the way from there to the next.
    """

    bins: Floats
    left: Ints
    part: Floats

    @property
    def pixels(self) -> Floats:
        """Continuum at each pixel, shape (n_fiber, n_wave)."""
        return np.asarray(self.bins[:, self.left] * (1 - self.part) + self.bins[:, self.left + 1] * self.part)


def object_brightness(spectra: Floats, weight: Floats) -> tuple[Floats, Continuum]:
    """Continuum of each fiber, and its median level.

    Parameters
    ----------
    spectra, weight : ndarray, shape (n_fiber, n_wave)
        Flux in electron/Angstrom and inverse variance; zero weight marks pixels to leave out.

    Returns
    -------
    brightness : ndarray, shape (n_fiber,)
        Median of the continuum over wavelength, electron/Angstrom.
    continuum : Continuum
        Straight lines between bins.
    """
    mean, _, _ = _bins(spectra, weight, np.ones(spectra.shape[1], dtype=bool))
    smooth = np.ascontiguousarray(running_median(mean.T, CONTINUUM_BINS, mode="symmetric").T)
    place = np.clip((np.arange(spectra.shape[1]) + 0.5) / BIN - 0.5, 0, smooth.shape[1] - 1)
    left = np.minimum(place.astype(int), smooth.shape[1] - 2)
    return np.median(smooth, axis=1), Continuum(smooth, left, (place - left).astype(np.float32))


def _structure(brightness: Floats) -> Floats:
    """Variance that each target's own structure adds."""
    return np.square((OBJECT_STRUCTURE * np.clip(brightness, -BRIGHTEST, BRIGHTEST)).astype(np.float32))


def detailed_residual(spectra: Floats, weight: Floats, *, continuum: Continuum, brightness: Floats) -> Weighted:
    """Residual of each pixel from its fiber's continuum, for the narrow search.

    What grows in proportion to the continuum at one wavelength (telluric bands, stellar lines) is taken out of all fibers.

    Parameters
    ----------
    spectra, weight : ndarray, shape (n_fiber, n_wave)
        Flux and inverse variance.
    continuum, brightness : Continuum, ndarray
        What `object_brightness` gave.

    Returns
    -------
    residual, weight : ndarray, shape (n_fiber, n_wave)
        Residual in electron/Angstrom and the weight it deserves.
    """
    residual, deserved = np.empty(spectra.shape, np.float32), np.empty(spectra.shape, np.float32)
    _fill_detail(rows_of(spectra), rows_of(weight), *continuum, _structure(brightness), residual, deserved)
    return residual, deserved


@compiled
def _fill_detail(
    spectra: Floats,
    weight: Floats,
    bins: Floats,
    left: Ints,
    part: Floats,
    structure: Floats,
    residual: Floats,
    deserved: Floats,
) -> None:
    n_row, n = spectra.shape
    level, top, bottom, slope = np.empty(n, np.float32), np.zeros(n), np.zeros(n), np.empty(n, np.float32)
    for row in range(n_row):
        for k in range(n):
            level[k] = bins[row, left[k]] * (np.float32(1) - part[k]) + bins[row, left[k] + 1] * part[k]
        for k in range(n):
            mass = weight[row, k] / (np.float32(1) + weight[row, k] * structure[row])
            apart = spectra[row, k] - level[k] if mass > 0 else np.float32(0)
            sane = mass * level[k] if apart * apart * mass < SANE * SANE else np.float32(0)
            top[k] += sane * apart
            bottom[k] += sane * level[k]
            deserved[row, k], residual[row, k] = mass, apart
    for k in range(n):
        slope[k] = top[k] / max(bottom[k], 1e-30)
    for row in range(n_row):
        for k in range(n):
            level[k] = bins[row, left[k]] * (np.float32(1) - part[k]) + bins[row, left[k] + 1] * part[k]
        for k in range(n):
            residual[row, k] = residual[row, k] - level[k] * slope[k] if deserved[row, k] > 0 else np.float32(0)


def _without_common_level(residual: Floats, weight: Floats, brightness: Floats) -> Floats:
    """Residual of bins less what grows in proportion to the targets' brightness."""
    level = np.broadcast_to(brightness[:, None], residual.shape)
    sane = np.where(residual**2 * weight < SANE**2, weight, 0) * level
    slope = (sane * residual).sum(axis=0) / np.maximum((sane * level).sum(axis=0), 1e-30)
    return np.asarray(np.where(weight > 0, residual - level * slope, 0))


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
    mean, mass, used = _bins(spectra, weight, ~(quiet | (template.lines > 2 * template.continuum)))
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
    residual = _without_common_level(np.where(mass > 0, residual, 0), deserved, brightness)

    def binned(values: Floats) -> Floats:
        """Means over bins."""
        return np.asarray(values[: count * BIN].reshape(count, BIN).mean(axis=1))

    zero = np.zeros(count)
    lines = binned(used * np.clip(template.floor - CONTINUUM_TOLERANCE * template.continuum, 0, None)) / np.maximum(
        binned(used), 1e-3
    )
    floor = BROAD_TOLERANCE * binned(template.continuum) + lines
    small = LineTemplate(binned(template.continuum), zero, zero, zero, floor)
    few = (mass > 0).sum(axis=0) < FEW_FIBERS
    return (residual, np.where(few, 0, mass)), binned(wave), small
