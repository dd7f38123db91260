"""Do the four amplifiers of a CCD agree, and does their noise follow the rows of the CCD?

The sky model is fitted to sky fibers all along the slit. What all fibers share at one wavelength is absorbed by the model; what
differs between parts of the slit stays in the sframe. All measures here therefore use one part of the slit minus the rest, in
which the noise of the common sky model cancels. A part is what one amplifier reads, or, as a charge trap touches only the
columns beyond it, one end of that. CCD rows bend with wavelength as a parabola along the slit: several curvatures are tried, 0
being a wavelength.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_specqa.measures.sframes.row_noise import row_noise
from pytest_specqa.measures.sframes.slit_parts import CURVATURES, MIN_FIBERS, Probe, contrasts, faint_probe, part_fibers, row_shifts
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, Found, Ints, strongest
from pytest_specqa.measures.where import between_lines
from pytest_specqa.values import Measured

COARSE = slice(None, None, 3)
"""Curvatures that suffice for a step, whose straight lines are much longer than the displacement."""
SIDE = 240
"""Bins to either side of an amplifier boundary that the straight lines are fitted to."""
REACH = 100
"""Bins around the middle of the grid in which the boundary is looked for: it is a CCD row, not a wavelength."""
STEP = 10
"""Bins from one place of the boundary that is tried to the next: a jump is seen as well from half of that."""
BROAD = 100
"""Bins that are averaged when the halves are compared."""
SKY_FLOOR = 0.005
"""Fraction of the sky continuum by which parts of the slit may differ through flat-field and throughput errors alone."""


@dataclass(frozen=True)
class Amplifiers:
    """What `amplifiers` found, all in the unit of the flux.

    Attributes
    ----------
    step : Measured
        Jump of a part of the slit against the rest, across the middle CCD row.
    offset : Measured
        Largest broad difference between a part of the slit and the rest.
    row_noise : Measured
        Standard deviation, beyond that of independent pixels, of what the fibers of one half share along a CCD row.
    """

    step: Measured
    offset: Measured
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


def amplifiers(spectra: CameraSpectra, *, two_amp: bool = False) -> Amplifiers:
    """Compare the amplifiers of one camera in its sky-subtracted spectra.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.
    two_amp : bool
        Readout through two amplifiers, without a boundary at the middle row.

    Returns
    -------
    Amplifiers
        Step, broad offset and row noise; each *not measured* where a half has fewer than five faint fibers.

    References
    ----------
    desispec #1534, #1826 (charge traps), #1518, #1551 (bias drift), #1775 (row noise), #924 (glow).
    """
    probe = faint_probe(spectra)
    if min(probe.right.sum(), (~probe.right).sum()) < MIN_FIBERS:
        nothing = Measured.impossible(f"fewer than {MIN_FIBERS} faint live fibers in one half of the slit")
        return Amplifiers(nothing, nothing, nothing)
    boundary = Measured.impossible("two-amplifier readout: there is no boundary at the middle row")
    return Amplifiers(
        step=boundary if two_amp else _step(probe),
        offset=_parts(probe),
        row_noise=row_noise(probe),
    )


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


def _step(probe: Probe) -> Measured:
    middle = probe.wave.size // 2
    part = slice(middle - SIDE - REACH - max(CURVATURES), middle + SIDE + REACH + max(CURVATURES))
    sums = _line_fits(probe.flux[:, part], probe.ivar[:, part])
    centers = middle + np.arange(-REACH, REACH + 1, STEP)
    curvatures = CURVATURES[COARSE]
    places = [centers[None, :] + row_shifts(probe, curvature)[:, None] - part.start for curvature in curvatures]
    steps, errors = contrasts(*_jumps(sums, np.concatenate(places, axis=1)), probe)
    found = strongest(steps, errors, n_trials=0.5 * steps.size / len(probe.parts) * probe.n_block)

    def step(place: int) -> Found:
        """Where the amplifiers of this part meet."""
        row, column = divmod(place, steps.shape[1])
        center = int(centers[column % len(centers)])
        return Found(
            part_fibers(probe, row),
            f"this part of the slit jumps by {found.amplitude:+.2f} against the rest around {probe.wave[center]:.0f} A, the row "
            "where the amplifiers meet: bias drift or a charge trap",
            kind="step",
            waves=(float(probe.wave[center - SIDE]), float(probe.wave[center + SIDE])),
            unit="electron/Angstrom",
            label="step",
        )

    return found.measured(step, nothing="no pixels between sky lines around the middle row")


def _windows(probe: Probe) -> tuple[Floats, Floats, Floats]:
    """Mean of each fiber in broad windows, its error, and the mean sky there."""
    starts = np.arange(0, probe.wave.size - BROAD // 2, BROAD)
    weight = np.add.reduceat(probe.ivar, starts, axis=1)
    enough = np.add.reduceat(probe.ivar > 0, starts, axis=1, dtype=np.int32) > 10
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(enough, np.add.reduceat(probe.ivar * probe.flux, starts, axis=1) / weight, np.nan)
        error = np.where(enough, 1.0 / np.sqrt(weight), np.nan)
    between = between_lines(probe.sky)
    count = np.maximum(np.add.reduceat(between.astype(float), starts), 1.0)
    return mean, error, np.add.reduceat(np.where(between, probe.sky, 0.0), starts) / count


def _parts(probe: Probe) -> Measured:
    mean, error, sky = _windows(probe)
    difference, sigma = contrasts(mean, error, probe)
    if np.isfinite(difference).sum() < 3:
        return Measured.impossible("no pixels between sky lines")
    found = strongest(difference, np.hypot(sigma, SKY_FLOOR * sky), n_trials=difference.shape[1] * probe.n_block)

    def offset(place: int) -> Found:
        """The window and the part of the slit that are off."""
        row, window = divmod(place, difference.shape[1])
        start = window * BROAD
        return Found(
            part_fibers(probe, row),
            f"this part of the slit is {found.amplitude:+.2f} against the rest: an amplifier offset, a charge trap or glow",
            kind="offset",
            waves=(float(probe.wave[start]), float(probe.wave[min(start + BROAD, probe.wave.size) - 1])),
            unit="electron/Angstrom",
            label="offset",
        )

    return found.measured(offset, nothing="no pixels between sky lines")
