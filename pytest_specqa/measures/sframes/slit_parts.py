"""Parts of the slit, compared with the rest of it: what amplifiers and charge traps change."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.statistics import Floats, clipped_mean, nan_median
from pytest_specqa.measures.where import Bools, Ints, between_lines, faint_fibers, near_nebular, right_half, slit_position

CURVATURES = range(-60, 61, 10)
"""Bins by which a CCD row at the end of the slit is displaced from its middle; the fiber traces of DESI stay within these."""
GROUP = 25
N_GROUP = DESI.fibers // GROUP
HALF = N_GROUP // 2
PARTS = (
    *((0, last) for last in range(1, HALF + 1)),
    *((first, HALF) for first in range(2, HALF)),
    *((HALF, last) for last in range(HALF + 1, N_GROUP)),
    *((first, N_GROUP) for first in range(HALF + 2, N_GROUP)),
)
"""Parts of the slit, as ranges of 25-fiber groups: the left half, and what lies at either end of either half."""
MIN_FIBERS = 5
CLIP = 5.0
"""Sigmas to which a pixel is pulled in before it counts toward what all fibers share."""


class Probe(NamedTuple):
    """Pixels between sky lines of faint fibers.

    Attributes
    ----------
    flux, ivar : ndarray f4, shape (n_fiber, n_wave)
        Sky-subtracted flux, less what all these fibers share at a wavelength (the error of the common sky model), and inverse
        variance; both 0 at sky lines and bad pixels.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999, rising.
    sky : ndarray, shape (n_wave,)
        Median sky.
    """

    flux: Floats
    ivar: Floats
    wave: Floats
    fiber: Ints
    sky: Floats

    @property
    def right(self) -> Bools:
        """Fibers of amplifiers B and D."""
        return right_half(self.fiber)


def faint_probe(flux: Floats, ivar: Floats, wave: Floats, *, fiber: Ints, is_sky: Bools, sky: Floats) -> Probe:
    """Choose the pixels in which amplifiers can be compared.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted flux in electron/Angstrom and inverse variance; ivar = 0 or NaN flux is left out.
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER, 0-4999.
    is_sky : ndarray of bool, shape (n_fiber,)
        Sky fibers, taken whatever their flux.
    sky : ndarray, shape (n_fiber, n_wave) or (n_wave,)
        Sky model.

    Returns
    -------
    Probe
        Possibly without any fiber.
    """
    spectrum = np.asarray(sky, dtype=float) if sky.ndim == 1 else nan_median(sky[::5], axis=0)
    rows = faint_fibers(flux, ivar, limit=0.6) | (is_sky & (ivar > 0).any(axis=1))
    columns = between_lines(spectrum) & ~near_nebular(wave)
    good = (ivar[rows] > 0) & np.isfinite(flux[rows]) & columns
    weight = np.where(good, ivar[rows], np.float32(0))
    sigma = 1.0 / np.sqrt(np.where(good, weight, np.float32(1)))
    data = np.where(good, flux[rows], np.float32(0))
    total = weight.sum(axis=0)
    light = (weight * np.clip(data, -CLIP * sigma, CLIP * sigma)).sum(axis=0)
    shared = light / np.where(total > 0, total, np.float32(1))
    return Probe(
        flux=np.where(good, data - shared, np.float32(0)),
        ivar=weight,
        wave=wave,
        fiber=fiber[rows],
        sky=spectrum,
    )


def row_shifts(fiber: Ints, curvature: int) -> Ints:
    """Bins by which a CCD row is displaced in each fiber, against the middle of the slit.

    Parameters
    ----------
    fiber : ndarray of int
        FIBER, 0-4999.
    curvature : int
        Displacement at the ends of the slit.

    Returns
    -------
    ndarray of int
        A parabola along the slit.
    """
    return np.rint(curvature * slit_position(fiber) ** 2).astype(int)


def contrasts(values: Floats, errors: Floats, probe: Probe) -> tuple[Floats, Floats]:
    """Each part of the slit minus the rest, and its error.

    Parameters
    ----------
    values, errors : ndarray, shape (n_fiber, n_place)
        A quantity of each fiber of the probe at several places, and its error; NaN is left out.
    probe : Probe
        The fibers.

    Returns
    -------
    tuple of ndarray, shape (n_part, n_place)
        Rows as in `PARTS`; NaN where a part or the rest is empty. What all fibers share cancels.
    """
    group = probe.fiber % DESI.fibers // GROUP
    starts = np.searchsorted(group, np.arange(N_GROUP + 1))
    seat = np.arange(len(group)) - starts[group]
    shape = (N_GROUP, int(np.diff(starts).max(initial=1)), values.shape[1])
    seated, seated_errors = np.full(shape, np.nan), np.full(shape, np.nan)
    seated[group, seat], seated_errors[group, seat] = values, errors
    mean, sigma = clipped_mean(seated, seated_errors, axis=1)
    usable = np.isfinite(mean) & (sigma > 0) & (np.isfinite(seated).sum(axis=1) >= MIN_FIBERS // 2)
    mean, weight = np.where(usable, mean, 0.0), np.where(usable, 1.0 / np.where(usable, sigma, 1.0) ** 2, 0.0)
    inside = np.array([[first <= number < last for number in range(N_GROUP)] for first, last in PARTS], dtype=float)
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
        Index in `PARTS`.

    Returns
    -------
    tuple of int
        Both included.
    """
    first = int(probe.fiber[0]) // DESI.fibers * DESI.fibers
    return first + PARTS[row][0] * GROUP, first + PARTS[row][1] * GROUP - 1
