"""Trials: one simulated camera, exposure or petal each, judged by every expectation that fits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from pytest_specqa.checks.outcome import by_check, reduce
from pytest_specqa.demo.simulate import SimCamera
from pytest_specqa.triage.stages import stage_of
from pytest_specqa.trials import pipeline, reported, scenes
from pytest_specqa.trials.fixtures import (
    EXPID,
    NIGHT,
    TILE,
    camera_fixtures,
    camera_unit,
    exposure_fixtures,
    redshift_fixtures,
    tile_fixtures,
)
from pytest_specqa.trials.reported import Truth
from pytest_specqa.trials.runner import Suite
from pytest_specqa.values import DataUnit, Measurement

PETAL = 6
"""The petal that tile trials judge."""


@dataclass(frozen=True)
class Trial:
    """What is simulated: a kind of unit, a case, an amplitude and a seed.

    Attributes
    ----------
    kind : str
        ``camera``, ``exposure``, ``petal`` or ``tile``.
    case : str
        ``clean``, the name of a must-not-trigger case with the prefix ``quiet:``, or the name of a fault.
    amplitude : float
        Of the fault; 0 otherwise.
    seed : int
        Makes the trial what it is.
    band : str
        ``b``, ``r`` or ``z``.
    """

    kind: str
    case: str
    seed: int
    amplitude: float = 0.0
    band: str = "r"

    @property
    def key(self) -> str:
        """Identity in a results file."""
        return f"{self.kind}/{self.case}/{self.amplitude:.6g}/{self.band}/{self.seed}"


@dataclass(frozen=True)
class Result:
    """What became of a trial.

    Attributes
    ----------
    trial : Trial
        What was simulated.
    outcomes : dict of str to str
        The worst outcome of each expectation.
    values : dict of str to float
        The value of each measure.
    first : str
        Expectation of the earliest stage that failed, or warned if none failed; empty where all is well.
    stage : str
        Its stage.
    placed : bool or None
        Whether what it names overlaps, in fibers and in wavelength, with where the fault acted; ``None`` where it names no place or
        no fault was planted.
    """

    trial: Trial
    outcomes: dict[str, str]
    values: dict[str, float] = field(default_factory=dict)
    first: str = ""
    stage: str = ""
    placed: bool | None = None


def run(trial: Trial) -> Result:
    """Simulate and judge one trial.

    Parameters
    ----------
    trial : Trial
        What to do.

    Returns
    -------
    Result
        Outcomes of the expectations and, with the prefix ``pipeline:``, of the pipeline's own numbers.
    """
    unit, fixtures, extra, truth = _staged(trial)
    found = judge(unit, fixtures, band=trial.band)
    everything = [each.as_record() for each in found]
    checks = by_check(everything)
    outcomes = {expectation: str(reduce(records).outcome) for (_, expectation), records in checks.items()}
    values = {each.limit.name: float(each.measured.value) for each in found if np.isfinite(each.measured.value)}
    first = reported.earliest(everything)
    return Result(
        trial,
        outcomes | extra,
        values,
        first=first[0]["expectation"] if first else "",
        stage=stage_of(first[0]) if first else "",
        placed=reported.overlap(first, truth) if truth else None,
    )


def judge(unit: DataUnit, fixtures: Mapping[str, Callable[[], Any]], *, band: str) -> list[Measurement]:
    """Judge one simulated unit by every expectation that fits it.

    Parameters
    ----------
    unit : DataUnit
        What is judged.
    fixtures : mapping of str to callable
        Gives each product when it is asked for.
    band : str
        Band of the cameras; expectations for other bands are left out.

    Returns
    -------
    list of Measurement
        In file order of the expectations.
    """
    suite = _suite()
    return [found for name in suite.fitting(set(fixtures), band=band) for found in suite.judge(name, unit, fixtures=fixtures)]


@cache
def _suite() -> Suite:
    return Suite()


def _staged(trial: Trial) -> Stage:
    return _STAGES[trial.kind](trial, np.random.default_rng([trial.seed, *trial.key.encode()]))


Stage = tuple[DataUnit, dict[str, Callable[[], Any]], dict[str, str], list[Truth]]


def _camera(trial: Trial, rng: np.random.Generator) -> Stage:
    camera = scenes.simulate(trial.case, trial.amplitude, band=trial.band, rng=rng)
    return camera_unit(camera), camera_fixtures(camera), pipeline.verdicts(camera), _truth([camera])


def _exposure(trial: Trial, rng: np.random.Generator) -> Stage:
    cameras = scenes.simulate_exposure(trial.case, trial.amplitude, band=trial.band, rng=rng)
    return DataUnit("exposure", NIGHT, expid=EXPID, tile=TILE), exposure_fixtures(cameras), {}, _truth(cameras)


def _petal(trial: Trial, rng: np.random.Generator) -> Stage:
    tables = scenes.simulate_tile(trial.case, trial.amplitude, petal=PETAL, rng=rng)
    unit = DataUnit("petal", NIGHT, tile=TILE, petal=PETAL, group="cumulative", suffix=f"thru{NIGHT}")
    return unit, redshift_fixtures(tables, PETAL), {}, []


def _truth(cameras: list[SimCamera]) -> list[Truth]:
    """Where faults were planted in cameras."""
    return [Truth(camera.fiber[place.rows], place.waves) for camera in cameras for place in camera.truth.values()]


def _tile(trial: Trial, rng: np.random.Generator) -> Stage:
    visits = scenes.simulate_visits(trial.case, trial.amplitude, band=trial.band, rng=rng)
    unit = DataUnit("tile", NIGHT, tile=TILE, group="cumulative", suffix=f"thru{NIGHT}")
    return unit, tile_fixtures(visits), {}, _truth([camera for cameras in visits for camera in cameras])


_STAGES = {"camera": _camera, "exposure": _exposure, "petal": _petal, "tile": _tile}


def unit_and_fixtures(
    kind: str, case: str, amplitude: float, *, band: str, rng: np.random.Generator
) -> tuple[DataUnit, dict[str, Callable[[], Any]]]:
    """Simulate one unit without judging it.

    Parameters
    ----------
    kind, case, amplitude, band
        As in `Trial`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    tuple of (DataUnit, dict of str to callable)
        The unit, and what gives its fixtures.
    """
    unit, fixtures, *_ = _STAGES[kind](Trial(kind, case, 0, amplitude, band), rng)
    return unit, fixtures
