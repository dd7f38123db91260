"""Parts of the slit, compared with the rest of it: what amplifiers and charge traps change."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from pytest_specqa.instrument import Instrument
from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.frames.own_sky import frame_spectra
from pytest_specqa.measures.spectra import CameraSpectra, once
from pytest_specqa.measures.statistics import Bools, Floats, Ints, clipped_mean
from pytest_specqa.measures.where import near_nebular, seated

CURVATURES = range(-60, 61, 10)
"""Bins by which a CCD row at the end of the slit is displaced from its middle; the fiber traces of DESI stay within these."""
MIN_FIBERS = 5
"""Faint fibers that each half of the slit needs, so that one odd fiber is outvoted."""
DARK = 0.6
"""Median signal to noise per pixel below which an object adds less to a mean of 25 fibers than their noise."""
CLIP = 5.0
"""Sigmas to which a pixel is pulled in before it counts toward what all fibers share."""


class Probe(NamedTuple):
    """Pixels between sky lines of faint fibers.

    Attributes
    ----------
    flux, ivar : ndarray f4, shape (n_fiber, n_wave)
        Flux in electron/Angstrom beyond the common sky, less what all these fibers share at a wavelength (the error of that sky),
        and inverse variance; both 0 at sky lines and bad pixels.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, rising.
    sky : ndarray, shape (n_wave,)
        Typical sky in electron/Angstrom.
    instrument : Instrument
        Whose slit it is.
    """

    flux: Floats
    ivar: Floats
    wave: Floats
    fiber: Ints
    sky: Floats
    instrument: Instrument

    @property
    def right(self) -> Bools:
        """Fibers that the amplifiers of the second half of the slit read, B and D at DESI."""
        return self.instrument.right_half(self.fiber)

    @property
    def n_block(self) -> int:
        """Number of slit blocks."""
        return self.instrument.fibers // self.instrument.block

    @property
    def parts(self) -> tuple[tuple[int, int], ...]:
        """Parts of the slit that are compared with the rest, as ranges of blocks."""
        return slit_parts(self.n_block)


@cache
def slit_parts(n_block: int) -> tuple[tuple[int, int], ...]:
    """List the parts of a slit that an amplifier or a charge trap can set apart.

    Parameters
    ----------
    n_block : int
        Blocks of the slit.

    Returns
    -------
    tuple of (int, int)
        First block and the one after the last: the first half, and what lies at either end of either half.
    """
    half = n_block // 2
    return (
        *((0, last) for last in range(1, half + 1)),
        *((first, half) for first in range(2, half)),
        *((half, last) for last in range(half + 1, n_block)),
        *((first, n_block) for first in range(half + 2, n_block)),
    )


@once
def faint_probe(spectra: CameraSpectra) -> Probe:
    """Choose the pixels in which amplifiers can be compared.

    Parameters
    ----------
    spectra : CameraSpectra
        Sky-subtracted spectra of one camera with their sky model.

    Returns
    -------
    Probe
        Sky fibers that hold no light of their own, and the faintest others; possibly without any fiber.
    """
    frame = frame_spectra(spectra)
    flux, ivar, wave = frame.flux, spectra.ivar, spectra.wave
    # Chosen by what is left of the common sky: a slope of it along the slit must not choose fainter targets at one end.
    rows = np.flatnonzero((frame.fainter_than(DARK) & ~spectra.is_sky) | spectra.dark_sky)
    columns = spectra.between_lines & ~near_nebular(wave, spectra.instrument)
    data, weight = np.zeros((rows.size, wave.size), np.float32), np.zeros((rows.size, wave.size), np.float32)
    _fill_probe(rows_of(flux), rows_of(ivar), rows, columns, data, weight)
    return Probe(data, weight, wave=wave, fiber=spectra.fiber[rows], sky=spectra.sky_spectrum, instrument=spectra.instrument)


@compiled
def _fill_probe(flux: Floats, ivar: Floats, rows: Ints, columns: Bools, data: Floats, weight: Floats) -> None:
    n = flux.shape[1]
    clip = np.float32(CLIP)
    light, total = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for place in range(rows.size):
        row = rows[place]
        for k in range(n):
            good = columns[k] and ivar[row, k] > 0 and np.isfinite(flux[row, k])
            mass = ivar[row, k] if good else np.float32(0)
            value = flux[row, k] if good else np.float32(0)
            root = np.sqrt(mass)
            pull = min(max(value * root, -clip), clip)
            weight[place, k], data[place, k] = mass, value
            total[k] += mass
            light[k] += root * pull
    for k in range(n):
        light[k] = light[k] / total[k] if total[k] > 0 else np.float32(0)
    for place in range(rows.size):
        for k in range(n):
            data[place, k] = data[place, k] - light[k] if weight[place, k] > 0 else np.float32(0)


def row_shifts(probe: Probe, curvature: int) -> Ints:
    """Bins by which a CCD row is displaced in each fiber, against the middle of the slit.

    Parameters
    ----------
    probe : Probe
        Its fibers tell their place on the slit.
    curvature : int
        Displacement at the ends of the slit.

    Returns
    -------
    ndarray of int
        A parabola along the slit.
    """
    return np.asarray(np.rint(curvature * probe.instrument.slit_position(probe.fiber) ** 2), dtype=int)


def contrasts(values: Floats, errors: Floats, probe: Probe) -> tuple[Floats, Floats]:
    """Each part of the slit minus the rest, and its error.

    Parameters
    ----------
    values, errors : ndarray, shape (n_fiber, n_place)
        A quantity of each fiber of the probe at several places, and its error in the same unit; NaN is left out.
    probe : Probe
        The fibers.

    Returns
    -------
    tuple of ndarray, shape (n_part, n_place)
        Rows as in `Probe.parts`; NaN where a part or the rest is empty. What all fibers share cancels.
    """
    n_block = probe.n_block
    group = probe.instrument.slot(probe.fiber) // probe.instrument.block
    places = seated(values, group, n_group=n_block)
    mean, sigma = clipped_mean(places, seated(errors, group, n_group=n_block), axis=1)
    usable = np.isfinite(mean) & (sigma > 0) & (np.isfinite(places).sum(axis=1) >= MIN_FIBERS // 2)
    mean, weight = np.where(usable, mean, 0.0), np.where(usable, 1.0 / np.where(usable, sigma, 1.0) ** 2, 0.0)
    inside = np.array([[first <= number < last for number in range(n_block)] for first, last in probe.parts], dtype=float)
    (light, own), (other_light, other) = [(part @ (weight * mean), part @ weight) for part in (inside, 1.0 - inside)]
    with np.errstate(divide="ignore", invalid="ignore"):
        known = (own > 0) & (other > 0)
        return np.where(known, light / own - other_light / other, np.nan), np.where(known, np.sqrt(1 / own + 1 / other), np.nan)


def part_fibers(probe: Probe, row: int) -> tuple[int, int]:
    """First and last FIBER of a part of the slit.

    Parameters
    ----------
    probe : Probe
        Its fibers tell the petal.
    row : int
        Index in `Probe.parts`.

    Returns
    -------
    tuple of int
        Both included.
    """
    start, end = probe.parts[row]
    first = int(probe.fiber[0]) // probe.instrument.fibers * probe.instrument.fibers
    return first + start * probe.instrument.block, first + end * probe.instrument.block - 1
