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
