"""Does any single fiber keep light that is not its object's, or lose light that is?

Sky fibers should hold nothing: what they hold is a bad column, a star or a wrong throughput. Other fibers hold objects, whose
light is never negative: what lies below zero was taken away too much. The sky lines tell the throughput of every fiber, whatever
its object is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Bools, Floats, Found, Ints, Strongest, mad_scale, nan_median, strongest
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Measured

MAX_ERROR = 0.05
"""Error of a line scale above which a piece of a spectrum tells nothing."""
BROAD = 100
"""Bins that are averaged: a column stays under a curved trace about as long, and broader faults show in several windows."""
CLIP = 5.0
"""Sigmas to which single pixels are pulled in."""
PIPELINE_SCALE = 1.48
"""Standard deviation over median absolute deviation, as desispec rounds it for SKYTHRURMS."""
THROUGHPUT_FLOOR = 0.005
"""Smallest scatter of the continuum between fibers, as a fraction of the sky, that any flat leaves behind."""


@dataclass(frozen=True)
class FiberResiduals:
    """What `fiber_residuals` found, in the unit of the flux.

    Attributes
    ----------
    sky_fiber : Measured
        Largest significant broad residual, of either sign, in a sky fiber.
    below_zero : Measured
        Largest significant depth below zero of any fiber.
    table : ndarray, shape (n_fiber, n_window)
        Mean residual between sky lines in windows of 100 bins, in electron/Angstrom; NaN where nothing is left.
    error : ndarray, shape (n_fiber, n_window)
        Its error in electron/Angstrom, with the throughput scatter of the fibers.
    """

    sky_fiber: Measured
    below_zero: Measured
    table: Floats
    error: Floats


def fiber_residuals(spectra: CameraSpectra) -> FiberResiduals:
    """Search every fiber for broad light that should not be there, or is missing.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    FiberResiduals
        Values, and the table of window means for a picture.

    References
    ----------
    desispec #1346, #1158 (bad columns), PR #1367, #1481 (light in sky fibers), #1619 (trails beside bright fibers).
    """
    flux, ivar, wave, fiber, is_sky = spectra.flux, spectra.ivar, spectra.wave, spectra.fiber, spectra.is_sky
    between, spectrum = spectra.between_lines, spectra.sky_spectrum
    starts = np.arange(0, max(wave.size - BROAD // 2, 1), BROAD)
    shape = (len(flux), starts.size)
    light, total, pixels = np.empty(shape), np.empty(shape), np.empty(shape, np.int64)
    _fill_windows(rows_of(flux), rows_of(ivar), between, np.append(starts, wave.size), light, total, pixels)
    enough = pixels > BROAD // 5
    table = np.where(enough, light / np.where(enough, total, 1.0), np.nan)
    count = np.maximum(np.add.reduceat(between.astype(float), starts), 1.0)
    level = np.add.reduceat(np.where(between, spectrum, 0.0), starts) / count
    noise = np.where(enough, 1.0 / np.sqrt(np.where(enough, total, 1.0)), np.nan)
    error = np.hypot(noise, _throughput_scatter(table[is_sky], level) * np.abs(level))
    ends = [(float(wave[k]), float(wave[min(k + BROAD, wave.size) - 1])) for k in starts.tolist()]
    light_found = strongest(np.where(is_sky[:, None], table, np.nan), error)
    depth_found = strongest(np.minimum(table, 0.0), error)
    return FiberResiduals(
        sky_fiber=_report(light_found, fiber=fiber, ends=ends, detail="in a sky fiber: light of a source, or a bad column"),
        below_zero=_report(depth_found, fiber=fiber, ends=ends, detail="below zero: too much was subtracted, or charge was lost"),
        table=table,
        error=error,
    )


@compiled
def _fill_windows(flux: Floats, ivar: Floats, between: Bools, ends: Ints, light: Floats, total: Floats, pixels: Ints) -> None:
    """Weighted flux, weight and good pixels between sky lines; pixels are pulled in, lest a single cosmic ray make a window."""
    for row in range(light.shape[0]):
        for window in range(light.shape[1]):
            mass, flow, count = np.float32(0), np.float32(0), 0
            for k in range(ends[window], ends[window + 1]):
                good = between[k] and ivar[row, k] > 0 and np.isfinite(flux[row, k])
                weight = ivar[row, k] if good else np.float32(0)
                root = np.sqrt(weight)
                pull = flux[row, k] * root if good else np.float32(0)
                mass += weight
                flow += root * min(max(pull, np.float32(-CLIP)), np.float32(CLIP))
                count += 1 if good else 0
            light[row, window], total[row, window], pixels[row, window] = flow, mass, count


def _throughput_scatter(table: Floats, level: Floats) -> float:
    """Scatter between sky fibers of their residual as a fraction of the sky; generous where fibers are few."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = nan_median(np.where(level > 0, table / level, np.nan), axis=1)
    count = int(np.isfinite(ratio).sum())
    if count < 3:
        return 10.0 * THROUGHPUT_FLOOR
    generous = 1.0 + 2.0 / float(np.sqrt(count))
    return max(float(mad_scale(ratio)) * generous, THROUGHPUT_FLOOR)


def _report(found: Strongest, *, fiber: Ints, ends: list[tuple[float, float]], detail: str) -> Measured:
    def worst(place: int) -> Found:
        """Fiber and window."""
        row, window = divmod(place, len(ends))
        return Found(
            (int(fiber[row]), int(fiber[row])),
            f"{found.amplitude:+.1f} electron/Angstrom {detail}",
            kind="fiber",
            waves=ends[window],
            unit="electron/Angstrom",
            label="fiber residual",
        )

    return found.measured(worst, nothing="no live fiber has pixels between sky lines")


def fiber_scale(spectra: CameraSpectra) -> Measured:
    """Largest part of the sky lines that any faint fiber keeps (positive) or misses, over the spectrum or a piece of it.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    Measured
        Absolute size of the largest significant part; 0 if none. The typical fiber is the reference.

    References
    ----------
    desispec #2332, #2225 (fibers that lost their throughput and were not listed), #1956 (a trap takes 20 % of a column's charge).
    """
    fit, fiber = fit_lines(spectra), spectra.fiber
    scale = np.where(spectra.faint[:, None] & (fit.errors[0] < MAX_ERROR), fit.values[0], np.nan)
    found = strongest(scale - nan_median(scale, axis=0), fit.errors[0])

    def worst(place: int) -> Found:
        """Fiber and piece of its spectrum."""
        row, part = divmod(place, scale.shape[1])
        return Found(
            (int(fiber[row]), int(fiber[row])),
            f"this fiber holds {found.amplitude:+.1%} of the sky lines: flat and sky model have its throughput wrong",
            kind="fiber",
            waves=fit.waves[part],
            label="sky line scale",
        )

    return found.measured(worst, nothing="no sky line is bright enough to measure a throughput on")


def throughput_scatter(thrputcorr: Floats | None, *, fiber: Ints, error: float) -> Measured:
    """Scatter of the throughput corrections: the survey pipeline's own definition, less what noise gives.

    Parameters
    ----------
    thrputcorr : ndarray, shape (n_fiber,), or None
        Correction of each fiber, 1 for none; NaN or 0 is left out; None if the sky model has none.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    error : float
        Error that photon noise gives the correction of a typical fiber, from `skylines.fit_lines`.

    Returns
    -------
    Measured
        1.48 times the median distance from 1, with three times the error taken off in square; the sensitivity is what was taken
        off. Corrections that are mostly noise so count as none.

    References
    ----------
    desispec, SKYTHRURMS of qa-params.yaml.
    """
    if thrputcorr is None or not (thrputcorr > 0).any():
        return Measured.impossible("the sky model has no throughput corrections")
    if not np.isfinite(error):
        return Measured.impossible("no sky line is bright enough to measure a throughput on")
    known = np.isfinite(thrputcorr) & (thrputcorr > 0)
    distance = np.abs(thrputcorr[known] - 1.0)
    total, noise = PIPELINE_SCALE * float(np.median(distance)), 3.0 * error
    worst = int(fiber[known][np.argmax(distance)])
    return Measured(
        value=float(np.sqrt(max(total**2 - noise**2, 0.0))),
        error=total * 0.8 / float(np.sqrt(known.sum())),
        sensitivity=noise,
        fibers=fiber_ranges(fiber, known),
        detail=f"worst is fiber {worst}, corrected by {float(distance.max()):.3f}",
    )


def throughput_outlier(thrputcorr: Floats | None, *, fiber: Ints) -> Measured:
    """Largest throughput correction of a single fiber.

    Parameters
    ----------
    thrputcorr : ndarray, shape (n_fiber,), or None
        Correction of each fiber, 1 for none; NaN or 0 is left out; None if the sky model has none.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.

    Returns
    -------
    Measured
        Largest distance from 1.

    References
    ----------
    desispec #2332, #2225 (fibers that lost their throughput and were not listed).
    """
    if thrputcorr is None or not (thrputcorr > 0).any():
        return Measured.impossible("the sky model has no throughput corrections")
    known = np.isfinite(thrputcorr) & (thrputcorr > 0)
    distance = np.where(known, np.abs(thrputcorr - 1.0), 0.0)
    worst = int(np.argmax(distance))
    number = int(fiber[worst])
    return Measured(
        value=float(distance[worst]),
        error=0.0,
        fibers=((number, number),),
        detail=f"its sky lines are {float(thrputcorr[worst]):.2f} times those of the model: light lost since the flat was taken",
    )
