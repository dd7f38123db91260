"""Does any single fiber keep light that is not its object's, or lose light that is?

Sky fibers should hold nothing: what they hold is a bad column, a star or a wrong throughput. Other fibers hold objects, whose
light is never negative: what lies below zero was taken away too much. The sky lines tell the throughput of every fiber, whatever
its object is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Bools, Floats, Found, Ints, local_threshold, mad_scale, nan_median, strongest
from pytest_specqa.measures.where import fiber_ranges, sky_continuum
from pytest_specqa.values import Feature, Measured

MAX_ERROR = 0.05
"""Error of a line scale above which a piece of a spectrum tells nothing."""
MAX_BRIGHT = 0.1
"""The same for a fiber with light of its own, in which a sky that was not subtracted at all is searched."""
FEATURES = 0.02
"""Depth of the features of an object that could pass for all of the sky lines at once, as a fraction of its light."""
BROAD = 100
"""Bins that are averaged at least: a column stays under a curved trace about as long."""
WIDE = 4
"""Such windows that are also taken together, some 320 Angstrom; and so is all of the spectrum."""
NAMED = 20
"""Fibers that are listed at most."""
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
        Largest significant broad residual, of either sign, in a sky fiber; its ranges name all fibers that have one.
    below_zero : Measured
        Largest significant depth below zero of any fiber; its ranges name all fibers that have one.
    table : ndarray, shape (n_fiber, n_window)
        Mean residual between sky lines in windows of 100 and 400 bins, and in all of the spectrum, in electron/Angstrom; NaN where
        nothing is left.
    error : ndarray, shape (n_fiber, n_window)
        Its error in electron/Angstrom, with the throughput scatter of the fibers.
    waves : tuple of (float, float)
        Wavelength range of each window.
    """

    sky_fiber: Measured
    below_zero: Measured
    table: Floats
    error: Floats
    waves: tuple[tuple[float, float], ...]

    def at(self, found: Measured) -> tuple[Floats, Floats]:
        """Residual and error of each fiber in the window of one of the findings, or in all of the spectrum where it has none."""
        window = self.waves.index(found.waves) if found.waves in self.waves else -1
        return self.table[:, window], self.error[:, window]


def fiber_residuals(spectra: CameraSpectra) -> FiberResiduals:
    """Search every fiber for broad light that should not be there, or is missing.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    FiberResiduals
        Values, and the table of window means for a picture. The sensitivity is that for a fault of all of the spectrum.

    References
    ----------
    desispec #1346, #1158 (bad columns), PR #1367, #1481, #1863 (light in sky fibers), #1619 (trails beside bright fibers).
    """
    fiber, is_sky = spectra.fiber, spectra.is_sky
    windows = _windows(spectra)
    table, noise, level = windows.table, windows.noise, windows.level
    scatter = _throughput_scatter(table[is_sky, -1], noise[is_sky, -1], float(level[-1]))
    error = np.hypot(noise, scatter * np.abs(level))
    light, depth = np.where(is_sky[:, None], table, np.nan), np.minimum(table, 0.0)
    return FiberResiduals(
        sky_fiber=_report(
            light, error, fiber=fiber, waves=windows.waves, detail="light of a star or galaxy, or a bad column", where="sky fiber"
        ),
        below_zero=_report(
            depth,
            error,
            fiber=fiber,
            waves=windows.waves,
            detail="too much was subtracted, or charge was lost",
            where="fiber below zero",
        ),
        table=table,
        error=error,
        waves=windows.waves,
    )


class _Windows(NamedTuple):
    """Means of each fiber between sky lines in windows of three sizes, their photon noise, and the sky there (one row)."""

    table: Floats
    noise: Floats
    level: Floats
    waves: tuple[tuple[float, float], ...]


def _windows(spectra: CameraSpectra) -> _Windows:
    wave, between = spectra.wave, spectra.between_lines
    starts = np.arange(0, max(wave.size - BROAD // 2, 1), BROAD)
    shape = (len(spectra.flux), starts.size)
    light, total, pixels = np.empty(shape), np.empty(shape), np.empty(shape, np.int64)
    ends = np.append(starts, wave.size)
    _fill_windows(rows_of(spectra.flux), rows_of(spectra.ivar), between, ends, spectra.is_sky, light, total, pixels)
    count = np.add.reduceat(between.astype(float), starts)
    sky = np.add.reduceat(np.where(between, spectra.sky_spectrum, 0.0), starts)
    tables, noises, levels, waves = [], [], [], []
    for size in (1, WIDE, starts.size):
        first = np.arange(0, starts.size, size)
        flow, mass, number = (np.add.reduceat(values, first, axis=1) for values in (light, total, pixels))
        enough = number > BROAD // 5
        safe = np.where(enough, mass, 1.0)
        tables.append(np.where(enough, flow / safe, np.nan))
        noises.append(np.where(enough, 1.0 / np.sqrt(safe), np.nan))
        levels.append(np.add.reduceat(sky, first) / np.maximum(np.add.reduceat(count, first), 1.0))
        last = np.append(first[1:], starts.size)
        waves += [(float(wave[ends[k]]), float(wave[min(ends[m], wave.size - 1)])) for k, m in zip(first, last, strict=True)]
    return _Windows(np.concatenate(tables, axis=1), np.concatenate(noises, axis=1), np.concatenate(levels), tuple(waves))


@compiled
def _fill_windows(
    flux: Floats, ivar: Floats, between: Bools, ends: Ints, is_sky: Bools, light: Floats, total: Floats, pixels: Ints
) -> None:
    """Weighted flux, weight and good pixels between sky lines; pixels are pulled in, lest a single cosmic ray make a window.

    They are pulled in to zero, which is quick; where that might cut off what is searched, light in a sky fiber or a depth of more
    than a sigma in each pixel, to the median of the window.
    """
    clip = np.float32(CLIP)
    values = np.empty(flux.shape[1], np.float32)
    for row in range(light.shape[0]):
        for window in range(light.shape[1]):
            mass, flow, sure, count = np.float32(0), np.float32(0), np.float32(0), 0
            for k in range(ends[window], ends[window + 1]):
                good = between[k] and ivar[row, k] > 0 and np.isfinite(flux[row, k])
                weight = ivar[row, k] if good else np.float32(0)
                root = np.sqrt(weight)
                pull = flux[row, k] * root if good else np.float32(0)
                mass += weight
                sure += root
                flow += root * min(max(pull, -clip), clip)
                count += 1 if good else 0
            light[row, window], total[row, window], pixels[row, window] = flow, mass, count
            if not (abs(flow) > sure and (flow < 0 or is_sky[row])):
                continue
            number = 0
            for k in range(ends[window], ends[window + 1]):
                if between[k] and ivar[row, k] > 0 and np.isfinite(flux[row, k]):
                    values[number] = flux[row, k]
                    number += 1
            middle = np.float32(np.median(values[:number]))
            flow = middle * mass
            for k in range(ends[window], ends[window + 1]):
                if between[k] and ivar[row, k] > 0 and np.isfinite(flux[row, k]):
                    root = np.sqrt(ivar[row, k])
                    flow += root * min(max((flux[row, k] - middle) * root, -clip), clip)
            light[row, window] = flow


def _throughput_scatter(residual: Floats, noise: Floats, level: float) -> float:
    """Scatter between sky fibers of their residual as a fraction of the sky, less its noise; generous where fibers are few."""
    known = np.isfinite(residual)
    count = int(known.sum())
    if count < 3 or not level > 0:
        return 10.0 * THROUGHPUT_FLOOR
    generous = 1.0 + 2.0 / float(np.sqrt(count))
    own = float(mad_scale(residual[known])) ** 2 - float(np.median(noise[known])) ** 2
    return max(float(np.sqrt(max(own, 0.0))) / level * generous, THROUGHPUT_FLOOR)


def _report(
    values: Floats, error: Floats, *, fiber: Ints, waves: tuple[tuple[float, float], ...], detail: str, where: str
) -> Measured:
    """The largest amplitude that is proved, and every fiber that has a significant one."""
    found = strongest(values, error)
    reached = local_threshold(float(np.isfinite(values).sum())) * float(nan_median(error[np.isfinite(values[:, -1]), -1], axis=0))
    found = found._replace(sensitivity=reached)
    pulls = np.where(np.isfinite(values), np.abs(values) / error, 0.0)
    hit = pulls.max(axis=1) >= local_threshold(float(np.isfinite(values).sum()))

    def worst(place: int) -> Found:
        """Fiber and window."""
        row, window = divmod(place, len(waves))
        others = f", the worst of {int(hit.sum())}" if hit.sum() > 1 else ""
        return Found(
            (int(fiber[row]), int(fiber[row])),
            f"{values[row, window]:+.1f} +- {error[row, window]:.1f} electron/Angstrom in a {where}{others}: {detail}",
            kind="fiber",
            waves=waves[window],
            unit="electron/Angstrom",
            label="fiber residual",
        )

    measured = found.measured(worst, nothing="no live fiber has pixels between sky lines")
    if not measured.fibers:
        return measured
    size = np.where(hit, np.nanmax(np.where(np.isfinite(values), np.abs(values), -1.0), axis=1), -1.0)
    named = [row for row in np.argsort(-size).tolist() if hit[row]][:NAMED]
    others = tuple(_feature(values[row], error[row], pulls[row], int(fiber[row]), waves) for row in named)
    first = measured.fibers[0][0]
    ranges = (*measured.fibers, *((int(fiber[row]), int(fiber[row])) for row in named if fiber[row] != first))
    return replace(measured, fibers=ranges, features=(*measured.features, *(one for one in others if one.fibers[0] != first)))


def _feature(values: Floats, error: Floats, pulls: Floats, number: int, waves: tuple[tuple[float, float], ...]) -> Feature:
    """The most significant window of one fiber."""
    window = int(np.argmax(pulls))
    size, sigma = float(values[window]), float(error[window])
    return Feature(
        "fiber", (number, number), waves[window], size, sigma, float(pulls[window]), "electron/Angstrom", "fiber residual"
    )


def fiber_scale(spectra: CameraSpectra) -> Measured:
    """Largest part of the sky lines that any fiber keeps (positive) or misses, over the spectrum or, if it is faint, a piece of it.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    Measured
        Absolute size of the largest significant part; 0 if none. The typical faint fiber is the reference. Fibers with light of
        their own, which may be the sky that was not subtracted, have the error that their features at the lines give them.

    References
    ----------
    desispec #2332, #2225 (fibers that lost their throughput and were not listed), #1956 (a trap takes 20 % of a column's charge).
    """
    fit, fiber, faint = fit_lines(spectra), spectra.fiber, spectra.faint[:, None]
    errors = fit.errors[0] * np.where(faint, 1.0, np.sqrt(np.fmax(fit.chi2, 1.0))[:, None])
    errors = np.hypot(errors, np.where(faint, 0.0, _of_features(spectra)[:, None]))
    searched = faint | (np.arange(errors.shape[1]) == errors.shape[1] - 1)
    scale = np.where(searched & (errors < np.where(faint, MAX_ERROR, MAX_BRIGHT)), fit.values[0], np.nan)
    # What is neither faint nor bright enough to tell is left out; without faint fibers all of them are the reference.
    usual = np.where(faint, scale, np.nan) if (faint & np.isfinite(scale)).any() else scale
    typical = nan_median(usual, axis=0)
    found = strongest(scale - np.where(np.isfinite(typical), typical, 0.0), errors)

    def worst(place: int) -> Found:
        """Fiber and piece of its spectrum."""
        row, part = divmod(place, scale.shape[1])
        return Found(
            (int(fiber[row]), int(fiber[row])),
            f"this fiber holds {found.amplitude:+.1%} of the sky lines: {_why(scale[row, part])}",
            kind="fiber",
            waves=fit.waves[part],
            label="sky line scale",
        )

    return found.measured(worst, nothing="no sky line is bright enough to measure a throughput on")


def _of_features(spectra: CameraSpectra) -> Floats:
    """Part of the sky lines for which features in the light of each fiber's own object may pass, shape (n_fiber,)."""
    some = slice(None, None, 4)
    light = nan_median(np.where(spectra.good[:, some], spectra.flux[:, some], np.nan), axis=1)
    spectrum = np.nan_to_num(spectra.sky_spectrum)
    lines = spectrum - sky_continuum(spectrum)
    return FEATURES * np.abs(light) / max(float(np.sqrt(np.mean(lines**2))), 1e-9)


def _why(scale: float) -> str:
    """What a part of the sky lines suggests: all of it is no throughput."""
    if abs(abs(scale) - 1.0) < 0.2:
        return "its sky was not subtracted" if scale > 0 else "its sky was subtracted twice"
    return "its sky was not subtracted rightly, or flat and sky model have its throughput wrong"


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
