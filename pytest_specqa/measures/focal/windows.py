"""One number per fiber and wavelength window: what sky subtraction left there, relative to the sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Bools, Floats, Ints, nan_median
from pytest_specqa.measures.where import NEBULAR_HALF_WIDTH, near_nebular

Ranges = tuple[tuple[float, float], ...]

PIXEL_CLIP = 5.0
"""Sigmas from the median of its fiber beyond which a pixel of a continuum does not count."""
MIN_PIXELS = 0.3
"""Part of a window that must be good for a fiber to count."""


@dataclass(frozen=True)
class Window:
    """A stretch of wavelength that is judged on its own.

    Attributes
    ----------
    name : str
        As it is reported, such as ``r 6500-6700 A``.
    kind : str
        ``continuum``, ``line`` (of the night sky) or ``nebular``.
    band : str
        Camera band.
    core : tuple of float
        First and last wavelength in Angstrom; for sky lines in the frame of the Earth.
    sides : tuple of (float, float)
        Where a line's continuum is taken; empty for continuum windows.
    """

    name: str
    kind: str
    band: str
    core: tuple[float, float]
    sides: Ranges = ()


def _continua(ranges: Ranges, instrument: Instrument) -> tuple[Window, ...]:
    """Windows of the ranges, each in the first band that holds it."""
    found = []
    for first, last in sorted(ranges):
        band = next(name for name, grid in instrument.bands.items() if grid.first <= first and last <= grid.last)
        found.append(Window(f"{band} {first:.0f}-{last:.0f} A", "continuum", band, (first, last)))
    return tuple(found)


AROUND_H_ALPHA = (6500.0, 6700.0)
"""Angstrom where the founding defect was; the nebular lines in it are left out."""
WINDOWS = (
    *_continua((*DESI.line_free, AROUND_H_ALPHA), DESI),
    Window("[O I] 5578.9", "line", "b", (5575.9, 5581.9), ((5562, 5571), (5587, 5596))),
    Window("[O I] 6302", "line", "r", (6299.0, 6305.1), ((6282, 6292), (6312, 6322))),
    Window("H-alpha 6564.6", "nebular", "r", (6561.6, 6567.6), ((6538, 6545), (6590, 6600))),
    Window("[S II] 6718", "nebular", "r", (6715.3, 6721.3), ((6700, 6711), (6738, 6748))),
)
"""The line-free ranges, one around H-alpha, and the lines that tell a fault of the sky model from other light."""


@dataclass(frozen=True)
class WindowMap:
    """Residuals of one camera in one window.

    Attributes
    ----------
    window : Window
        Where.
    petal : int
        Petal 0-9.
    residual, error : ndarray, shape (n_fiber,)
        Mean residual in electron/Angstrom and its error from ivar; NaN where too few pixels are good.
    before : ndarray, shape (n_fiber,)
        Mean of the window before sky subtraction: residual and sky model, electron/Angstrom.
    level : float
        Sky in the window, at H-alpha with its geocoronal line (sky lines: the line's mean over its continuum), electron/Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER.
    x, y : ndarray, shape (n_fiber,)
        Place on the focal plane in mm; NaN where it is not known.
    is_sky : ndarray of bool, shape (n_fiber,)
        Sky fibers.
    instrument : Instrument
        Whose fibers they are.
    """

    window: Window
    petal: int
    residual: Floats
    error: Floats
    before: Floats
    level: float
    fiber: Ints
    x: Floats
    y: Floats
    is_sky: Bools
    instrument: Instrument = DESI


def window_maps(spectra: CameraSpectra, *, band: str, mask: ArrayLike, x: ArrayLike, y: ArrayLike) -> list[WindowMap]:
    """Reduce the spectra of a camera to one residual per fiber and window.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model. Pixels of a continuum that are farther than 5 sigma from the
        fiber's median do not count; a line needs all its pixels. Sky lines move with ``heliocor``, nebular ones do not.
    band : str
        Letter of the camera's band.
    mask : array_like of int, shape (n_fiber, n_wave)
        Any bit is bad.
    x, y : array_like, shape (n_fiber,)
        FIBER_X, FIBER_Y in mm; NaN or (0, 0) is not known.

    Returns
    -------
    list of WindowMap
        The windows of the band, without those in which the sky is not known or not positive.
    """
    pixels = _Pixels(spectra, np.asarray(mask), np.asarray(spectra.wave, dtype=float))
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    placed = np.isfinite(across) & np.isfinite(up) & ((across != 0) | (up != 0))
    found = []
    for window in WINDOWS:
        if window.band != band:
            continue
        scale = spectra.heliocor if window.kind == "line" else 1.0
        residual, error, subtracted = _residual(pixels, window, scale=scale)
        level = _level(np.asarray(spectra.median_sky, dtype=float), pixels.wave, window=window, scale=scale)
        if np.isfinite(level) and level > 0:
            found.append(
                WindowMap(
                    window=window,
                    petal=spectra.petal,
                    residual=residual,
                    error=error,
                    before=residual + subtracted,
                    level=level,
                    fiber=np.asarray(spectra.fiber, dtype=np.int64),
                    x=np.where(placed, across, np.nan),
                    y=np.where(placed, up, np.nan),
                    is_sky=np.asarray(spectra.is_sky, dtype=bool),
                    instrument=spectra.instrument,
                )
            )
    return found


class _Pixels(NamedTuple):
    """Spectra of which windows are cut out before anything is done with them."""

    spectra: CameraSpectra
    mask: NDArray[Any]
    wave: Floats

    def cut(self, columns: Bools) -> tuple[Floats, Floats, Floats]:
        """Flux, inverse variance, 0 where a pixel is bad, and sky of some wavelengths."""
        one = self.spectra
        first, last = (int(columns.argmax()), len(columns) - int(columns[::-1].argmax())) if columns.any() else (0, 0)
        near, chosen = slice(first, last), columns[first:last]
        flux, ivar, sky = (array[..., near][..., chosen] for array in (one.flux, one.ivar, one.known_sky))
        good = (ivar > 0) & np.isfinite(flux) & (self.mask[:, near][:, chosen] == 0)
        return flux, np.where(good, ivar, ivar.dtype.type(0)), np.broadcast_to(sky, flux.shape)


def _residual(pixels: _Pixels, window: Window, *, scale: float) -> tuple[Floats, Floats, Floats]:
    """Residual and error of each fiber, and the sky that was subtracted from the same pixels with the same weights."""
    core = _columns(pixels.wave, window.core, scale=scale)
    if window.kind == "continuum":
        core &= ~near_nebular(pixels.wave, pixels.spectra.instrument, width=NEBULAR_HALF_WIDTH)
    flux, weight, sky = pixels.cut(core)
    kept = _kept(flux, weight) if window.kind == "continuum" else _whole(weight)
    mean, variance = _mean(flux, weight, kept)
    subtracted, _ = _mean(sky, weight, kept)
    for side in window.sides:
        flux, weight, _ = pixels.cut(_columns(pixels.wave, side, scale=scale))
        beside, error2 = _mean(flux, weight, _kept(flux, weight))
        mean, variance = mean - beside / len(window.sides), variance + error2 / len(window.sides) ** 2
    return mean, np.sqrt(variance), subtracted


def _level(sky: Floats, wave: Floats, *, window: Window, scale: float) -> float:
    core = sky[_columns(wave, window.core, scale=scale)]
    if window.kind == "continuum":
        return float(np.nanmedian(core)) if np.isfinite(core).any() else float("nan")
    if window.kind == "nebular":
        return float(core.mean())
    return float(core.mean() - np.mean([np.median(sky[_columns(wave, side, scale=scale)]) for side in window.sides]))


def _columns(wave: Floats, limits: tuple[float, float], *, scale: float) -> Bools:
    return np.asarray((wave >= limits[0] * scale) & (wave <= limits[1] * scale))


def _kept(flux: Floats, weight: Floats) -> Floats:
    """Inverse variance without outlying pixels; nothing where too few pixels are good."""
    median = nan_median(np.where(weight > 0, flux, flux.dtype.type(np.nan)), axis=1).astype(flux.dtype)
    with np.errstate(invalid="ignore"):
        inlying = np.abs(flux - median[:, None]) * np.sqrt(weight) < PIXEL_CLIP
    enough = np.count_nonzero(inlying & (weight > 0), axis=1) >= MIN_PIXELS * flux.shape[1]
    return np.where(inlying & enough[:, None], weight, weight.dtype.type(0))


def _whole(weight: Floats) -> Floats:
    """Equal weights over a line, which differs from pixel to pixel; nothing unless every pixel is good."""
    whole = np.all(weight > 0, axis=1, keepdims=True)
    return np.where(whole, np.ones_like(weight), weight.dtype.type(0))


def _mean(flux: Floats, ivar: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted mean and its variance; NaN without weight."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total = weight.sum(axis=1, dtype=float)
        mean = np.where(weight > 0, weight * flux, weight.dtype.type(0)).sum(axis=1, dtype=float) / total
        return mean, np.where(weight > 0, weight**2 / ivar, weight.dtype.type(0)).sum(axis=1, dtype=float) / total**2
