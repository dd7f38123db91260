"""Medians by sorting networks are those of numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import median_filter

from pytest_specqa.measures.ranks import TILE, group_median, running_median


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 20, 25, 50, 64])
@pytest.mark.parametrize("places", [1, TILE, TILE + 37])
def test_medians_of_groups_are_those_of_numpy(size, places):
    values = np.random.default_rng(size).normal(size=(3 * size, places)).astype(np.float32)
    np.testing.assert_array_equal(group_median(values, size), np.median(values.reshape(3, size, places), axis=1))


def test_equal_and_infinite_values_have_a_place_in_order():
    values = np.array([[1.0], [np.inf], [1.0], [1.0], [-np.inf]], dtype=np.float32)
    assert group_median(values, 5) == 1.0


@pytest.mark.parametrize("width", [1, 2, 10, 13, 25])
@pytest.mark.parametrize(("mode", "same"), [("edge", "nearest"), ("symmetric", "reflect")])
def test_running_medians_are_those_of_scipy(width, mode, same):
    values = np.random.default_rng(width).normal(size=(60, 70)).astype(np.float32)
    np.testing.assert_array_equal(running_median(values, width, mode=mode), median_filter(values, size=(width, 1), mode=same))


def test_values_are_left_as_they_were():
    values = np.arange(30, 0, -1, dtype=np.float32)[:, None]
    before = values.copy()
    running_median(values, 5, mode="edge")
    group_median(values, 5)
    np.testing.assert_array_equal(values, before)
