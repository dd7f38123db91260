"""What became of a check, from its records."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_specqa.checks.outcome import CheckOutcome, outcomes, reduce
from pytest_specqa.checks.verdict import Verdict
from pytest_specqa.report.gather import Entry
from pytest_specqa.results.comparing.flips import cells
from pytest_specqa.values import Outcome

PASSED, UNMEASURED, UNREACHABLE, WARNED, FAILED = ("passed", "not measured", "unreachable", "warned", "failed")
WAIVED, KNOWN = {"outcome": FAILED, "waiver": "w"}, {"outcome": FAILED, "known": True}


def record(outcome: str | dict[str, object]) -> dict[str, object]:
    plain = outcome if isinstance(outcome, dict) else {"outcome": outcome}
    return {"unit": "u", "expectation": "a", "measure": "m", "value": 1.0, "waiver": ""} | plain


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], CheckOutcome(Outcome.FAILED)),
        ([PASSED], CheckOutcome(Outcome.PASSED)),
        ([PASSED, UNMEASURED], CheckOutcome(Outcome.NOT_MEASURED)),
        ([PASSED, UNMEASURED, UNREACHABLE], CheckOutcome(Outcome.UNREACHABLE)),
        ([WARNED, UNREACHABLE], CheckOutcome(Outcome.WARNED)),
        ([FAILED, UNREACHABLE], CheckOutcome(Outcome.FAILED)),
        ([WARNED, UNMEASURED], CheckOutcome(Outcome.WARNED)),
        ([{"outcome": WARNED, "waiver": "w"}, PASSED], CheckOutcome(Outcome.WARNED)),
        ([FAILED, WARNED], CheckOutcome(Outcome.FAILED)),
        ([WAIVED, WARNED], CheckOutcome(Outcome.FAILED, waived=True)),
        ([WAIVED, FAILED], CheckOutcome(Outcome.FAILED)),
        ([KNOWN, PASSED], CheckOutcome(Outcome.FAILED, known=True)),
        ([KNOWN, FAILED], CheckOutcome(Outcome.FAILED)),
        ([KNOWN, WAIVED], CheckOutcome(Outcome.FAILED, known=True)),
        ([WAIVED | KNOWN], CheckOutcome(Outcome.FAILED, waived=True)),
    ],
)
def test_each_mixture_has_its_outcome_in_any_order(records, expected):
    made = [record(one) for one in records]
    assert reduce(made) == reduce(reversed(made)) == expected
    assert expected.fails == (expected.outcome is Outcome.FAILED and not (expected.waived or expected.known))


ONE = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from([str(one) for one in Outcome]),
        "waiver": st.sampled_from(["", "w"]),
        "unit": st.sampled_from("uv"),
    },
    optional={"known": st.just(True)},
)


@settings(deadline=None)
@given(st.lists(ONE, min_size=1))
def test_terminal_page_and_comparison_agree_with_it(found):
    records = [record(one) | {"measure": str(number)} for number, one in enumerate(found)]
    reduced = outcomes(records)
    verdict = Verdict.of(records)
    assert (verdict.outcome is Outcome.FAILED) == any(one.fails for one in reduced.values())
    assert len(verdict.outcomes) + verdict.waived + verdict.known == len(reduced)
    for key, cell in cells(records).items():
        mine = [one for one in records if one["unit"] == key[0]]
        entry = Entry("node", tuple(mine))
        assert (cell.outcome, cell.waived) == (reduced[key].outcome, reduced[key].waived)
        assert (entry.outcome is Outcome.FAILED) == reduced[key].fails
        assert replace(entry, failed=True).outcome is Outcome.FAILED
