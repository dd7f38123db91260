"""Where failures begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_specqa.triage import STAGES, first_bad_stage, stage_of

Make = Callable[..., dict[str, Any]]


def test_the_first_bad_stage_is_the_earliest_in_the_data_flow(story_records: list[dict[str, Any]]) -> None:
    """Not the first that was reported."""
    assert first_bad_stage(story_records) == "sky"
    assert first_bad_stage(reversed(story_records)) == "sky"


def test_good_runs_have_no_bad_stage(make: Make) -> None:
    """Warnings and what could not be measured are no failures."""
    assert first_bad_stage([make("sky", "warned"), make("frame", "not measured"), make("sframe", "passed")]) is None
    assert first_bad_stage([]) is None


@pytest.mark.parametrize("stage", STAGES)
def test_the_module_of_a_test_is_its_stage(make: Make, stage: str) -> None:
    """Whatever product it read first."""
    assert stage_of(make(stage, "failed", product="exposures/20211014/00104284/frame-r6-00104284.fits.gz")) == stage


@pytest.mark.parametrize(
    ("product", "stage"),
    [
        ("exposures/20211014/00104284/sky-r6-00104284.fits.gz", "sky"),
        ("exposures/20211014/00104284/fluxcalib-r6-00104284.fits", "cframe"),
        ("calibnight/20211014/fiberflatnight-r6-20211014.fits", "fiberflat"),
        ("tiles/cumulative/7951/20211014/redrock-6-7951-thru20211014.fits", "redshifts"),
        ("", "other"),
        ("elsewhere/notes.txt", "other"),
    ],
)
def test_records_without_a_module_are_placed_by_product(make: Make, product: str, stage: str) -> None:
    """Records read back from a results file have no node id."""
    assert stage_of(make("", "failed", product=product)) == stage


def test_crashes_do_not_hide_where_the_data_go_bad(make: Make) -> None:
    """A check that broke down early says nothing of the data."""
    crash = make("production", "failed", measure="crash")
    assert first_bad_stage([crash, make("sframe", "failed")]) == "sframe"
    assert first_bad_stage([crash]) == "production"
