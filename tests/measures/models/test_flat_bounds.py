"""How a flat is cut into what counts and what does not: bounds of the response, and the neighbours a feature is compared with."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.models.fiberflats import BIN, flat_shape

N_FIBER, N_GROUP = 40, 300
WAVE = 5760.0 + 0.8 * np.arange(N_GROUP * BIN)
NOISE = 0.01


def measure(flat):
    """Of a flat in the precision of its file, in which halves and doubles are exact."""
    return flat_shape(flat.astype(np.float32), np.full(flat.shape, NOISE**-2, dtype=np.float32), WAVE, fiber=np.arange(N_FIBER))


def groups(first, last):
    """Bins of some of the averaged groups."""
    return slice(first * BIN, (last + 1) * BIN)


@pytest.mark.parametrize(("response", "counted"), [(0.5, 0), (0.4375, 1), (2.0, 0), (2.125, 1)])
def test_a_fiber_is_extreme_beyond_half_and_twice_its_median_and_not_at_them(response, counted):
    flat = np.ones((N_FIBER, WAVE.size))
    flat[7, groups(40, 44)] = response
    assert measure(flat).extremes.value == counted / N_FIBER


@pytest.mark.parametrize(("weight", "counted"), [(BIN // 2, True), (BIN // 2 - 1, False)])
def test_a_group_counts_with_half_of_its_bins(weight, counted):
    flat, ivar = np.ones((N_FIBER, WAVE.size), dtype=np.float32), np.ones((N_FIBER, WAVE.size), dtype=np.float32)
    flat[7, groups(40, 40)] = 3.0
    ivar[7, 40 * BIN : 41 * BIN - weight] = 0
    found = flat_shape(flat, ivar, WAVE, fiber=np.arange(N_FIBER)).extremes
    assert found.value == (1 / N_FIBER if counted else 0.0)


def test_the_two_groups_to_either_side_of_a_feature_may_share_it():
    flat = 1 + NOISE * np.random.default_rng(2).standard_normal((N_FIBER, WAVE.size))
    flat[7, groups(48, 52)] += 0.2
    found = measure(flat).narrow
    # The parabola through three to eight groups away at either side.
    apart = np.array([k for k in range(-8, 9) if abs(k) >= 3])
    at_zero = np.linalg.lstsq(np.vander(apart, 3), np.eye(apart.size), rcond=None)[0][-1]
    assert found.value + 3 * found.error == pytest.approx(0.2, abs=4 * found.error)
    assert found.error == pytest.approx(NOISE / np.sqrt(BIN) * np.sqrt(1 + at_zero @ at_zero), rel=0.2)
    assert found.fibers == ((7, 7),)
    assert found.waves[0] < WAVE[groups(50, 50)].mean() < found.waves[1]
