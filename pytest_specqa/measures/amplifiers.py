"""Do the four amplifiers of a CCD agree, and does their noise follow the rows of the CCD?

The sky model is fitted to the sky fibers of both halves of the slit. What both halves share at one wavelength is absorbed by the
model; what differs between them stays in the sframe. All measures here therefore use the right half minus the left half, in
which the noise of the common sky model cancels exactly. CCD rows bend with wavelength as a parabola along the slit, alike in
both halves: several curvatures are tried, 0 being a wavelength.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from pytest_specqa.values import Feature, Measured

from .probes import Bools, Ints, between_lines, faint_fibers, near_nebular, right_half, slit_position
from .robust import Floats, Strongest, clipped_mean, mad_scale, nan_median, strongest

CURVATURES = range(-60, 61, 10)
"""Bins by which a CCD row at the end of the slit is displaced from its middle; the fiber traces of DESI stay within these."""
COARSE = slice(None, None, 3)
"""Curvatures that suffice for a step, whose straight lines are much longer than the displacement."""
SIDE = 240
"""Bins to either side of an amplifier boundary that the straight lines are fitted to."""
REACH = 100
"""Bins around the middle of the grid in which the boundary is looked for: it is a CCD row, not a wavelength."""
STEP = 10
BROAD = 100
"""Bins that are averaged when the halves are compared."""
SKY_FLOOR = 0.005
"""Fraction of the sky continuum by which the halves may differ through flat-field and throughput errors alone."""
MIN_FIBERS = 5


@dataclass(frozen=True)
class Amplifiers:
    """What `amplifiers` found, all in the unit of the flux.

    Attributes
    ----------
    step : Measured
        Jump of right minus left half across the middle CCD row.
    halves : Measured
        Largest broad difference between the halves.
    row_noise : Measured
        Standard deviation, beyond that of independent pixels, of what the fibers of one half share along a CCD row.
    """

    step: Measured
    halves: Measured
    row_noise: Measured


def has_two_amplifiers(header: Mapping[str, Any]) -> bool:
    """Tell from its header whether a CCD was read through two amplifiers instead of four.

    Parameters
    ----------
    header : mapping
        Header of HDU 0; each amplifier in use has its BIASSECa or OBSRDNa.

    Returns
    -------
    bool
        True if exactly two amplifiers are named.
    """
    return sum(f"BIASSEC{letter}" in header or f"OBSRDN{letter}" in header for letter in "ABCD") == 2


class _Probe(NamedTuple):
    """Pixels between sky lines of faint fibers; ivar = 0 elsewhere."""

    flux: Floats
    ivar: Floats
    wave: Floats
    fiber: Ints
    sky: Floats

    @property
    def right(self) -> Bools:
        return right_half(self.fiber)


def amplifiers(
    flux: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, is_sky: Bools, sky: Floats, two_amp: bool = False
) -> Amplifiers:
    """Compare the amplifiers of one camera in its sky-subtracted spectra.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted flux in electron/Angstrom and inverse variance; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    is_sky : ndarray of bool, shape (n_fiber,)
        Sky fibers; faint science fibers serve too where their light allows.
    sky : ndarray, shape (n_fiber, n_wave) or (n_wave,)
        Sky model in the unit of the flux; tells lines from continuum and how well the continuum can be known.
    two_amp : bool
        Readout through two amplifiers, without a boundary at the middle row.

    Returns
    -------
    Amplifiers
        Step, broad difference and row noise; each *not measured* where a half has fewer than five faint fibers.

    References
    ----------
    desispec #1534, #1826 (charge traps), #1518, #1551 (bias drift), #1775 (row noise), #924 (glow).
    """
    probe = _probe(flux, ivar, wave, fiber=fiber, is_sky=is_sky, sky=sky)
    if min(probe.right.sum(), (~probe.right).sum()) < MIN_FIBERS:
        nothing = Measured.impossible(f"fewer than {MIN_FIBERS} faint live fibers in one half of the slit")
        return Amplifiers(nothing, nothing, nothing)
    boundary = Measured.impossible("two-amplifier readout: there is no boundary at the middle row")
    return Amplifiers(
        step=boundary if two_amp else _step(probe),
        halves=_halves(probe),
        row_noise=_row_noise(probe),
    )


def _probe(flux: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, is_sky: Bools, sky: Floats) -> _Probe:
    spectrum = np.asarray(sky, dtype=float) if sky.ndim == 1 else nan_median(sky[::5], axis=0)
    rows = faint_fibers(flux, ivar, limit=0.6) | (is_sky & (ivar > 0).any(axis=1))
    columns = between_lines(spectrum) & ~near_nebular(wave)
    good = (ivar[rows] > 0) & np.isfinite(flux[rows]) & columns
    return _Probe(
        flux=np.where(good, flux[rows], np.float32(0)),
        ivar=np.where(good, ivar[rows], np.float32(0)),
        wave=wave,
        fiber=fiber[rows],
        sky=spectrum,
    )


def _shifts(fiber: Ints, curvature: int) -> Ints:
    return np.rint(curvature * slit_position(fiber) ** 2).astype(int)


def _line_fits(flux: Floats, weight: Floats) -> Floats:
    """Running sums of weight times (1, x, x**2, y, x*y) along the last axis, with a leading zero."""
    x = (np.arange(flux.shape[1]) - 0.5 * flux.shape[1]) / SIDE
    terms = np.stack([weight, weight * x, weight * x**2, weight * flux, weight * flux * x]).astype(float)
    return np.concatenate([np.zeros((*terms.shape[:2], 1)), np.cumsum(terms, axis=2)], axis=2)


def _end_value(sums: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Value of a fitted line at `at`, and its variance."""
    s0, s1, s2, y0, y1 = sums
    moment1, moment2 = s1 - at * s0, s2 - 2 * at * s1 + at**2 * s0
    determinant = s0 * moment2 - moment1**2
    usable = determinant > 1e-3 * np.maximum(s0, 1e-30) ** 2 / 12.0 * 0.25
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (moment2 * y0 - moment1 * (y1 - at * y0)) / determinant
        return np.where(usable, value, np.nan), np.where(usable, moment2 / determinant, np.nan)


def _jumps(sums: Floats, places: Ints) -> tuple[Floats, Floats]:
    """Jump of each fiber at its own places, shape (n_fiber, n_place), and its error."""
    rows = np.arange(places.shape[0])[:, None]
    at = (places - 0.5 - 0.5 * (sums.shape[2] - 1)) / SIDE
    middle = sums[:, rows, places]
    low, low_variance = _end_value(middle - sums[:, rows, places - SIDE], at)
    high, high_variance = _end_value(sums[:, rows, places + SIDE] - middle, at)
    return high - low, np.sqrt(low_variance + high_variance)


def _step(probe: _Probe) -> Measured:
    middle = probe.wave.size // 2
    part = slice(middle - SIDE - REACH - max(CURVATURES), middle + SIDE + REACH + max(CURVATURES))
    sums = _line_fits(probe.flux[:, part], probe.ivar[:, part])
    centers = middle + np.arange(-REACH, REACH + 1, STEP)
    curvatures = CURVATURES[COARSE]
    steps, errors = [], []
    for curvature in curvatures:
        places = centers[None, :] + _shifts(probe.fiber, curvature)[:, None] - part.start
        jump, error = _jumps(sums, places)
        right, right_error = clipped_mean(jump[probe.right], error[probe.right])
        left, left_error = clipped_mean(jump[~probe.right], error[~probe.right])
        steps.append(right - left)
        errors.append(np.hypot(right_error, left_error))
    found = strongest(np.array(steps), np.array(errors), n_trials=0.5 * len(curvatures) * len(centers))
    if found.place < 0:
        return Measured.impossible("no pixels between sky lines around the middle row")
    center = int(centers[found.place % len(centers)])
    return _judged(
        found,
        probe,
        waves=(float(probe.wave[center - SIDE]), float(probe.wave[center + SIDE])),
        kind="step",
        detail=f"right minus left half jumps by {found.amplitude:+.2f} at {probe.wave[center]:.0f} A, the row where the amplifiers "
        "meet: bias drift or a charge trap",
    )


def _judged(found: Strongest, probe: _Probe, *, waves: tuple[float, float], kind: str, detail: str) -> Measured:
    """A two-sided search result as one non-negative value."""
    if not found.amplitude:
        return Measured(value=0.0, error=found.error, sensitivity=found.sensitivity)
    half = probe.fiber[probe.right]
    fibers = (int(half.min()), int(half.max()))
    feature = Feature(kind, fibers, waves, found.amplitude, found.error, found.significance, "electron/Angstrom", kind)
    return Measured(
        value=abs(found.amplitude),
        error=found.error,
        sensitivity=found.sensitivity,
        fibers=(fibers,),
        waves=waves,
        detail=detail,
        features=(feature,),
    )


def _windows(probe: _Probe) -> tuple[Floats, Floats, Floats]:
    """Mean of each fiber in broad windows, its error, and the mean sky there."""
    starts = np.arange(0, probe.wave.size - BROAD // 2, BROAD)
    weight = np.add.reduceat(probe.ivar, starts, axis=1)
    enough = np.add.reduceat(probe.ivar > 0, starts, axis=1) > 10
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(enough, np.add.reduceat(probe.ivar * probe.flux, starts, axis=1) / weight, np.nan)
        error = np.where(enough, 1.0 / np.sqrt(weight), np.nan)
    between = between_lines(probe.sky)
    count = np.maximum(np.add.reduceat(between.astype(float), starts), 1.0)
    return mean, error, np.add.reduceat(np.where(between, probe.sky, 0.0), starts) / count


def _halves(probe: _Probe) -> Measured:
    mean, error, sky = _windows(probe)
    right, right_error = clipped_mean(mean[probe.right], error[probe.right])
    left, left_error = clipped_mean(mean[~probe.right], error[~probe.right])
    difference = right - left
    use = np.isfinite(difference)
    if use.sum() < 3:
        return Measured.impossible("no pixels between sky lines")
    sigma = np.hypot(np.hypot(right_error, left_error), SKY_FLOOR * sky)
    found = strongest(difference, sigma)
    start = found.place * BROAD
    waves = (float(probe.wave[start]), float(probe.wave[min(start + BROAD, probe.wave.size) - 1]))
    return _judged(
        found,
        probe,
        waves=waves,
        kind="halves",
        detail=f"right minus left half of the slit is {found.amplitude:+.2f} there: an amplifier offset, a charge trap or glow",
    )


def _row_noise(probe: _Probe) -> Measured:
    """Excess scatter from row to row of right minus left half, where in wavelength and for which curvature it is largest."""
    middle = probe.wave.size // 2
    parts = (slice(None, middle), slice(middle, None))
    planes = np.stack([probe.ivar * probe.flux, probe.ivar], axis=1)
    cells = [_row_scatter(shared[part], sigma[part]) for shared, sigma in _shared_rows(probe, planes) for part in parts]
    ratio, error, typical = np.array(cells).T
    found = strongest(np.log(np.maximum(ratio, 1.0)), error)
    if found.place < 0:
        return Measured.impossible("no pixels between sky lines")
    noise = float(typical[found.place])
    measured = Measured(
        value=noise * float(np.sqrt(np.expm1(2 * found.amplitude))),
        error=noise * found.error,
        sensitivity=noise * float(np.sqrt(np.expm1(2 * found.sensitivity))),
    )
    if not found.amplitude:
        return measured
    ends = probe.wave[parts[found.place % 2]][[0, -1]]
    return replace(
        measured,
        fibers=((int(probe.fiber.min()), int(probe.fiber.max())),),
        waves=(float(ends[0]), float(ends[1])),
        detail=f"fibers share noise along CCD rows (displaced by {CURVATURES[found.place // 2]} bins): a noisy amplifier",
    )


def _row_scatter(shared: Floats, sigma: Floats) -> tuple[float, float, float]:
    """Scatter of neighbouring rows over the expected one, its relative error, and the expected error of a row."""
    jump, expected = shared[1:] - shared[:-1], np.hypot(sigma[1:], sigma[:-1])
    use = np.isfinite(jump)
    if use.sum() < BROAD:
        return np.nan, np.nan, np.nan
    ratio = float(mad_scale(jump[use] / expected[use], center=0.0))
    return ratio, 1.35 / float(np.sqrt(use.sum())), float(np.sqrt(0.5) * np.median(expected[use]))


def _shared_rows(probe: _Probe, planes: Floats) -> Iterator[tuple[Floats, Floats]]:
    """For each curvature, right minus left half of the mean along a CCD row and the error that independent pixels give it."""
    n_wave = probe.wave.size
    half = probe.right.astype(int)
    for curvature in CURVATURES:
        sums = np.zeros((2, 2, n_wave), dtype=np.float32)
        for row, shift in enumerate(_shifts(probe.fiber, curvature).tolist()):
            low, high = max(shift, 0), n_wave + min(shift, 0)
            sums[half[row], :, low - shift : high - shift] += planes[row, :, low:high]
        (left, left_weight), (right, right_weight) = sums
        usable = (right_weight > 0) & (left_weight > 0)
        right_weight, left_weight = np.where(usable, right_weight, np.nan), np.where(usable, left_weight, np.nan)
        yield right / right_weight - left / left_weight, np.sqrt(1.0 / right_weight + 1.0 / left_weight)
