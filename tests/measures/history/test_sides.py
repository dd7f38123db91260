"""The nights that are told are those that are off, not the sound ones on the other side of the change."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.history.search import Hit
from pytest_specqa.measures.history.sides import Home, homes, parts_off

NIGHTS = 100


def _parts(values, first, last, home):
    return [(part.first, part.last) for part in parts_off(Hit(0, first, last, 9.0, NIGHTS), values, home)]


@pytest.mark.parametrize(("first", "last"), [(30, 99), (0, 29)])
def test_the_side_that_is_like_the_others_is_sound_however_short_it_is(first, last):
    values = np.zeros(NIGHTS)
    values[30:] = 5.0  # off for 70 of 100 nights
    assert _parts(values, first, last, Home(0.0, 0.5)) == [(30, 99)]


def test_what_was_mended_was_off_before():
    values = np.zeros(NIGHTS)
    values[:60] = 5.0
    assert _parts(values, 60, 99, Home(0.0, 0.5)) == [(0, 59)]


def test_sound_nights_between_two_bad_stretches_are_not_told():
    values = np.full(NIGHTS, 5.0)
    values[30:60] = 0.0
    assert _parts(values, 30, 59, Home(0.0, 0.5)) == [(0, 29), (60, 99)]


def test_where_nothing_tells_the_sides_apart_it_is_what_lies_after():
    values = np.zeros(NIGHTS)
    values[30:] = 5.0
    assert _parts(values, 0, 29, Home()) == [(30, 99)]
    assert _parts(values, 30, 99, Home()) == [(30, 99)]
    assert _parts(values, 40, 60, Home()) == [(40, 60)]


def test_homes_need_many_series():
    levels = np.random.default_rng(1).normal(3, 0.1, (50, 2))
    levels[5:, 1] = np.nan
    first, second = homes(levels)
    assert first.middle == pytest.approx(3, abs=0.1)
    assert first.scatter == pytest.approx(0.1, rel=0.4)
    assert second == Home()
