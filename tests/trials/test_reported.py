"""Faults at the size of their report: what was found first, and whether its stage and place are those of the fault."""

import numpy as np
import pytest

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.trials import document, plan, reported
from pytest_specqa.trials.reported import Truth
from pytest_specqa.trials.runner import Suite
from pytest_specqa.trials.trials import Result, Trial, run


def record(stage, outcome="failed", fibers=((3000, 3024),), waves=(6500.0, 6510.0)):
    return {"stage": stage, "outcome": outcome, "fibers": fibers, "waves": waves, "expectation": f"test_{stage}"}


def test_the_earliest_failure_comes_before_any_warning():
    records = [record("cframe"), record("frame", "warned"), record("sky"), record("sky", "passed")]
    assert [each["stage"] for each in reported.earliest(records)] == ["sky"]


def test_warnings_count_where_nothing_failed():
    assert [each["stage"] for each in reported.earliest([record("cframe", "warned"), record("frame", "warned")])] == ["frame"]
    assert reported.earliest([record("cframe", "passed"), record("", "failed")]) == []


@pytest.mark.parametrize(
    ("fibers", "waves", "right"),
    [
        (((3000, 3024),), (6500.0, 6510.0), True),
        (((3100, 3124),), (6500.0, 6510.0), False),
        (((3000, 3024),), (7000.0, 7010.0), False),
        (((3100, 3124), (3010, 3010)), None, True),
        ((), None, None),
    ],
)
def test_a_place_is_right_where_it_meets_that_of_the_fault(fibers, waves, right):
    truth = [Truth(np.arange(3005, 3015), (6490.0, 6505.0))]
    assert reported.overlap([record("sky", fibers=fibers, waves=waves)], truth) is right


def test_right_stages_are_those_of_the_first_product():
    assert reported.right_stages(FAULTS["sky_bump"]) == ("sky",)
    assert reported.right_stages(FAULTS["fluxcalib_ivar"]) == ("cframe",)
    assert "frame" in reported.right_stages(FAULTS["gain_missing"])
    assert reported.right_stages(FAULTS["flat_applied_again"]) == ("fiberflat",)


def test_every_fault_is_planted_at_the_size_of_its_report():
    sizes = {(trial.kind, trial.case): set() for trial in plan.fault_trials(plan.QUICK)}
    for trial in plan.fault_trials(plan.QUICK):
        sizes[trial.kind, trial.case].add(round(trial.amplitude / FAULTS[trial.case].amplitude, 6))
    assert all({round(part, 6) for part in plan.REPORTED} <= found for found in sizes.values())


def test_a_trial_tells_what_was_first_and_whether_it_is_in_place():
    result = run(Trial("camera", "sky_bump", seed=1, amplitude=0.9, band="r"))
    assert (result.first, result.stage, result.placed) == ("test_sky_model_smooth", "sky", True)


def results(first, stage, *, outcome="failed", amplitude=0.3, placed=True):
    trial = Trial("camera", "sky_bump", seed=0, amplitude=amplitude)
    return Result(trial, {first: outcome, "pipeline: sky residual": "failed"}, first=first, stage=stage, placed=placed)


def test_reports_count_failures_and_warnings_at_each_part_of_the_size():
    made = [
        results("test_sky", "sky"),
        results("test_sky", "sky", outcome="warned", amplitude=0.1),
        results("test_sframe", "sframe", amplitude=0.9, placed=False),
        Result(Trial("camera", "sky_bump", seed=0, amplitude=0.15), {"test_sky": "failed"}, first="test_sky", stage="sky"),
    ]
    found = reported.reports(made, plan.REPORTED)["camera", "sky_bump"]
    assert [(one.failed, one.warned, one.staged, one.placed) for one in found.values()] == [
        (0, 1, 1, 1),
        (1, 1, 1, 1),
        (1, 1, 0, 0),
    ]


def test_the_page_tells_what_becomes_of_a_report(tmp_path):
    made = [results("test_sky", "sky"), results("test_sky", "sky", outcome="warned", amplitude=0.1)]
    judgement = document.Judgement(clean=[], quiet=[], faulty=made, matched={}, limits=Suite().limits, command="make", unjudged={})
    page = document.write(judgement, tmp_path).read_text()
    (row,) = [line for line in page.splitlines() if line.startswith("| sky_bump | F27 | desispec#1452")]
    assert row.split(" | ")[5:] == ["0 + 1 of 1", "1 of 1", "-", "test_sky", "2 of 2", "2 of 2 |"]
