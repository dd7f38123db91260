"""Tails of clean values: levels beyond what was seen, outliers, and tails of two kinds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pytest_specqa.measures import tails

LAWS = {"normal": stats.norm(), "exponential": stats.expon(), "lognormal": stats.lognorm(1.0), "Student": stats.t(3)}


def drawn(name: str, count: int, seed: int = 1) -> np.ndarray:
    return np.sort(LAWS[name].rvs(count, random_state=np.random.default_rng(seed)))


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.4])
def test_the_fit_finds_shape_and_scale(shape):
    excess = np.sort(stats.genpareto(shape, scale=2.0).rvs(4000, random_state=np.random.default_rng(5)))
    assert tails.fit(excess) == (pytest.approx(shape, abs=0.06), pytest.approx(2.0, rel=0.06))


@pytest.mark.parametrize("name", LAWS)
def test_a_level_beyond_what_was_seen_keeps_its_rate(name):
    rates = [LAWS[name].sf(tails.law_of(drawn(name, 20_000, seed)).level(1e-4)) for seed in range(20)]
    assert 0.6e-4 < np.mean(rates) < 1.7e-4


def test_level_and_rate_undo_one_another():
    law = tails.Pareto(threshold=1.0, shape=0.2, scale=0.5, part=0.05)
    assert law.rate(np.array([law.level(1e-3), 1.0])) == pytest.approx([1e-3, 0.05])
    straight = law._replace(shape=0.0)
    assert straight.rate(np.array([straight.level(1e-3)])) == pytest.approx([1e-3])


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("count", [500, 20_000])
def test_clean_values_have_no_outliers_and_one_kind_of_tail(name, count):
    samples = [drawn(name, count, seed) for seed in range(20)]
    assert sum(np.isfinite(tails.outlier_cut(values)) for values in samples) <= 1
    assert not any(tails.is_mixed(values) for values in samples)


def test_one_percent_of_gross_faults_is_set_apart_and_the_level_stays():
    clean = drawn("normal", 20_000)
    faulty = clean.copy()
    faulty[::100] += 40.0
    faulty.sort()
    cut = tails.outlier_cut(faulty)
    assert 4.0 < cut < 37.0
    assert int((faulty > cut).sum()) == 200
    kept = faulty[faulty <= cut]
    assert not tails.is_mixed(kept)
    assert tails.law_of(kept).level(1e-4) == pytest.approx(tails.law_of(clean).level(1e-4), abs=0.2)


def test_faults_that_begin_where_the_tail_ends_are_not_taken_for_clean():
    values = drawn("exponential", 20_000)
    values[::100] += 8.0 * 10 ** np.random.default_rng(3).uniform(0, 1.5, 200)
    values.sort()
    assert tails.is_mixed(values[values <= tails.outlier_cut(values)])


def test_counts_and_small_samples_have_no_law():
    generator = np.random.default_rng(1)
    assert tails.law_of(np.sort(generator.integers(0, 5, 5000).astype(float))) is None
    assert tails.law_of(np.sort(generator.normal(size=90))) is None
    assert tails.outlier_cut(np.zeros(5000)) == np.inf
