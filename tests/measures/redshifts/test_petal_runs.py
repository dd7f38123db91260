"""Runs of adjacent petals."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.redshifts.petal_runs import adjacent_runs, counts_outside, independent_runs


def test_runs_wrap_around_and_skip_absent_petals() -> None:
    runs = adjacent_runs(np.array([9, 0, 4, 4]))
    assert (0, 9) in runs
    assert (0, 4, 9) in runs
    assert (4,) in runs
    assert not any(5 in run for run in runs)
    assert len(set(runs)) == len(runs)


def test_one_petal_is_one_trial() -> None:
    runs = adjacent_runs(np.array([6]))
    assert runs == [(6,)]
    assert independent_runs(runs) == pytest.approx([1.0])


def test_a_full_tile_has_ten_single_petals_and_one_whole() -> None:
    runs = adjacent_runs(np.arange(10))
    trials = dict(zip(runs, independent_runs(runs), strict=True))
    assert trials[3,] == pytest.approx(50.0)
    assert trials[tuple(range(10))] == pytest.approx(5.0)


def test_outside_petals_predict_in_proportion() -> None:
    counts, size = np.zeros((10, 1)), np.zeros(10)
    counts[:4, 0], size[:4] = [30, 10, 10, 10], [50, 100, 100, 100]
    member = np.array([[1.0] + 9 * [0.0], [1.0] * 3 + 7 * [0.0]])
    assert counts_outside(counts, member=member, size=size)[:, 0] == pytest.approx([5.0, 0.0])
