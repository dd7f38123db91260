"""Where the fibers are: a focal plane with DESI's ten petals and 50-fiber cassettes.

Fibers 50k to 50k+49 of the slit are neighbours on the focal plane, shuffled inside their patch, and the next 50 are elsewhere.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI

F64 = NDArray[np.float64]

_INNER = 28.0
_PITCH = 10.5
_PATCHES = 10
# Patches count outwards, left and right of the petal axis; this order keeps slit neighbours more than 110 mm apart.
_SLIT_ORDER = (8, 3, 9, 4, 1, 7, 2, 6, 0, 5)


@lru_cache(maxsize=1)
def _petal_layout() -> tuple[F64, NDArray[np.int64]]:
    """Positions [500, 2] of one petal along its axis in slit order, and the device number of each."""
    rng = np.random.default_rng(7951)
    row, column = np.mgrid[-60:60, -60:60]
    along = (column * _PITCH * np.sqrt(3) / 2 + 3.0).ravel()
    across = ((row + 0.5 * (column % 2)) * _PITCH).ravel()
    radius = np.hypot(along, across)
    inside = (radius > _INNER) & (radius < DESI.radius) & (along > 0) & (np.abs(across) < along * np.tan(np.pi / 10) - 2)
    holes = np.stack([along, across], axis=1)[inside]
    holes = holes[np.sort(rng.permutation(len(holes))[: DESI.fibers])]
    device = np.empty(DESI.fibers, dtype=np.int64)
    device[np.argsort(np.hypot(*holes.T))] = np.sort(rng.permutation(542)[: DESI.fibers])
    by_radius = np.argsort(holes[:, 0]).reshape(_PATCHES // 2, -1)
    halves = [half for ring in by_radius for half in np.split(ring[np.argsort(holes[ring, 1])], 2)]
    order = np.concatenate([rng.permutation(halves[patch]) for patch in _SLIT_ORDER])
    return holes[order], device[order]


def fiber_positions(petal: int) -> tuple[F64, F64]:
    """Focal-plane positions of the fibers of a petal.

    Parameters
    ----------
    petal : int
        Petal 0-9; its axis points to azimuth 270 + 36 petal degrees.

    Returns
    -------
    x, y : ndarray of shape [500]
        CS5 coordinates in slit order [mm].
    """
    holes, _ = _petal_layout()
    angle = np.deg2rad(270 + 36 * petal)
    x = holes[:, 0] * np.cos(angle) - holes[:, 1] * np.sin(angle)
    y = holes[:, 0] * np.sin(angle) + holes[:, 1] * np.cos(angle)
    return x, y


def device_locations() -> NDArray[np.int64]:
    """Device number of each fiber of a petal.

    Returns
    -------
    ndarray i8[500]
        DEVICE_LOC in slit order, 0-541.
    """
    return _petal_layout()[1].copy()


def nebular_map(x: F64, y: F64, *, kind: str = "patchy") -> F64:
    """Relative brightness of Galactic H-alpha over the focal plane.

    Parameters
    ----------
    x, y : ndarray
        CS5 coordinates [mm].
    kind : str
        ``patchy``: filaments over petals 6-8, as tile 7951 shows them; ``smooth``: a gradient across the tile.

    Returns
    -------
    ndarray
        0 (none) to about 1 (brightest).
    """
    if kind == "smooth":
        gradient: F64 = 0.5 * (1 + x / DESI.radius)
        return gradient
    blobs = [(-195, 320, 42, 0.55), (-250, 215, 60, 1.0), (-330, 120, 45, 0.45), (-215, 70, 45, 0.8), (-355, -20, 45, 1.1)]
    blobs += [(-275, -100, 36, 0.9), (-130, 0, 36, 0.35), (-330, -150, 28, 0.5), (-150, 150, 36, 0.45), (-375, 70, 25, 0.5)]
    total = np.zeros_like(x)
    for centre_x, centre_y, size, height in blobs:
        total += height * np.exp(-0.5 * ((x - centre_x) ** 2 + (y - centre_y) ** 2) / size**2)
    return total


_PATCH_SIZE = (150.0, 500.0)
_PATCH_WAVES = 6


def sky_structure(x: F64, y: F64, *, gradient: float, patches: float, seed: tuple[int, ...]) -> F64:
    """Relative brightness of one emitter of the sky over the focal plane: a gradient in some direction, and smooth patches.

    Parameters
    ----------
    x, y : ndarray
        CS5 coordinates [mm].
    gradient : float
        Change from the centre to the edge, as a fraction.
    patches : float
        Standard deviation of the patches, 150-500 mm from one to the next, as a fraction.
    seed : tuple of int
        The same seed gives the same structure, for all petals and bands.

    Returns
    -------
    ndarray f8
        Departure from the mean of the field, of the shape of `x`.
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi)
    field: F64 = gradient * (x * np.cos(angle) + y * np.sin(angle)) / DESI.radius
    for _ in range(_PATCH_WAVES):
        number = 2 * np.pi / np.exp(rng.uniform(*np.log(_PATCH_SIZE)))
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        wave = np.cos(number * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        field = field + patches * np.sqrt(2 / _PATCH_WAVES) * wave
    return field
