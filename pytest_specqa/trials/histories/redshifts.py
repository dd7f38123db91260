"""Redshifts of a petal, tile after tile: classes of targets with their n(z), a few that are wrong, and faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.redshifts.reference import reference_density
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.trials.histories.plants import OUTLIERS, REDSHIFT, Plant
from pytest_specqa.trials.histories.survey import Exposure
from pytest_specqa.vectors import Vector

CLEAN_OUTLIERS = 0.0018
"""Part of the redshifts of a sound fiber that are wrong (desispec#2295)."""
BITS = {"target": 1, "sky": 2, "standard": 4, "BGS": 8, "LRG": 16, "ELG": 32, "QSO": 64, "other": 128}
CODES = {"": 0, "GALAXY": 1, "QSO": 2, "STAR": 3}
MIX = {
    "bright": {"BGS": 0.75, "other": 0.25},
    "dark": {"LRG": 0.2, "ELG": 0.5, "QSO": 0.18, "other": 0.12},
}
"""Part of the targets of a program in each class."""
_UNSURE = {"BGS": 0.03, "LRG": 0.03, "ELG": 0.28, "QSO": 0.15, "other": 0.05}
"""Part of each class whose fit has a warning."""
_CODE = {"BGS": "GALAXY", "LRG": "GALAXY", "ELG": "GALAXY", "QSO": "QSO", "other": "STAR"}
LINE = 3728.5
"""[O II], which an emission line that is none is taken for."""
_Z = np.linspace(0.0, 4.5, 4501)


class Petal:
    """One petal, of which every tile has one object in each fiber.

    Parameters
    ----------
    petal : int
        Number 0-9.
    exposures : sequence of Exposure
        Of the survey, in order of time.
    seed : int
        Of the survey.
    plants : sequence of Plant
        Faults of its redshifts.
    """

    def __init__(self, petal: int, exposures: Sequence[Exposure], *, seed: int, plants: Sequence[Plant] = ()) -> None:
        self.petal, self.exposures = petal, exposures
        self.first = petal * DESI.fibers
        self.rng = np.random.default_rng([seed, 5, petal])
        # Sound fibers differ: their throughput and their place in the field do.
        self._rates = CLEAN_OUTLIERS * self.rng.lognormal(-0.045, 0.3, DESI.fibers)
        self._plants = [(plant, plant.strength(exposures, seed)) for plant in plants]

    def __iter__(self) -> Iterator[tuple[Exposure, list[Vector]]]:
        """Give the last exposure of each tile with the vectors of the petal."""
        for exposure in self.exposures:
            if exposure.last_of_tile:
                yield exposure, self._vectors(exposure)

    def _vectors(self, exposure: Exposure) -> list[Vector]:
        rng, n_fiber = self.rng, DESI.fibers
        names = self._draw_classes(exposure.program)
        z, spectype = np.zeros(n_fiber), np.zeros(n_fiber)
        zwarn, quality = np.zeros(n_fiber), 60 * rng.lognormal(0, 1.0, n_fiber)
        target = np.array([_bits(name) for name in names], dtype=float)
        for name in sorted(set(names)):
            rows = names == name
            z[rows] = _draw_z(name, int(rows.sum()), rng)
            spectype[rows] = CODES[_CODE.get(name, "STAR")]
        unsure = rng.random(n_fiber) < np.array([_UNSURE.get(name, 0.05) for name in names])
        unsure |= names == "sky"
        zwarn[unsure], quality[unsure] = 4, rng.uniform(0.1, 9, int(unsure.sum()))
        # Half of the fits that have a warning are right; the others lie anywhere that templates reach.
        lost = unsure & ((names == "sky") | (rng.random(n_fiber) < 0.5))
        z[lost] = rng.uniform(0, 1.7, int(lost.sum()))
        # On a poor tile more fits go astray, in all fibers.
        poor = rng.lognormal(-0.08, 0.4)
        rates = np.minimum(1, self._rates * poor)
        for plant, strength in self._plants:
            if plant.what == OUTLIERS and plant.fibers:
                low, high = plant.fibers
                rates[low - self.first : high - self.first + 1] += strength[exposure.index]
        astray = (rng.random(n_fiber) < rates) & np.isin(names, list(MIX["bright"] | MIX["dark"])) & (names != "other") & ~unsure
        z[astray] = [_astray(name, rng) for name in names[astray]]
        self._pile_up(exposure, names, z, zwarn, spectype)
        table = {"redshift": z, "spectype": spectype, "zwarn": zwarn, "quality": quality, "target": target}
        steps = {"redshift": 0.0, "spectype": 1.0, "zwarn": 1.0, "quality": 0.1, "target": 1.0}
        return [Vector(name, self.first, np.asarray(values, dtype=float), steps[name]) for name, values in table.items()]

    def _draw_classes(self, program: str) -> NDArray[np.str_]:
        rng, mix = self.rng, MIX[program]
        names = rng.choice(list(mix), DESI.fibers, p=list(mix.values())).astype("<U8")
        order = rng.permutation(DESI.fibers)
        names[order[:40]] = "sky"
        names[order[40:50]] = "standard"
        return np.asarray(names)

    def _pile_up(self, exposure: Exposure, names: NDArray[np.str_], z: Floats, zwarn: Floats, spectype: Floats) -> None:
        """Give what a planted line fools the redshift at which [O II] lies there, to the width of the line."""
        for plant, strength in self._plants:
            if plant.what != REDSHIFT or not plant.fibers or not plant.waves or not strength[exposure.index]:
                continue
            low, high = plant.fibers
            for row in range(low - self.first, high - self.first + 1):
                if names[row] not in ("sky", "standard") and self.rng.random() < strength[exposure.index]:
                    wave = float(np.mean(plant.waves)) + self.rng.normal(0, 2.0)
                    z[row], zwarn[row], spectype[row] = wave / LINE - 1, 0, CODES["GALAXY"]


def _bits(name: str) -> int:
    return BITS[name] if name == "sky" else BITS["standard"] | BITS["other"] if name == "standard" else BITS["target"] | BITS[name]


def _draw_z(name: str, count: int, rng: np.random.Generator) -> Floats:
    if name not in _CODE or name == "other":
        return np.asarray(rng.normal(0, 5e-4, count))
    chances = np.cumsum(reference_density(_Z, name))
    return np.asarray(np.interp(rng.random(count), chances / chances[-1], _Z))


def _astray(name: str, rng: np.random.Generator) -> float:
    """Draw a redshift where its class has none, or nearly none."""
    while True:
        z = float(rng.uniform(0, 1.7 if name != "QSO" else 4.5))
        density = reference_density(z, name)
        if float(density) < 0.02:
            return z
        if name in ("ELG", "QSO") and rng.random() < 0.02:
            return z
