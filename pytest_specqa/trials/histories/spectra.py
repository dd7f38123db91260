"""Vectors of one camera over many exposures: stacked residuals, sky lines of each fiber, and its light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.trials.histories.plants import Plant
from pytest_specqa.trials.histories.survey import Exposure
from pytest_specqa.trials.histories.usual import nightly
from pytest_specqa.vectors import Vector

BINS = 40
"""Wavelength bins of a residual."""
CLIP = 31.0
"""Residuals beyond it are stored as this."""


@dataclass(frozen=True)
class Scatter:
    """What residuals and lines of clean cameras scatter by, in units of the error of one value.

    Attributes
    ----------
    noise : float
        Of each fiber and bin.
    outliers, outlier : float
        Part of the values that belong to a wider distribution, and how much wider it is.
    neighbours : float
        Correlation of neighbouring bins.
    exposure : float
        What all fibers of an exposure share at a wavelength; four times that in the bins of bright sky lines.
    block : float
        What the fibers of a slit block share in one exposure.
    night : float
        What the fibers of a block share in all exposures of a night.
    fiber : float
        What a fiber always has at a wavelength.
    new_code : float
        What a new version of the code changes in all cameras at a wavelength.
    """

    noise: float = 1.0
    outliers: float = 0.01
    outlier: float = 3.0
    neighbours: float = 0.15
    exposure: float = 0.15
    block: float = 0.1
    night: float = 0.1
    fiber: float = 0.15
    new_code: float = 0.2


@dataclass(frozen=True)
class Lines:
    """One of the vectors that are measured on the sky lines of each fiber: its usual value, error and steps on disk."""

    name: str
    level: float
    error: float
    step: float
    unit: str


LINES = (
    Lines("line_scale", 0.0, 0.006, 0.0005, ""),
    Lines("line_shift", 0.0, 0.008, 0.0005, "Angstrom"),
    Lines("line_width", 0.0, 0.03, 0.002, "Angstrom^2"),
)

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
        self.first = petal * DESI.fibers
        self.waves = tuple(float(edge) for edge in np.linspace(band.first, band.last, BINS + 1))
        self.rng = np.random.default_rng([seed, 3, ord(camera[0]), petal])
        n_fiber, rng = DESI.fibers, self.rng
        self._own = self.scatter.fiber * rng.standard_normal((n_fiber, BINS))
        self._line_own = {line.name: line.error * 0.5 * rng.standard_normal(n_fiber) for line in LINES}
        nights = exposures[-1].day + 1
        self._line_nights = {line.name: line.error * 0.5 * nightly(nights, rng, memory=0.6) for line in LINES}
        self._throughput = 1 + 0.05 * rng.standard_normal(n_fiber)
        self._sky_bins = _sky_bins(self.waves)
        # With a new version of the code all cameras of a band change alike.
        self._new = self.scatter.new_code * np.random.default_rng([seed, 4, ord(camera[0])]).standard_normal(BINS)
        self._broken = rng.choice(n_fiber, 2, replace=False)
        # One fiber is flagged for some weeks, and sound before and after.
        start = int(rng.integers(max(1, nights // 2)))
        self._away = (int(rng.integers(n_fiber)), start, start + max(3, nights // 8))
        self._night = (-1, np.zeros((n_fiber, BINS)))
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
        residual = self._residual(exposure)
        level = (5.0 if exposure.program == "bright" else 2.0) * self._throughput * rng.lognormal(0, 0.05)
        error = level * rng.lognormal(0, 0.02, n_fiber)
        light = rng.lognormal(0, 0.05) * rng.lognormal(0, 0.2, n_fiber)
        made: dict[str, Floats] = {ERROR: error, LIGHT: light}
        for line in LINES:
            own = self._line_own[line.name] + self._line_nights[line.name][exposure.day]
            made[line.name] = line.level + own + line.error * self._heavy(n_fiber)
        for plant, strength in self._plants:
            if size := strength[exposure.index]:
                self._strike(plant, size, residual, made)
        residual = np.where(unusable[:, None], np.nan, np.clip(residual, -CLIP, CLIP))
        for values in made.values():
            values[unusable] = np.nan
        found = [
            Vector(RESIDUAL, self.first, residual, 0.25, self.waves, "sigma"),
            Vector(ERROR, self.first, made[ERROR], 0.01, (), "electron/Angstrom"),
            Vector(LIGHT, self.first, made[LIGHT], 0.005),
        ]
        for line in LINES:
            errors = np.where(unusable, np.nan, line.error)
            found.append(Vector(line.name, self.first, made[line.name], line.step, (), line.unit))
            found.append(Vector(f"{line.name}_error", self.first, errors, line.step, (), line.unit))
        return found

    def _residual(self, exposure: Exposure) -> Floats:
        scatter, rng, n_block = self.scatter, self.rng, DESI.fibers // DESI.block
        if exposure.day != self._night[0]:
            drawn = rng.standard_normal((n_block, BINS))
            self._night = (exposure.day, self._own + scatter.night * np.repeat(drawn, DESI.block, axis=0))
        noise = self._heavy((DESI.fibers, BINS))
        noise[:, 1:] += scatter.neighbours * noise[:, :-1]
        common = scatter.exposure * np.where(self._sky_bins, 4, 1) * rng.standard_normal(BINS)
        block = np.repeat(scatter.block * rng.standard_normal((n_block, BINS)), DESI.block, axis=0)
        new = self._new * (exposure.code != self.exposures[0].code)
        return np.asarray(self._night[1] + scatter.noise * noise + block + common + new)

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


def _sky_bins(waves: Sequence[float]) -> NDArray[np.bool_]:
    edges = np.array(waves)
    return np.asarray(np.histogram(DESI.sky_lines, bins=edges)[0] > 0)
