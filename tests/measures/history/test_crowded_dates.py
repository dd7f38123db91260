"""Outliers of a fiber that crowd in a range of dates: found as early as counting allows, and no more often than promised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaincinv
from scipy.stats import binom

from pytest_specqa.measures.history.chances import crossing, log_any, log_product, log_tail, log_weights
from pytest_specqa.measures.history.intervals import local_rates, scan, spread_between

BASE = 0.0018
FIBERS = 5000


def _series(events: np.ndarray, rate: float, spread: float = 0.0) -> list:
    n_series, n = events.shape
    rates = np.full(events.size, rate)
    return scan(events.ravel(), rates, np.arange(n_series + 1) * n, spread=spread)


def _expected_numbers(found: list) -> np.ndarray:
    return np.array([np.inf if each is None else np.exp(each.log_number) for each in found])


def test_the_tail_bounds_the_chance_and_is_close() -> None:
    plain, wide = log_weights(0.0), log_weights(0.25)
    for count, mean in ((1, 0.01), (3, 0.5), (10, 2.0), (40, 12.0)):
        exact = (
            -np.expm1(-mean)
            if count == 1
            else 1 - sum(np.exp(-mean) * mean**k / np.prod(np.arange(1.0, k + 1)) for k in range(count))
        )
        assert exact * 0.999 <= np.exp(log_tail(count, mean, 0.0, plain)) <= 1.1 * exact
        # A rate that is not known well makes many events likelier.
        assert log_tail(count, mean, 0.25, wide) > log_tail(count, mean, 0.0, plain)
    assert log_tail(0, 1.0, 0.0, plain) == 0.0
    assert log_tail(3, 8.0, 0.0, plain) == 0.0


def test_a_boundary_is_crossed_as_often_as_said() -> None:
    rng = np.random.default_rng(3)
    alpha, total = 0.01, 3.0
    arrivals = np.cumsum(rng.exponential(size=(60_000, 40)), axis=1)
    edges = gammaincinv(np.arange(1.0, 41.0), alpha)
    crossed = ((arrivals <= edges) & (arrivals <= total)).any(axis=1).mean()
    assert crossing(np.log(alpha), total) == pytest.approx(crossed / alpha, rel=0.1)


@pytest.mark.parametrize("rate", [0.0018, 0.02])
def test_clean_fibers_stay_quiet(rate: float) -> None:
    rng = np.random.default_rng(1)
    found = _expected_numbers(_series(rng.random((20_000, 500)) < rate, rate))
    for level in (0.1, 0.01, 0.001):
        # The bound holds, and no more than three standard errors above it can be chance.
        assert (found <= level).mean() <= level + 3.0 * np.sqrt(level / 20_000)


def test_fibers_that_differ_stay_quiet_once_that_is_measured() -> None:
    rng = np.random.default_rng(2)
    rates = 0.05 * rng.gamma(1 / 0.09, 0.09, 2000)
    bad = rng.random((2000, 600)) < rates[:, None]
    spread = spread_between(bad.sum(axis=1).astype(float), np.full(2000, 600 * 0.05))
    assert spread == pytest.approx(0.09, rel=0.25)
    assert (_expected_numbers(_series(bad, 0.05, spread)) <= 0.01).mean() <= 0.015
    assert (_expected_numbers(_series(bad, 0.05)) <= 0.01).mean() > 0.02


def test_spread_is_not_measured_from_fibers_with_a_fault_nor_from_noise() -> None:
    rng = np.random.default_rng(4)
    events = rng.poisson(3.0, 500).astype(float)
    events[:5] = 200.0
    assert spread_between(events, np.full(500, 3.0)) == 0.0
    assert spread_between(np.zeros(500), np.zeros(500)) == 0.0


@pytest.mark.parametrize(("rate", "limit"), [(0.022, 703), (0.043, 279), (0.255, 30)])
def test_needs_at_most_half_more_observations_than_counting_would(rate: float, limit: int) -> None:
    """The limit: 5,000 fibers x 100 given ranges at 5 %, 90 % power; the scan looks at all ranges, of ten series of each fiber."""
    alpha = 0.05 / FIBERS / 100
    need = next(k for k in range(1, 99) if binom.sf(k - 1, limit, BASE) <= alpha)
    assert binom.sf(need - 1, limit, rate) == pytest.approx(0.9, abs=0.02)
    n, weights = int(1.5 * limit), log_weights(0.0)
    log_limit = np.log(0.02 * 0.4 / FIBERS / 10)
    count = next(k for k in range(2, 99) if log_any(log_tail(k - 1, n * BASE, 0.0, weights), total=1500 * BASE) <= log_limit)
    assert binom.sf(count - 1, n, rate) >= 0.9


def test_finds_the_dates() -> None:
    rng = np.random.default_rng(5)
    bad = rng.random((1, 1500)) < BASE
    bad[0, 700:1000] = rng.random(300) < 0.1
    (found,) = _series(bad, BASE)
    assert found is not None
    assert 690 <= found.first <= 730
    assert 970 <= found.last <= 1010
    assert found.events == bad[0, found.first : found.last + 1].sum()
    assert found.log_number < np.log(1e-9)
    assert found.expected == pytest.approx(BASE * (found.last - found.first + 1))


def test_a_bad_tile_is_not_the_fault_of_its_fibers() -> None:
    """Half of all objects of three tiles are off: an event more in every fiber, and no news about any of them."""
    rng = np.random.default_rng(6)
    bad = rng.random((200, 400)) < 0.002
    bad[:, 100:103] = rng.random((200, 3)) < 0.5
    tiles = np.tile(np.arange(400), 200)
    starts = np.arange(201) * 400
    common = np.full(bad.size, 0.002)
    local = local_rates(bad.ravel(), tiles, weights=common)
    assert np.median(local) == pytest.approx(0.002, rel=0.3)
    assert local.reshape(200, 400)[0, 101] == pytest.approx(0.5, abs=0.15)
    naive = _expected_numbers(scan(bad.ravel(), common, starts))
    told = _expected_numbers(scan(bad.ravel(), local, starts))
    assert (naive < 1e-2).mean() > 0.3
    assert (told < 1e-2).mean() <= 0.02


def test_two_chances_multiply_to_their_own_distribution() -> None:
    rng = np.random.default_rng(7)
    one, other = rng.random((2, 400_000))
    looked = one <= 0.1
    joint = np.array([log_product(np.log(a), np.log(b), most=0.1) for a, b in zip(one[looked], other[looked], strict=True)])
    for level in (0.01, 0.001):
        assert (joint <= np.log(level)).sum() / len(one) == pytest.approx(level, rel=0.15)
