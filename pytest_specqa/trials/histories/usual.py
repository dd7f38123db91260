"""How the measures of clean cameras are distributed, and values that are drawn so over many nights."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import norm

from pytest_specqa.errors import InputError
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.trials.distributions import LEVELS
from pytest_specqa.trials.histories.survey import Exposure


@dataclass(frozen=True)
class Usual:
    """How the values of one measure of a camera are distributed where nothing is wrong.

    Attributes
    ----------
    measure, band : str
        Name, and band of the camera; empty for all bands.
    chances, values : tuple of float
        Quantile function: parts of the values that lie below `values`; both increase.
    low, high : float
        Limits.
    """

    measure: str
    band: str
    chances: tuple[float, ...]
    values: tuple[float, ...]
    low: float = -np.inf
    high: float = np.inf

    @property
    def spread(self) -> float:
        """Standard deviation that a Gaussian with the same 5 % and 95 % quantiles has; 0 for a measure that hardly varies."""
        low, high = np.interp([0.05, 0.95], self.chances, self.values)
        return float(high - low) / (2 * 1.645)

    def value(self, score: Floats) -> Floats:
        """Return the value at the place of a standard normal `score`; beyond the extremes the last slope goes on.

        Parameters
        ----------
        score : ndarray
            Any shape.

        Returns
        -------
        ndarray
            Same shape.
        """
        nodes = norm.ppf(np.clip(self.chances, 1e-4, 1 - 1e-4))
        inside = np.interp(score, nodes, self.values)
        # What lies at its bound, such as a part of 1 or a count of 0, stays there.
        first = (self.values[1] - self.values[0]) / (nodes[1] - nodes[0])
        last = (self.values[-1] - self.values[-2]) / (nodes[-1] - nodes[-2])
        return np.asarray(inside + first * np.minimum(score - nodes[0], 0) + last * np.maximum(score - nodes[-1], 0))


def read(path: Path, *, measures: Sequence[str] = ()) -> list[Usual]:
    """Read the distributions that ``specqa judgement`` wrote as ``clean_values.csv``.

    Parameters
    ----------
    path : Path
        The file.
    measures : sequence of str
        Which ones; all measures of cameras if empty.

    Returns
    -------
    list of Usual
        By measure and band.

    Raises
    ------
    InputError
        If it holds none of them.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["unit"] == "camera" and (not measures or row["measure"] in measures)]
    if not rows:
        raise InputError(f"{path}: holds no measure of a camera {'named ' + ', '.join(measures) if measures else ''}")
    found = []
    for row in rows:
        known = [(level, row[f"{100 * level:g} %"]) for level in LEVELS]
        count = int(row["values"])
        points = [(0.5 / count, row["smallest"]), *known, (1 - 0.5 / count, row["largest"])]
        pairs = sorted((chance, float(value)) for chance, value in points if value)
        chances, values = zip(*pairs, strict=True)
        low, high = (float(row[name] or sign) for name, sign in (("low", "-inf"), ("high", "inf")))
        found.append(Usual(row["measure"], row["band"], chances, values, low, high))
    return found


def of_band(usual: Sequence[Usual], band: str) -> list[Usual]:
    """Return one distribution for each measure: that of the band, or that of all bands where it has none of its own."""
    chosen = {one.measure: one for one in usual if not one.band} | {one.measure: one for one in usual if one.band == band}
    return list(chosen.values())


@dataclass(frozen=True)
class Wander:
    """What makes the values of one camera differ, as parts of their variance; what is left is each exposure's own.

    Attributes
    ----------
    camera : float
        What the camera always has.
    night : float
        What the exposures of a night share.
    memory : float
        Correlation of the shared part from one night to the next.
    season : float
        What comes and goes over a year.
    program : float
        Between dark and bright.
    exposure : float
        What all cameras of a band share in an exposure.
    new_code : float
        Step of all cameras with a new version of the code, in standard deviations.
    """

    camera: float = 0.25
    night: float = 0.15
    memory: float = 0.6
    season: float = 0.05
    program: float = 0.05
    exposure: float = 0.1
    new_code: float = 0.5


def scores(
    exposures: Sequence[Exposure], rng: np.random.Generator, *, wander: Wander, step: float, shared: Floats | None = None
) -> Floats:
    """Draw standard scores of one measure of one camera.

    Parameters
    ----------
    exposures : sequence of Exposure
        In order of time.
    rng : numpy.random.Generator
        Source of randomness.
    wander : Wander
        How the variance is shared out.
    step : float
        What a new version of the code adds, in standard deviations: the same in all cameras.
    shared : ndarray, shape (n_exposure,), or None
        Of unit variance: what all cameras of the band have in common in an exposure.

    Returns
    -------
    ndarray, shape (n_exposure,)
        With tails of Student's t for 6 degrees of freedom.
    """
    day = np.array([exposure.day for exposure in exposures])
    since = np.array([exposure.since for exposure in exposures])
    bright = np.array([exposure.program == "bright" for exposure in exposures])
    new = np.array([exposure.code != exposures[0].code for exposure in exposures])
    nights = nightly(int(day[-1]) + 1, rng, memory=wander.memory)[day]
    season = np.sqrt(2) * np.sin(2 * np.pi * (since / 365.25 + rng.random()))
    common = 0.0 if shared is None else np.sqrt(wander.exposure) * shared
    own = max(0.0, 1 - wander.camera - wander.night - wander.season - wander.program - wander.exposure)
    noise = rng.standard_t(6, day.size) / np.sqrt(1.5)
    return np.asarray(
        np.sqrt(wander.camera) * rng.standard_normal()
        + np.sqrt(wander.night) * nights
        + np.sqrt(wander.season) * season
        + np.sqrt(wander.program) * np.where(bright, 1, -1) * rng.choice([-1, 1])
        + np.sqrt(own) * noise
        + step * new
        + common
    )


def nightly(nights: int, rng: np.random.Generator, *, memory: float) -> Floats:
    """Draw a stationary series of unit variance in which each night remembers the one before.

    Parameters
    ----------
    nights : int
        Length.
    rng : numpy.random.Generator
        Source of randomness.
    memory : float
        Correlation of neighbouring nights.

    Returns
    -------
    ndarray, shape (nights,)
        First-order autoregressive.
    """
    drawn = rng.standard_normal(nights)
    for day in range(1, nights):
        drawn[day] = memory * drawn[day - 1] + np.sqrt(1 - memory**2) * drawn[day]
    return np.asarray(drawn)
