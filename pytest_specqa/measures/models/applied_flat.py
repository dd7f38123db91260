"""Was the flat of the file the one that was applied, once, to every fiber, and the sky taken away once? Algebra, free of noise.

A frame is its flat times what was left after sky subtraction plus the sky that was subtracted, photon noise included. Two numbers
of each fiber, the factor of the flat and the part of the sky, turn one side into the other exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, Found, Ints, mad_scale, nan_median, strongest
from pytest_specqa.measures.where import between_lines, fiber_ranges
from pytest_specqa.values import Measured

FAINT_LINE = 0.08
"""Height of a sky line over the continuum from which on it is left out: some productions rescale lines by fiber."""
WINDOW = 50
"""Bins that are averaged: interpolation of the flat differs from pixel to pixel, and not on the average."""
ENOUGH, RUN = 1500, 25
"""Bins from which on only every other run of 25 is looked at: what is exact is known after a thousand."""
EVERY = 20
"""Of every so many fibers one is taken for the sky that tells where lines are."""
DEAD = np.float32(0.02)
"""Response below which a fiber is dead, and its flat divides noise by noise."""
OTHER_PATTERN = 0.5
"""Distance from 1 of the exponent of its pixel-to-pixel pattern beyond which a fiber was divided by another flat."""
KNOWN_PATTERN = 0.1
"""Error of that exponent above which a flat is too smooth, or its use too uncertain, to be recognised."""
EXACT = 0.003
"""Scatter of what the two numbers leave, as a fraction of the light, beyond which something else was done to a fiber."""
OTHER_POWER, OTHER_FIBERS = 0.05, 0.02
"""Distance of the exponent from 1, and part of the fibers with another pattern, beyond which the flat was another."""
SPREAD = 0.005
"""Scatter of the flat between fibers below which it has no pattern of its own from fiber to fiber."""


@dataclass(frozen=True)
class AppliedFlat:
    """What `applied_flat` found.

    Attributes
    ----------
    shape : Measured
        Largest chromatic difference of the median fiber, as a fraction, in windows of 50 bins between sky lines.
    exponent : Measured
        Power of the flat that was divided out, from fiber to fiber: 1; 2 where it was applied twice, 0 where it was not at all.
    pattern : Measured
        Fraction of fibers whose pixel-to-pixel pattern is not that of their flat.
    sky : Measured
        Largest significant difference from 1 of the part of its sky model that was subtracted from a fiber.
    """

    shape: Measured
    exponent: Measured
    pattern: Measured
    sky: Measured


def applied_flat(
    spectra: CameraSpectra, frame_flux: Floats, frame_ivar: Floats, *, fiberflat: Floats, thrputcorr: Floats | None = None
) -> AppliedFlat:
    """Compare what turns sframe and sky back into the frame with the flat of the file.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model; the flat of a wavelength lies at ``wave / heliocor``.
    frame_flux, frame_ivar : ndarray, shape (n_fiber, n_wave)
        Spectra before flat-fielding in electron/Angstrom and their inverse variance; ivar = 0 is left out.
    fiberflat : ndarray, shape (n_fiber, n_wave)
        Flat (a ratio) on the same grid of numbers, but in the frame of the observer.
    thrputcorr : ndarray, shape (n_fiber,), optional
        Throughput corrections of the sky model, which some productions multiply on the sky: such a part is right as well.

    Returns
    -------
    AppliedFlat
        Four values, each *not measured* without good pixels. The factor of each fiber and its part of the sky are fitted together,
        by least squares over the pixels between sky lines: the noise of the sframe, which the sky has not, tells them apart. The
        exponent needs a flat that differs between fibers, the pattern one that differs between pixels; both do as all that are
        measured on lamps.

    References
    ----------
    desispec #1111, #1117 (flat applied in the wrong wavelength frame), #856 (flat of no use that was used), PR #1895 (sky
    subtracted twice).
    """
    wave, fiber = spectra.wave, spectra.fiber
    known = spectra.known_sky
    typical = known if known.ndim == 1 else nan_median(known[::EVERY], axis=0)
    columns = np.flatnonzero(between_lines(typical, excess=FAINT_LINE))
    if columns.size > ENOUGH:
        columns = columns[np.arange(columns.size) // RUN % 2 == 0]
    rows = np.flatnonzero((frame_ivar[:, ::7] > 0).mean(axis=1) > 0.5)
    if columns.size < WINDOW or not rows.size:
        nothing = Measured.impossible("no live fiber has pixels between sky lines")
        return AppliedFlat(nothing, nothing, nothing, nothing)
    place = np.clip(np.interp(wave[columns] / spectra.heliocor, wave, np.arange(wave.size)), 0, wave.size - 1.001)
    low = place.astype(int)
    share = (place - low).astype(np.float32)
    n_window = columns.size // WINDOW
    sums, pairs = np.zeros((rows.size, 7)), np.zeros((rows.size, 4))
    windows = np.zeros((rows.size, n_window, 3), np.float32)
    flux, sky = rows_of(spectra.flux), rows_of(np.broadcast_to(known, spectra.flux.shape))
    flat = rows_of(fiberflat)
    _fill_algebra(flux, sky, rows_of(frame_flux), rows_of(frame_ivar), flat, rows, columns, low, share, sums, pairs, windows)
    level = nan_median(flat[rows, ::8], axis=1)
    factor, part, error = _two_factors(sums)
    exponent, pattern = _exponent(factor, level, pairs, span=spectra.span), _pattern(pairs, fiber=fiber[rows])
    if abs(exponent.value - 1.0) > OTHER_POWER or pattern.value > OTHER_FIBERS:
        part_of_sky = Measured.impossible("the flat of the file was not applied once: it has to be, for the sky to be told")
    else:
        part_of_sky = _sky_part(part, error, known=None if thrputcorr is None else thrputcorr[rows], fiber=fiber[rows])
    return AppliedFlat(_shape(windows, part, wave[columns], span=spectra.span), exponent, pattern, part_of_sky)


@compiled
def _fill_algebra(
    flux: Floats,
    sky: Floats,
    frame: Floats,
    ivar: Floats,
    fiberflat: Floats,
    rows: Ints,
    columns: Ints,
    low: Ints,
    share: Floats,
    sums: Floats,
    pairs: Floats,
    windows: Floats,
) -> None:
    """Sums of the fit, of the pairs of neighbouring pixels, and of windows, in one pass."""
    for place in range(rows.size):
        row = rows[place]
        last, last_flat, last_ratio = -2, np.float32(0), np.float32(0)
        for number in range(columns.size):
            k, before = columns[number], low[number]
            flat = fiberflat[row, before] * (np.float32(1) - share[number]) + fiberflat[row, before + 1] * share[number]
            residual, model = flux[row, k], sky[row, k]
            light = residual + model
            if not (ivar[row, k] > 0 and flat > DEAD and np.isfinite(light)):
                continue
            flattened = frame[row, k] / flat
            sums[place, 0] += residual * residual
            sums[place, 1] += residual * model
            sums[place, 2] += model * model
            sums[place, 3] += residual * flattened
            sums[place, 4] += model * flattened
            sums[place, 5] += flattened * flattened
            sums[place, 6] += 1
            window = number // WINDOW
            if window < windows.shape[1]:
                windows[place, window, 0] += flattened
                windows[place, window, 1] += residual
                windows[place, window, 2] += model
            # Near zero light the rounding of the files is all that is left.
            if light > np.float32(0.5) * model and light > 0:
                ratio = frame[row, k] / light
                if k == last + 1:
                    own, used = flat - last_flat, ratio - last_ratio
                    pairs[place, 0] += own * own
                    pairs[place, 1] += own * used
                    pairs[place, 2] += used * used
                    pairs[place, 3] += 1
                last, last_flat, last_ratio = k, flat, ratio


def _two_factors(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Factor of the flat, part of the sky and the error of the latter: frame / flat = factor x (residual + part x sky).

    The error is NaN where that does not hold: the part of the sky then says nothing.
    """
    own, cross, model, with_own, with_model, total, count = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        norm = own * model - cross**2
        factor = (model * with_own - cross * with_model) / norm
        product = (own * with_model - cross * with_own) / norm
        rest = np.maximum(total - factor * with_own - product * with_model, 0.0) / np.maximum(count - 2, 1)
        part, error = product / factor, np.sqrt(rest * own / norm) / np.abs(factor)
        exact = rest * count < EXACT**2 * total
    sound = (count > WINDOW) & (norm > 1e-4 * own * model) & (factor > 0)
    return np.where(sound, factor, np.nan), np.where(sound, part, np.nan), np.where(sound & exact, error, np.nan)


def _shape(windows: Floats, part: Floats, wave: Floats, *, span: tuple[int, int]) -> Measured:
    """Frame over light and flat in windows, in the median fiber; one factor of each fiber is free, and its part of the sky."""
    flattened = windows[..., 0]
    light = windows[..., 1] + np.where(np.isfinite(part), part, 1.0).astype(np.float32)[:, None] * windows[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(light > 0, flattened / light, np.float32(np.nan))
        ratio /= nan_median(ratio, axis=1).astype(np.float32)[:, None]
    typical = nan_median(ratio, axis=0) - 1.0
    if not np.isfinite(typical).any():
        return Measured.impossible("no fiber shows light between sky lines")
    worst = int(np.nanargmax(np.abs(typical)))
    return Measured(
        value=float(abs(typical[worst])),
        error=float(np.nanstd(ratio[:, worst]) / np.sqrt(len(ratio))),
        fibers=(span,),
        waves=(float(wave[worst * WINDOW]), float(wave[worst * WINDOW + WINDOW - 1])),
        detail="frame, sky and sframe do not fit this flat: another flat, another wavelength frame, or another sky was applied",
    )


def _exponent(factor: Floats, level: Floats, pairs: Floats, *, span: tuple[int, int]) -> Measured:
    """Slope of the logarithm of what was divided out over that of the flat, from fiber to fiber, or between pixels."""
    known = np.isfinite(factor) & (level > 0.1)
    if known.sum() < WINDOW:
        return _exponent_of_pixels(pairs, span=span)
    own, left = np.log(level[known]), np.log(factor[known])
    own -= np.median(own)
    left -= np.median(left)
    # A single broken fiber lies ten times as far out as all others.
    inside = np.abs(own) < 5 * max(float(np.median(np.abs(own))), 1e-6)
    own, left = own[inside], left[inside]
    if float(own.std()) < SPREAD:
        return _exponent_of_pixels(pairs, span=span)
    # Where something else was done to some fibers their factor is not that of a flat; the others tell.
    kept = np.ones(own.size, dtype=bool)
    for _ in range(3):
        slope, start = np.polyfit(own[kept], left[kept], 1)
        away = np.abs(left - start - slope * own)
        kept = away <= 4 * max(float(mad_scale(away, center=0.0)), 1e-7)
    own, left = own[kept], left[kept] - start
    error = float(np.std(left - slope * own) / own.std() / np.sqrt(own.size))
    return _power(1.0 + float(slope), error, span=span)


def _exponent_of_pixels(pairs: Floats, *, span: tuple[int, int]) -> Measured:
    own, cross, used, _ = pairs.sum(axis=0)
    if not own > 0:
        return Measured.impossible("the flat has no pattern, neither from fiber to fiber nor between pixels")
    power = cross / own
    return _power(power, float(np.sqrt(max(used - power * cross, 0.0) / own / max(pairs[:, 3].sum(), 1.0))), span=span)


def _power(power: float, error: float, *, span: tuple[int, int]) -> Measured:
    """The exponent in words."""
    said = "not at all" if abs(power) < 0.2 else "twice" if abs(power - 2) < 0.2 else f"{power:.2f} times"
    return Measured(
        value=float(power),
        error=error,
        sensitivity=5 * error,
        fibers=(span,),
        detail=f"what was divided out is the flat to the power of {power:.2f}: the flat of the file was applied {said}",
    )


def _pattern(pairs: Floats, *, fiber: Ints) -> Measured:
    """Fraction of fibers in which neighbouring pixels of the frame do not differ as their flat does."""
    own, cross, used, count = pairs.T
    with np.errstate(divide="ignore", invalid="ignore"):
        power = cross / own
        error = np.sqrt(np.maximum(used - power * cross, 0.0) / own / np.maximum(count, 1))
    # Whatever else was done to a fiber hides its flat; a flat that was not used at all leaves its own pattern as error.
    known = (count > WINDOW) & (error < KNOWN_PATTERN)
    if known.sum() < WINDOW:
        return Measured.impossible(
            "no fiber holds the pattern of its flat or of another: the flat is too smooth, or the sky was not subtracted once"
        )
    other = known & (np.abs(power - 1.0) > OTHER_PATTERN)
    typical = float(np.median(power[other])) if other.any() else 1.0
    what = "twice" if abs(typical - 2.0) < 0.5 else "another flat, or none" if abs(typical) < 0.3 else f"{typical:.1f} times"
    return Measured(
        value=float(other.sum() / known.sum()),
        error=0.0,
        fibers=fiber_ranges(fiber, other),
        detail=f"{int(other.sum())} of {int(known.sum())} fibers do not hold the pattern of their flat: applied was {what}"
        if other.any()
        else "",
    )


def _sky_part(part: Floats, error: Floats, *, known: Floats | None, fiber: Ints) -> Measured:
    """Fiber of which another part of the sky model was subtracted than the whole, or than its throughput asks for."""
    away = part - 1.0
    if known is not None:
        corrected = part - known
        away = np.where(np.abs(corrected) < np.abs(away), corrected, away)
    found = strongest(np.where(np.isfinite(error), away, np.nan), np.maximum(error, 1e-4))

    def worst(row: int) -> Found:
        """Fiber, and how many others are as far off."""
        number = int(fiber[row])
        others = int((np.abs(away) > 0.5 * abs(found.amplitude)).sum()) - 1
        more = f", and so in {others} other fibers" if others > 0 else ""
        detail = f"{1 + found.amplitude:.2f} of its sky model was subtracted from this fiber{more}"
        return Found((number, number), detail, kind="fiber", label="part of the sky")

    return found.measured(worst, nothing="in no fiber do flat and sky model turn the sframe back into the frame")
