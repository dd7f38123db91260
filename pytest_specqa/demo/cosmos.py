"""Redshift distributions of the target classes, with walls and voids of galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.galaxies import ELG, LRG, QSO

F64 = NDArray[np.float64]

_STEP = 0.0005
_SHELL_MPC = 15.0
# Knots (z, relative number), after the reference n(z) of main-survey dark tiles (data-model section 14).
_KNOTS = {
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
_TAILS = {
    LRG: [(1.2, 0.08), (1.35, 0)],
    ELG: [(1.5, 1.1), (1.6, 0.25), (1.63, 0)],
    QSO: [(3.9, 0.012), (4.4, 0.004), (5.2, 0.001), (6, 0)],
}


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
    depth = np.cumsum(299792.458 / hubble) * _STEP
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
        Class code: LRG, ELG or QSO.
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
