"""Which pixels belong to a line, to the continuum, to nebulae; which fibers are named together."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.where import (
    between_lines,
    fiber_ranges,
    line_free,
    live_fraction,
    near_nebular,
    seated,
    signal_to_noise,
    sky_continuum,
)

N, LEVEL, LINE = 400, 100.0, 200


def sky(height, *, width=1, level=LEVEL):
    """A flat continuum with one line of so many pixels."""
    spectrum = np.full(N, level)
    spectrum[LINE : LINE + width] += height
    return spectrum


@pytest.mark.parametrize(("height", "seen"), [(0.26 * LEVEL, True), (0.24 * LEVEL, False)])
def test_a_line_is_a_quarter_of_the_continuum_high(height, seen):
    assert between_lines(sky(height)).all() != seen


@pytest.mark.parametrize("margin", [0, 1, 5])
def test_a_line_spoils_its_pixels_and_as_many_beside_it(margin):
    spoiled = np.flatnonzero(~between_lines(sky(10 * LEVEL, width=3), margin=margin))
    assert spoiled.tolist() == list(range(LINE - margin, LINE + 3 + margin))


def test_noise_of_the_sky_is_no_line():
    noisy = LEVEL * (1 + 0.2 * np.random.default_rng(1).standard_normal(N))
    noise = np.median(np.abs(np.diff(noisy)))
    assert between_lines(noisy).mean() > 0.9
    assert not between_lines(noisy + sky(0.25 * LEVEL + 8 * noise) - LEVEL)[LINE]


def test_a_sky_without_light_has_no_lines_and_one_below_zero_has_its_own():
    assert between_lines(np.zeros(N)).all()
    assert not between_lines(sky(1.0, level=-LEVEL))[LINE]


def test_the_continuum_is_left_when_lines_are_cut_off():
    slope = np.linspace(LEVEL, 2 * LEVEL, N)
    np.testing.assert_allclose(sky_continuum(slope + sky(50 * LEVEL, width=5, level=0.0))[80:-80], slope[80:-80], atol=2.0)
    # Lines of as many pixels as the width, of which three are averaged, are a continuum of their own.
    assert sky_continuum(sky(LEVEL, width=58))[LINE + 29] == pytest.approx(LEVEL)
    assert sky_continuum(sky(LEVEL, width=130))[LINE + 65] == pytest.approx(2 * LEVEL)


def test_line_free_windows_include_their_ends():
    for low, high in DESI.line_free:
        assert line_free(np.array([low - 0.1, low, high, high + 0.1])).tolist() == [False, True, True, False]


def test_nebular_lines_lie_within_a_half_width():
    line = DESI.nebular_waves[0]
    assert near_nebular(np.array([line - 3.1, line - 2.9, line + 2.9]), width=3.0).tolist() == [False, True, True]


def test_signal_to_noise_is_the_median_of_live_pixels():
    flux, ivar = np.full((3, 40), -6.0), np.full((3, 40), 0.25)
    flux[0, :4], ivar[1, ::8], ivar[2] = 1e4, 0, 0
    np.testing.assert_allclose(signal_to_noise(flux, ivar), [-3.0, -3.0, np.nan])


def test_fibers_that_follow_one_another_are_one_range():
    fiber = np.array([10, 11, 12, 20, 21, 22])
    assert fiber_ranges(fiber, np.array([1, 1, 0, 0, 1, 1], dtype=bool)) == ((10, 11), (21, 22))
    assert fiber_ranges(fiber, np.ones(6, dtype=bool)) == ((10, 22),)
    assert fiber_ranges(fiber, np.zeros(6, dtype=bool)) == ()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_live_pixels_are_those_with_weight_in_any_layout(dtype):
    ivar = np.array([[1.0, 0.0, np.nan, 2.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 1e-30, 1.0, 1.0]], dtype=dtype)
    assert live_fraction(ivar).tolist() == [0.5, 0.0, 0.75]
    assert live_fraction(np.broadcast_to(ivar[:1], (3, 4))).tolist() == [0.5, 0.5, 0.5]
    assert live_fraction(ivar[:, ::2]).tolist() == [0.5, 0.0, 0.5]


def test_rows_of_a_group_are_seated_side_by_side():
    values = np.arange(8.0).reshape(4, 2)
    found = seated(values, np.array([0, 0, 2, 2]), n_group=3)
    assert found.shape == (3, 2, 2)
    np.testing.assert_array_equal(found[0], values[:2])
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[2], values[2:])
