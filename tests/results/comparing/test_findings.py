"""Findings of two runs are matched by what they share, and told by what became of them."""

from __future__ import annotations

import pytest

from pytest_specqa.results.comparing.compare import compare, summary
from pytest_specqa.results.comparing.findings import Change, finding_changes
from pytest_specqa.results.comparing.flips import Flip
from pytest_specqa.values import Limit, Severity

WARN = Limit("sky_chromatic", high=1.0, severity=Severity.WARN)


def night(record, **values):
    """Ten r cameras of one exposure, good unless a value says otherwise."""
    return [record(values.get(f"r{petal}", 0.5), camera=f"r{petal}", error=0.01, stage="sky") for petal in range(10)]


@pytest.mark.parametrize(
    ("before", "after", "change", "values"),
    [
        ({}, {"r6": 2.0}, Change.NEW, (0.5, 2.0)),
        ({"r6": 2.0}, {}, Change.GONE, (2.0, 0.5)),
        ({"r6": 2.0}, {"r6": 2.0}, Change.SAME, (2.0, 2.0)),
        ({"r6": 2.0}, {"r6": 4.0}, Change.LARGER, (2.0, 4.0)),
        ({"r6": 4.0}, {"r6": 2.0}, Change.SMALLER, (4.0, 2.0)),
        ({"r6": 4.0}, {"r6": 4.001}, Change.SAME, (4.0, 4.001)),
    ],
)
def test_each_change_of_a_finding_has_its_name_and_its_numbers(record, before, after, change, values):
    (found,) = compare(night(record, **before), night(record, **after)).findings
    assert (found.change, found.values) == (change, values)
    assert found.record["unit"] == "20211014-00104284-r6"
    assert found.finding.stage == "sky"


def test_more_checks_make_a_finding_larger_and_both_are_counted(record):
    (found,) = compare(night(record, r6=2.0), night(record, r6=2.0, r7=3.0)).findings
    assert found.change is Change.LARGER
    assert [str(extent) for extent in found.extents] == ["1 check (1 measurement)", "2 checks (2 measurements)"]


def test_a_failure_that_becomes_a_warning_is_smaller_not_gone(record):
    after = [
        item if item["camera"] != "r6" else record(2.0, camera="r6", limit=WARN, stage="sky") for item in night(record, r6=2.0)
    ]
    changes = [one for one in compare(night(record, r6=2.0), after).findings if one.before]
    assert [one.change for one in changes] in ([Change.SMALLER], [Change.GONE]), "gone where warnings are no findings"
    assert all(one.change is not Change.SAME for one in changes)


def test_what_a_waiver_covers_is_in_no_finding(record):
    waived = [item | {"waiver": "w"} if item["camera"] == "r6" else item for item in night(record, r6=2.0)]
    assert finding_changes(night(record), waived) == []


def test_what_a_run_took_as_known_is_not_gone(record):
    known = [item | {"known": True} if item["camera"] == "r6" else item for item in night(record, r6=2.0)]
    assert [one.change for one in finding_changes(night(record, r6=2.0), known)] == [Change.SAME]


def test_a_consequence_that_stays_when_its_cause_is_gone_is_not_new(record):
    late = [record(3.0, expectation="test_late", measure="late", camera="r6", stage="sframe")]
    found = compare(night(record, r6=2.0) + late, night(record) + late)
    assert all(one.change is not Change.NEW for one in found.findings)
    assert {one.change for one in found.findings if one.after and one.after.stage == "sframe"} <= {Change.SMALLER, Change.SAME}
    assert not found.broken


def test_checks_are_listed_by_what_breaks_then_finding_then_stage_then_size(record):
    before = night(record, r1=9.0)
    after = night(record, r2=2.0, r3=3.0)
    early = record(1.5, expectation="test_zzz", measure="zzz", camera="r3", stage="frame")
    found = compare([*before, early | {"value": 0.5, "outcome": "passed"}], [*after, early])
    assert [(one.flip, one.expectation, one.unit[-2:]) for one in found.flips] == [
        (Flip.BROKEN, "test_zzz", "r3"),
        (Flip.BROKEN, "test_sky_model_smooth", "r3"),
        (Flip.BROKEN, "test_sky_model_smooth", "r2"),
        (Flip.FIXED, "test_sky_model_smooth", "r1"),
    ]
    assert sum(count for _, count in found.claims) == 4


def test_what_is_missing_is_in_no_finding_and_breaks(record):
    found = compare(night(record), night(record)[1:])
    assert found.findings == ()
    assert [(one.flip, one.unit[-2:]) for one in found.loose] == [(Flip.MISSING, "r0")]
    assert found.broken


def test_another_night_that_was_not_compared_makes_no_finding(record):
    other = record(5.0, night=20211015)
    found = compare([*night(record), other], night(record))
    assert found.findings == ()


def test_the_terminal_tells_findings_before_checks_in_few_lines(record):
    lines = summary(compare(night(record), night(record, r6=2.0, r7=3.0))).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("NEW (failed): sky model"))
    assert (
        "sky_chromatic 0.5 -> 3 (at most 1 fraction) on 20211014-00104284-r7; failed: 0 checks -> 2 checks (2 measurements)"
        in lines[first + 1]
    )
    assert lines.index("Checks that changed or fail (2)") - first <= 15
