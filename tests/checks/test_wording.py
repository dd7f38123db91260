"""One line says what was measured, where, and against what."""

from __future__ import annotations

import math

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.values import DataUnit, Limit, Measured, Outcome

LIMIT = Limit("chi2", low=0.5, high=1.5, warn_high=1.2, source="PR 1452", needs=0.1)


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (
            DataUnit("camera", 20211014, expid=104284, tile=7951, camera="r6", petal=6),
            "night 20211014 expid 00104284 tile 7951 camera r6",
        ),
        (DataUnit("exposure", 20211014, expid=104284), "night 20211014 expid 00104284"),
        (DataUnit("petal", 20211014, tile=7951, petal=0), "night 20211014 tile 7951 petal 0"),
        (DataUnit("night", 20211014), "night 20211014"),
    ],
)
def test_place_names_the_unit_in_full(unit, text):
    assert wording.place(unit) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(-math.inf, 2, "at most 2"), (0.1, math.inf, "at least 0.1"), (1, 2, "1 to 2"), (-math.inf, math.inf, "none")],
)
def test_allowed_names_the_finite_bounds(low, high, text):
    assert wording.allowed(Limit("x", low=low, high=high)) == text


@pytest.mark.parametrize(
    ("measured", "outcome", "text"),
    [
        (Measured(2.123456, error=0.1), Outcome.FAILED, "chi2 = 2.123 +- 0.1 (limit 0.5 to 1.5; PR 1452)"),
        (Measured(1.3), Outcome.WARNED, "chi2 = 1.3 (limit warns: at most 1.2; PR 1452)"),
        (Measured(math.nan), Outcome.FAILED, "chi2 = NaN (limit 0.5 to 1.5; PR 1452)"),
        (Measured.impossible("no sky"), Outcome.NOT_MEASURED, "chi2 not measured: no sky"),
        (
            Measured(1.0, sensitivity=0.3),
            Outcome.NOT_MEASURED,
            "chi2 = 1 (limit 0.5 to 1.5; PR 1452) not measured: sensitivity reached 0.3, needed 0.1",
        ),
        (
            Measured(2, fibers=((0, 49), (75, 75)), waves=(6500.04, 6600), detail="a step"),
            Outcome.FAILED,
            "chi2 = 2 (limit 0.5 to 1.5; PR 1452), fibers 0-49, 75, 6500.0-6600.0 A: a step",
        ),
    ],
)
def test_describe(measured, outcome, text):
    assert wording.describe(measured, LIMIT, outcome=outcome) == text


def test_one_line_folds_whatever_a_file_says():
    assert wording.one_line("a\n\tb\r\n c") == "a b c"


def test_counts_lists_all_outcomes_worst_first():
    assert wording.counts({"failed": 2, "passed": 1}) == "2 failed, 0 warned, 0 not measured, 1 passed"
