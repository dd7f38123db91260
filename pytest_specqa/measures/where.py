"""Where to look: wavelengths without sky lines, fibers without much light, names of fiber groups.

Wavelengths are those written in the files; a shift by the barycentric factor (below one pixel) does not matter here.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.statistics import Bools, Floats, Ints, nan_median

NEBULAR_HALF_WIDTH = 4.0
"""Angstrom to either side that a nebular line may fill: 150 km/s and the line spread."""
NEBULAR_MARGIN = NEBULAR_HALF_WIDTH + 1.0
"""Angstrom around a nebular line that measures of other things leave out: the line, and one bin more."""


def line_free(wave: Floats, instrument: Instrument = DESI) -> Bools:
    """Tell which pixels lie in the line-free windows.

    Parameters
    ----------
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    instrument : Instrument
        Knows the windows.

    Returns
    -------
    ndarray of bool, shape (n_wave,)
        True inside a window.
    """
    inside = [(wave >= low) & (wave <= high) for low, high in instrument.line_free]
    return np.asarray(np.logical_or.reduce(inside))


def near_nebular(wave: Floats, instrument: Instrument = DESI, *, width: float = NEBULAR_MARGIN) -> Bools:
    """Tell which pixels lie within `width` Angstrom of a Galactic emission line.

    Parameters
    ----------
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    instrument : Instrument
        Knows the lines.
    width : float
        Half width in Angstrom.

    Returns
    -------
    ndarray of bool, shape (n_wave,)
        True near a line.
    """
    return np.asarray(np.min(np.abs(wave[:, None] - np.array(instrument.nebular_waves)), axis=1) < width)


def sky_continuum(sky: Floats, *, width: int = 61) -> Floats:
    """Continuum of a sky spectrum: what is left when its lines are cut off.

    Parameters
    ----------
    sky : ndarray, shape (n_wave,)
        Sky of one fiber, or the median of many, in any unit.
    width : int
        Pixels over which at least one is free of lines.

    Returns
    -------
    ndarray, shape (n_wave,)
        Smooth lower envelope.
    """
    smooth = uniform_filter1d(np.asarray(sky, dtype=float), 3, mode="nearest")
    opened = maximum_filter1d(minimum_filter1d(smooth, width, mode="nearest"), width, mode="nearest")
    return np.asarray(uniform_filter1d(opened, width, mode="nearest"))


def between_lines(sky: Floats, *, excess: float = 0.25, margin: int = 5) -> Bools:
    """Tell which pixels of a sky spectrum hold continuum only.

    Parameters
    ----------
    sky : ndarray, shape (n_wave,)
        Median sky of the camera, in any unit.
    excess : float
        Height over the continuum, as a fraction of it, from which on a pixel belongs to a line.
    margin : int
        Pixels to either side that a line also spoils.

    Returns
    -------
    ndarray of bool, shape (n_wave,)
        True between lines.
    """
    continuum = sky_continuum(sky)
    # The sky of a short exposure is itself noisy; its ups are no lines.
    noise = float(np.median(np.abs(np.diff(sky))))
    line = sky - continuum > excess * np.maximum(continuum, 1e-3 * np.max(np.abs(sky)) + 1e-12) + 5.0 * noise
    return np.asarray(~maximum_filter1d(line, 2 * margin + 1, mode="nearest"))


def signal_to_noise(flux: Floats, ivar: Floats) -> Floats:
    """Median signal to noise per pixel of each fiber.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted flux and its inverse variance, any consistent unit; ivar = 0 marks bad pixels.

    Returns
    -------
    ndarray, shape (n_fiber,)
        Median over every fourth pixel, with its sign; NaN for dead fibers.
    """
    step = slice(None, None, 4)
    some = np.ascontiguousarray(ivar[:, step])
    good = some > 0
    pull = flux[:, step] * np.sqrt(some, where=good, out=np.full_like(some, np.nan))
    return nan_median(pull, axis=1)


def live_fraction(ivar: Floats) -> Floats:
    """Part of the pixels of each fiber that carry weight.

    Parameters
    ----------
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance in any unit; 0 or NaN marks bad pixels.

    Returns
    -------
    ndarray, shape (n_fiber,)
        Between 0 and 1.
    """
    counts = np.empty(len(ivar), np.int64)
    _fill_counts(np.ascontiguousarray(ivar), counts)
    return np.asarray(counts / max(ivar.shape[1], 1))


@compiled
def _fill_counts(ivar: Floats, counts: Ints) -> None:
    for row in range(ivar.shape[0]):
        count = 0
        for k in range(ivar.shape[1]):
            count += 1 if ivar[row, k] > 0 else 0
        counts[row] = count


def fiber_ranges(fiber: Ints, chosen: Bools) -> tuple[tuple[int, int], ...]:
    """Name the chosen fibers as inclusive ranges.

    Parameters
    ----------
    fiber : ndarray of int
        FIBER of each row, rising.
    chosen : ndarray of bool
        Rows to name.

    Returns
    -------
    tuple of (int, int)
        First and last FIBER of each unbroken run of rows.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return tuple((int(fiber[low]), int(fiber[high - 1])) for low, high in zip(edges[::2], edges[1::2], strict=True))


def seated(values: Floats, group: Ints, *, n_group: int) -> Floats:
    """Put the rows of each group side by side.

    Parameters
    ----------
    values : ndarray, shape (n, m)
        One row for each fiber.
    group : ndarray of int, shape (n,)
        Group of each row, rising, from 0.
    n_group : int
        Number of groups.

    Returns
    -------
    ndarray, shape (n_group, n_seat, m)
        NaN where a group has fewer rows than the largest.
    """
    starts = np.searchsorted(group, np.arange(n_group + 1))
    found = np.full((n_group, int(np.diff(starts).max(initial=1)), values.shape[1]), np.nan)
    found[group, np.arange(len(group)) - starts[group]] = values
    return found


def in_slit(values: Floats, fiber: Ints, *, instrument: Instrument = DESI) -> Floats:
    """Put the rows of the fibers of one spectrograph at their places in the slit.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        A row for each fiber that is here.
    fiber : ndarray of int, shape (n,)
        FIBER of each row.
    instrument : Instrument
        What the spectrograph belongs to.

    Returns
    -------
    ndarray, shape (n_slot, ...)
        NaN where a fiber is missing.
    """
    found = np.full((instrument.fibers, *values.shape[1:]), np.nan)
    found[instrument.slot(fiber)] = values
    return found
