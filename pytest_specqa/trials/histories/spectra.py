"""Vectors of one camera over many exposures: stacked residuals, sky lines of each fiber, and its light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Legendre

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.trials.histories.plants import Plant
from pytest_specqa.trials.histories.survey import Exposure
from pytest_specqa.trials.histories.usual import nightly
from pytest_specqa.vectors import Vector

PIXELS = 32
"""Pixels of a bin of the residual."""
CLIP = 31.5
"""Residuals beyond it are stored as this."""


@dataclass(frozen=True)
class Scatter:
    """What residuals of clean cameras scatter by, in units of the error of one value.

    The defaults of noise and objects are what twenty nights of real runs on the demo show: between two exposures of one tile,
    0.46 % of the values are beyond 3 and 0.01 % beyond 5; of all values 2.0 % and 0.7 %, for the features of an object are in every
    exposure of it. What fibers, blocks and nights have in common is as large there or less.

    Attributes
    ----------
    noise : float
        Of each fiber and bin.
    outliers, outlier : float
        Part of the values that belong to a wider distribution, and how much wider it is.
    objects, feature : float
        Part of the bins in which an object has features, and their scale: that of Student's t for 2 degrees of freedom.
    neighbours : float
        Correlation of neighbouring bins.
    exposure : float
        What all fibers of an exposure share at a wavelength; three times that in the last bin, which is cut off.
    block : float
        What the fibers of a slit block share in one exposure.
    night : float
        What the fibers of a block share in all exposures of a night.
    fiber : float
        What a fiber always has at a wavelength.
    new_code : float
        What a new version of the code changes in all cameras at a wavelength.
    """

    noise: float = 0.93
    outliers: float = 0.04
    outlier: float = 1.8
    objects: float = 0.25
    feature: float = 0.84
    neighbours: float = 0.1
    exposure: float = 0.15
    block: float = 0.08
    night: float = 0.08
    fiber: float = 0.12
    new_code: float = 0.2


@dataclass(frozen=True)
class Lines:
    """One of the vectors that are measured on the sky lines of each fiber, as the runs on the demo show it.

    Attributes
    ----------
    name, unit : str
        As it is kept.
    error : float
        Typical error of a fiber.
    uneven : float
        Scatter of the logarithm of the error between fibers.
    pull : float
        Scatter of a value, in its error.
    own : float
        What a fiber always has, in its error.
    slit : float
        What changes smoothly along the slit from exposure to exposure, in errors.
    night : float
        What all fibers share in a night, in errors.
    """

    name: str
    unit: str
    error: float
    uneven: float
    pull: float
    own: float
    slit: float
    night: float = 0.2


LINES = (
    Lines("line_scale", "", 0.0035, 0.5, 0.5, 0.1, 0.1),
    Lines("line_shift", "Angstrom", 0.0028, 0.12, 1.0, 0.25, 0.95),
    Lines("line_width", "Angstrom^2", 0.0028, 0.17, 1.2, 0.15, 0.1),
)
_MEMORY = 0.6
"""Correlation of one night with the next."""
_BROAD, _ALWAYS = 0.24, 0.055
"""Scatter of the logarithm of the error of a residual between objects, and between fibers for good."""

ERROR = "residual_error"
RESIDUAL = "residual"
LIGHT = "flux_over_imaging"


class Detector:
    """One camera and all that it always has; gives the vectors of one exposure after another.

    Parameters
    ----------
    camera : str
        Name such as ``r6``.
    exposures : sequence of Exposure
        In order of time.
    seed : int
        Of the survey.
    plants : sequence of Plant
        Faults of this camera.
    scatter : Scatter
        What clean values scatter by.
    """

    def __init__(
        self, camera: str, exposures: Sequence[Exposure], *, seed: int, plants: Sequence[Plant] = (), scatter: Scatter | None = None
    ) -> None:
        self.camera, self.exposures, self.scatter = camera, exposures, scatter or Scatter()
        band, petal = DESI.bands[camera[0]], int(camera[1:])
        self.first, self.bins = petal * DESI.fibers, band.bins // PIXELS
        step = (band.last - band.first) / (band.bins - 1)
        lows = band.first - 0.5 * step + PIXELS * step * np.arange(self.bins)
        self.waves = (*map(float, lows), band.last + 0.5 * step)
        self.rng = np.random.default_rng([seed, 3, ord(camera[0]), petal])
        n_fiber, nights, rng = DESI.fibers, exposures[-1].day + 1, self.rng
        self._own = self.scatter.fiber * rng.standard_normal((n_fiber, self.bins))
        self._lines = {line.name: _LineState.draw(line, nights, rng) for line in LINES}
        self._level = rng.lognormal(0, _ALWAYS, n_fiber)
        # With a new version of the code all cameras of a band change alike.
        self._new = self.scatter.new_code * np.random.default_rng([seed, 4, ord(camera[0])]).standard_normal(self.bins)
        # The sky is as bright in all cameras.
        self._sky = np.random.default_rng([seed, 10]).lognormal(0, 0.1, len(exposures))
        self._broken = rng.choice(n_fiber, 2, replace=False)
        # One fiber is flagged for some weeks, and sound before and after.
        start = int(rng.integers(max(1, nights // 2)))
        self._away = (int(rng.integers(n_fiber)), start, start + max(3, nights // 8))
        self._day = self._tile = -1
        self._night = self._objects = np.zeros((n_fiber, self.bins))
        self._bright = np.ones(n_fiber)
        self._plants = [(plant, plant.strength(exposures, seed)) for plant in plants]

    def __iter__(self) -> Iterator[tuple[Exposure, list[Vector]]]:
        """Give each exposure with its vectors."""
        for exposure in self.exposures:
            yield exposure, self._vectors(exposure)

    def _vectors(self, exposure: Exposure) -> list[Vector]:
        n_fiber, rng = DESI.fibers, self.rng
        unusable = rng.random(n_fiber) < 0.01
        unusable[self._broken] = True
        fiber, start, end = self._away
        unusable[fiber] |= start <= exposure.day <= end
        self._turn_to(exposure)
        residual = self._residual(exposure)
        level = (5.0 if exposure.program == "bright" else 2.0) * self._sky[exposure.index] * rng.lognormal(0, 0.02)
        light = rng.lognormal(0, 0.05) * rng.lognormal(0, 0.2, n_fiber)
        made: dict[str, Floats] = {ERROR: level * self._level * self._bright * rng.lognormal(0, 0.02, n_fiber), LIGHT: light}
        errors: dict[str, Floats] = {}
        for line in LINES:
            errors[line.name], made[line.name] = self._lines[line.name].values(line, exposure, rng, self._heavy(n_fiber))
        for plant, strength in self._plants:
            if size := strength[exposure.index]:
                self._strike(plant, size, residual, made)
        residual = np.where(unusable[:, None], np.nan, np.clip(residual, -CLIP, CLIP))
        for values in (*made.values(), *errors.values()):
            values[unusable] = np.nan
        found = [
            Vector(RESIDUAL, self.first, residual, 0.75, self.waves, "sigma"),
            Vector(ERROR, self.first, made[ERROR], 0.02, (), "electron/Angstrom"),
            Vector(LIGHT, self.first, made[LIGHT], 0.02),
        ]
        for line in LINES:
            found.append(Vector(line.name, self.first, made[line.name], line.error / 4, (), line.unit))
            found.append(Vector(f"{line.name}_error", self.first, errors[line.name], line.error / 8, (), line.unit))
        return found

    def _turn_to(self, exposure: Exposure) -> None:
        """Draw what the exposures of a night, and those of a tile, have in common."""
        scatter, rng = self.scatter, self.rng
        if exposure.day != self._day:
            blocks = rng.standard_normal((DESI.fibers // DESI.block, self.bins))
            self._day, self._night = exposure.day, self._own + scatter.night * np.repeat(blocks, DESI.block, axis=0)
        if exposure.tile != self._tile:
            chance = rng.uniform(1e-4, 1 - 1e-4, (DESI.fibers, self.bins))
            # The quantile function of Student's t for 2 degrees of freedom.
            feature = scatter.feature * (2 * chance - 1) / np.sqrt(2 * chance * (1 - chance))
            self._tile, self._objects = exposure.tile, np.where(rng.random(chance.shape) < scatter.objects, feature, 0.0)
            self._bright = rng.lognormal(0, _BROAD, DESI.fibers)

    def _residual(self, exposure: Exposure) -> Floats:
        scatter, rng = self.scatter, self.rng
        noise = self._heavy((DESI.fibers, self.bins))
        noise[:, 1:] += scatter.neighbours * noise[:, :-1]
        common = scatter.exposure * rng.standard_normal(self.bins)
        common[-1] *= 3
        block = np.repeat(scatter.block * rng.standard_normal((DESI.fibers // DESI.block, self.bins)), DESI.block, axis=0)
        new = self._new * (exposure.code != self.exposures[0].code)
        return np.asarray(self._night + self._objects + scatter.noise * noise + block + common + new)

    def _heavy(self, shape: int | tuple[int, int]) -> Floats:
        drawn: Floats = self.rng.standard_normal(shape)
        return np.asarray(np.where(self.rng.random(shape) < self.scatter.outliers, self.scatter.outlier, 1.0) * drawn)

    def _strike(self, plant: Plant, size: float, residual: Floats, made: dict[str, Floats]) -> None:
        """Add a fault: in units of the error of one value, and of a clean value's scatter where that has no error."""
        low, high = plant.fibers or (self.first, self.first + DESI.fibers - 1)
        rows = slice(low - self.first, high - self.first + 1)
        if plant.what == RESIDUAL:
            blue, red = plant.waves or (self.waves[0], self.waves[-1])
            edges = np.array(self.waves)
            residual[rows, (edges[1:] > blue) & (edges[:-1] <= red)] += size
        elif plant.what in (ERROR, LIGHT):
            made[plant.what][rows] *= 1 + 0.05 * size
        elif plant.what in made:
            made[plant.what][rows] += size * next(line.error for line in LINES if line.name == plant.what)


@dataclass(frozen=True, eq=False)
class _LineState:
    """What one of the line vectors always has: by fiber, by night, and how errors differ."""

    own: Floats
    nights: Floats
    errors: Floats

    @classmethod
    def draw(cls, line: Lines, nights: int, rng: np.random.Generator) -> _LineState:
        """Draw it for one camera."""
        return cls(
            line.own * rng.standard_normal(DESI.fibers),
            line.night * nightly(nights, rng, memory=_MEMORY),
            line.error * rng.lognormal(0, line.uneven, DESI.fibers),
        )

    def values(self, line: Lines, exposure: Exposure, rng: np.random.Generator, noise: Floats) -> tuple[Floats, Floats]:
        """Errors and values of one exposure."""
        along = np.linspace(-1, 1, DESI.fibers)
        # Legendre polynomials of even power.
        smooth = sum(rng.standard_normal() * np.sqrt(2 * k + 1) * Legendre.basis(k)(along) for k in (1, 2, 3, 4))
        errors = self.errors * rng.lognormal(0, 0.1, DESI.fibers)
        off = line.pull * noise * errors + self.own * self.errors
        return errors, np.asarray(off + line.error * (self.nights[exposure.day] + line.slit * 0.5 * smooth))
