"""Ranges in which a series is off are found at their dates, and clean series are quiet whatever their tails and memory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from pytest_specqa.measures.history.chance import chance_of_maximum, sigmas, threshold
from pytest_specqa.measures.history.nights import midmean, night_mean
from pytest_specqa.measures.history.ranges import best_range, coarse_statistics
from pytest_specqa.measures.history.scores import pooled, spread_of_ranges
from pytest_specqa.measures.history.search import search

NIGHTS = 120
CHANCE = 1e-5


def _clean(kind, series=3000, nights=NIGHTS, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, (series, nights)) if kind == "t3" else rng.standard_normal((series, nights))
    return lfilter([1], [1, -0.6], values, axis=1) if kind == "ar" else values


@pytest.mark.parametrize("nights", [30, 200])
def test_the_chance_of_the_maximum_is_what_simulated_series_do(nights):
    statistics = coarse_statistics(_clean("normal", 20_000, nights).astype("f4"), spread=np.ones(nights + 1))
    bar = threshold(0.01, nights)
    # 200 are expected; the coarse set misses the highest ranges of some, and the approximation is a little high.
    assert 100 < np.sum(statistics > bar) < 240
    assert chance_of_maximum(bar, nights) == pytest.approx(0.01, rel=1e-6)


def test_the_exact_scan_finds_what_a_scan_by_hand_finds():
    scores = _clean("normal", 1, 40)[0].astype("f4")
    scores[[3, 17]] = np.nan
    known = scores[np.isfinite(scores)] - np.nanmean(scores)
    by_hand = [
        abs(known[a:b].sum()) / np.sqrt((b - a) * (1 - (b - a) / len(known)))
        for a in range(len(known))
        for b in range(a + 1, len(known) + 1)
        if b - a < len(known)
    ]
    assert abs(best_range(scores, spread=np.ones(41))[0]) == pytest.approx(max(by_hand), rel=1e-4)


@pytest.mark.parametrize("kind", ["normal", "t3", "ar"])
def test_clean_series_are_quiet_whatever_their_tails_and_memory(kind):
    assert not search(_clean(kind), chance=CHANCE, most=6.0).hits


@pytest.mark.parametrize("kind", ["normal", "t3"])
@pytest.mark.parametrize(("first", "last"), [(40, 59), (100, NIGHTS - 1), (0, 19)])
def test_a_range_that_is_off_is_found_at_its_dates(kind, first, last):
    values = _clean(kind)
    values[7, first : last + 1] += 4
    values[8, first : last + 1] -= 4
    hits = search(values, chance=CHANCE, most=6.0).hits
    assert [hit.series for hit in hits] == [7, 8]
    assert hits[0].statistic > 0 > hits[1].statistic
    for hit in hits:
        assert abs(hit.first - first) <= 2
        assert abs(hit.last - last) <= 2


def test_what_is_usual_is_what_is_common():
    values = _clean("normal")
    values[7, :80] += 4  # the later 40 nights are the rarer ones
    (hit,) = search(values, chance=CHANCE, most=6.0).hits
    assert (hit.first, hit.last) == (80, NIGHTS - 1)
    assert hit.statistic < 0


def test_two_ranges_of_one_series_are_both_found():
    values = _clean("normal")
    values[7, 20:35] += 5
    values[7, 80:90] -= 5
    assert [(hit.first, hit.last) for hit in search(values, chance=CHANCE, most=6.0).hits] == [(20, 34), (80, 89)]


def test_missing_nights_are_no_nights():
    values = _clean("normal")
    values[7, 40:60] += 4
    values[7, 45:55] = np.nan
    values[9, 15:] = np.nan
    values[9, :5] += 50
    searched = search(values, chance=CHANCE, most=6.0)
    assert [hit.series for hit in searched.hits] == [7]  # 15 nights are too few for a usual value
    assert searched.searched == 2999


def test_a_series_that_is_wild_now_and_then_is_not_off_when_two_wild_nights_meet():
    values = _clean("normal")
    wild = np.arange(5, NIGHTS, 9)
    values[7, wild] += 9
    values[7, [50, 51]] = 9  # as far as elsewhere, but side by side
    values[8, [50, 51, 52]] = 9  # the look-alike that is never wild otherwise
    assert {hit.series for hit in search(values, chance=CHANCE, most=6.0).hits} == {8}


def test_a_series_that_wanders_as_long_as_the_range_is_not_off():
    values = _clean("normal")
    values[7] += 1.5 * np.sin(2 * np.pi * np.arange(NIGHTS) / 20)
    assert not search(values, chance=CHANCE, most=6.0).hits


def test_series_that_never_change_and_few_values_are_no_error():
    assert not search(np.zeros((5, 50)), chance=CHANCE, most=6.0).hits
    assert not search(np.full((5, 50), np.nan), chance=CHANCE, most=6.0).hits
    assert not search(np.zeros((0, 50)), chance=CHANCE, most=6.0).hits
    assert not search(_clean("normal", 3, 19), chance=CHANCE, most=6.0).hits


def test_scores_are_gaussian_and_one_night_counts_no_more_than_it_may():
    values = _clean("t3", 2000)
    scores = pooled(values, most=6.0)(np.append(values, 1e9))
    assert scores[-1] <= 6.0
    assert np.std(scores[:-1]) == pytest.approx(1, abs=0.01)
    assert np.mean(scores[:-1] > 3) == pytest.approx(0.00135, rel=0.15)


def test_memory_of_the_nights_widens_long_ranges():
    spread = spread_of_ranges(_clean("ar", 4000) * 0.8)
    assert spread[1] == 1.0
    assert spread[20] == pytest.approx(1.9, abs=0.2)  # 1/(1 - 0.6) of the innovations, whose sigma is 0.8
    assert np.all(np.diff(spread) >= 0)


def test_a_night_is_the_mean_of_its_exposures_that_are_known():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 1.5, np.nan]])
    assert night_mean(values) == pytest.approx([2.0, 1.5, np.nan], nan_ok=True)


def test_faults_in_a_tenth_of_few_series_hide_neither_each_other_nor_make_the_rest_wild():
    values = _clean("normal", 30)
    values[:3, 60:100] += 5
    assert {hit.series for hit in search(values, chance=CHANCE, most=6.0).hits} == {0, 1, 2}


def test_a_step_in_the_middle_does_not_pass_for_scatter():
    values = _clean("normal", 30)
    values[3, 62:] += 6
    (hit,) = search(values, chance=CHANCE, most=6.0).hits
    assert abs(hit.statistic) > 15


def test_a_chance_becomes_sigmas():
    assert sigmas(0.0013499) == pytest.approx(3, abs=1e-3)
    assert sigmas(1.0) == 0
    assert 30 < sigmas(0.0) <= 37


def test_the_middle_of_fibers_moves_less_than_the_step_that_values_are_stored_with():
    values = 0.75 * np.rint(np.random.default_rng(4).normal(0.2, 1, (400, 3)) / 0.75)
    values[:30] = 60
    values[30:50] = np.nan
    values[:, 2] = np.nan
    assert midmean(values) == pytest.approx([0.3, 0.3, np.nan], abs=0.15, nan_ok=True)
    assert np.all(np.median(values[50:, :2], axis=0) % 0.75 == 0)
