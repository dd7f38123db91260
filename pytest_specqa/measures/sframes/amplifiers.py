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

from pytest_specqa.measures.compiled import compiled
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


@compiled
def _end_of_line(sums: Floats, first: int, last: int, at: float) -> tuple[float, float]:
    """Value at `at` of the line fitted between two places, and its variance; NaN where it is not fixed."""
    s0, s1, s2 = sums[0, last] - sums[0, first], sums[1, last] - sums[1, first], sums[2, last] - sums[2, first]
    y0, y1 = sums[3, last] - sums[3, first], sums[4, last] - sums[4, first]
    moment1, moment2 = s1 - at * s0, s2 - 2 * at * s1 + at * at * s0
    determinant = s0 * moment2 - moment1 * moment1
    if not determinant > 1e-3 * max(s0, 1e-30) ** 2 / 12.0 * 0.25:
        return np.nan, np.nan
    return (moment2 * y0 - moment1 * (y1 - at * y0)) / determinant, moment2 / determinant


@compiled
def _fill_jumps(flux: Floats, weight: Floats, places: Ints, jumps: Floats, errors: Floats) -> None:
    """Jump of each fiber at its own places, shape (n_fiber, n_place), between straight lines to either side, and its error."""
    n = flux.shape[1]
    sums = np.zeros((5, n + 1))
    for row in range(flux.shape[0]):
        for k in range(n):
            x = (k - 0.5 * n) / SIDE
            mass = float(weight[row, k])
            sums[0, k + 1] = sums[0, k] + mass
            sums[1, k + 1] = sums[1, k] + mass * x
            sums[2, k + 1] = sums[2, k] + mass * x * x
            sums[3, k + 1] = sums[3, k] + mass * flux[row, k]
            sums[4, k + 1] = sums[4, k] + mass * flux[row, k] * x
        for number in range(places.shape[1]):
            place = places[row, number]
            at = (place - 0.5 - 0.5 * n) / SIDE
            low, low_variance = _end_of_line(sums, place - SIDE, place, at)
            high, high_variance = _end_of_line(sums, place, place + SIDE, at)
            jumps[row, number], errors[row, number] = high - low, np.sqrt(low_variance + high_variance)


def _step(probe: Probe) -> Measured:
    middle = probe.wave.size // 2
    part = slice(middle - SIDE - REACH - max(CURVATURES), middle + SIDE + REACH + max(CURVATURES))
    centers = middle + np.arange(-REACH, REACH + 1, STEP)
    curvatures = CURVATURES[COARSE]
    places = [centers[None, :] + row_shifts(probe, curvature)[:, None] - part.start for curvature in curvatures]
    everywhere = np.concatenate(places, axis=1)
    jumps, sigmas = np.empty(everywhere.shape), np.empty(everywhere.shape)
    _fill_jumps(probe.flux[:, part], probe.ivar[:, part], everywhere, jumps, sigmas)
    steps, errors = contrasts(jumps, sigmas, probe)
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
