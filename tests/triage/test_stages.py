"""Where failures begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_specqa.triage import STAGES, first_bad_stage, stage_of
from pytest_specqa.triage.findings import findings

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
def test_the_stage_is_what_the_expectation_declares(make: Make, stage: str) -> None:
    """Whatever product it read, and whatever its file and its message are called."""
    record = make(stage, "failed", product="exposures/20211014/00104284/frame-r6-00104284.fits.gz", message="a fault of the sky")
    assert stage_of({**record, "nodeid": "qa_tests/test_fiberflat.py::test_it"}) == stage


@pytest.mark.parametrize("undeclared", [{"stage": ""}, {}], ids=["declares none", "older results"])
def test_an_undeclared_stage_is_not_guessed(make: Make, undeclared: dict[str, str]) -> None:
    """No stage is named, and the rest of the sentence is there."""
    record = make("sky", "failed", product="exposures/20211014/00104284/sky-r6-00104284.fits.gz")
    del record["stage"]
    record |= {"nodeid": "qa_tests/test_sky.py::test_it", **undeclared}
    assert stage_of(record) == ""
    assert first_bad_stage([record]) is None
    assert findings([record])[0].stage == ""


def test_crashes_do_not_hide_where_the_data_go_bad(make: Make) -> None:
    """A check that broke down early says nothing of the data."""
    crash = make("production", "failed", measure="crash")
    assert first_bad_stage([crash, make("sframe", "failed")]) == "sframe"
    assert first_bad_stage([crash]) == "production"
