"""Stars so bright that their light reaches fibers which are not on them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BRIGHT = 8.0
"""Magnitude from which on a star is worth a look."""
COMPLETE = 6.5
"""Magnitude in V to which the catalogue is complete; it holds 250 fainter ones."""
RADIUS = 2.1
"""Degrees from the middle of a tile: half a degree beyond its outermost fibers."""


@dataclass(frozen=True)
class Star:
    """A bright star: its name, position in degrees, magnitude and where that is from."""

    name: str
    ra: float
    dec: float
    magnitude: float
    band: str


def offsets(ra: Floats, dec: Floats, *, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return offsets on the tangent plane in degrees, east and north; NaN farther than 90 degrees away."""
    a, d, a0, d0 = (np.deg2rad(np.asarray(angle, dtype=float)) for angle in (ra, dec, *centre))
    depth = np.sin(d) * np.sin(d0) + np.cos(d) * np.cos(d0) * np.cos(a - a0)
    depth = np.where(depth > 0, depth, np.nan)
    east = np.cos(d) * np.sin(a - a0) / depth
    north = (np.sin(d) * np.cos(d0) - np.cos(d) * np.sin(d0) * np.cos(a - a0)) / depth
    return np.rad2deg(east), np.rad2deg(north)


def middle_of(ra: Floats, dec: Floats) -> tuple[float, float] | None:
    """Return the middle of positions in degrees, also across RA = 0; None where there are none.

    NaN and (0, 0), which fibers without a target have, do not count.
    """
    known = known_positions(ra, dec)
    if not known.any():
        return None
    a, d = np.deg2rad(ra[known]), np.deg2rad(dec[known])
    x, y, z = (float(np.mean(one)) for one in (np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)))
    return float(np.rad2deg(np.arctan2(y, x)) % 360), float(np.rad2deg(np.arctan2(z, np.hypot(x, y))))


def known_positions(ra: Floats, dec: Floats) -> NDArray[np.bool_]:
    """Tell which positions are positions."""
    return np.asarray(np.isfinite(ra) & np.isfinite(dec) & ((ra != 0) | (dec != 0)))


def catalogued(centre: tuple[float, float], *, radius: float = RADIUS) -> list[Star]:
    """List the stars of the Bright Star Catalogue near a position, brightest first.

    Parameters
    ----------
    centre : (float, float)
        RA and Dec in degrees.
    radius : float
        Degrees around it.

    Returns
    -------
    list of Star
        Complete to V = 6.5 only.

    References
    ----------
    Hoffleit & Warren 1991, The Bright Star Catalogue, 5th revised edition (CDS V/50).
    """
    number, ra, dec, magnitude = _catalogue()
    east, north = offsets(ra, dec, centre=centre)
    near = np.flatnonzero(np.hypot(east, north) <= radius)
    near = near[np.argsort(magnitude[near])]
    return [Star(f"HR {int(number[k])}", float(ra[k]), float(dec[k]), float(magnitude[k]), "V") for k in near]


def targeted(targetid: NDArray[np.int64], ra: Floats, dec: Floats, flux: Floats) -> list[Star]:
    """List targets whose imaging is brighter than `BRIGHT`, by their flux in r in nanomaggy."""
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = 22.5 - 2.5 * np.log10(flux)
    rows = np.flatnonzero((magnitude < BRIGHT) & known_positions(ra, dec))
    return [Star(f"target {int(targetid[k])}", float(ra[k]), float(dec[k]), float(magnitude[k]), "r") for k in rows]


@cache
def _catalogue() -> tuple[Floats, Floats, Floats, Floats]:
    text = resources.files(__package__).joinpath("bright_stars.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    number, ra, dec, magnitude = (np.array([float(row[name]) for row in rows]) for name in ("HR", "RA", "DEC", "V"))
    return number, ra, dec, magnitude
