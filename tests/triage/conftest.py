"""Records as the session makes them, from a few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome

TILES = {104282: 1298, 104284: 7951, 104285: 7951, 104286: 6699}
MEASURES = {"sky": "sky_chromatic_run", "sframe": "vertical_lines_narrow", "redshifts": "redshift_pileup"}
"""What expectations of these stages measure, unless a test says otherwise."""
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make() -> Make:
    """A function that makes one record of a camera, or of a tile petal where no exposure is named."""

    def record(stage: str, outcome: str, expid: int | None = 104284, camera: str = "r6", **more: Any) -> dict[str, Any]:
        if expid is None:
            unit = DataUnit("petal", 20211014, tile=more.pop("tile", 7951), petal=int(camera[1]), group="cumulative")
        else:
            unit = DataUnit("camera", 20211014, expid, more.pop("tile", TILES.get(expid)), camera)
        limit = Limit(more.pop("measure", MEASURES.get(stage, "size")), high=1.0)
        found = {name: more.pop(name) for name in ("fibers", "waves", "detail", "features") if name in more}
        judged = Measured(more.pop("value", 2.0), **found), limit, Outcome(outcome), more.pop("message", "")
        return {**Measurement(unit, f"test_{stage}_is_good", *judged, stage=stage, **more).as_record()}

    return record


@pytest.fixture
def story_records(make: Make) -> list[dict[str, Any]]:
    """A sky-model fault in petals 6-8 of both exposures of a tile, and what follows from it."""
    records = []
    for expid, tile in TILES.items():
        for petal in range(10):
            bad = "failed" if tile == 7951 and petal in (6, 7, 8) else "passed"
            records += [make(stage, "passed", expid, f"r{petal}") for stage in ("fiberflat", "frame")]
            records += [make(stage, bad, expid, f"r{petal}") for stage in ("sframe", "sky")]
    return records + [make("redshifts", "failed" if petal in (6, 7, 8) else "passed", None, f"r{petal}") for petal in range(10)]
