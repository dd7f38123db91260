"""What failures suggest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_specqa.triage import likely_cause, story

Make = Callable[..., dict[str, Any]]


def test_a_sky_model_fault_is_a_processing_fault(story_records: list[dict[str, Any]]) -> None:
    """With the evidence: what passes before it, what fails after it."""
    told = likely_cause(story_records)
    assert told.startswith("suggests a processing fault in the sky model")
    assert "passing before it: fiber flat and extraction" in told
    assert "failing after it: sky subtraction and redshifts" in told


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"measure": "amp_step"}, "amplifier"),
        ({"message": "a curved feature along CCD row 2064"}, "CCD rows"),
        ({"measure": "dead_fibers"}, "single fibers"),
    ],
)
def test_detector_faults_are_told_from_processing(make: Make, more: dict[str, Any], word: str) -> None:
    """By what was measured and how it looks."""
    assert word in likely_cause([make("sframe", "failed", **more)])


def test_one_clue_among_others_decides_nothing(make: Make) -> None:
    """All failures of the first bad stage must agree."""
    records = [make("sframe", "failed", measure="amp_step"), make("sframe", "failed", measure="vertical_lines")]
    assert "amplifier" not in likely_cause(records)


def test_missing_files_are_not_bad_data(make: Make) -> None:
    """Nor are crashes."""
    assert "missing or unreadable files" in likely_cause([make("sky", "failed", measure="product")])
    assert "fault of the checks" in likely_cause([make("sky", "failed", measure="crash")])


def test_unknown_expectations_get_no_guess(make: Make) -> None:
    """A project's own tests may mean anything."""
    assert likely_cause([make("zodiac", "failed")]) == ""


def test_a_story_names_stage_scope_cause_and_crashes(make: Make, story_records: list[dict[str, Any]]) -> None:
    """Joined to one sentence; empty for a good run."""
    parts = story([*story_records, make("frame", "failed", measure="crash")]).split("; ")
    assert parts[0] == "first bad stage: sky model"
    assert parts[-1] == "1 check crashed"
    assert story([make("sky", "passed")]) == ""


def test_a_run_that_only_warns_names_what_warns(make: Make) -> None:
    """So that emission of the Galaxy is told from a fault at first sight."""
    records = [make("sframe", "warned", measure="nebular_lines"), make("sky", "passed")]
    assert story(records) == "what warns: nebular_lines"
