"""How far a fault reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_specqa.triage import scope

Make = Callable[..., dict[str, Any]]
EXPIDS = (104282, 104284, 104285, 104286)


def test_a_fault_of_a_tile_is_told_from_one_of_the_night(story_records: list[dict[str, Any]]) -> None:
    """The good exposures before and after rule out the calibrations."""
    assert scope(story_records) == (
        "petals 6-8 of the r cameras, both exposures of tile 7951, not 00104282 or 00104286: "
        "specific to the tile, not to the night's calibrations"
    )


def test_a_fault_in_every_exposure_points_to_calibrations(make: Make) -> None:
    """One petal, all tiles."""
    records = [make("fiberflat", "failed" if camera == "b3" else "passed", e, camera) for e in EXPIDS for camera in ("b3", "b4")]
    told = scope(records)
    assert told.startswith("camera b3, all 4 exposures: ")
    assert "the night's calibrations or the instrument" in told


def test_one_exposure_of_a_tile_is_told_from_the_tile(make: Make) -> None:
    """Its sister exposure is good."""
    records = [make("sky", "failed" if e == 104285 else "passed", e, f"z{p}") for e in EXPIDS for p in range(10)]
    told = scope(records)
    assert told.startswith("all 10 petals of the z cameras, exposure 00104285 of tile 7951, not ")
    assert told.endswith("specific to one exposure, not to its tile or the night's calibrations")


def test_no_conclusion_is_drawn_from_a_single_exposure(make: Make) -> None:
    """Nothing to compare with."""
    assert scope([make("sky", "failed")]) == "camera r6 (the only one judged), exposure 00104284 of tile 7951"


def test_many_exposures_are_counted(make: Make) -> None:
    """A sentence stays a sentence."""
    records = [make("sky", "failed" if e < 110 else "passed", e, "r1", tile=e) for e in range(100, 120)]
    assert "10 of 20 exposures, not the other 10 exposures" in scope(records)


def test_tiles_are_named_where_no_exposure_fails(make: Make) -> None:
    """Redshifts speak of tiles."""
    records = [make("redshifts", "failed" if p == 6 else "passed", None, f"r{p}") for p in range(10)]
    assert scope(records) == "petal 6, tile 7951"


def test_nothing_failed_is_nothing_to_say(make: Make) -> None:
    """An empty sentence, not a guess."""
    assert scope([make("sky", "warned")]) == ""
