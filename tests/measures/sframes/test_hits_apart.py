"""Sharp hits are told apart by fiber and by bin, and counted only between live pixels."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.sframes.cosmics import sharp_hits
from pytest_specqa.measures.spectra import CameraSpectra

SIGMA = 10.0
WAVE = 5760.0 + 0.8 * np.arange(400)
FIBER = 500 + np.arange(30)


def hits(*places, mask=(), peak=200 * SIGMA, base=0.0, slope=0.0):
    """Single bright bins at (row, column) on an even or rising base, without noise, some pixels masked."""
    flux = base + slope * np.tile(np.arange(WAVE.size) / WAVE.size, (FIBER.size, 1))
    ivar = np.full(flux.shape, SIGMA**-2)
    for row, column in places:
        flux[row, column] = peak
    for row, column in mask:
        ivar[row, column] = 0
    sky = np.full(flux.shape, 120.0)
    return sharp_hits(CameraSpectra(flux, ivar, WAVE, FIBER, np.arange(FIBER.size) % 11 == 0, sky, exptime=1000.0))


def where(found):
    return [(feature.fibers[0], round(feature.waves[0], 1)) for feature in found.features]


def at(row, column):
    return (500 + row, round(float(WAVE[column]), 1))


@pytest.mark.parametrize("apart", [4, 5, 30])
def test_hits_farther_apart_than_one_is_wide_are_two(apart):
    assert where(hits((3, 200), (3, 200 + apart))) == [at(3, 200), at(3, 200 + apart)]


def test_what_lies_within_the_width_of_a_hit_belongs_to_it():
    assert where(hits((3, 200), (3, 203))) == [at(3, 200)]


def test_hits_of_two_fibers_are_two_wherever_they_are():
    assert where(hits((3, 200), (4, 200), (5, 202))) == [at(3, 200), at(4, 200), at(5, 202)]


def test_a_fiber_with_a_bright_smooth_object_has_no_hit():
    assert hits(base=8 * SIGMA).features == ()


@pytest.mark.parametrize("base", [0.0, 8 * SIGMA])
def test_a_hit_begins_at_its_first_bright_bin_that_rises(base):
    # A bin before it that rises without being bright, or is bright without rising, is a neighbour.
    assert where(hits((3, 200), base=base, slope=0.01 * SIGMA if base == 0 else 0.0)) == [at(3, 200)]


@pytest.mark.parametrize("masked", [199, 200, 201])
def test_a_hit_counts_between_live_pixels_only(masked):
    assert where(hits((3, 200), (9, 100), mask=[(3, masked)])) == [at(9, 100)]


def test_the_hits_are_counted_in_words_where_there_are_any():
    assert hits((3, 200), (9, 300)).detail.startswith("2 unmasked features are narrower than the line spread")
    assert hits().detail == ""


@pytest.mark.parametrize(("wide", "found"), [(1, True), (2, True), (3, True), (4, False)])
def test_a_flat_hit_of_up_to_three_bins_is_too_sharp_and_a_wider_one_is_not(wide, found):
    peak = 150 * SIGMA
    assert where(hits(*((3, 200 + k) for k in range(wide)), peak=peak)) == ([at(3, 200)] if found else [])
