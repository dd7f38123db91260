"""Redshift distributions of the target classes, with walls and voids of galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.galaxies import ELG, LRG, QSO
from pytest_specqa.instrument import DESI, SPEED_OF_LIGHT

F64 = NDArray[np.float64]

BGS = -1
"""Class code of galaxies of the bright program, which have no template: they are simulated in redshift only."""

_STEP = 0.0005
_SHELL_MPC = 15.0
# Knots (z, relative number), after the reference n(z) of main-survey dark tiles (data-model section 14).
_KNOTS: dict[int, list[tuple[float, float]]] = {
    LRG: [
        (0.2, 0),
        (0.32, 0.2),
        (0.42, 0.75),
        (0.5, 1.0),
        (0.62, 0.95),
        (0.72, 1.15),
        (0.8, 1.45),
        (0.86, 1.4),
        (0.95, 0.9),
        (1.05, 0.4),
    ],
    ELG: [
        (0.02, 0.05),
        (0.1, 0.3),
        (0.2, 0.35),
        (0.4, 0.25),
        (0.6, 0.6),
        (0.75, 1.6),
        (0.9, 2.9),
        (1.0, 2.5),
        (1.15, 2.2),
        (1.35, 1.9),
    ],
    BGS: [
        (0.0, 0.1),
        (0.05, 0.48),
        (0.1, 0.82),
        (0.175, 1.0),
        (0.275, 0.94),
        (0.35, 0.63),
        (0.45, 0.3),
        (0.55, 0.12),
        (0.7, 0.03),
        (1.0, 0),
    ],
    QSO: [
        (0.2, 0.02),
        (0.6, 0.35),
        (0.9, 0.65),
        (1.3, 0.9),
        (1.75, 1.05),
        (2.1, 0.85),
        (2.5, 0.6),
        (2.9, 0.3),
        (3.2, 0.14),
        (3.5, 0.05),
    ],
}
_TAILS: dict[int, list[tuple[float, float]]] = {
    BGS: [(1.1, 0)],
    LRG: [(1.2, 0.08), (1.35, 0)],
    ELG: [(1.5, 1.1), (1.6, 0.25), (1.63, 0)],
    QSO: [(3.9, 0.012), (4.4, 0.004), (5.2, 0.001), (6, 0)],
}


_PETAL_SHELL_MPC = 8.0
_PETAL_TO_TILE = 2.5
"""Variance of a petal over that of its tile: the projected correlation function falls as r**-0.8 (Peebles 1980, sec. 36), and a
petal is a tenth of the area."""
_GROUPED = {BGS: 0.45, LRG: 0.2, ELG: 0.1}
"""Part of the targets that shares a group or cluster with others of the same petal. Of bright galaxies 40 % are in groups (Robotham
et al. 2011, MNRAS 416, 2640); of LRG and ELG some 11 % are satellites (Zhou et al. 2021, MNRAS 501, 3309; Rocher et al. 2023, JCAP
10, 016), and not every member is a target: these numbers are rougher than that."""
_RICHEST, _RICHNESS_DEPTH, _RICHNESS_SLOPE = {BGS: 60.0, LRG: 12.0, ELG: 12.0}, {BGS: 0.2, LRG: 5.0, ELG: 5.0}, 2.3
"""Targets of the richest cluster in a petal, the redshift over which that falls by e (a flux limit leaves few members far away),
and the index of the power law of their numbers."""
_DISPERSION_OF_FIVE, _DISPERSION_SLOPE, _DISPERSION_SCATTER, _LEAST_DISPERSION = 220.0, 0.4, 0.35, 90.0
"""Velocity dispersion [km/s] of a group of five, how it grows with the number of members, its scatter (in the logarithm), and its
lower end: 200 km/s for groups, 500-1000 for clusters (Zabludoff & Mulchaey 1998, ApJ 496, 39; Robotham et al. 2011)."""
_GROUP_FIBERS = 60
"""Members of a group are within so many fibers of each other: 0.3-0.5 degree."""


@dataclass(frozen=True)
class Structure:
    """Density of galaxies along the line of sight of one tile.

    Attributes
    ----------
    z : ndarray f8[n]
        Redshift grid.
    density : ndarray f8[n]
        Galaxy density over its mean.
    """

    z: F64
    density: F64


def draw_structure(rng: np.random.Generator, *, clustering: float, wall: float = 0.0) -> Structure:
    """Draw the large-scale structure that a tile looks through.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    clustering : float
        Variance of the log-normal density in shells of 15 Mpc depth, averaged over the tile.
    wall : float
        Fraction of galaxies near z = 0.4-1.1 that one additional wall takes.

    Returns
    -------
    Structure
        Relative density over 0 < z < 6.2.
    """
    z = np.arange(0.0, 6.2, _STEP)
    hubble = 70 * np.sqrt(0.3 * (1 + z) ** 3 + 0.7)
    depth = np.cumsum(SPEED_OF_LIGHT / hubble) * _STEP
    shell = (depth / _SHELL_MPC).astype(int)
    noise = rng.normal(0, np.sqrt(np.log1p(clustering)), shell[-1] + 1)
    density = np.exp(noise - 0.5 * np.log1p(clustering))[shell]
    if wall > 0:
        centre = rng.uniform(0.45, 1.0)
        density = density + wall * 0.8 / (0.003 * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((z - centre) / 0.003) ** 2)
    return Structure(z=z, density=density)


def draw_redshifts(kind: int, count: int, rng: np.random.Generator, *, structure: Structure) -> F64:
    """Draw true redshifts of one target class.

    Parameters
    ----------
    kind : int
        Class code: BGS, LRG, ELG or QSO.
    count : int
        Number of targets.
    rng : numpy.random.Generator
        Source of randomness.
    structure : Structure
        Density along the line of sight; quasars are too rare to follow it.

    Returns
    -------
    ndarray f8[count]
        Redshifts.
    """
    knots, values = np.array(_KNOTS[kind] + _TAILS[kind], dtype=float).T
    pdf = np.interp(structure.z, knots, values, left=0, right=0)
    if kind != QSO:
        pdf = pdf * structure.density
    cdf = np.cumsum(pdf)
    return np.interp(rng.uniform(0, cdf[-1], count), cdf, structure.z)


def petal_structure(rng: np.random.Generator, *, structure: Structure, clustering: float) -> Structure:
    """Add to the structure of a tile what one of its petals has of its own.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    structure : Structure
        Of the tile.
    clustering : float
        Variance over the tile, as for `draw_structure`.

    Returns
    -------
    Structure
        Finer, with the variance of a petal.
    """
    z = structure.z
    depth = np.cumsum(SPEED_OF_LIGHT / (70 * np.sqrt(0.3 * (1 + z) ** 3 + 0.7))) * _STEP
    shell = (depth / _PETAL_SHELL_MPC).astype(int)
    spread = np.log1p((_PETAL_TO_TILE - 1) * clustering)
    own = np.exp(rng.normal(0, np.sqrt(spread), shell[-1] + 1) - 0.5 * spread)[shell]
    return Structure(z=z, density=structure.density * own)


def gather(z: F64, kind: int, rng: np.random.Generator, *, rows: NDArray[np.int64]) -> None:
    """Move some targets of a petal into groups and clusters of galaxies.

    Each group takes the redshift of one of its members; the others lie around it with the velocity dispersion of the group, and
    in nearby fibers.

    Parameters
    ----------
    z : ndarray f8[500]
        True redshifts of all targets, changed in place.
    kind : int
        Class code.
    rng : numpy.random.Generator
        Source of randomness.
    rows : ndarray of int
        Rows of this class, by fiber.
    """
    left = int(_GROUPED[kind] * rows.size)
    sizes = np.arange(2, int(_RICHEST[kind]) + 1)
    chance = sizes**-_RICHNESS_SLOPE
    free = np.ones(DESI.fibers, dtype=bool)
    while left > 1:
        centre = int(rng.choice(rows))
        richest = max(2, int(_RICHEST[kind] * np.exp(-z[centre] / _RICHNESS_DEPTH[kind])))
        number = min(int(rng.choice(sizes, p=chance / chance.sum())), left, richest)
        left -= number
        near = rows[free[rows] & (np.abs(rows - centre) < _GROUP_FIBERS)]
        members = rng.permutation(near)[:number]
        free[members] = False
        spread = _DISPERSION_OF_FIVE * (number / 5) ** _DISPERSION_SLOPE * np.exp(rng.normal(0, _DISPERSION_SCATTER))
        velocity = rng.normal(0, max(spread, _LEAST_DISPERSION), members.size) / SPEED_OF_LIGHT
        z[members] = (1 + z[centre]) * (1 + velocity) - 1
