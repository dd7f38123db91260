"""Can a fiber be where the fibermap puts it: on its petal, near its neighbours on the sky, and where its positioner reaches?"""

from __future__ import annotations

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.fibermaps.targets import Columns
from pytest_specqa.measures.statistics import Bools, Floats, Ints, mad_scale
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Measured

SLACK = 10.0
"""Distance in mm beyond the outermost fibers, and beside a petal, that a positioner may reach: its arms are 6 mm long."""
REACH = 2.0
"""Distance in mm from its place in the design that the fiber of an unflagged positioner may be measured at."""
DISTORTION = 20.0
"""Distance in mm by which a linear map from sky to focal plane may miss over one petal: optics bend by a few mm."""
WIDEST = 1.7
"""Distance in degrees on the sky between the middle of a petal and its farthest fiber: a tile has a radius of 1.6."""
NAMED = 20
"""Ranges of fibers that a value names."""
FEW = 30
"""Fibers from which on a linear map leaves outliers to be seen."""


def impossible_positions(fibermap: Columns, *, fiber: Ints, flagged: Bools, instrument: Instrument = DESI) -> Measured:
    """Count unflagged fibers that the fibermap puts where no fiber can be.

    Parameters
    ----------
    fibermap : Columns
        FIBERASSIGN_X, FIBERASSIGN_Y, FIBER_X and FIBER_Y in mm, TARGET_RA and TARGET_DEC in degrees, as far as they are there.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row; all of one petal.
    flagged : ndarray of bool, shape (n_fiber,)
        Fibers without a target or without a known place.
    instrument : Instrument
        Knows the petals and the radius of the focal plane.

    Returns
    -------
    Measured
        Number of fibers of which a column is not finite, or (0, 0), or outside the petal; whose measured place is 2 mm from the
        design; or whose target lies elsewhere on the sky than the linear map through all fibers of the petal has it. *Not
        measured* without positions.

    References
    ----------
    desimodel, ``focalplane`` (petal p lies at azimuth 252 + 36 p to 288 + 36 p degrees, fibers at 28-409 mm).
    """
    wrong: dict[str, Bools] = {}
    pairs = {name: pair for name in ("FIBERASSIGN", "FIBER") if (pair := _pair(fibermap, f"{name}_X", f"{name}_Y")) is not None}
    if not pairs:
        return Measured.impossible("the fibermap has no positions")
    for name, (x, y) in pairs.items():
        wrong[f"{name}_X, Y are no position"] = ~np.isfinite(x + y) | ((x == 0) & (y == 0))
        wrong[f"{name}_X, Y lie off the petal"] = _off_petal(x, y, petal=int(fiber[0]) // instrument.fibers, instrument=instrument)
    if len(pairs) == 2:
        design, actual = pairs["FIBERASSIGN"], pairs["FIBER"]
        with np.errstate(invalid="ignore"):
            wrong["FIBER_X, Y are not those of the design"] = np.hypot(actual[0] - design[0], actual[1] - design[1]) > REACH
    sky = _pair(fibermap, "TARGET_RA", "TARGET_DEC")
    if sky is not None:
        ra, dec = sky
        wrong["TARGET_RA, DEC are no place on the sky"] = ~(np.isfinite(ra + dec) & (ra >= 0) & (ra < 360) & (np.abs(dec) <= 90))
        if "FIBERASSIGN" in pairs:
            wrong["TARGET_RA, DEC are not where the fiber looks"] = _elsewhere(ra, dec, *pairs["FIBERASSIGN"])
    for name, off in wrong.items():
        wrong[name] = off & ~flagged
    every = np.any(list(wrong.values()), axis=0)
    found = [f"{name} (fibers {_numbers(fiber, off)})" for name, off in wrong.items() if off.any()]
    return Measured(
        float(every.sum()), error=0.0, fibers=fiber_ranges(fiber, every)[:NAMED], detail="; ".join(found[:3]) if found else ""
    )


def _pair(fibermap: Columns, first: str, second: str) -> tuple[Floats, Floats] | None:
    if first not in fibermap or second not in fibermap:
        return None
    return np.asarray(fibermap[first], dtype=float), np.asarray(fibermap[second], dtype=float)


def _numbers(fiber: Ints, off: Bools) -> str:
    ranges = fiber_ranges(fiber, off)
    named = ", ".join(f"{low}-{high}" if high > low else f"{low}" for low, high in ranges[:3])
    return named + (" ..." if len(ranges) > 3 else "")


def _off_petal(x: Floats, y: Floats, *, petal: int, instrument: Instrument) -> Bools:
    """Outside the focal plane, or beside the wedge of the petal; (0, 0) and NaN are told apart before."""
    if instrument.azimuth is None:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.hypot(x, y) > instrument.radius + SLACK)
    half = np.pi / instrument.spectrographs
    axis = np.deg2rad(instrument.azimuth) + 2 * half * petal
    along = x * np.cos(axis) + y * np.sin(axis)
    across = np.abs(y * np.cos(axis) - x * np.sin(axis))
    with np.errstate(invalid="ignore"):
        beside = across * np.cos(half) - along * np.sin(half) > SLACK
        return np.asarray((beside | (np.hypot(x, y) > instrument.radius + SLACK)) & ~((x == 0) & (y == 0)))


def _elsewhere(ra: Floats, dec: Floats, x: Floats, y: Floats) -> Bools:
    """Targets that the linear map from sky to focal plane, through the fibers that agree, puts far from their fiber."""
    known = np.isfinite(ra + dec + x + y) & ~((x == 0) & (y == 0))
    if known.sum() < FEW:
        return np.zeros(len(ra), dtype=bool)
    # Across RA = 0 a mean would be on the other side of the sky.
    near = (ra - np.median(ra[known]) + 180.0) % 360.0 - 180.0
    near -= np.median(near[known])
    high = dec - np.median(dec[known])
    east = near * np.cos(np.deg2rad(np.median(dec[known])))
    design = np.stack([np.ones_like(east), east, high], axis=1)
    inside = known & (np.hypot(east, high) < WIDEST)
    if inside.sum() < FEW:
        return np.asarray(known & ~inside)
    used, away = inside, np.zeros(len(ra))
    for _ in range(4):
        missed = [place - design @ np.linalg.lstsq(design[used], place[used], rcond=None)[0] for place in (x, y)]
        away = np.hypot(*missed)
        used = inside & (away < max(4.0 * float(mad_scale(away[used], center=0.0)), 1.0))
        if used.sum() < FEW:
            return np.asarray(known & ~inside)
    return np.asarray(known & (~inside | (away > DISTORTION)))
