"""The sky model as the pipeline builds it: a weighted mean of sky fibers, resolution known, variance raised at bright lines.

References
----------
desispec `sky.py` (release 0.70), pull requests desispec#1062 (model variance) and desispec#1452 (the line-scale defect).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from pytest_specqa.demo.templates import STEP, derivatives
from pytest_specqa.instrument import DESI

F32 = NDArray[np.float32]
Rows = NDArray[np.int64]

_CLIP = 4.0
_FIBER_CLIP = 7.0
_PEAK_FRACTION = 0.1
_HALF_WINDOW = round(3 / STEP)
_MAX_THRPUTCORR = 0.05
_GALACTIC_HALF_WIDTH = 5.0


@dataclass
class SkyModel:
    """A fitted sky.

    Attributes
    ----------
    flux, ivar, stativar : ndarray f4[500, nw]
        Model [electron/Angstrom, flat-fielded], its inverse variance with and without the allowance at bright lines.
    mean : ndarray f4[nw]
        Model at the mean resolution.
    thrputcorr : ndarray f4[500]
        Line flux of each fiber over the model.
    peaks : ndarray i8[npeak]
        Bins of the bright lines.
    rows : ndarray i8[nsky]
        Sky fibers that were used.
    """

    flux: F32
    ivar: F32
    stativar: F32
    mean: F32
    thrputcorr: F32
    peaks: Rows
    rows: Rows


def inverse(values: F32) -> F32:
    """Reciprocal where positive, 0 elsewhere.

    Parameters
    ----------
    values : ndarray
        Variances or inverse variances.

    Returns
    -------
    ndarray
        The reciprocal, of the shape of `values`.
    """
    out = np.zeros_like(values)
    np.divide(np.float32(1), values, out=out, where=values > 0)
    return out


def fit_sky(flux: F32, ivar: F32, *, wave: NDArray[np.float64], rows: Rows, resolution: F32) -> SkyModel:
    """Fit the sky spectrum of one camera.

    At each wavelength the inverse-variance weighted mean of the sky fibers is taken, after each fiber's known difference of
    resolution (its excess LSF variance times half the second derivative of the sky) is removed.

    Parameters
    ----------
    flux, ivar : ndarray f4[500, nw]
        Flat-fielded spectra [electron/Angstrom]; bins with ivar = 0 are not used.
    wave : ndarray f8[nw]
        Wavelengths [Angstrom].
    rows : ndarray i8[nsky]
        Sky fibers that may be used.
    resolution : ndarray f4[500]
        Half the excess LSF variance of each fiber as the pipeline knows it [square Angstrom].

    Returns
    -------
    SkyModel
        The model; all ivar 0 where no sky fiber is left.
    """
    rows = _reject_fibers(flux, ivar, rows)
    data, weight, excess = flux[rows], ivar[rows].copy(), resolution[rows][:, None]
    mean = _weighted_mean(data, weight)
    for _ in range(2):
        _, bend = derivatives(mean)
        corrected = data - excess * bend
        tolerance = _CLIP**2 * (inverse(weight) + (np.float32(0.02) * mean) ** 2)
        weight[(corrected - mean) ** 2 > tolerance] = 0
        mean = _weighted_mean(corrected, weight)
    _, bend = derivatives(mean)
    model = mean + resolution[:, None] * bend
    total = weight.sum(axis=0)
    stativar = np.broadcast_to(total, flux.shape)
    peaks = find_peaks(mean)
    extra = _line_variance(data - model[rows], weight, mean, total, peaks)
    raised = inverse(inverse(total) + extra)
    return SkyModel(
        flux=model,
        ivar=np.broadcast_to(np.where(total > 0, raised, 0).astype(np.float32), flux.shape),
        stativar=stativar,
        mean=mean,
        thrputcorr=_throughput(flux - model, ivar, mean, wave),
        peaks=peaks,
        rows=rows,
    )


def _weighted_mean(data: F32, weight: F32) -> F32:
    total = weight.sum(axis=0)
    mean: F32 = np.einsum("ij,ij->j", data, weight) * inverse(total)
    return mean


def _reject_fibers(flux: F32, ivar: F32, rows: Rows) -> Rows:
    """Drop sky fibers without data, or whose median is far from that of the others."""
    alive = rows[np.count_nonzero(ivar[rows, ::4], axis=1) > 0.1 * flux[:, ::4].shape[1]]
    if alive.size < 5:
        return np.asarray(alive)
    level = np.median(flux[alive, ::4], axis=1)
    offset = np.abs(level - np.median(level))
    return np.asarray(alive[offset <= _FIBER_CLIP * max(1.4826 * float(np.median(offset)), 1e-3)])


def find_peaks(mean: F32) -> Rows:
    """Bins of the bright sky lines: local maxima above a tenth of the brightest.

    Parameters
    ----------
    mean : ndarray f4[nw]
        Mean sky.

    Returns
    -------
    ndarray i8[npeak]
        Bins, those within 3 Angstrom of an edge left out.
    """
    inner = mean[1:-1]
    peaks = np.flatnonzero((inner > mean[:-2]) & (inner >= mean[2:]) & (inner > _PEAK_FRACTION * mean.max())) + 1
    return peaks[(peaks > _HALF_WINDOW) & (peaks < mean.size - _HALF_WINDOW - 1)]


def _line_variance(residual: F32, weight: F32, mean: F32, total: F32, peaks: Rows) -> F32:
    """Variance to add around each peak, (sigma * dS/dlambda)**2, with sigma such that the reduced chi2 there is 1."""
    extra = np.zeros_like(mean)
    if peaks.size == 0 or residual.shape[0] < 2:
        return extra
    window = peaks[:, None] + np.arange(-_HALF_WINDOW, _HALF_WINDOW + 1)
    slope2 = derivatives(mean)[0][window] ** 2
    used = weight[:, window] > 0
    square = np.where(used, residual[:, window] ** 2, 0)
    variance = np.where(used, inverse(weight[:, window]) + inverse(total)[window], 1)
    count = np.maximum(used.sum(axis=(0, 2)), 1)
    low, high = np.full(peaks.size, 0.005), np.full(peaks.size, 2.0)
    for _ in range(16):
        middle = np.sqrt(low * high)
        added = (middle**2)[:, None].astype(np.float32) * slope2
        chi2 = (square / (variance + added)).sum(axis=(0, 2)) / count
        low, high = np.where(chi2 > 1, middle, low), np.where(chi2 > 1, high, middle)
    for index, sigma in zip(window, low, strict=True):
        extra[index] = np.maximum(extra[index], (np.float32(sigma) * derivatives(mean)[0][index]) ** 2)
    return extra


def _galactic_bins(wave: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bins where Galactic emission may add to the sky lines."""
    near: NDArray[np.bool_] = np.any([np.abs(wave - centre) < _GALACTIC_HALF_WIDTH for centre in DESI.nebular_waves], axis=0)
    return near


def _throughput(residual: F32, ivar: F32, mean: F32, wave: NDArray[np.float64]) -> F32:
    """Line flux of each fiber over the model, free of targets: the template has no mean over 25 Angstrom and no Galactic line."""
    weight = ivar[::10].mean(axis=0) * ~_galactic_bins(wave)
    local = uniform_filter1d(weight * mean, 31, mode="nearest") * inverse(uniform_filter1d(weight, 31, mode="nearest"))
    shape = mean - local
    vector = shape * weight
    power = float(vector @ shape)
    if power <= 0:
        return np.ones(residual.shape[0], dtype=np.float32)
    level = np.median(residual[:, ::8], axis=1)[:, None]
    excess: F32 = np.where(ivar > 0, residual - level, 0) @ vector / np.float32(power)
    return (1 + np.clip(excess, -_MAX_THRPUTCORR, _MAX_THRPUTCORR)).astype(np.float32)


def line_scale(residual: F32, ivar: F32, sky: SkyModel) -> F32:
    """Factor that the pipeline before pull request desispec#1452 multiplied on the sky model.

    Each fiber's amplitude is fitted on each bright line, median-filtered over 10 fibers and interpolated linearly in wavelength.
    Whatever disturbs a line (Galactic H-alpha, noise) so scales the continuum around it.

    Parameters
    ----------
    residual, ivar : ndarray f4[500, nw]
        Flat-fielded spectra minus the sky model [electron/Angstrom].
    sky : SkyModel
        The model whose lines are fitted.

    Returns
    -------
    ndarray f4[500, nw]
        The factor minus 1; zero if the sky has no bright line.
    """
    peaks = sky.peaks
    if peaks.size == 0:
        return np.zeros_like(residual)
    window = peaks[:, None] + np.arange(-_HALF_WINDOW, _HALF_WINDOW + 1)
    weight = ivar[:, window]
    total = np.maximum(weight.sum(axis=2), 1e-12)
    line = np.broadcast_to(sky.mean[window], weight.shape)
    line = line - ((weight * line).sum(axis=2) / total)[:, :, None]
    power = (weight * line**2).sum(axis=2)
    scale = (weight * line * residual[:, window]).sum(axis=2) / np.maximum(power, 1e-12)
    smooth = median_filter(np.clip(scale, -0.9, 3.0), size=(10, 1), mode="nearest")
    bins = np.arange(sky.mean.size)
    hats = np.stack([np.interp(bins, peaks, row) for row in np.eye(peaks.size)]).astype(np.float32)
    out: F32 = smooth.astype(np.float32) @ hats
    return out
