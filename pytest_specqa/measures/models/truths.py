"""What a model must be whatever was observed: a sky that is positive and alike in all fibers, a calibration that is even.

Products without noise of their own are judged by what they are, not by a chi: `docs/truths.md` lists what is asserted of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.statistics import Bools, Floats, Ints, nan_median
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Feature, Measured

WINDOW = 32
"""Bins that are averaged: wide enough that the line spread of a fiber moves little light across their ends."""
KNOWN = 10.0
"""Signal to noise of the camera's sky in a window from which on its sign is known."""
NAMED = 20
"""Ranges of fibers that a value names."""
ROUGH_WINDOW = 50
"""Bins over which the roughness of a calibration is averaged."""
GENEROUS = 1.6
"""Times what the ivar admits that is taken off: three errors of a scatter from second differences of 50 pixels."""
COMMON = 3
"""Of every so many fibers one is taken for the vector that all share: a calibration differs between fibers by little."""


def sky_lowest(sky: Floats, ivar: Floats, wave: Floats, *, fiber: Ints) -> Measured:
    """Smallest ratio of a fiber's sky to the camera's median sky, in windows of 32 bins.

    Parameters
    ----------
    sky, ivar : ndarray, shape (n_fiber, n_wave)
        Sky model in electron/Angstrom and its inverse variance; NaN and ivar = 0 are left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.

    Returns
    -------
    Measured
        Names every fiber that is dark somewhere; *not measured* for a model without weight or too faint to have a sign. 0 where the
        median sky of the camera is significantly negative.

    Notes
    -----
    Blind to what all fibers share and what is narrower than a window; see `sky_levels` and `sky_smoothness` for smaller
    differences.
    """
    mean, error = np.empty((2, len(sky), wave.size // WINDOW), np.float32)
    _fill_window_means(rows_of(sky), rows_of(ivar), mean, error)
    common, noise = nan_median(mean, axis=0), nan_median(error, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        bright = common > KNOWN * noise
        negative = common < -KNOWN * noise
        ratio = np.where(bright, mean / common, np.nan)
    if negative.any():
        where = int(np.flatnonzero(negative)[0]) * WINDOW
        waves = (float(wave[where]), float(wave[where + WINDOW - 1]))
        span = (int(fiber[0]), int(fiber[-1]))
        return Measured(0.0, fibers=(span,), waves=waves, detail="the sky of the whole camera is negative here")
    if not np.isfinite(ratio).any():
        return Measured.impossible("no part of the sky model is bright enough to have a sign")
    return _lowest(ratio, wave, fiber=fiber)


@compiled
def _fill_window_means(values: Floats, ivar: Floats, mean: Floats, error: Floats) -> None:
    """Mean of the good pixels of each window and its error; NaN where fewer than a quarter are good."""
    for row in range(mean.shape[0]):
        for window in range(mean.shape[1]):
            total, variance, count = np.float32(0), np.float32(0), np.float32(0)
            for k in range(window * WINDOW, (window + 1) * WINDOW):
                good = ivar[row, k] > 0 and np.isfinite(values[row, k])
                total += values[row, k] if good else np.float32(0)
                variance += np.float32(1) / ivar[row, k] if good else np.float32(0)
                count += np.float32(1) if good else np.float32(0)
            enough = count >= WINDOW // 4
            mean[row, window] = total / count if enough else np.float32(np.nan)
            error[row, window] = np.sqrt(variance) / count if enough else np.float32(np.nan)


def _lowest(ratio: Floats, wave: Floats, *, fiber: Ints) -> Measured:
    row, window = divmod(int(np.nanargmin(ratio)), ratio.shape[1])
    low = float(ratio[row, window])
    with np.errstate(invalid="ignore"):
        dark = np.any(ratio < 0.5, axis=1)
    span = np.flatnonzero(ratio[row] < 0.5) if low < 0.5 else np.array([window])
    waves = (float(wave[span[0] * WINDOW]), float(wave[span[-1] * WINDOW + WINDOW - 1]))
    named = fiber_ranges(fiber, np.asarray(dark, dtype=np.bool_))[:NAMED] or ((int(fiber[row]), int(fiber[row])),)
    state = "zero or negative" if low <= 0.01 else f"{low:.2f} times that of the camera"
    return Measured(low, fibers=named, waves=waves, detail=f"the sky model of fiber {int(fiber[row])} is {state} here")


@dataclass(frozen=True)
class CalibrationTruths:
    """What `calibration_truths` found.

    Attributes
    ----------
    roughness : Measured
        Largest scatter of neighbouring pixels, as a fraction, in a window of 50 bins outside the tellurics: of all fibers.
    fiber_roughness : Measured
        The same of a single fiber, against all fibers.
    fiber_level : Measured
        Largest absolute logarithm of the level of a fiber's vector over that of the camera.
    certainty : Measured
        Largest median signal to noise that the vector of a fiber claims for a pixel.
    """

    roughness: Measured
    fiber_roughness: Measured
    fiber_level: Measured
    certainty: Measured


def calibration_truths(
    fluxcalib: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, expected: Bools, instrument: Instrument = DESI
) -> CalibrationTruths:
    """Measure how even the calibration vectors are from pixel to pixel, and how alike from fiber to fiber.

    Parameters
    ----------
    fluxcalib, ivar : ndarray, shape (n_fiber, n_wave)
        Calibration vectors and their inverse variance; ivar = 0 is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    expected : ndarray of bool, shape (n_fiber,)
        Fibers with data to calibrate.
    instrument : Instrument
        Knows the telluric ranges, in which a calibration rightly has structure.

    Returns
    -------
    CalibrationTruths
        Four values. The roughness is that of second differences, so that slopes and bends do not count, in the median fiber; what
        the ivar of the vector admits is taken off in square. *Not measured* for vectors without weight.

    References
    ----------
    desispec #1108, PR #1116 (a chunk of a vector with wild values), #1103 (vectors that are zero, or that claim to be exact).
    """
    n_window = wave.size // ROUGH_WINDOW
    rough, level, claimed = np.empty((3, len(fluxcalib), n_window), np.float32)
    _fill_roughness(rows_of(fluxcalib), rows_of(ivar), rough, level, claimed)
    starts = wave[: n_window * ROUGH_WINDOW : ROUGH_WINDOW]
    ends = wave[ROUGH_WINDOW - 1 :: ROUGH_WINDOW][:n_window]
    open_sky = np.all([(ends < low) | (starts > high) for low, high in instrument.telluric], axis=0)
    rough[:, ~open_sky] = np.nan
    live = np.asarray(expected, dtype=bool) & np.isfinite(level).any(axis=1)
    if not live.any() or not np.isfinite(rough[live]).any():
        nothing = Measured.impossible("no vector has weight outside the telluric bands")
        return CalibrationTruths(nothing, nothing, nothing, nothing)
    rough[~live] = np.nan
    admitted = nan_median(np.where(claimed > 0, 1.0 / np.maximum(claimed, np.float32(1e-9)), np.nan)[::COMMON], axis=0)
    common = nan_median(_every_third(rough), axis=0)
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return CalibrationTruths(
        roughness=_roughness(common, admitted, spans, fiber=fiber),
        fiber_roughness=_fiber_roughness(rough, common, spans, fiber=fiber),
        fiber_level=_fiber_level(level, live, fiber=fiber),
        certainty=_certainty(claimed, live, fiber=fiber),
    )


def _every_third(rough: Floats) -> Floats:
    """Rows for the vector that all share; all of them where so few fibers live that every third may hold none."""
    chosen = rough[::COMMON]
    return chosen if np.isfinite(chosen).any() else rough


@compiled
def _fill_roughness(values: Floats, ivar: Floats, rough: Floats, level: Floats, claimed: Floats) -> None:
    """Scatter of pixels from second differences, mean, and claimed signal to noise, in each window; NaN without good pixels."""
    for row in range(rough.shape[0]):
        for window in range(rough.shape[1]):
            total, square, weight, count, triples = np.float32(0), np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for k in range(window * ROUGH_WINDOW + 1, (window + 1) * ROUGH_WINDOW - 1):
                good = ivar[row, k] > 0 and np.isfinite(values[row, k])
                whole = good and ivar[row, k - 1] > 0 and ivar[row, k + 1] > 0
                bend = values[row, k - 1] - 2 * values[row, k] + values[row, k + 1] if whole else np.float32(0)
                total += values[row, k] if good else np.float32(0)
                weight += ivar[row, k] if good else np.float32(0)
                count += np.float32(1) if good else np.float32(0)
                square += bend * bend
                triples += np.float32(1) if whole else np.float32(0)
            enough = count >= ROUGH_WINDOW // 4 and triples >= ROUGH_WINDOW // 4
            mean = total / max(count, np.float32(1))
            level[row, window] = mean if enough else np.float32(np.nan)
            rough[row, window] = np.sqrt(square / triples / np.float32(6)) / abs(mean) if enough else np.float32(np.nan)
            claimed[row, window] = mean * np.sqrt(weight / count) if enough else np.float32(np.nan)


def _roughness(common: Floats, admitted: Floats, spans: list[tuple[float, float]], *, fiber: Ints) -> Measured:
    proved = np.sqrt(np.maximum(common**2 - (GENEROUS * np.nan_to_num(admitted)) ** 2, 0.0))
    worst = int(np.nanargmax(proved))
    size = float(proved[worst])
    touched = np.flatnonzero(proved > max(0.5 * size, 1e-6))
    waves = (spans[int(touched[0])][0], spans[int(touched[-1])][1]) if touched.size else spans[worst]
    span = (int(fiber[0]), int(fiber[-1]))
    error = size / np.sqrt(2 * ROUGH_WINDOW)
    feature = Feature("rough", (span[0], span[1]), waves, size, error, np.inf, unit="", label=f"rough by {size:.1%}")
    detail = f"the calibration vector itself is rough: neighbouring pixels scatter by {size:.1%}"
    return Measured(size, error=error, fibers=(span,), waves=waves, detail=detail, features=(feature,))


def _fiber_roughness(rough: Floats, common: Floats, spans: list[tuple[float, float]], *, fiber: Ints) -> Measured:
    own = np.sqrt(np.maximum(rough**2 - common.astype(np.float32) ** 2, 0.0))
    row, window = divmod(int(np.nanargmax(own)), own.shape[1])
    size, number = float(own[row, window]), int(fiber[row])
    detail = f"the vector of fiber {number} alone is rough: neighbouring pixels scatter by {size:.1%}"
    return Measured(size, error=0.0, fibers=((number, number),), waves=spans[window], detail=detail)


def _fiber_level(level: Floats, live: Bools, *, fiber: Ints) -> Measured:
    own = nan_median(level, axis=1)
    sound = live & (own > 0)
    if not sound.any():
        return Measured.impossible("no vector is positive: see calibration_usable")
    away = np.where(sound, np.abs(np.log(np.where(sound, own, 1.0) / np.median(own[sound]))), 0.0)
    worst = int(np.argmax(away))
    number = int(fiber[worst])
    times = float(own[worst] / np.median(own[sound]))
    off = away > max(0.5 * float(away[worst]), np.log(1.5))
    detail = f"the vector of fiber {number} is {times:.2f} times that of the camera: it is in another unit, or of another fiber"
    return Measured(float(away[worst]), error=0.0, fibers=fiber_ranges(fiber, off)[:NAMED] or ((number, number),), detail=detail)


def _certainty(claimed: Floats, live: Bools, *, fiber: Ints) -> Measured:
    own = np.where(live, nan_median(claimed, axis=1), np.nan)
    if not np.isfinite(own).any():
        return Measured.impossible("no vector has weight")
    worst = int(np.nanargmax(own))
    number = int(fiber[worst])
    detail = f"the vector of fiber {number} claims to be known to 1/{float(own[worst]):.0f} in every pixel: no star is"
    return Measured(float(own[worst]), error=0.0, fibers=((number, number),), detail=detail)
