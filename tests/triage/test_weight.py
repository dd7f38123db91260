"""A record tells more the further its value lies beyond the limit that it is judged by."""

import math

import pytest

from pytest_specqa.triage import excess, lead, worst_first
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement


def record(value, *, low=-math.inf, high=math.inf, warn_high=math.inf, name="measure"):
    """One judged value."""
    limit = Limit(name, low=low, high=high, warn_high=warn_high)
    measured = Measured(value)
    return Measurement(DataUnit("night", 20211014), "test_it", measured, limit, limit.judge(measured), "it is").as_record()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"value": 6.0, "high": 2.0}, 3.0),
        ({"value": 1.5, "high": 2.0, "warn_high": 1.0}, 1.5),
        ({"value": 1.0, "high": 2.0}, 0.0),
        ({"value": 0.1, "low": 0.4}, 4.0),
        ({"value": -2.0, "low": -1.0}, 2.0),
        ({"value": 3.0, "high": 0.0}, math.inf),
        ({"value": math.nan, "high": 2.0}, math.inf),
    ],
)
def test_excess_is_the_ratio_to_the_limit_that_is_broken(given, expected):
    assert excess(record(given.pop("value"), **given)) == pytest.approx(expected)


def test_failures_come_before_warnings_and_far_before_near():
    warned = record(9.0, high=10.0, warn_high=1.0, name="warned")
    near, far = record(3.0, high=2.0, name="near"), record(8.0, high=2.0, name="far")
    assert [one["measure"] for one in worst_first([warned, near, far])] == ["far", "near", "warned"]
    assert lead([near, warned])["measure"] == "near"
