"""The verdict of a run in one sentence."""

from __future__ import annotations

import pytest

from pytest_specqa.checks.verdict import Circumstances, Verdict
from pytest_specqa.values import Outcome


def record(unit: str, expectation: str, outcome: str, *, waiver: str = "", known: bool = False) -> dict[str, object]:
    return {"unit": unit, "expectation": expectation, "outcome": outcome, "waiver": waiver, "known": known}


@pytest.mark.parametrize(
    ("records", "outcome", "sentence"),
    [
        ([], Outcome.NOT_MEASURED, "NOT MEASURED: none of 0 checks could be made"),
        ([record("u", "a", "passed")], Outcome.PASSED, "PASSED: 1 of 1 check pass on 1 unit"),
        (
            [record("u", "a", "passed"), record("v", "a", "not measured")],
            Outcome.PASSED,
            "PASSED: 1 of 2 checks pass on 2 units; 1 not measured",
        ),
        (
            [record("u", "a", "passed"), record("v", "a", "unreachable"), record("v", "b", "not measured")],
            Outcome.UNREACHABLE,
            "UNREACHABLE: 1 of 3 checks had no data from the server, on 1 of 2 units; 1 passes",
        ),
        (
            [record("u", "a", "unreachable")],
            Outcome.UNREACHABLE,
            "UNREACHABLE: 1 of 1 check had no data from the server, on 1 of 1 unit; nothing was judged",
        ),
        (
            [record("u", "a", "failed"), record("v", "a", "unreachable")],
            Outcome.FAILED,
            "FAILED: 1 of 2 checks fails, on 1 of 2 units; 1 unreachable",
        ),
        ([record("u", "a", "not measured")], Outcome.NOT_MEASURED, "NOT MEASURED: none of 1 check could be made"),
        ([record("u", "a", "warned"), record("u", "b", "passed")], Outcome.WARNED, "WARNED: 1 of 2 checks warns, on 1 of 1 unit"),
        (
            [record("u", "a", "failed"), record("u", "b", "failed"), record("v", "a", "passed")],
            Outcome.FAILED,
            "FAILED: 2 of 3 checks fail, on 1 of 2 units",
        ),
        (
            [record("u", "a", "failed", waiver="w"), record("u", "b", "passed")],
            Outcome.PASSED,
            "PASSED: 1 of 2 checks pass on 1 unit; 1 waived",
        ),
        (
            [record("u", "a", "failed", waiver="w")],
            Outcome.NOT_MEASURED,
            "WAIVED: 1 of 1 check failed and waived, none passed",
        ),
        (
            [record("u", "a", "failed", known=True), record("u", "b", "passed"), record("u", "c", "failed", waiver="w")],
            Outcome.PASSED,
            "PASSED: 1 of 3 checks pass on 1 unit; 1 waived; 1 known",
        ),
        (
            [record("u", "a", "failed", known=True), record("v", "a", "failed", waiver="w")],
            Outcome.NOT_MEASURED,
            "KNOWN: 1 of 2 checks failed as in the baseline, 1 waived, none passed",
        ),
        (
            [record("u", "a", "failed", known=True), record("u", "b", "failed")],
            Outcome.FAILED,
            "FAILED: 1 of 2 checks fails, on 1 of 1 unit; 1 known",
        ),
    ],
)
def test_sentence(records, outcome, sentence):
    verdict = Verdict.of(records)
    assert verdict.outcome is outcome
    assert verdict.sentence == sentence


def test_a_check_is_as_bad_as_its_worst_measurement():
    verdict = Verdict.of([record("u", "a", "passed"), record("u", "a", "failed"), record("u", "a", "warned")])
    assert verdict.counts == {"failed": 1}
    assert verdict.units(Outcome.FAILED) == ["u"]


def test_a_waiver_that_covers_a_part_waives_nothing():
    verdict = Verdict.of([record("u", "a", "failed", waiver="w"), record("u", "a", "failed")])
    assert (verdict.counts, verdict.waived) == ({"failed": 1}, 0)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([record("u", "a", "passed")], "FAILED: 1 check of the baseline lost, which proves nothing any more"),
        ([record("u", "a", "failed", known=True)], "FAILED: 1 check of the baseline lost, which proves nothing any more; 1 known"),
        (
            [record("u", "a", "failed"), record("u", "b", "passed")],
            "FAILED: 1 of 2 checks fails, on 1 of 1 unit; 1 of the baseline lost",
        ),
    ],
)
def test_what_the_baseline_could_and_this_run_cannot_fails_it(records, sentence):
    verdict = Verdict.of(records, Circumstances(lost=1))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.sentence == sentence
