"""Records of many nights as runs of the suite would have kept them, one night after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import cast

import numpy as np

from pytest_specqa.measures.statistics import Floats
from pytest_specqa.trials.histories.plants import OUTLIERS, REDSHIFT, Plant
from pytest_specqa.trials.histories.redshifts import Petal
from pytest_specqa.trials.histories.spectra import Detector, Scatter
from pytest_specqa.trials.histories.survey import Exposure, Survey, observe
from pytest_specqa.trials.histories.usual import Usual, Wander, of_band, scores
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome, Record
from pytest_specqa.vectors import Vector, encode

PRODUCTION = "simulated"
_CARRIER = Limit("ccd_hole", high=25.0, unit="electron/Angstrom", source="simulated")
_CARRIER_TEST = "test_no_defect_of_the_ccd_is_left"
_FITTED = Limit("redshift_fit_fraction", low=0.5, source="simulated")
_FITTED_TEST = "test_redshifts_are_usable"


@dataclass(frozen=True)
class History:
    """What a store of simulated nights holds.

    Attributes
    ----------
    survey : Survey
        Nights, exposures and cameras.
    plants : tuple of Plant
        What is wrong; nothing in a clean history.
    usual : tuple of Usual
        Measures that are drawn besides the vectors; none by default.
    scatter : Scatter
        What vectors scatter by.
    wander : Wander
        What measures wander by.
    redshifts, spectra : bool
        Whether petals with their redshifts, and cameras, are made.
    """

    survey: Survey = field(default_factory=Survey)
    plants: tuple[Plant, ...] = ()
    usual: tuple[Usual, ...] = ()
    scatter: Scatter = field(default_factory=Scatter)
    wander: Wander = field(default_factory=Wander)
    redshifts: bool = True
    spectra: bool = True

    def nights(self) -> Iterator[tuple[int, list[Record]]]:
        """Make the records of one night after another.

        Yields
        ------
        tuple of (int, list of Record)
            Night as YYYYMMDD, and its records: of cameras, then of petals; the first of a check carries its vectors.
        """
        exposures = observe(self.survey)
        seed = self.survey.seed
        cameras = self.survey.cameras if self.spectra else ()
        measures = [_Measures(self, camera, exposures) for camera in cameras]
        detectors = [iter(self._detector(camera, exposures)) for camera in cameras]
        petals = [Petal(petal, exposures, seed=seed, plants=self._of_petal(petal)) for petal in self.survey.petals]
        tables = [iter(petal) for petal in petals] if self.redshifts else []
        for night, group in groupby(exposures, lambda exposure: exposure.night):
            records: list[Record] = []
            for exposure in group:
                for own, detector in zip(measures, detectors, strict=True):
                    records += own.records(*next(detector))
                if exposure.last_of_tile:
                    for petal, table in zip(self.survey.petals, tables, strict=False):
                        records.append(_petal_record(petal, *next(table)))
            yield night, records

    def _detector(self, camera: str, exposures: Sequence[Exposure]) -> Detector:
        plants = [plant for plant in self.plants if plant.camera == camera and plant.what not in (REDSHIFT, OUTLIERS)]
        return Detector(camera, exposures, seed=self.survey.seed, plants=plants, scatter=self.scatter)

    def _of_petal(self, petal: int) -> list[Plant]:
        return [plant for plant in self.plants if plant.petal == petal and plant.what in (REDSHIFT, OUTLIERS)]


class _Measures:
    """The measures of one camera, drawn for all exposures at once."""

    def __init__(self, history: History, camera: str, exposures: Sequence[Exposure]) -> None:
        self.camera = camera
        self.values: list[tuple[Usual, Limit, Floats]] = []
        survey, band = history.survey, camera[0]
        for usual in of_band(history.usual, band):
            words = usual.measure.encode()
            # The step with a new version of the code, and what an exposure brings, is the same in all cameras of a band.
            alike = np.random.default_rng([survey.seed, 6, ord(band), *words])
            step = history.wander.new_code * alike.standard_normal()
            shared = alike.standard_normal(len(exposures))
            rng = np.random.default_rng([survey.seed, 7, ord(band), int(camera[1:]), *words])
            values = usual.value(scores(exposures, rng, wander=history.wander, step=float(step), shared=shared))
            for plant in history.plants:
                if plant.camera == camera and plant.what == usual.measure:
                    values = values + usual.spread * plant.strength(exposures, survey.seed)
            self.values.append((usual, Limit(usual.measure, low=usual.low, high=usual.high, source="simulated"), values))

    def records(self, exposure: Exposure, vectors: Sequence[Vector]) -> list[Record]:
        """Return the records of one exposure; the first carries the vectors."""
        unit = DataUnit("camera", exposure.night, exposure.expid, exposure.tile, self.camera, int(self.camera[1:]))
        carrier = _record(unit, exposure, expectation=_CARRIER_TEST, limit=_CARRIER, value=0.0)
        carrier["vectors"] = [encode(vector) for vector in vectors]
        own = [
            _record(unit, exposure, expectation=f"test_{usual.measure}", limit=limit, value=float(values[exposure.index]))
            for usual, limit, values in self.values
        ]
        return [carrier, *own]


def _petal_record(petal: int, exposure: Exposure, vectors: Sequence[Vector]) -> Record:
    suffix = f"thru{exposure.night}"
    unit = DataUnit("petal", exposure.night, tile=exposure.tile, petal=petal, group="cumulative", suffix=suffix)
    zwarn = next(vector.values for vector in vectors if vector.name == "zwarn")
    record = _record(unit, exposure, expectation=_FITTED_TEST, limit=_FITTED, value=float(np.mean(zwarn == 0)))
    record["vectors"] = [encode(vector) for vector in vectors]
    return record


def _record(unit: DataUnit, exposure: Exposure, *, expectation: str, limit: Limit, value: float) -> Record:
    measured = Measured(value)
    outcome = limit.judge(measured)
    record = Measurement(
        unit=unit,
        expectation=expectation,
        measured=measured,
        limit=limit,
        outcome=outcome,
        message="" if outcome is Outcome.PASSED else f"{limit.name} = {value:.4g}",
        survey="main",
        program=exposure.program,
        versions={"production": PRODUCTION, "pytest-specqa": "simulated"},
    ).as_record()
    kept = {"code": exposure.code, "limits": "simulated", "inputs": f"{unit.id} {exposure.code}"}
    return cast(Record, record | kept)
