"""Where to look: wavelengths without sky lines, fibers without much light, halves of a camera, names of fiber groups.

Wavelengths are those written in the files; a shift by the barycentric factor (below one pixel) does not matter here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.statistics import Floats, nan_median

Bools = NDArray[np.bool_]
Ints = NDArray[np.integer]

LINE_FREE = ((4000.0, 4500.0), (5250.0, 5550.0), (5950.0, 6200.0), (6990.0, 7230.0), (8120.0, 8270.0), (9110.0, 9280.0))
"""Windows in Angstrom without bright sky lines, as the survey pipeline's own sky QA uses them (desispec, desispec_param.yml)."""

NEBULAR = (6549.9, 6564.6, 6585.3, 6718.3, 6732.7)
"""[N II], H-alpha and [S II] in vacuum Angstrom: real Galactic emission, never a fault of the data."""

FAINT = 1.5
"""Median signal to noise per pixel below which the light of a fiber's object does not disturb its noise."""


def line_free(wave: Floats) -> Bools:
    """Tell which pixels lie in the line-free windows.

    Parameters
    ----------
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.

    Returns
    -------
    ndarray of bool, shape (n_wave,)
        True inside a window.
    """
    inside = [(wave >= low) & (wave <= high) for low, high in LINE_FREE]
    return np.asarray(np.logical_or.reduce(inside))


def near_nebular(wave: Floats, *, width: float = 5.0) -> Bools:
    """Tell which pixels lie within `width` Angstrom of a Galactic emission line.

    Parameters
    ----------
    wave : ndarray, shape (n_wave,)
        Wavelength in Angstrom.
    width : float
        Half width in Angstrom.

    Returns
    -------
    ndarray of bool, shape (n_wave,)
        True near a line.
    """
    return np.asarray(np.min(np.abs(wave[:, None] - np.array(NEBULAR)), axis=1) < width)


def sky_continuum(sky: Floats, *, width: int = 61) -> Floats:
    """Continuum of a sky spectrum: what is left when its lines are cut off.

    Parameters
    ----------
    sky : ndarray, shape (n_wave,)
        Sky of one fiber, or the median of many.
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
        Median sky of the camera.
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


def faint_fibers(flux: Floats, ivar: Floats, *, limit: float = FAINT) -> Bools:
    """Tell which fibers are alive and carry so little light that their pixels show noise.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n_fiber, n_wave)
        Sky-subtracted flux and its inverse variance; ivar = 0 marks bad pixels.
    limit : float
        Largest median signal to noise per pixel.

    Returns
    -------
    ndarray of bool, shape (n_fiber,)
        True for faint live fibers.
    """
    step = slice(None, None, 4)
    pull = np.where(ivar[:, step] > 0, flux[:, step] * np.sqrt(ivar[:, step]), np.nan)
    return np.asarray(np.abs(nan_median(pull, axis=1)) < limit)


def right_half(fiber: Ints) -> Bools:
    """Tell which fibers are read by the right amplifiers (B and D): 250-499 of their petal.

    Parameters
    ----------
    fiber : ndarray of int
        FIBER, 0-4999.

    Returns
    -------
    ndarray of bool
        True for amplifiers B and D.
    """
    return np.asarray(fiber % DESI.fibers >= DESI.fibers // 2)


def slit_position(fiber: Ints) -> Floats:
    """Position along the slit, from -1 at the first fiber of the petal to 1 at the last.

    Parameters
    ----------
    fiber : ndarray of int
        FIBER, 0-4999.

    Returns
    -------
    ndarray
        Position, linear in the fiber number.
    """
    half = 0.5 * (DESI.fibers - 1)
    return (fiber % DESI.fibers - half) / half


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
