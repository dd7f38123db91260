"""Do the sky lines lie where they should, and are they as wide as they should be?

Relative errors, fiber against fiber, show in the sframe as a part of the derivative of the sky. An error that all fibers share is
absorbed by the sky model, and shows only in the absolute place and width of its lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra, once
from pytest_specqa.measures.statistics import MAD_TO_SIGMA, Floats, Found, Ints, Strongest, clipped_mean, nan_median, strongest
from pytest_specqa.measures.where import seated, sky_continuum
from pytest_specqa.values import Measured

MIN_FIBERS = 5
"""Faint fibers of a slit block from which on its mean has an error that can be trusted."""
JOINED = 0.025
"""Angstrom to which the shift of a fiber must be known in a piece of the spectrum: a slit block then shows 0.05 beyond chance."""
# All four shifts and widths say so alike.
NO_LINE = "no sky line is bright enough to measure a wavelength on"
HALF_WIDTH = 4.0
"""Angstrom around its known place in which the peak of a line is looked for: a little more than the 3 A of desispec #953."""
STRAY = 0.4
"""Angstrom from the middle line beyond which a line is taken for another one, or for one that a cosmic ray or a target bent."""
PLACE_ERROR = 0.1
"""Angstrom by which extraction on a grid of 0.8 A misplaces single lines: an eighth of a bin, toward the nearest one."""
SPAN = 8.0
"""Angstrom around a line that must lie on the grid."""


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


def wavelength_errors(spectra: CameraSpectra) -> WavelengthErrors:
    """Search fibers and slit blocks for lines that are shifted or of another width than the sky model's.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model. Only faint fibers are searched: features of a bright object next
        to a sky line look like a shift of that line.

    Returns
    -------
    WavelengthErrors
        Shifts and widths that noise does not explain, 0 if none; *not measured* without bright lines.

    References
    ----------
    desispec #953, #2113, #2670 (trace shifts), #947 (line spread), #2473 (rows lost in readout), #2182 (barycentre).
    """
    fit, faint = fit_lines(spectra), spectra.faint
    values, errors, searched = fit.values[:, faint], fit.errors[:, faint], spectra.fiber[faint]
    size = spectra.instrument.block

    def blocks(term: int, pieces: _Pieces, *, what: str, unit: str) -> Measured:
        """Search the slit blocks in some pieces of the spectrum."""
        found, places = _blocks(pieces.values[term], pieces.errors[term], fiber=searched, size=size)
        waves = pieces.waves

        def worst(place: int) -> Found:
            """Slit block and piece."""
            row, part = divmod(place, len(waves))
            first = int(places[row]) * size
            detail = f"sky lines of this slit block are {what} by {found.amplitude:+.3f} {unit}: wavelength solution or line spread"
            return Found((first, first + size - 1), detail, kind="shift", waves=waves[part], unit=unit, label="line shift")

        return found.measured(worst, nothing=NO_LINE)

    whole = _Pieces(values[:, :, -1:], errors[:, :, -1:], fit.waves[-1:])
    local = _joined(values[:, :, :-1], errors[:, :, :-1], fit.waves[:-1])
    return WavelengthErrors(
        fiber_shift=_alone(values[1, :, -1], errors[1, :, -1], fiber=searched, waves=fit.waves[-1]),
        group_shift=blocks(1, whole, what="shifted", unit="Angstrom"),
        local_shift=blocks(1, local, what="shifted", unit="Angstrom"),
        group_width=blocks(2, whole, what="broadened", unit="Angstrom**2"),
    )


class _Pieces(NamedTuple):
    """Terms of each fiber in pieces of the spectrum, both of shape (3, n_fiber, n_piece), and the wavelengths of these."""

    values: Floats
    errors: Floats
    waves: tuple[tuple[float, float], ...]


def _joined(values: Floats, errors: Floats, waves: tuple[tuple[float, float], ...]) -> _Pieces:
    """Join neighbouring pieces until the lines of each fix the shift of the typical fiber to `JOINED`."""
    known = np.isfinite(values) & (errors > 0)
    weight = np.where(known, 1.0 / np.where(known, errors, 1.0) ** 2, 0.0)
    starts, gathered = [0], np.zeros(weight.shape[1])
    # Without faint fibers no piece is the typical one's.
    for piece in range(weight.shape[2] if weight.shape[1] else 0):
        # The next piece begins where this one is good enough, and what is left over at the end goes to the last.
        if np.median(gathered) >= JOINED**-2 and np.median(weight[1, :, piece:].sum(axis=1)) >= JOINED**-2:
            starts, gathered = [*starts, piece], np.zeros(weight.shape[1])
        gathered = gathered + weight[1, :, piece]
    total = np.add.reduceat(weight, starts, axis=2)
    mean = np.add.reduceat(np.where(known, weight * values, 0.0), starts, axis=2) / np.where(total > 0, total, 1.0)
    ends = [*starts[1:], len(waves)]
    return _Pieces(
        np.where(total > 0, mean, np.nan),
        np.where(total > 0, 1.0 / np.sqrt(np.where(total > 0, total, 1.0)), np.nan),
        tuple((waves[start][0], waves[end - 1][1]) for start, end in zip(starts, ends, strict=True)),
    )


def _alone(values: Floats, errors: Floats, *, fiber: Ints, waves: tuple[float, float]) -> Measured:
    found = strongest(values - nan_median(values, axis=0), errors)

    def worst(place: int) -> Found:
        """The fiber."""
        number = int(fiber[place])
        detail = f"sky lines of this fiber are shifted by {found.amplitude:+.3f} A: its trace or wavelength solution is off"
        return Found((number, number), detail, kind="shift", waves=waves, unit="Angstrom", label="line shift")

    return found.measured(worst, nothing=NO_LINE)


def _blocks(values: Floats, errors: Floats, *, fiber: Ints, size: int) -> tuple[Strongest, Ints]:
    """The worst mean over a slit block, and the number of each block that was searched."""
    blocks, group = np.unique(fiber // size, return_inverse=True)
    places = seated(values, group, n_group=len(blocks))
    cells = clipped_mean(places, seated(errors, group, n_group=len(blocks)), axis=1)
    enough = np.isfinite(places).sum(axis=1) >= MIN_FIBERS
    return strongest(*(np.where(enough, found, np.nan) for found in cells)), blocks


class SkyLines(NamedTuple):
    """Absolute place and width of the lines in the sky model.

    Attributes
    ----------
    offset : Measured
        Mean distance of isolated lines from their known wavelength, Angstrom, without those that disagree with the middle one.
    width : Measured
        Median full width at half maximum of the same lines, Angstrom.
    """

    offset: Measured
    width: Measured


def sky_line_places(spectra: CameraSpectra) -> SkyLines:
    """Measure where the lines of the sky model are, and how wide.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model: a line of the observer's frame lies at its wavelength times
        ``heliocor``.

    Returns
    -------
    SkyLines
        Offset (positive: redward) and width; *not measured* if no known line stands out of the continuum.

    References
    ----------
    desispec #953 (3 A off), #2133, #1983 (default PSF used); Hanuschik 2003, A&A 407, 1157 (places of the lines).
    """
    found = isolated_lines(spectra)
    measured = found[np.isfinite(found[:, 0])]
    if not measured.size:
        nothing = Measured.impossible("no isolated sky line stands out of the continuum")
        return SkyLines(nothing, nothing)
    offsets, widths = measured.T
    # Extraction draws a line to the nearest bin: half of the lines lie off to one side and half to the other, and a median would
    # jump between the two.
    agree = offsets[np.abs(offsets - np.median(offsets)) < STRAY]
    spread = float(max(np.std(agree), PLACE_ERROR) / np.sqrt(len(agree)))
    fibers = (spectra.span,)
    offset, width = float(np.mean(agree)), float(np.median(widths))
    return SkyLines(
        offset=Measured(offset, error=spread, fibers=fibers, detail=f"{len(agree)} sky lines lie {offset:+.3f} A off"),
        width=Measured(width, error=0.0, fibers=fibers, detail=f"{len(widths)} sky lines are {width:.2f} A wide"),
    )


@once
def isolated_lines(spectra: CameraSpectra) -> Floats:
    """Measure each known line of the sky model.

    Parameters
    ----------
    spectra : CameraSpectra
        As for `sky_line_places`.

    Returns
    -------
    ndarray, shape (n_line, 2)
        Offset and full width at half maximum in Angstrom of each of the instrument's `sky_lines`; NaN for one that does not stand
        out, is blended, or lies outside the band.
    """
    wave = spectra.wave
    lines = spectra.sky_spectrum - sky_continuum(spectra.sky_spectrum)
    found = np.full((len(spectra.instrument.sky_lines), 2), np.nan)
    for number, center in enumerate(spectra.instrument.sky_lines):
        if wave[0] + 10 < center < wave[-1] - 10:
            found[number] = _one_line(lines, wave, center=center * spectra.heliocor) or (np.nan, np.nan)
    return found


def _one_line(lines: Floats, wave: Floats, *, center: float) -> tuple[float, float] | None:
    """Offset and width of the highest peak within `HALF_WIDTH` of a line; None if it is not there or is blended."""
    near = np.flatnonzero(np.abs(wave - center) < SPAN)
    inner = near[np.abs(wave[near] - center) < HALF_WIDTH]
    peak = int(inner[np.argmax(lines[inner])])
    noise = MAD_TO_SIGMA * float(np.median(np.abs(np.diff(lines))))
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
