"""Trends of which one run has none: the run had no history, or its value was as usual."""

from __future__ import annotations

import pytest

from pytest_specqa.results.comparing.compare import compare
from pytest_specqa.results.comparing.findings import Change
from pytest_specqa.results.comparing.flips import Flip
from pytest_specqa.values import TREND, Limit, Severity

PAST = Limit("sky_chromatic" + TREND, high=0.8, warn_high=0.6, plain="sky against own nights")
"""What the nights before allow; the limit of the value is 1."""


@pytest.mark.parametrize(
    ("before", "after", "flip", "breaks"),
    [
        # Only the run of now had a history: what moved is broken, what was there before is not.
        ((0.5, False), (0.9, True), Flip.BROKEN, True),
        ((0.9, False), (0.9, True), Flip.STILL_FAILING, False),
        ((0.5, False), (0.7, True), Flip.WORSE, False),
        ((0.7, False), (0.7, True), Flip.SAME, False),
        ((0.7, False), (0.9, True), Flip.BROKEN, True),
        # Only the run of before had one: nothing is lost, and nothing mended that has not moved.
        ((0.9, True), (0.5, False), Flip.FIXED, False),
        ((0.9, True), (0.9, False), Flip.STILL_FAILING, False),
        ((0.7, True), (0.7, False), Flip.SAME, False),
        ((0.7, True), (0.5, False), Flip.BETTER, False),
        ((0.9, True), (0.9, True), Flip.STILL_FAILING, False),
        # Beyond the limit itself it is another failure, and the value itself is judged.
        ((0.9, True), (2.0, False), Flip.BROKEN, True),
        ((2.0, False), (0.9, True), Flip.STILL_FAILING, False),
        ((2.0, False), (0.5, False), Flip.FIXED, False),
    ],
)
def test_a_trend_of_one_run_is_asked_of_the_other(record, before, after, flip, breaks):
    runs = [[record(value), *([record(value, limit=PAST, measure=PAST.name)] if trend else [])] for value, trend in (before, after)]
    found = compare(*runs)
    assert [change.flip for change in found.verdicts] == [flip]
    assert bool(found.broken) is breaks


def test_a_finding_of_a_trend_is_new_only_where_the_value_moved(record):
    trend = record(0.9, limit=PAST, measure=PAST.name)
    for value, change in ((0.5, Change.NEW), (0.9, Change.SAME)):
        (found,) = compare([record(value)], [record(0.9), trend]).findings
        assert found.change is change
    for value, change in ((0.5, Change.GONE), (0.9, Change.SAME)):
        (found,) = compare([record(0.9), trend], [record(value)]).findings
        assert found.change is change


def test_a_trend_that_may_only_warn_and_one_that_is_waived_stay_so(record):
    warns = record(0.9, limit=Limit(PAST.name, high=0.8, severity=Severity.WARN), measure=PAST.name)
    (change,) = compare([record(0.9), warns], [record(0.9)]).verdicts
    assert change.flip is Flip.SAME
    waived = record(0.9, limit=PAST, measure=PAST.name, waiver="w")
    found = compare([record(0.9), waived], [record(0.9)])
    assert [change.flip for change in found.verdicts] == [Flip.WAIVED]
    assert not found.broken


def test_a_trend_whose_value_the_other_run_lacks_is_asked_of_nothing(record):
    trend = record(0.9, limit=PAST, measure=PAST.name)
    (change,) = compare([record(0.5, measure="other")], [record(0.9), trend]).verdicts
    assert change.flip is Flip.BROKEN


def test_a_trend_is_no_second_measurement(record):
    """Its value is that of its measure: counted twice, noise would have two trials."""
    runs = [[record(value), record(value, limit=PAST, measure=PAST.name)] for value in (0.7, 0.9)]
    (change,) = compare(*runs).changes
    assert change.after["measure"] == "sky_chromatic"
