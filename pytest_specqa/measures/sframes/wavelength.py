"""Do the sky lines lie where they should, and are they as wide as they should be?

Relative errors, fiber against fiber, show in the sframe as a part of the derivative of the sky. An error that all fibers share is
absorbed by the sky model, and shows only in the absolute place and width of its lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.sframes.skylines import LineFit
from pytest_specqa.measures.statistics import Floats, clipped_mean, nan_median, strongest
from pytest_specqa.measures.where import Bools, Ints, sky_continuum
from pytest_specqa.values import Feature, Measured

GROUP = 25
MIN_FIBERS = 5
LINES = (5578.89, 6302.06, 6365.57, 7318.3, 7371.3, 8346.8, 8432.5, 8829.4, 8888.3, 8922.1, 8960.6, 9378.3, 9442.3)
"""Bright sky lines without a comparable one nearby; vacuum Angstrom, frame of the observer (desispec line list)."""
HALF_WIDTH = 4.0
SPAN = 8.0


@dataclass(frozen=True)
class WavelengthErrors:
    """What `wavelength_errors` found.

    Attributes
    ----------
    fiber_shift : Measured
        Largest significant shift of one fiber against the sky model, Angstrom.
    group_shift : Measured
        The same for the mean of a 25-fiber slit block.
    local_shift : Measured
        The same for a slit block in one piece of the spectrum.
    group_width : Measured
        Largest significant difference of half the line-spread variance in a slit block, Angstrom**2.
    """

    fiber_shift: Measured
    group_shift: Measured
    local_shift: Measured
    group_width: Measured


def wavelength_errors(fit: LineFit, *, fiber: Ints, faint: Bools) -> WavelengthErrors:
    """Search fibers and slit blocks for lines that are shifted or of another width than the sky model's.

    Parameters
    ----------
    fit : LineFit
        Result of `skylines.fit_lines`; fibers that are NaN there are left out.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    faint : ndarray of bool, shape (n_fiber,)
        Fibers to search. Features of a bright object next to a sky line look like a shift of that line.

    Returns
    -------
    WavelengthErrors
        Shifts and widths that noise does not explain, 0 if none; *not measured* without bright lines.

    References
    ----------
    desispec #953, #2113, #2670 (trace shifts), #947 (line spread), #2473 (rows lost in readout), #2182 (barycentre).
    """
    values, errors, searched = fit.values[:, faint], fit.errors[:, faint], fiber[faint]
    whole = slice(-1, None)
    return WavelengthErrors(
        fiber_shift=_alone(values[1, :, -1], errors[1, :, -1], fiber=searched, waves=fit.waves[-1]),
        group_shift=_groups(
            values[1][:, whole], errors[1][:, whole], fiber=searched, waves=fit.waves[whole], what="shifted", unit="Angstrom"
        ),
        local_shift=_groups(
            values[1][:, :-1], errors[1][:, :-1], fiber=searched, waves=fit.waves[:-1], what="shifted", unit="Angstrom"
        ),
        group_width=_groups(
            values[2][:, whole], errors[2][:, whole], fiber=searched, waves=fit.waves[whole], what="broadened", unit="Angstrom**2"
        ),
    )


def _alone(values: Floats, errors: Floats, *, fiber: Ints, waves: tuple[float, float]) -> Measured:
    found = strongest(values - nan_median(values, axis=0), errors)
    if found.place < 0:
        return Measured.impossible("no sky line is bright enough to measure a wavelength on")
    if not found.amplitude:
        return Measured(value=0.0, error=found.error, sensitivity=found.sensitivity)
    number = int(fiber[found.place])
    return Measured(
        value=abs(found.amplitude),
        error=found.error,
        sensitivity=found.sensitivity,
        fibers=((number, number),),
        waves=waves,
        detail=f"sky lines of this fiber are shifted by {found.amplitude:+.3f} A: its trace or wavelength solution is off",
        features=(
            Feature("shift", (number, number), waves, found.amplitude, found.error, found.significance, "Angstrom", "line shift"),
        ),
    )


def _groups(
    values: Floats, errors: Floats, *, fiber: Ints, waves: tuple[tuple[float, float], ...], what: str, unit: str
) -> Measured:
    blocks = np.unique(fiber // GROUP)
    cells = np.full((2, len(blocks), values.shape[1]), np.nan)
    for row, block in enumerate(blocks):
        members = fiber // GROUP == block
        enough = np.isfinite(values[members]).sum(axis=0) >= MIN_FIBERS
        mean, error = clipped_mean(values[members], errors[members])
        cells[:, row, enough] = mean[enough], error[enough]
    found = strongest(*cells)
    if found.place < 0:
        return Measured.impossible("no sky line is bright enough to measure a wavelength on")
    if not found.amplitude:
        return Measured(value=0.0, error=found.error, sensitivity=found.sensitivity)
    row, part = divmod(found.place, values.shape[1])
    first = int(blocks[row]) * GROUP
    span = (first, first + GROUP - 1)
    return Measured(
        value=abs(found.amplitude),
        error=found.error,
        sensitivity=found.sensitivity,
        fibers=(span,),
        waves=waves[part],
        detail=f"sky lines of this slit block are {what} by {found.amplitude:+.3f} {unit}: wavelength solution or line spread",
        features=(Feature("shift", span, waves[part], found.amplitude, found.error, found.significance, unit, "line shift"),),
    )


class SkyLines(NamedTuple):
    """Absolute place and width of the lines in the sky model.

    Attributes
    ----------
    offset : Measured
        Median distance of isolated lines from their known wavelength, Angstrom.
    width : Measured
        Median full width at half maximum of the same lines, Angstrom.
    """

    offset: Measured
    width: Measured


def sky_line_places(sky: Floats, wave: Floats, *, fiber: Ints, heliocor: float = 1.0) -> SkyLines:
    """Measure where the lines of the sky model are, and how wide.

    Parameters
    ----------
    sky : ndarray, shape (n_fiber, n_wave)
        Sky model.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom; a line of the observer's frame lies at its wavelength times `heliocor`.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    heliocor : float
        Barycentric factor of the grid, 1 if it is not shifted.

    Returns
    -------
    SkyLines
        Offset (positive: redward) and width; *not measured* if no known line stands out of the continuum.

    References
    ----------
    desispec #953 (3 A off), #2133, #1983 (default PSF used); line list of desispec.
    """
    spectrum = nan_median(sky[::5], axis=0)
    lines = spectrum - sky_continuum(spectrum)
    found = [_one_line(lines, wave, center=center * heliocor) for center in LINES if wave[0] + 10 < center < wave[-1] - 10]
    measured = np.array([item for item in found if item is not None])
    if not measured.size:
        nothing = Measured.impossible("no isolated sky line stands out of the continuum")
        return SkyLines(nothing, nothing)
    offsets, widths = measured.T
    spread = float(np.std(offsets) / np.sqrt(len(offsets))) if len(offsets) > 1 else 0.0
    fibers = ((int(fiber.min()), int(fiber.max())),)
    offset, width = float(np.median(offsets)), float(np.median(widths))
    return SkyLines(
        offset=Measured(offset, error=spread, fibers=fibers, detail=f"{len(offsets)} sky lines lie {offset:+.3f} A off"),
        width=Measured(width, error=0.0, fibers=fibers, detail=f"{len(widths)} sky lines are {width:.2f} A wide"),
    )


def _one_line(lines: Floats, wave: Floats, *, center: float) -> tuple[float, float] | None:
    """Offset and width of the highest peak within `HALF_WIDTH` of a line; None if it is not there or is blended."""
    near = np.flatnonzero(np.abs(wave - center) < SPAN)
    inner = near[np.abs(wave[near] - center) < HALF_WIDTH]
    peak = int(inner[np.argmax(lines[inner])])
    noise = 1.4826 * float(np.median(np.abs(np.diff(lines))))
    height = lines[peak]
    if height < max(20.0 * noise, 1e-9) or peak in (inner[0], inner[-1]) or not near[0] + 2 < peak < near[-1] - 2:
        return None
    three = np.log(np.maximum(lines[peak - 1 : peak + 2], 1e-3 * height))
    curve = three[0] - 2 * three[1] + three[2]
    step = float(wave[-1] - wave[0]) / (wave.size - 1)
    if curve >= -1e-3:
        return None
    place = wave[peak] + 0.5 * step * float(three[0] - three[2]) / curve
    return float(place - center), 2.3548 * step / float(np.sqrt(-curve))
