"""Does a defect of the CCD take light from neighbouring fibers, or add light to them, within a few Angstrom?

A hole that no mask knows pulls spectra below zero, which no object does: a deficit is searched in all fibers, whatever they look
at. A hot spot adds light, as the emission line of a galaxy does, but to several neighbours in the same place of the CCD: an excess
counts only where four fibers share it. Both are searched in what the CCD recorded beyond the typical sky of the camera, so that an
error of one fiber's sky model is no defect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.frames.own_sky import frame_spectra
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MARGIN, Floats, Ints, global_sigma, local_threshold
from pytest_specqa.measures.where import near_nebular, sky_continuum
from pytest_specqa.values import Feature, Measured

CELL = 4
"""Bins that are averaged first: the narrowest feature, two line spreads wide."""
WIDTHS = (1, 2, 3, 6, 12)
"""Cells of a feature, 3 to 38 Angstrom."""
SIZES = (1, 2, 4, 8)
"""Neighbouring fibers of a deficit."""
SHARED = (4, 8)
"""Neighbouring fibers of an excess: emission lines of that many neighbours do not coincide by chance."""
AROUND = 18
"""Cells to either side from which the level under a feature is taken, some 60 Angstrom."""
CLIP = 5.0
"""Sigmas to which single bins are pulled in."""
SHARED_PULL = 9.25
"""Sigmas that an excess needs: with bins of `CLIP` at most, four neighbours reach it only if each has 3.5 or more."""
HIGH = 1.0
"""Sigmas above zero at which a fiber counts at most against a deficit of its neighbours: a bright object must not hide it."""
HIGH_BIAS = 0.0833
"""What that takes from the mean of Gaussian noise: normal density at 1, less the chance beyond it."""
LINE_ERROR = 0.1
"""Part of a sky line that single bins may keep or miss through wavelength and line-spread errors."""
NEBULAR = 1e9
"""Variance of bins at lines of the Galaxy, (electron/Angstrom)**2: they count for nothing."""
ENOUGH = 0.3
"""Part of the weight around that a feature must have itself."""
CHOICES = 4
"""Independent choices of width and size at one place, for the chance of the search."""
EDGE = 3.0
"""Sigmas from which on a neighbour belongs to the feature as well."""


@dataclass(frozen=True)
class Defects:
    """What `ccd_defects` found, in electron/Angstrom.

    Attributes
    ----------
    hole : Measured
        Depth of the deficit below zero that is least likely chance, as far as proved.
    spot : Measured
        Height of the excess that several neighbouring fibers share.
    """

    hole: Measured
    spot: Measured


def ccd_defects(spectra: CameraSpectra) -> Defects:
    """Search neighbouring fibers for a deficit below zero, and for a shared excess, 3 to 40 Angstrom wide.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model. Fibers with bright objects neither show nor hide a deficit; an
        excess is searched in faint fibers only. Sky lines count little, as far as their shape may be mistaken.

    Returns
    -------
    Defects
        0 where chance explains all; the sensitivity is that for a feature of 10 Angstrom in four fibers.

    References
    ----------
    desispec #983 (four fibers on an unmasked hole), #1158, #1346 (bad columns that were not masked).
    """
    cells = _cells(spectra)
    n_slot, n_cell = cells.light.shape
    threshold = local_threshold(n_slot * n_cell * CHOICES)
    if n_cell < 2 * max(WIDTHS) or not (cells.mass > 0).any():
        nothing = Measured.impossible("no live fiber, or a spectrum too short to search for features")
        return Defects(nothing, nothing)
    pulls = _Pulls.empty(n_slot, n_cell)
    holes, spots = (np.zeros((len(WIDTHS), len(sizes), n_slot), np.float32) for sizes in (SIZES, SHARED))
    for number, width in enumerate(WIDTHS):
        _fill_pulls(cells.lights, cells.masses, width, *pulls)
        _fill_least(pulls.low, np.array(SIZES), HIGH_BIAS, holes[number])
        # Four neighbours share an excess only if each of them stands out, and a bright object has bumps of its own.
        pulls.beside[~cells.faint] = CLIP
        _fill_least(pulls.beside, np.array(SHARED), 0.0, spots[number])
    return Defects(
        hole=_report(spectra, cells, holes, sizes=SIZES, threshold=threshold),
        spot=_report(spectra, cells, spots, sizes=SHARED, threshold=max(threshold, SHARED_PULL)),
    )


class _Pulls(NamedTuple):
    """Sigmas of the windows of one width that begin at each cell, both of shape (n_slot, n_cell).

    Attributes
    ----------
    low : ndarray f4
        Mean over zero, or over what lies beside it where that is lower; `HIGH` at most.
    beside : ndarray f4
        What lies beside it over the mean: positive for a deficit; pulled in to `CLIP`.
    """

    low: Floats
    beside: Floats

    @classmethod
    def empty(cls, n_slot: int, n_cell: int) -> _Pulls:
        """Room for one width."""
        return cls(np.empty((n_slot, n_cell), np.float32), np.empty((n_slot, n_cell), np.float32))


@dataclass(frozen=True)
class _Cells:
    """What the CCD recorded beyond the typical sky, in cells of a few bins, for each place of the slit.

    Attributes
    ----------
    light, mass : ndarray f4, shape (n_slot, n_cell)
        Weighted sum, with wild bins pulled in, and weight; 0 where a fiber is missing.
    lights, masses : ndarray f4, shape (n_slot, n_sum)
        Their running sums along each spectrum, with room beyond its ends.
    faint : ndarray of bool, shape (n_slot,)
        Fibers without much light of their own.
    frame : ndarray f4, shape (n_fiber, n_wave)
        What was binned: `frame_spectra`.
    soft : ndarray f4, shape (n_wave,)
        Variance that is added at sky lines.
    """

    light: Floats
    mass: Floats
    lights: Floats
    masses: Floats
    faint: NDArray[np.bool_]
    frame: Floats
    soft: Floats


def _cells(spectra: CameraSpectra) -> _Cells:
    typical = np.nan_to_num(spectra.sky_spectrum).astype(np.float32)
    soft = np.square(np.float32(LINE_ERROR) * (typical - sky_continuum(typical))).astype(np.float32)
    # Gas of the Galaxy differs over a petal: too much of it in some fibers, and too little in others, is no defect.
    soft[near_nebular(spectra.wave, spectra.instrument)] = NEBULAR
    fibers, slots = spectra.instrument.fibers, np.asarray(spectra.slot, dtype=np.int64)
    light, mass = (np.zeros((fibers, spectra.wave.size // CELL), np.float32) for _ in range(2))
    frame = frame_spectra(spectra).flux
    _fill_cells(rows_of(frame), rows_of(spectra.ivar), soft, slots, light, mass)
    faint = np.zeros(fibers, dtype=bool)
    faint[slots] = spectra.faint
    lights, masses = (np.zeros((fibers, light.shape[1] + 2 * AROUND + 3 + max(WIDTHS)), np.float32) for _ in range(2))
    _fill_running(light, lights)
    _fill_running(mass, masses)
    return _Cells(light, mass, lights, masses, faint, frame, soft)


@compiled
def _fill_cells(flux: Floats, ivar: Floats, soft: Floats, slots: Ints, light: Floats, mass: Floats) -> None:
    clip, one, n = np.float32(CLIP), np.float32(1), light.shape[1] * CELL
    weight, pulled = np.empty(n, np.float32), np.empty(n, np.float32)
    for row in range(flux.shape[0]):
        slot = slots[row]
        for k in range(n):
            value = flux[row, k]
            good = ivar[row, k] > 0 and np.isfinite(value)
            mass_here = ivar[row, k] / (one + ivar[row, k] * soft[k]) if good else np.float32(0)
            root = np.sqrt(mass_here)
            pull = root * value if good else np.float32(0)
            weight[k], pulled[k] = mass_here, root * min(max(pull, -clip), clip)
        for cell in range(light.shape[1]):
            total, sum_pulled = np.float32(0), np.float32(0)
            for k in range(cell * CELL, (cell + 1) * CELL):
                total += weight[k]
                sum_pulled += pulled[k]
            light[slot, cell], mass[slot, cell] = sum_pulled, total


@compiled
def _fill_running(values: Floats, sums: Floats) -> None:
    for row in range(values.shape[0]):
        total, n = 0.0, values.shape[1]
        for k in range(n):
            total += values[row, k]
            sums[row, k + AROUND + 2] = total
        sums[row, n + AROUND + 2 :] = total


@compiled
def _fill_pulls(lights: Floats, masses: Floats, width: int, low: Floats, beside: Floats) -> None:
    n, pad = low.shape[1], AROUND + 1
    clip, most, none, tiny = np.float32(CLIP), np.float32(HIGH), np.float32(0), np.float32(1e-30)
    share = np.float32(ENOUGH * width / (2.0 * AROUND))
    for row in range(low.shape[0]):
        # Views that begin where the window and its surroundings begin and end: the loop then is one of plain vectors.
        mass, light, under, over = masses[row], lights[row], low[row], beside[row]
        m0, m1, m2, m3 = mass[:n], mass[pad - 1 : pad - 1 + n], mass[pad : pad + n], mass[pad + width : pad + width + n]
        m4, m5 = mass[pad + width + 1 : pad + width + 1 + n], mass[2 * pad + width : 2 * pad + width + n]
        l0, l1, l2, l3 = light[:n], light[pad - 1 : pad - 1 + n], light[pad : pad + n], light[pad + width : pad + width + n]
        l4, l5 = light[pad + width + 1 : pad + width + 1 + n], light[2 * pad + width : 2 * pad + width + n]
        for k in range(n):
            total, around = m3[k] - m2[k], m5[k] - m4[k] + m1[k] - m0[k]
            level = (l5[k] - l4[k] + l1[k] - l0[k]) / max(around, tiny)
            mean = (l3[k] - l2[k]) / max(total, tiny)
            root = np.sqrt(max(total * around / max(total + around, tiny), none))
            root = root if total > share * around else none
            under[k] = min((mean - min(level, none)) * root, most)
            over[k] = min(max((level - mean) * root, -clip), clip)


@compiled
def _fill_least(pulls: Floats, sizes: Ints, bias: float, least: Floats) -> None:
    """Lowest sum of the pulls of neighbours, over the root of their number, for each size and last fiber."""
    n_row, n = pulls.shape
    running, nothing = np.empty(n, np.float32), np.zeros(n, np.float32)
    for choice in range(sizes.size):
        size = sizes[choice]
        running[:] = 0
        for row in range(n_row):
            lowest = np.float32(0)
            here, before = pulls[row], pulls[row - size] if row >= size else nothing
            for k in range(n):
                running[k] += here[k] - before[k]
                lowest = min(lowest, running[k])
            shifted = (lowest + bias * size) / np.sqrt(size)
            least[choice, row] = shifted if row + 1 >= size else 0.0


def _report(spectra: CameraSpectra, cells: _Cells, least: Floats, *, sizes: tuple[int, ...], threshold: float) -> Measured:
    """Name the least likely place of one kind, and all neighbours that depart from what lies beside it."""
    reached = threshold * _typical_error(cells)
    if -least.min() < threshold:
        return Measured(value=0.0, error=reached / threshold, sensitivity=reached)
    number, choice, last = (int(place) for place in np.unravel_index(np.argmin(least), least.shape))
    size, width, pulls = sizes[choice], WIDTHS[number], _Pulls.empty(*cells.light.shape)
    _fill_pulls(cells.lights, cells.masses, width, *pulls)
    group = slice(last - size + 1, last + 1)
    deficit = sizes is SIZES
    searched = pulls.low if deficit else np.where(cells.faint[:, None], pulls.beside, np.float32(CLIP))
    cell = int(np.argmin(searched[group].sum(axis=0)))
    stands_out = pulls.beside[:, cell] > EDGE if deficit else searched[:, cell] < -EDGE
    first, last = _extent(stands_out, group.start, last)
    columns = slice(cell * CELL, (cell + width) * CELL)
    amplitude, error = _amplitude(spectra, cells, first=first, last=last, columns=columns)
    wave, zero = spectra.wave[columns], int(spectra.fiber[0] - spectra.slot[0])
    fibers, waves = (zero + first, zero + last), (float(wave[0]), float(wave[-1]))
    what = "a hole, a CCD defect that is not masked" if amplitude < 0 else "a hot spot, a CCD defect that is not masked"
    detail = f"{amplitude:+.0f} +- {error:.1f} electron/Angstrom in {last - first + 1} neighbouring fibers: {what}"
    significance = float(global_sigma(float(least.min()), n_trials=cells.light.size * CHOICES))
    feature = Feature("fiber", fibers, waves, amplitude, error, significance, unit="electron/Angstrom", label="CCD defect")
    return Measured(
        value=max(abs(amplitude) - MARGIN * error, 0.0),
        error=error,
        sensitivity=reached,
        fibers=(fibers,),
        waves=waves,
        detail=detail,
        features=(feature,),
    )


def _typical_error(cells: _Cells) -> float:
    """Error of the typical mean over three cells in four fibers, where sky lines do not hide it."""
    some = cells.mass[::7, ::3]
    mass = some[some > 0]
    return float(1.0 / np.sqrt(12.0 * np.median(mass))) if mass.size else float("inf")


def _extent(stands_out: NDArray[np.bool_], first: int, last: int) -> tuple[int, int]:
    """First and last place of the slit of an unbroken run that begins with the places found."""
    chosen = np.flatnonzero(stands_out[first : last + 1])
    if chosen.size:
        first, last = first + int(chosen[0]), first + int(chosen[-1])
    while first > 0 and stands_out[first - 1]:
        first -= 1
    while last + 1 < stands_out.size and stands_out[last + 1]:
        last += 1
    return first, last


def _amplitude(spectra: CameraSpectra, cells: _Cells, *, first: int, last: int, columns: slice) -> tuple[float, float]:
    """Weighted mean over a window, less that of 60 Angstrom to either side in the same fibers, with no bin pulled in."""
    rows = np.flatnonzero((spectra.slot >= first) & (spectra.slot <= last))
    reach = AROUND * CELL
    wide = slice(max(columns.start - reach, 0), columns.stop + reach)
    value, ivar = cells.frame[rows, wide], spectra.ivar[rows, wide]
    good = (ivar > 0) & np.isfinite(value)
    weight = np.where(good, ivar / (1.0 + np.where(good, ivar, 0.0) * cells.soft[wide]), 0.0)
    value = np.where(good, value, 0.0)
    inside = np.zeros(value.shape[1], dtype=bool)
    inside[columns.start - wide.start : columns.stop - wide.start] = True
    total, around = weight[:, inside].sum(axis=1), weight[:, ~inside].sum(axis=1)
    mean = (weight * value)[:, inside].sum(axis=1) / np.maximum(total, 1e-30)
    beside = (weight * value)[:, ~inside].sum(axis=1) / np.maximum(around, 1e-30)
    change = mean - beside
    mass = np.where((total > 0) & (around > 0), total * around / np.maximum(total + around, 1e-30), 0.0)
    return float((mass * change).sum() / max(mass.sum(), 1e-30)), float(1.0 / np.sqrt(max(mass.sum(), 1e-30)))
