"""What a test counts as on the page."""

from __future__ import annotations

import pytest

from pytest_specqa.report.gather import Entry
from pytest_specqa.values import Outcome


@pytest.mark.parametrize(
    ("records", "failed", "outcome", "word"),
    [
        ([{"outcome": "passed"}, {"outcome": "failed"}], True, Outcome.FAILED, "failed"),
        ([{"outcome": "failed", "waiver": "w"}, {"outcome": "passed"}], False, Outcome.WARNED, "waived"),
        ([{"outcome": "failed", "known": True}], False, Outcome.WARNED, "known"),
        ([{"outcome": "failed", "waiver": "w"}], True, Outcome.FAILED, "failed"),
        ([{"outcome": "warned"}, {"outcome": "not measured"}], False, Outcome.WARNED, "warned"),
        ([{"outcome": "passed"}, {"outcome": "not measured"}], False, Outcome.NOT_MEASURED, "not measured"),
    ],
)
def test_an_entry_is_called_what_its_records_come_to(record, records, failed, outcome, word):
    entry = Entry("x", tuple(record(**one) for one in records), failed=failed)
    assert (entry.outcome, entry.word) == (outcome, word)


def test_an_entry_speaks_of_its_unit_and_claim(record):
    entry = Entry("x", (record(expectation="test_no_lines[r6-test_two]"),))
    assert entry.unit == "20211014-00104284-r6"
    assert entry.claim == "no lines[r6-test two]"
