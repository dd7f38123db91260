"""Robust statistics agree with theory, ignore what is missing, and account for the number of places searched."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from pytest_specqa.measures import statistics


@pytest.fixture
def rng():
    return np.random.default_rng(20211014)


def test_median_ignores_nan_and_equals_numpy(rng):
    values = rng.normal(size=(31, 40))
    values[rng.random(values.shape) < 0.2] = np.nan
    np.testing.assert_allclose(statistics.nan_median(values, axis=0), np.nanmedian(values, axis=0))
    np.testing.assert_allclose(statistics.nan_median(values, axis=1), np.nanmedian(values, axis=1))


def test_nothing_left_is_nan_and_not_zero():
    median, error = statistics.median_and_error(np.full((5, 2), np.nan))
    assert np.isnan(median).all()
    assert np.isnan(error).all()
    assert np.isnan(statistics.nan_median(np.empty((0, 3)))).all()


def test_scale_is_a_standard_deviation_and_outliers_do_not_move_it(rng):
    values = rng.normal(scale=3.0, size=20_000)
    values[:1000] = 1e6
    assert statistics.mad_scale(values) == pytest.approx(3.0, rel=0.1)


def test_error_of_the_median_covers_its_scatter(rng):
    median, error = statistics.median_and_error(rng.normal(size=(60, 4000)))
    assert np.std(median / error) == pytest.approx(1.0, abs=0.15)


def test_clipped_mean_is_unmoved_by_outliers_and_its_error_is_right(rng):
    sigma = rng.uniform(0.5, 2.0, size=(50, 3000))
    values = rng.normal(size=sigma.shape) * sigma
    values[:3] += 1e4
    values[5] = np.nan
    mean, error = statistics.clipped_mean(values, sigma)
    assert np.std(mean / error) == pytest.approx(1.0, abs=0.15)
    assert abs(mean.mean()) < 5 * error.mean() / np.sqrt(mean.size)


def test_clipped_mean_grows_its_error_where_values_scatter_more_than_they_say(rng):
    values = rng.normal(scale=4.0, size=(100, 500))
    mean, error = statistics.clipped_mean(values, np.ones_like(values))
    assert np.std(mean / error) == pytest.approx(1.0, abs=0.2)


def test_one_trial_two_signs_and_many_trials():
    assert statistics.global_sigma(5.0, n_trials=1) == pytest.approx(-norm.ppf(2 * norm.sf(5.0)), abs=1e-6)
    assert statistics.global_sigma(5.0, n_trials=1000) < statistics.global_sigma(5.0, n_trials=1)
    assert statistics.global_sigma(1.0, n_trials=1000) < 0


def test_hundreds_of_sigmas_stay_finite_and_ordered():
    sigmas = statistics.global_sigma([30.0, 60.0, 300.0], n_trials=2326)
    assert np.isfinite(sigmas).all()
    assert (np.diff(sigmas) > 0).all()


def test_threshold_and_global_significance_are_inverse():
    threshold = statistics.local_threshold(500, false_alarm=1e-4)
    assert statistics.global_sigma(threshold, n_trials=500) == pytest.approx(-norm.ppf(1e-4), abs=1e-4)


def test_strongest_takes_the_largest_significant_amplitude_not_the_most_significant():
    found = statistics.strongest([0.1, -2.0, 5.0, np.nan], [0.001, 0.1, 4.0, 0.1])
    assert (found.place, found.error) == (1, 0.1)
    assert found.amplitude == pytest.approx(-2.0 + statistics.MARGIN * 0.1)
    assert found.significance > 10


def test_strongest_is_zero_in_noise_and_tells_what_it_could_have_seen(rng):
    found = statistics.strongest(rng.normal(size=1000), np.ones(1000))
    assert found.amplitude == 0.0
    assert found.sensitivity == pytest.approx(statistics.local_threshold(1000))


def test_strongest_of_nothing_is_nan():
    found = statistics.strongest([np.nan, 1.0], [1.0, 0.0])
    assert found.place == -1
    assert np.isnan(found.amplitude)
    assert np.isnan(found.sensitivity)
