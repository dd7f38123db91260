"""What a change between two measurements is, and whether it is for the worse."""

from __future__ import annotations

import pytest

from pytest_specqa.results.comparing.changes import MeasureChange


def change(before, after, *, low=None, high=None):
    records = [{"unit": "u", "measure": "m", "value": value, "low": low, "high": high} for value in (before, after)]
    delta = (after or 0.0) - (before or 0.0)
    return MeasureChange(*records, delta=delta, sigma=0.5, origin="errors")


@pytest.mark.parametrize(("before", "after"), [(None, 1.0), (1.0, None), (None, None)])
def test_only_two_values_make_a_change(before, after):
    with pytest.raises(ValueError, match="u m: only two values make a change"):
        _ = change(before, after).values


@pytest.mark.parametrize(
    ("before", "after", "low", "high", "worse"),
    [
        (1.0, 2.0, None, None, None),
        (1.0, 2.0, None, 3.0, True),
        (2.0, 1.0, None, 3.0, False),
        (1.0, 2.0, 0.5, None, False),
        (2.0, 1.0, 0.5, None, True),
        (1.0, 1.5, 0.0, 2.0, True),
        (0.5, 1.2, 0.0, 2.0, False),
        (1.5, 0.2, 0.0, 2.0, True),
    ],
)
def test_worse_is_towards_a_limit_or_away_from_the_middle_of_two(before, after, low, high, worse):
    assert change(before, after, low=low, high=high).worse is worse


def test_the_significance_is_in_sigmas():
    assert change(1.0, 2.0).significance == 2.0
