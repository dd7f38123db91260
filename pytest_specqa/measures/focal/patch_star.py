"""Does a patch lie around a bright star?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytest_specqa.measures.focal.bright_stars import BRIGHT, Star, catalogued, known_positions, middle_of, offsets
from pytest_specqa.measures.focal.windows import WindowMap
from pytest_specqa.values import Feature, Measured

HALO = 0.4
"""Degrees from the middle of a patch: the largest round patch that is searched has 90 mm, at 67 micron per arcsecond."""
STAR = "star"
"""Kind of the feature."""


def with_bright_star(patch: Measured, maps: Sequence[WindowMap]) -> Measured:
    """Name the brightest star in a patch or beside it, which may be where its light is from.

    Parameters
    ----------
    patch : Measured
        A patch of the focal plane with its fibers.
    maps : sequence of WindowMap
        Of the exposure, with the positions of fibers on the sky.

    Returns
    -------
    Measured
        With a feature of kind ``star``: its magnitude V as amplitude, and the fiber nearest to it. Unchanged where nothing was
        found, positions are not known, or no star is near. By chance one patch in nine has a star of V < 6.5 near it: it is a hint.

    References
    ----------
    desispec pull request 1452: a star of magnitude 6 beside the tile was the second suspect, and was not it.
    """
    if not patch.features:
        return patch
    cameras = {one.petal: one for one in maps if one.ra is not None and one.dec is not None}
    if not cameras:
        return patch
    fiber, ra, dec = (np.concatenate([getattr(one, name) for one in cameras.values()]) for name in ("fiber", "ra", "dec"))
    inside = np.any([(fiber >= first) & (fiber <= last) for first, last in patch.fibers], axis=0)
    centre = middle_of(ra[inside], dec[inside])
    if centre is None:
        return patch
    near = [star for star in catalogued(centre, radius=HALO) if star.magnitude < BRIGHT]
    if not near:
        return patch
    brightest = near[0]
    east, north = offsets(np.array([brightest.ra]), np.array([brightest.dec]), centre=centre)
    text = f"{brightest.name} (V = {brightest.magnitude:.1f}) is {float(np.hypot(east, north)[0]):.1f} degrees from its middle"
    nearest = _nearest(brightest, fiber, ra, dec)
    found = Feature(STAR, (nearest, nearest), (0.0, 0.0), brightest.magnitude, 0.0, 0.0, unit="mag", label=text)
    first, *others = patch.features
    return replace(patch, features=(first, found, *others), detail=f"{patch.detail}; {text}")


def _nearest(star: Star, fiber: np.ndarray, ra: np.ndarray, dec: np.ndarray) -> int:
    east, north = offsets(ra, dec, centre=(star.ra, star.dec))
    distance = np.where(known_positions(ra, dec), np.hypot(east, north), np.inf)
    return int(fiber[int(np.nanargmin(distance))])
