"""Rates and detection curves."""

import numpy as np
import pytest
from scipy.stats import norm

from pytest_specqa.trials.statistics import Rate, detection_curve


def test_no_hits_in_5000_trials_bounds_the_rate_at_three_in_5000():
    assert Rate(0, 5000).value == 0
    assert Rate(0, 5000).upper == pytest.approx(3 / 5000, rel=0.01)


def test_rate_without_trials_proves_nothing():
    assert np.isnan(Rate(0, 0).value)
    assert Rate(0, 0).upper == 1


def test_curve_gives_back_the_amplitudes_that_made_it():
    rng = np.random.default_rng(1)
    sizes = 2.0 ** np.arange(-4, 4)
    found = rng.binomial(400, norm.cdf(np.log(sizes / 1.3) / 0.4))
    power = detection_curve(sizes, found, [400] * len(sizes))
    assert power.half == pytest.approx(1.3, abs=4 * power.half_error)
    assert power.most == pytest.approx(1.3 * np.exp(1.645 * 0.4), abs=4 * power.most_error)
    assert 0 < power.half_error < 0.1


def test_curve_that_never_reaches_half_has_no_amplitude():
    power = detection_curve([1, 2, 4], [0, 1, 4], [10, 10, 10])
    assert np.isnan(power.half)
    assert power.reached == pytest.approx(0.4)


def test_curve_that_starts_above_half_gives_a_bound():
    power = detection_curve([1, 2, 4], [9, 10, 10], [10, 10, 10])
    assert power.bound
    assert power.half == pytest.approx(1)
    assert power.most == pytest.approx(2)
