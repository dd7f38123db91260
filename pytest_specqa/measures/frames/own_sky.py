"""A frame judged against its own sky: what its fibers hold beyond one common sky, with the sky model's own differences put back.

A frame is its flat times what sframe and sky model hold together. A CCD fault is in that sum; a fault of the sky model is not, as
what the model took from some fibers only, the sframe lacks. So one spectrum, the median sky of the camera, is subtracted from all
fibers alike, scaled to each: between the sky lines, where line spreads do not matter, what is left was there before any sky fit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra, once
from pytest_specqa.measures.statistics import Bools, Floats, Ints, nan_median
from pytest_specqa.measures.where import live_fraction, near_nebular

BIN = 16
"""Pixels of a bin: 12.8 Angstrom, more than a CCD row bends within a slit block."""
LEAST = 4
"""Pixels between lines that a bin needs."""
FAINT = 3.0
"""Median signal to noise per pixel below which the light of a target is smooth to within its noise."""
SCALES = (0.5, 1.5)
"""Sky of a fiber over that of the camera: beyond, the model of the fiber is wrong, and is not asked for its scale."""
ABSORBED = "the telluric A band"
"""Where so much of the light of targets is missing that no smooth baseline holds."""
STRUCTURE = 0.1
"""Part of a target's light that its lines and breaks may put into a bin."""
ORDER = 2
"""Of the polynomial that takes a target's light out, beside a part of the sky continuum."""
KNOWN, LIKELY = 0.02, 0.1
"""Error to which the sky lines of a fiber tell its throughput, and how far that may differ from the model's."""
EVERY = 32
"""Pixels between those that the scale of a fiber's sky is taken from."""


class OwnSky(NamedTuple):
    """Binned spectra of faint fibers between sky lines, less the common sky and each target's smooth light.

    Attributes
    ----------
    residual, weight : ndarray, shape (n_faint, n_bin)
        In electron/Angstrom, and inverse variance; both 0 where a bin has no pixels between lines.
    rows : ndarray of int, shape (n_faint,)
        Rows of the spectra that these are.
    wave, sky : ndarray, shape (n_bin,)
        Mean wavelength in Angstrom and sky continuum in electron/Angstrom.
    baseline : ndarray, shape (n_bin, n_term)
        What was fitted to each fiber and taken out.
    """

    residual: Floats
    weight: Floats
    rows: Ints
    wave: Floats
    sky: Floats
    baseline: Floats


@once
def own_sky(spectra: CameraSpectra) -> OwnSky:
    """Take the common sky and the smooth light of the targets from the spectra of faint fibers.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model, which together are the flat-fielded frame.

    Returns
    -------
    OwnSky
        Possibly without any fiber.
    """
    frame, common = frame_spectra(spectra), spectra.median_sky
    live = live_fraction(spectra.ivar) > 0
    rows = np.flatnonzero(live & (spectra.fainter_than(FAINT) | spectra.is_sky))
    low, high = spectra.instrument.sky_features[ABSORBED]
    columns = spectra.between_lines & ~near_nebular(spectra.wave, spectra.instrument) & np.isfinite(common)
    columns &= (spectra.wave < low) | (spectra.wave > high)
    n_bin = spectra.wave.size // BIN
    mean, weight = np.zeros((rows.size, n_bin), np.float32), np.zeros((rows.size, n_bin), np.float32)
    _fill_bins(rows_of(frame.flux), rows_of(frame.ivar), rows, columns, mean, weight)
    binned = columns[: n_bin * BIN].reshape(n_bin, BIN)
    count = binned.sum(axis=1)
    sky = np.where(binned, common[: n_bin * BIN].reshape(n_bin, BIN), 0.0).sum(axis=1) / np.maximum(count, 1)
    wave = spectra.wave[: n_bin * BIN].reshape(n_bin, BIN).mean(axis=1)
    known = count >= LEAST
    sky = np.interp(wave, wave[known], sky[known]) if known.any() else sky
    baseline = _baseline(sky)
    block = spectra.slot[rows] // spectra.instrument.block
    return OwnSky(*_without_targets(mean, weight, baseline, block), rows, wave, sky, baseline)


@once
def frame_spectra(spectra: CameraSpectra) -> CameraSpectra:
    """Subtract one sky from all fibers of a flat-fielded frame.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model, which together are the flat-fielded frame.

    Returns
    -------
    CameraSpectra
        The same, with the flux that is left when the median sky, scaled to each fiber, is subtracted instead of the model of each
        fiber. Near sky lines it holds what line spreads differ by.
    """
    common, scale = spectra.median_sky.astype(np.float32), sky_scale(spectra) * _sky_left(spectra)
    flux = np.empty(spectra.flux.shape, np.float32)
    _fill_flux(rows_of(spectra.flux), rows_of(np.broadcast_to(spectra.known_sky, flux.shape)), common, scale, flux)
    return replace(spectra, flux=flux, sky=spectra.median_sky)


def _sky_left(spectra: CameraSpectra) -> Floats:
    """Sky lines of the frame over those of the model, by fiber; that of the typical fiber where its own are not known to 2 %."""
    fit = fit_lines(spectra)
    left, error = fit.values[0, :, -1], fit.errors[0, :, -1]
    # Where the sky was subtracted twice or in part, the model and the sframe together are not the frame: the lines tell.
    typical = float(nan_median(left)) if np.isfinite(left).any() else 0.0
    with np.errstate(invalid="ignore"):
        known = (error < KNOWN) & (np.abs(left - typical) < LIKELY)
    return (1.0 + np.where(known, left, typical)).astype(np.float32)


@once
def sky_scale(spectra: CameraSpectra) -> Floats:
    """Sky of each fiber over that of the camera, as the sky model has it; 1 where the model of a fiber cannot be true.

    Parameters
    ----------
    spectra : CameraSpectra
        Spectra of one camera with their sky model.

    Returns
    -------
    ndarray f4, shape (n_fiber,)
        Median over wavelength.
    """
    sky, common = spectra.known_sky, spectra.median_sky
    if sky.ndim == 1:
        return np.ones(len(spectra.flux), np.float32)
    chosen = np.flatnonzero(common > 0)[::EVERY]
    ratio = nan_median(sky[:, chosen] / common[chosen].astype(np.float32), axis=1) if chosen.size else np.ones(len(sky))
    with np.errstate(invalid="ignore"):
        sound = (ratio > SCALES[0]) & (ratio < SCALES[1])
    return np.where(sound, ratio, 1.0).astype(np.float32)


@compiled
def _fill_flux(flux: Floats, model: Floats, common: Floats, scale: Floats, beyond: Floats) -> None:
    for row in range(flux.shape[0]):
        for k in range(flux.shape[1]):
            beyond[row, k] = flux[row, k] + model[row, k] - scale[row] * common[k]


@compiled
def _fill_bins(flux: Floats, ivar: Floats, rows: Ints, columns: Bools, mean: Floats, weight: Floats) -> None:
    for place in range(rows.size):
        row = rows[place]
        for number in range(mean.shape[1]):
            total, light, count = np.float32(0), np.float32(0), 0
            for k in range(number * BIN, (number + 1) * BIN):
                good = columns[k] and ivar[row, k] > 0 and np.isfinite(flux[row, k])
                total += ivar[row, k] if good else np.float32(0)
                light += ivar[row, k] * flux[row, k] if good else np.float32(0)
                count += 1 if good else 0
            known = count >= LEAST and total > 0
            weight[place, number] = total if known else np.float32(0)
            mean[place, number] = light / total if known else np.float32(0)


def _baseline(sky: Floats) -> Floats:
    """Polynomials and the sky continuum, orthogonal as far as there are many bins."""
    powers = np.polynomial.legendre.legvander(np.linspace(-1, 1, sky.size), ORDER)
    shape = sky / max(float(np.mean(np.abs(sky))), 1e-9)
    shape = shape - powers @ np.linalg.lstsq(powers, shape, rcond=None)[0]
    return np.column_stack([powers, shape / max(float(np.std(shape)), 1e-3)])


def _without_targets(mean: Floats, weight: Floats, baseline: Floats, block: Ints) -> tuple[Floats, Floats]:
    """Residuals from the baseline of each fiber, and weights that allow for the structure of its light."""
    n_term = baseline.shape[1]
    products = (baseline[:, :, None] * baseline[:, None, :]).reshape(len(baseline), -1).astype(np.float32)
    normal = (weight @ products).reshape(-1, n_term, n_term).astype(float)
    size = np.maximum(np.trace(normal, axis1=1, axis2=2), 1e-30)[:, None, None]
    target = ((weight * mean) @ baseline.astype(np.float32)).astype(float)
    fitted = np.linalg.solve(normal + 1e-6 * size * np.eye(n_term), target[..., None])[..., 0]
    smooth = (fitted @ baseline.T).astype(np.float32)
    known = weight > 0
    structure = np.square(np.float32(STRUCTURE) * smooth)
    weight = np.where(known, weight / (1 + weight * structure), np.float32(0))
    residual = np.where(known, mean - smooth, np.float32(0))
    shared = (weight * residual).sum(axis=0) / np.maximum(weight.sum(axis=0), np.float32(1e-30))
    residual = np.where(known, residual - shared, np.float32(0))
    return _less_absorption(residual, weight, np.maximum(smooth.mean(axis=1), 0), block), weight


def _less_absorption(residual: Floats, weight: Floats, level: Floats, block: Ints) -> Floats:
    """Residuals less what grows with the light of the targets at one wavelength: absorption of the atmosphere, lines of stars.

    It is learnt within slit blocks, in which an amplifier is off alike for bright targets and faint ones.
    """
    count = np.maximum(np.bincount(block), 1)
    mean = (np.bincount(block, weights=level) / count)[block].astype(np.float32)
    apart, level = (level - mean)[:, None].astype(np.float32), level[:, None].astype(np.float32)
    square = (weight * (apart**2 + mean[:, None] ** 2)).sum(axis=0)
    share = (weight * residual * apart).sum(axis=0) / np.where(square > 0, square, np.float32(1))
    return np.where(weight > 0, residual - level * share, np.float32(0))
