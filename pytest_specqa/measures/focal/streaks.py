"""Is there light on a straight line over the focal plane that the targets there do not have? A satellite or an aircraft crossed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.focal.levels import level_of
from pytest_specqa.measures.models.light import FiberLight
from pytest_specqa.measures.statistics import Floats, Ints
from pytest_specqa.values import Feature, Measured

EXCESS = 7.0
"""Errors by which a fiber must exceed its image."""
CHANGE = 0.5
"""Part of its image by which a target may be brighter: variable quasars and stars, blends."""
NEAR = 0.5
"""Largest distance from the line in mm: the image of a satellite at 500 km is out of focus, and the fiber is wide too."""
SPAN = 60.0
"""Least length in mm of the part of the line that has fibers: the halo of a star is smaller."""
FEWEST = 4
"""Fibers that make a line."""
MOST = 120
"""Fibers with light that is not theirs from which on something else is wrong."""
FALSE_ALARM = 1e-5
"""Chance that as many fibers at random places form such a line: a night has 30 exposures, so that ten years see one."""


class Bright(NamedTuple):
    """Fibers with more light than their image: FIBER, place in mm, the light in units of its error."""

    fiber: Ints
    x: Floats
    y: Floats
    sigmas: Floats


def light_streak(lights: Iterable[FiberLight], *, instrument: Instrument = DESI) -> Measured:
    """Search an exposure for fibers on one straight line that are brighter than their images.

    Parameters
    ----------
    lights : iterable of FiberLight
        Of the cameras of one exposure.
    instrument : Instrument
        Knows the focal plane.

    Returns
    -------
    Measured
        Fibers on the line that chance explains least, 0 if it does; *not measured* without places of the fibers, or where so many
        fibers have light that is not theirs that any line is full of them.

    References
    ----------
    desispec #1760, desisurveyops #75 (light in five fibers on a straight line of the focal plane).
    """
    seen = list(lights)
    if not any(np.isfinite(light.x).any() for light in seen):
        return Measured.impossible("nobody measured where the fibers are")
    bright = _together([_bright(light) for light in seen])
    if bright.fiber.size > MOST:
        return Measured.impossible(f"{bright.fiber.size} fibers are brighter than their images, too many to tell a line among them")
    members, log_chance = _best_line(bright, radius=instrument.radius)
    if len(members) < FEWEST or log_chance > np.log(FALSE_ALARM):
        return Measured(0.0, error=0.0, detail=f"{bright.fiber.size} fibers are brighter than their images, no {FEWEST} on a line")
    fibers = np.sort(bright.fiber[members])
    named = ", ".join(map(str, fibers[:8])) + (" ..." if fibers.size > 8 else "")
    angle = _angle(bright, members)
    where = f"fibers {named} lie on one line over the focal plane, at {angle:.0f} deg"
    size = float(np.median(bright.sigmas[members]))
    feature = Feature("streak", (int(fibers[0]), int(fibers[-1])), (0.0, 0.0), size, 1.0, -log_chance, "sigma", "line")
    return Measured(
        float(fibers.size),
        error=0.0,
        fibers=tuple((int(one), int(one)) for one in fibers),
        detail=f"{where}, and have light that their targets have not: a satellite or an aircraft",
        features=(feature,),
    )


def excess_light(lights: Iterable[FiberLight]) -> Bright:
    """Light of each fiber beyond its image, for a picture.

    Parameters
    ----------
    lights : iterable of FiberLight
        Of the cameras of one exposure.

    Returns
    -------
    Bright
        Every fiber of every camera, with the light in units of its error; NaN where it cannot be compared.
    """
    seen = list(lights)
    fiber, x, y = (np.concatenate([getattr(one, name) for one in seen]) for name in ("fiber", "x", "y"))
    return Bright(fiber, x, y, np.concatenate([_excess(light)[1] for light in seen]))


def _excess(light: FiberLight) -> tuple[Floats, Floats]:
    """Light of each fiber of a camera beyond its image, and the same in units of its error."""
    level = level_of(light)
    scale = float(np.exp(level.all)) if np.isfinite(level.all) else 1.0
    with np.errstate(invalid="ignore"):
        over = light.flux / scale - light.expected
        return over, over / np.hypot(light.noise / scale, CHANGE * light.expected / EXCESS)


def _bright(light: FiberLight) -> Bright:
    """Fibers of a camera that exceed their image by far."""
    over, sigmas = _excess(light)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((sigmas > EXCESS) & (over > CHANGE * light.expected) & np.isfinite(light.x) & np.isfinite(light.y))
    return Bright(light.fiber[rows], light.x[rows], light.y[rows], sigmas[rows])


def _together(found: Sequence[Bright]) -> Bright:
    """All bands; each fiber once."""
    fiber, x, y, sigmas = (np.concatenate([one[k] for one in found]) for k in range(4))
    fibers, first = np.unique(fiber, return_index=True)
    return Bright(fibers, x[first], y[first], sigmas[first])


def _best_line(bright: Bright, *, radius: float) -> tuple[Ints, float]:
    """Members of the line that holds most fibers, and the logarithm of the number of such lines that chance gives."""
    count = bright.fiber.size
    best = np.zeros(0, dtype=np.int64)
    for one, other in combinations(range(count), 2):
        dx, dy = bright.x[other] - bright.x[one], bright.y[other] - bright.y[one]
        length = float(np.hypot(dx, dy))
        # The farthest two members find the line best; a pair of neighbours says little about its direction.
        if length < SPAN:
            continue
        along = ((bright.x - bright.x[one]) * dx + (bright.y - bright.y[one]) * dy) / length
        across = np.abs((bright.x - bright.x[one]) * dy - (bright.y - bright.y[one]) * dx) / length
        members = np.flatnonzero((across < NEAR) & (along >= -1e-6) & (along <= length + 1e-6))
        best = members if members.size > best.size else best
    if best.size < FEWEST:
        return best, 0.0
    # A line through two of the fibers is crossed by each other one with the share of the focal plane that the strip covers.
    share = 2.0 * NEAR * 1.5 * radius / (np.pi * radius**2)
    lines = _log_choose(count, 2) + _log_choose(count - 2, best.size - 2) - _log_choose(best.size, 2)
    return best, float(lines + (best.size - 2) * np.log(share))


def _log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _angle(bright: Bright, members: Ints) -> float:
    """Direction of a line in degrees, 0 along x."""
    x, y = (values[members] - values[members].mean() for values in (bright.x, bright.y))
    return float(np.degrees(0.5 * np.arctan2(2.0 * (x @ y), x @ x - y @ y))) % 180.0
