"""However a test ends, it becomes records; which test framework it ends in does not matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_specqa.checks.call import NotExpected, recorded
from pytest_specqa.checks.check import Check
from pytest_specqa.errors import MissingProductError, UnreachableError
from pytest_specqa.rules.limits import Limits
from pytest_specqa.values import DataUnit


class Skip(BaseException):
    """How a framework skips."""


class Stop(BaseException):
    """How a framework ends a test."""


@pytest.fixture
def check():
    return Check(DataUnit("night", 20211014), "test_it", "test_it", Limits(), root=Path())


def found(check):
    return [(one.limit.name, str(one.outcome), one.message) for one in check.measurements]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (NotExpected("planned"), ("product", "not measured", "planned")),
        (MissingProductError("no sframe"), ("product", "failed", "no sframe")),
        (UnreachableError("https://x/a: 503"), ("unreachable", "unreachable", "https://x/a: 503")),
        (Skip("not today"), ("not_expected", "not measured", "not today")),
    ],
)
def test_what_is_said_of_the_data_ends_with_the_record(check, end, expected):
    with recorded(check, skips=(Skip,), stops=(Stop,)):
        raise end
    assert found(check) == [expected]
    assert not check.crashed


@pytest.mark.parametrize("end", [Stop("by hand"), ValueError("by hand")])
def test_a_crash_is_recorded_and_goes_on(check, end):
    with pytest.raises(type(end)), recorded(check, skips=(Skip,), stops=(Stop,)):
        raise end
    assert found(check) == [("crash", "failed", f"{type(end).__name__}: by hand")]
    assert check.crashed


def test_a_test_that_measures_nothing_fails(check):
    with recorded(check):
        pass
    ((name, outcome, _),) = found(check)
    assert (name, outcome) == ("made_no_measurement", "failed")
