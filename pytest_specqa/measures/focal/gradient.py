"""A plane through the shifts of one window: real skies have one, of a limited size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri_exp

from pytest_specqa.measures.focal.shifts import ShiftMap
from pytest_specqa.measures.statistics import Floats

SKY_GRADIENT = 0.085
"""Change of a real sky from edge to edge that is not worth a failure. Nights of the survey have 0.3-2.6 % from the center to the
edge, lines and continuum alike; by that distribution one exposure in 3000 has more than this."""


class Plane(NamedTuple):
    """A plane through the shifts, the petals' offsets left free.

    Attributes
    ----------
    size : float
        Edge to edge of the focal plane, in units of the sky.
    sigma : float
        Significance of the size, with two free slopes.
    error : float
        Standard error of one slope, edge to edge.
    angle : float
        Direction in which it rises, in degrees.
    model : ndarray, shape (n,)
        The plane at each fiber, relative to the fiber's petal.
    """

    size: float
    sigma: float
    error: float
    angle: float
    model: Floats


def fit_plane(one: ShiftMap) -> Plane | None:
    """Fit the plane; None where too few fibers have a place.

    Parameters
    ----------
    one : ShiftMap
        Shifts of one window; fibers without a place or without weight do not count.

    Returns
    -------
    Plane or None
        Weighted least squares.
    """
    placed = np.isfinite(one.x) & np.isfinite(one.y)
    weight = np.where(placed, one.weight, 0.0)
    where = np.nan_to_num(np.column_stack([one.x, one.y]))
    shift = one.shift.copy()
    petals = one.fiber // one.instrument.fibers
    for petal in np.unique(petals):
        rows = petals == petal
        if weight[rows].sum() > 0:
            where[rows] -= np.average(where[rows], axis=0, weights=weight[rows])
            shift[rows] -= np.average(shift[rows], weights=weight[rows])
    normal = where.T @ (weight[:, None] * where)
    if np.linalg.det(normal) <= 0:
        return None
    slope = np.linalg.solve(normal, where.T @ (weight * shift))
    chi2 = float(slope @ normal @ slope)
    across = 2.0 * one.instrument.radius
    return Plane(
        size=across * float(np.hypot(*slope)),
        sigma=float(-ndtri_exp(-0.5 * chi2 - np.log(2.0))),
        error=across * float(np.sqrt(np.linalg.inv(normal).trace() / 2.0)),
        angle=float(np.degrees(np.arctan2(slope[1], slope[0]))),
        model=np.where(placed, where @ slope, 0.0),
    )


def without_sky_gradient(one: ShiftMap) -> ShiftMap:
    """Take a plane out of a map if a real sky can have it, so that a gradient is no patch.

    Parameters
    ----------
    one : ShiftMap
        Shifts of one window.

    Returns
    -------
    ShiftMap
        The same less the plane; unchanged where that is steeper than `SKY_GRADIENT`: patches of one petal make such a plane.
    """
    plane = fit_plane(one)
    return one if plane is None or plane.size > SKY_GRADIENT else one.less(plane.model)
