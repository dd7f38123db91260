"""One number per fiber and wavelength window: what sky subtraction left there, relative to the sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.compiled import compiled, rows_of
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
        Mean residual in electron/Angstrom and its error from ivar; NaN where too few pixels are good, and for fibers that tell
        nothing of the sky: sky fibers with light of their own, and those that hold neither target nor sky.
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
    throughput : ndarray, shape (n_fiber,), or None
        Each fiber's throughput over that of the flat, as its sky lines show it.
    ra, dec : ndarray, shape (n_fiber,), or None
        Position on the sky in degrees; NaN and (0, 0) are not known.
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
    throughput: Floats | None = None
    ra: Floats | None = None
    dec: Floats | None = None


def window_maps(
    spectra: CameraSpectra,
    *,
    band: str,
    mask: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    throughput: ArrayLike | None = None,
    ra: ArrayLike | None = None,
    dec: ArrayLike | None = None,
) -> list[WindowMap]:
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
    throughput : array_like, shape (n_fiber,), or None
        THRPUTCORR of the sky model; NaN is not known.
    ra, dec : array_like, shape (n_fiber,), or None
        TARGET_RA, TARGET_DEC in degrees; NaN and (0, 0) are not known.

    Returns
    -------
    list of WindowMap
        The windows of the band, without those in which the sky is not known or not positive.
    """
    sky = np.broadcast_to(spectra.known_sky, spectra.flux.shape)
    wave = np.asarray(spectra.wave, dtype=float)
    pixels = _Pixels(rows_of(spectra.flux), rows_of(spectra.ivar), rows_of(sky), mask=np.ascontiguousarray(mask), wave=wave)
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    placed = np.isfinite(across) & np.isfinite(up) & ((across != 0) | (up != 0))
    found, other = [], _with_other_light(spectra)
    for window in WINDOWS:
        if window.band != band:
            continue
        scale = spectra.heliocor if window.kind == "line" else 1.0
        residual, error, subtracted = _residual(pixels, window, instrument=spectra.instrument, scale=scale)
        residual[other] = np.nan
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
                    throughput=_known(throughput),
                    ra=_known(ra),
                    dec=_known(dec),
                )
            )
    return found


def _known(values: ArrayLike | None) -> Floats | None:
    return None if values is None else np.asarray(values, dtype=float)


def _with_other_light(spectra: CameraSpectra) -> Bools:
    """Sky fibers with light of their own (desispec #1863), and fibers that hold neither target nor sky."""
    lit = spectra.is_sky & ~spectra.dark_sky & (spectra.signal_to_noise > 0)
    patch = spectra.fiber // spectra.instrument.patch
    patch = patch - patch.min()
    number, total = np.bincount(patch, weights=lit), np.bincount(patch, weights=spectra.is_sky)
    # What most sky fibers of a patch hold is no star's: it is what is searched.
    lit &= (2 * number <= total)[patch]
    return lit if spectra.is_target is None else np.asarray(lit | ~(spectra.is_sky | spectra.is_target))


class _Pixels(NamedTuple):
    """Spectra of which windows are cut out.

    Attributes
    ----------
    flux, ivar, sky : ndarray f4, shape (n_fiber, n_wave)
        As in `CameraSpectra`.
    mask : ndarray, shape (n_fiber, n_wave)
        Any bit is bad.
    wave : ndarray f8, shape (n_wave,)
        Wavelength in Angstrom.
    """

    flux: Floats
    ivar: Floats
    sky: Floats
    mask: NDArray[Any]
    wave: Floats

    def mean(self, columns: Bools, *, whole: bool = False) -> tuple[Floats, Floats, Floats]:
        """Mean of each fiber, its variance, and the mean of the sky under the same pixels; NaN where too few are good.

        Pixels count by their inverse variance without those that lie far from the median; `whole` lines need all of theirs, and
        these count alike.
        """
        chosen = np.flatnonzero(columns)
        cut = np.empty((len(self.flux), chosen.size), np.float32)
        _fill_cut(self.flux, self.ivar, self.mask, chosen, cut)
        middle = np.zeros(len(cut), np.float32) if whole else nan_median(cut, axis=1).astype(np.float32)
        found = np.empty((3, len(cut)))
        _fill_means(cut, self.ivar, self.sky, chosen, middle, whole, found)
        return found[0], found[1], found[2]


@compiled
def _fill_cut(flux: Floats, ivar: Floats, mask: NDArray[Any], chosen: Ints, cut: Floats) -> None:
    """Flux of the chosen columns, NaN where a pixel is bad."""
    for row in range(cut.shape[0]):
        for number in range(chosen.size):
            k = chosen[number]
            good = ivar[row, k] > 0 and mask[row, k] == 0 and np.isfinite(flux[row, k])
            cut[row, number] = flux[row, k] if good else np.float32(np.nan)


@compiled
def _fill_means(cut: Floats, ivar: Floats, sky: Floats, chosen: Ints, middle: Floats, whole: bool, found: Floats) -> None:
    for row in range(cut.shape[0]):
        total, light, squares, under, count = 0.0, 0.0, 0.0, 0.0, 0
        for number in range(chosen.size):
            value, precision = cut[row, number], ivar[row, chosen[number]]
            # A comparison with NaN is false: bad pixels do not count.
            used = np.isfinite(value) if whole else abs(value - middle[row]) * np.sqrt(precision) < PIXEL_CLIP
            if used:
                weight = 1.0 if whole else float(precision)
                total += weight
                light += weight * value
                squares += weight * weight / precision
                under += weight * sky[row, chosen[number]]
                count += 1
        enough = count == chosen.size if whole else count >= MIN_PIXELS * chosen.size
        known = enough and total > 0
        found[0, row] = light / total if known else np.nan
        found[1, row] = squares / (total * total) if known else np.nan
        found[2, row] = under / total if known else np.nan


def _residual(pixels: _Pixels, window: Window, *, instrument: Instrument, scale: float) -> tuple[Floats, Floats, Floats]:
    """Residual and error of each fiber, and the sky that was subtracted from the same pixels with the same weights."""
    core = _columns(pixels.wave, window.core, scale=scale)
    if window.kind == "continuum":
        core &= ~near_nebular(pixels.wave, instrument, width=NEBULAR_HALF_WIDTH)
    mean, variance, subtracted = pixels.mean(core, whole=window.kind != "continuum")
    for side in window.sides:
        beside, error2, _ = pixels.mean(_columns(pixels.wave, side, scale=scale))
        mean, variance = mean - beside / len(window.sides), variance + error2 / len(window.sides) ** 2
    return mean, np.sqrt(variance), subtracted


def _level(sky: Floats, wave: Floats, *, window: Window, scale: float) -> float:
    core = sky[_columns(wave, window.core, scale=scale)]
    sides = [sky[_columns(wave, side, scale=scale)] for side in window.sides]
    if not all(part.size for part in (core, *sides)):
        return float("nan")
    if window.kind == "continuum":
        return float(np.nanmedian(core)) if np.isfinite(core).any() else float("nan")
    if window.kind == "nebular":
        return float(core.mean())
    return float(core.mean() - np.mean([np.median(side) for side in sides]))


def _columns(wave: Floats, limits: tuple[float, float], *, scale: float) -> Bools:
    return np.asarray((wave >= limits[0] * scale) & (wave <= limits[1] * scale))
