"""Results say whether they are whole."""

from __future__ import annotations

from pytest_specqa.checks.verdict import Circumstances, Verdict
from pytest_specqa.checks.whole import extent
from pytest_specqa.values import Outcome


def check(unit, *, run="one", planned=3, outcome="passed", **changes):
    found = {"unit": unit, "expectation": "a", "measure": "m", "outcome": outcome, "run": run, "planned": planned}
    return {name: value for name, value in (found | changes).items() if value is not None}


def test_distinct_checks_are_counted_run_by_run():
    whole = [check("u"), check("v"), check("w"), check("w", measure="n")]
    assert extent(whole).told == ""
    assert extent(whole[:2] + whole[:2]).told == "2 of 3 checks judged"
    other = [check("u", run="two", planned=2)]
    assert extent(whole + other).told == "4 of 5 checks judged (1 of 2 runs not whole)"
    # One run that holds more than it had planned makes no other whole.
    assert extent([*whole, check("x"), *other]).partial == 1


def test_results_that_do_not_say_are_not_known():
    found = extent([check("u", run=None, planned=None)])
    assert (found.told, found.unknown, found.runs) == ("", 1, 0)


def test_a_run_that_is_not_whole_has_not_passed():
    verdict = Verdict.of([check("u"), check("v")])
    assert verdict.sentence == "INCOMPLETE: 2 of 3 checks judged, none of them fails"
    assert verdict.outcome is Outcome.FAILED
    failed = Verdict.of([check("u", outcome="failed"), check("v")])
    assert failed.sentence == "FAILED: 1 of 2 checks fails, on 1 of 2 units; only 2 of 3 checks judged"


def test_what_judges_nothing_fails_a_run_too():
    told = Circumstances(planned=3, beside="1 test that judges no unit failed")
    verdict = Verdict.of([check("u"), check("v"), check("w")], told)
    assert verdict.sentence == "FAILED: 1 test that judges no unit failed; 3 of 3 checks pass on 3 units"
    assert verdict.outcome is Outcome.FAILED
    assert Verdict.of([], told).sentence.startswith("INCOMPLETE: 0 of 3 checks judged")
