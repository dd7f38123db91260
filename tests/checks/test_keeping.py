"""What a check keeps of every fiber: only where the run asks for it, and never at the cost of its verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_specqa.checks.check import Check, Expect
from pytest_specqa.rules.limits import Limits
from pytest_specqa.values import DataUnit, NoValue
from pytest_specqa.vectors import decode

UNIT = DataUnit("camera", 20211014, expid=104282, camera="r6", petal=6)


@pytest.fixture
def check() -> Check:
    return Check(UNIT, "test_it", "test.py::test_it", Limits([{}]), root=Path(), keeps=True)


def nothing() -> np.ndarray:
    raise ZeroDivisionError("no bins")


def test_the_first_record_carries_what_was_kept(check):
    Expect(check).keep("line_scale", lambda: np.array([0.1, np.nan]), first=3000, step=0.01)
    Expect(check).keep("residual", np.zeros((2, 3)), first=3000, step=0.5, waves=[1, 2, 3, 4], unit="sigma")
    check.not_measured(NoValue.SKIPPED, "one")
    check.not_measured(NoValue.SKIPPED, "two")
    first, second = check.records()
    assert [decode(one).name for one in first["vectors"]] == ["line_scale", "residual"]
    assert decode(first["vectors"][0]).values == pytest.approx([0.1, np.nan], nan_ok=True)
    assert decode(first["vectors"][1]).waves == (1, 2, 3, 4)
    assert "vectors" not in second


def test_nothing_is_computed_or_carried_where_nothing_is_kept(check):
    check.keeps = False
    Expect(check).keep("residual", nothing, first=3000, step=0.5)
    check.not_measured(NoValue.SKIPPED, "one")
    assert check.notes == []
    assert "vectors" not in check.records()[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (nothing, "ZeroDivisionError: no bins"),
        (np.zeros((0, 3)), "shape"),
        ("wide", "could not convert"),
        ([[1.0], [1.0, 2.0]], ""),
    ],
)
def test_what_cannot_be_kept_is_told_and_costs_no_verdict(check, values, said):
    with pytest.warns(UserWarning, match=rf"test_it: vector residual of 20211014-00104282-r6 is not kept: .*{said}"):
        Expect(check).keep("residual", values, first=3000, step=0.5)
    check.not_measured(NoValue.SKIPPED, "one")
    assert len(check.notes) == 1
    assert [record["message"] for record in check.records()] == ["one"]


def test_a_name_is_kept_once(check):
    Expect(check).keep("line_scale", [0.1], first=3000, step=0.01)
    with pytest.warns(UserWarning, match="kept twice"):
        Expect(check).keep("line_scale", [0.2], first=3000, step=0.01)
    assert len(check.vectors) == 1


def test_errors_are_kept_beside_the_values_and_give_their_quantum(check):
    errors = np.array([0.1, np.nan, 0.2, 0.3])
    Expect(check).keep("line_scale", np.array([1.0, 2.0, 3.0, 4.0]), errors=lambda: errors, first=3000, unit="m")
    values, kept = map(decode, check.vectors)
    assert (values.name, kept.name, kept.unit, values.step) == ("line_scale", "line_scale_error", "m", pytest.approx(0.1))
    assert kept.values == pytest.approx(errors, abs=0.002, nan_ok=True)


def test_values_without_errors_keep_two_per_cent_of_their_size(check):
    Expect(check).keep("residual_error", [0.5, 2.0, np.nan, 1.0], first=3000)
    assert decode(check.vectors[0]).values == pytest.approx([0.5, 2.0, np.nan, 1.0], abs=0.01, nan_ok=True)


def test_values_of_which_nothing_is_known_are_kept_as_such(check):
    Expect(check).keep("line_shift", [np.nan, np.nan], errors=[np.nan, np.nan], first=3000)
    assert [np.isnan(decode(one).values).all() for one in check.vectors] == [True, True]


def test_errors_of_another_shape_are_told(check):
    with pytest.warns(UserWarning, match=r"errors of shape \(1,\) for values of shape \(2,\)"):
        Expect(check).keep("line_shift", [1.0, 2.0], errors=[1.0], first=3000)
    assert check.vectors == []
