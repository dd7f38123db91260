"""Do the four amplifiers of a CCD agree, and does their noise follow the rows of the CCD?

The frame is judged against its own common sky (`own_sky`), so that a sky model that differs from fiber to fiber is not taken for a
fault of the CCD. What all fibers share cancels too: one part of the slit is compared with the rest. A part is what one amplifier
reads, or, as a charge trap touches only the columns beyond it, one end of that. CCD rows bend with wavelength as a parabola along
the slit: several curvatures are tried, 0 being a wavelength.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_specqa.measures.frames.row_noise import row_noise
from pytest_specqa.measures.frames.slit_parts import MIN_FIBERS, Probe, contrasts, faint_probe, part_fibers
from pytest_specqa.measures.frames.zero_levels import zero_levels
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, Found, strongest
from pytest_specqa.measures.where import between_lines
from pytest_specqa.values import Measured

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
        Sky-subtracted spectra of one camera with their sky model: together, the flat-fielded frame.
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
    levels, whole = zero_levels(spectra), _parts(probe)
    return Amplifiers(
        step=boundary if two_amp else levels.step,
        # Only the levels themselves tell of an amplifier that is off everywhere; what is local is seen much better without them.
        offset=whole if levels.offset.reason or (whole.value or 0.0) > levels.offset.value else levels.offset,
        row_noise=row_noise(probe),
    )


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
