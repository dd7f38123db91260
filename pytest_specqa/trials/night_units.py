"""The units of a night with planted faults, simulated and judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.conditions import TileConditions
from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.redshifts import SimRedshifts, simulate_redshifts
from pytest_specqa.demo.simulate import SimCamera, simulate_camera
from pytest_specqa.demo.story import EXPOSURES, StoryExposure, story_targets
from pytest_specqa.instrument import DESI
from pytest_specqa.trials.fixtures import NIGHT, TILE, camera_fixtures, exposure_fixtures, redshift_fixtures, tile_fixtures
from pytest_specqa.trials.nights import OF_TILE, Judged, Night, Planted
from pytest_specqa.trials.trials import judge
from pytest_specqa.values import DataUnit, Measurement, Outcome, Record

_OF_TILE = DataUnit("tile", NIGHT, tile=TILE, group="cumulative", suffix=f"thru{NIGHT}")


def run(night: Night) -> Judged:
    """Simulate and judge what a night's faults strike; all of a clean night.

    Parameters
    ----------
    night : Night
        What to do.

    Returns
    -------
    Judged
        Cameras that are struck, and the exposures, petals and the tile that rest on them.
    """
    found: list[Measurement] = []
    planted: list[Planted] = []
    of_tile: list[list[SimCamera]] = []
    struck = {expid for plant in night.plants for expid in plant.expids}
    on_redshifts = not night.plants or any(plant.redshifts for plant in night.plants)
    touched = not night.plants or bool(struck & set(OF_TILE))
    for exposure in EXPOSURES:
        if not (exposure.expid in struck or not night.plants or (touched and exposure.expid in OF_TILE)):
            continue
        cameras = [_camera(night, exposure, petal) for petal in DESI.petals]
        if exposure.tile == TILE:
            of_tile.append(cameras)
        if exposure.expid in struck or not night.plants:
            found += _judge_exposure(night, exposure, cameras)
            planted += [place for camera in cameras for place in _places(exposure.expid, camera)]
    tables = _redshifts(night) if on_redshifts or touched else {}
    planted += [place for petal, (table, _) in tables.items() for place in _window_places(night, petal, table)]
    found += _judge_tile(night, of_tile, tables)
    return Judged(night, [_short(each.as_record()) for each in found], tuple(planted))


def _camera(night: Night, exposure: StoryExposure, petal: int) -> SimCamera:
    """Simulate one camera; its scene is the same in every night of a seed."""
    plants = [plant for plant in night.plants if petal in plant.petals and exposure.expid in plant.expids]
    # What strikes several cameras by one cause, or several exposures by one flat, strikes them in one place.
    one_flat = any(FAULTS[plant.fault].product == "fiberflat" and not FAULTS[plant.fault].persistent for plant in plants)
    shared = one_flat or any(len(plant.petals) > 1 for plant in plants)
    return simulate_camera(
        replace(exposure.conditions(night.band, petal), nebular=0.0),
        np.random.default_rng([night.seed, exposure.expid, petal, DESI.letters.index(night.band)]),
        faults={plant.fault: plant.amplitude for plant in plants},
        targets=story_targets(exposure.tile, petal, seed=night.seed),
        spectrograph=night.seed,
        fault_seed=night.seed if shared else None,
    )


def _judge_exposure(night: Night, exposure: StoryExposure, cameras: Sequence[SimCamera]) -> Iterator[Measurement]:
    expid, tile = exposure.expid, exposure.tile
    struck = {petal for plant in night.plants if expid in plant.expids for petal in plant.petals}
    for camera in cameras:
        petal = camera.conditions.petal
        if petal in struck or not night.plants:
            unit = DataUnit("camera", NIGHT, expid=expid, tile=tile, camera=camera.conditions.camera, petal=petal)
            yield from judge(unit, camera_fixtures(camera, expid=expid), band=night.band)
    yield from judge(DataUnit("exposure", NIGHT, expid=expid, tile=tile), exposure_fixtures([*cameras]), band=night.band)


Tables = dict[int, tuple[SimRedshifts, SimRedshifts]]
"""By petal: the redshifts of all petals, with the faults of this one and without."""


def _redshifts(night: Night) -> Tables:
    rng = np.random.default_rng([night.seed, TILE])
    conditions = TileConditions(
        n_sky=int(rng.integers(20, 81)), efftime=float(rng.uniform(0.7, 1.3)), clustering=float(rng.uniform(0.05, 0.3))
    )
    seed = int(rng.integers(2**62))

    def simulated(faults: Mapping[str, float]) -> SimRedshifts:
        """Redshifts of all petals with these faults in each."""
        return simulate_redshifts(conditions, np.random.default_rng(seed), petals=DESI.petals, faults=faults, tile=TILE)

    clean = simulated({})
    made: dict[tuple[str, ...], SimRedshifts] = {(): clean}
    found: Tables = {}
    for petal in DESI.petals:
        plants = [plant for plant in night.plants if plant.redshifts and petal in plant.petals]
        key = tuple(plant.fault for plant in plants)
        if key not in made:
            made[key] = simulated({plant.fault: plant.amplitude for plant in plants})
        found[petal] = (made[key], clean)
    return found


def _judge_tile(night: Night, exposures: list[list[SimCamera]], tables: Tables) -> Iterator[Measurement]:
    """Judge the tile where something of it is struck, and the petals whose redshifts are."""
    if not tables:
        return
    rows = [(petal, *_rows(faulty, petal), clean.petal(petal).fibermap) for petal, (faulty, clean) in tables.items()]
    for petal in DESI.petals:
        if not night.plants or any(plant.redshifts and petal in plant.petals for plant in night.plants):
            fixtures = redshift_fixtures(rows, petal)
            del fixtures["tile_redshifts"]
            yield from judge(replace(_OF_TILE, kind="petal", petal=petal), fixtures, band=night.band)
    whole = redshift_fixtures(rows, 0)
    fixtures = {name: whole[name] for name in ("tile_redshifts", "tile")} | (tile_fixtures(exposures) if exposures else {})
    yield from judge(_OF_TILE, fixtures, band=night.band)


def _rows(table: SimRedshifts, petal: int) -> tuple[NDArray[Any], NDArray[Any]]:
    own = table.petal(petal)
    return own.redshifts, own.fibermap


def _places(expid: int, camera: SimCamera) -> list[Planted]:
    unit = DataUnit("camera", NIGHT, expid=expid, camera=camera.conditions.camera).id
    return [Planted(name, unit, _ranges(camera.fiber[place.rows]), place.waves) for name, place in camera.truth.items()]


def _window_places(night: Night, petal: int, table: SimRedshifts) -> list[Planted]:
    unit = replace(_OF_TILE, kind="petal", petal=petal).id
    names = {plant.fault for plant in night.plants if plant.redshifts and petal in plant.petals}
    # Rows of all petals are in order of FIBER.
    return [
        Planted(name, unit, _ranges(place.rows[place.rows // DESI.fibers == petal]))
        for name, place in table.truth.items()
        if name in names
    ]


def _ranges(fibers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Inclusive ranges of whole numbers."""
    runs = groupby(enumerate(sorted({int(fiber) for fiber in fibers})), lambda pair: pair[1] - pair[0])
    return tuple((run[0][1], run[-1][1]) for run in ([*run] for _, run in runs))


def _short(record: Record) -> Record:
    """Leave out the texts of what passed: they are most of a night."""
    if record["outcome"] in (str(Outcome.FAILED), str(Outcome.WARNED)):
        return record
    return record | {"message": "", "source": "", "versions": {}, "products": []}
