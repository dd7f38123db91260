"""Was each fiber given as much sky as its neighbours?

The sky model has no noise of its own from fiber to fiber. Resolution moves light within a line and leaves the sum over a few
hundred Angstrom alone, so that these sums tell a sky that was scaled, left out or applied twice in a single fiber.
"""

from __future__ import annotations

import numpy as np

from pytest_specqa.measures.compiled import compiled, rows_of
from pytest_specqa.measures.spectra import CameraSpectra, once
from pytest_specqa.measures.statistics import Bools, Floats
from pytest_specqa.measures.where import live_fraction
from pytest_specqa.values import Feature, Measured

N_PART = 6
"""Pieces of the wavelength range whose sky is summed, 300 to 400 Angstrom each: far wider than the line spread."""
ENOUGH = 0.3
"""Part of the light of a piece that must be there for its level to count."""
NAMED = 20
"""Fibers that are listed at most."""


@once
def sky_levels(spectra: CameraSpectra) -> Floats:
    """Compare the sky model of each fiber with the typical one of the camera.

    Parameters
    ----------
    spectra : CameraSpectra
        Spectra of one camera with their sky model.

    Returns
    -------
    ndarray, shape (n_fiber, N_PART + 1)
        Sum of the model over that of the typical sky in pieces of the spectrum, and over all of it last; NaN where most of the
        light of a piece has no finite model.
    """
    sky, typical = spectra.known_sky, np.nan_to_num(spectra.sky_spectrum).astype(np.float32)
    edges = np.linspace(0, typical.size, N_PART + 1).astype(int)
    own, whole = np.empty((len(spectra.fiber), N_PART)), np.empty((len(spectra.fiber), N_PART))
    _fill_levels(rows_of(np.broadcast_to(sky, spectra.flux.shape)), typical, edges, own, whole)
    own, whole = (np.concatenate([light, light.sum(axis=1, keepdims=True)], axis=1) for light in (own, whole))
    full = np.append(np.add.reduceat(typical, edges[:-1], dtype=float), typical.sum(dtype=float))
    known = (full > 0) & (whole > ENOUGH * full)
    return np.where(known, own / np.where(known, whole, 1.0), np.nan)


@compiled
def _fill_levels(sky: Floats, typical: Floats, edges: Floats, own: Floats, whole: Floats) -> None:
    """Light of each fiber's model, and of the typical sky where that has a value, in each piece."""
    for row in range(own.shape[0]):
        for part in range(own.shape[1]):
            light, total = np.float32(0), np.float32(0)
            for k in range(edges[part], edges[part + 1]):
                known = np.isfinite(sky[row, k])
                light += sky[row, k] if known else np.float32(0)
                total += typical[k] if known else np.float32(0)
            own[row, part], whole[row, part] = light, total


def level_at(spectra: CameraSpectra, waves: tuple[float, float] | None) -> Floats:
    """Sky model of each fiber over the typical one in the piece of the spectrum that a value speaks of, for its picture.

    Parameters
    ----------
    spectra : CameraSpectra
        As for `sky_levels`.
    waves : tuple of float or None
        Wavelength range of one of the pieces; all of the spectrum for any other.

    Returns
    -------
    ndarray, shape (n_fiber,)
        A ratio.
    """
    edges = np.linspace(spectra.wave[0], spectra.wave[-1], N_PART + 1)
    parts = [k for k in range(N_PART) if waves == (float(edges[k]), float(edges[k + 1]))]
    return np.asarray(sky_levels(spectra)[:, parts[0] if parts else N_PART])


def fiber_sky(spectra: CameraSpectra, thrputcorr: Floats | None) -> Measured:
    """Largest difference of one fiber's sky model from the camera's, in any piece of the spectrum.

    Parameters
    ----------
    spectra : CameraSpectra
        Spectra of one camera with their sky model; fibers without weight are left out.
    thrputcorr : ndarray, shape (n_fiber,), or None
        Throughput correction of each fiber, with which a model may or may not have been multiplied already; None or NaN for none.

    Returns
    -------
    Measured
        Absolute difference as a fraction of the typical sky; *not measured* with fewer than ten live fibers.

    References
    ----------
    desispec PR #1895 (sky subtracted twice), #1414 (spectra without their sky), PR #1008 (throughputs vary by some per cent).
    """
    live = live_fraction(spectra.ivar) > 0
    level = np.where(live[:, None], sky_levels(spectra), np.nan)
    if np.isfinite(level[:, -1]).sum() < 10:
        return Measured.impossible("fewer than ten live fibers have a sky model that can be compared")
    size = np.abs(level - 1.0)
    if thrputcorr is not None:
        known = np.isfinite(thrputcorr) & (thrputcorr > 0)
        size = np.fmin(size, np.abs(level - np.where(known, thrputcorr, 1.0)[:, None]))
    return _worst(spectra, level, np.where(np.isfinite(size), size, 0.0))


def _worst(spectra: CameraSpectra, level: Floats, size: Floats) -> Measured:
    """The fiber and piece that are farthest from the typical sky, and all fibers that are half as far."""
    fiber, edges = spectra.fiber, np.linspace(spectra.wave[0], spectra.wave[-1], N_PART + 1)
    row, part = (int(place) for place in np.unravel_index(np.argmax(size), size.shape))
    waves = (float(edges[0]), float(edges[-1])) if part == N_PART else (float(edges[part]), float(edges[part + 1]))
    others: Bools = size.max(axis=1) > 0.5 * size[row, part]
    named = [row, *(int(other) for other in np.flatnonzero(others) if other != row)][:NAMED]
    fibers = tuple((int(fiber[one]), int(fiber[one])) for one in named)
    number, value = int(fiber[row]), float(level[row, part])
    return Measured(
        value=float(size[row, part]),
        error=0.0,
        sensitivity=0.0,
        fibers=fibers,
        waves=waves,
        detail=f"the sky model of fiber {number} is {value:.2f} times that of the others: its sky was scaled, left out or doubled",
        features=(Feature("fiber", fibers[0], waves, value - 1.0, 0.0, 0.0, label="sky of the fiber"),),
    )
