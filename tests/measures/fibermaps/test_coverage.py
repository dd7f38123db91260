"""What is left of a camera is counted among the fibers that nobody has given up."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.coverage import (
    flagged_with_weight,
    good_pixels,
    masked_columns,
    masked_with_weight,
    sky_fibers_left,
)

FIBER = 3000 + np.arange(500)
WAVE = np.linspace(5760, 7620, 2326)


@pytest.fixture
def ivar():
    return np.ones((500, 2326), dtype=np.float32)


def test_flagged_fibers_do_not_lower_the_fraction(ivar):
    ivar[:250] = 0
    assert good_pixels(ivar, fiber=FIBER).value == 0.5
    assert good_pixels(ivar, fiber=FIBER).fibers == ((3000, 3249),)
    assert good_pixels(ivar, fiber=FIBER, flagged=FIBER < 3250).value == 1.0


def test_a_camera_that_is_flagged_entirely_is_not_measured(ivar):
    assert good_pixels(ivar, fiber=FIBER, flagged=np.ones(500, dtype=bool)).reason


def test_only_live_sky_fibers_count(ivar):
    is_sky = np.arange(500) % 10 == 0
    ivar[:100] = 0
    found = sky_fibers_left(ivar, fiber=FIBER, is_sky=is_sky)
    assert found.value == 40
    assert (3000, 3000) in found.fibers


def test_a_wavelength_that_many_fibers_lack_is_found(ivar):
    ivar[:150, 700:705] = 0
    found = masked_columns(ivar, WAVE, fiber=FIBER)
    assert found.value == pytest.approx(0.3)
    assert found.error == pytest.approx(np.sqrt(0.3 * 0.7 / 500))
    assert found.waves[0] >= WAVE[699]
    assert found.waves[1] <= WAVE[705]


def test_dead_fibers_and_lost_amplifiers_are_no_columns(ivar):
    ivar[:250, :1163] = 0
    ivar[400:420] = 0
    assert masked_columns(ivar, WAVE, fiber=FIBER).value == 0.0
    assert masked_columns(0 * ivar, WAVE, fiber=FIBER).reason


def test_masks_and_flags_must_take_the_weight_away(ivar):
    mask = np.zeros(ivar.shape, dtype=np.uint32)
    mask[3, :10] = 4
    assert masked_with_weight(ivar, mask, fiber=FIBER).value == 1.0
    ivar[3, :10] = 0
    assert masked_with_weight(ivar, mask, fiber=FIBER).value == 0.0
    flagged = FIBER < 3030
    assert flagged_with_weight(ivar, fiber=FIBER, flagged=flagged).value == 30
    ivar[:30] = 0
    assert flagged_with_weight(ivar, fiber=FIBER, flagged=flagged).value == 0


@pytest.mark.parametrize(("lost", "fibers"), [(1163, ()), (1164, ((3007, 3007),))])
def test_a_fiber_is_lost_with_more_than_half_of_its_pixels(ivar, lost, fibers):
    ivar[7, :lost] = 0
    found = good_pixels(ivar, fiber=FIBER)
    assert found.value == pytest.approx(1 - lost / ivar.size)
    assert found.fibers == fibers
    assert bool(found.detail) is bool(fibers)
    assert sky_fibers_left(ivar, fiber=FIBER, is_sky=FIBER == 3007).value == (0 if fibers else 1)


def test_only_the_lost_fibers_that_nobody_has_flagged_are_named(ivar):
    ivar[[3, 9]] = 0
    assert good_pixels(ivar, fiber=FIBER, flagged=FIBER == 3003).fibers == ((3009, 3009),)


@pytest.mark.parametrize("columns", [slice(0, 4), slice(2322, 2326)])
def test_a_gap_at_the_end_of_the_spectrum_stays_inside_it(ivar, columns):
    ivar[:100, columns] = 0
    found = masked_columns(ivar, WAVE, fiber=FIBER)
    assert found.value == pytest.approx(0.2)
    assert WAVE[0] <= found.waves[0] <= found.waves[1] <= WAVE[-1]


def test_single_pixels_are_no_column(ivar):
    ivar[:150, [700, 900]] = 0
    assert masked_columns(ivar, WAVE, fiber=FIBER).value == 0.0


def test_a_gap_in_the_half_of_an_amplifier_counts_among_its_live_fibers(ivar):
    ivar[:250, :1163] = 0
    ivar[250:300, 400:405] = 0
    assert masked_columns(ivar, WAVE, fiber=FIBER).value == pytest.approx(0.2)


def test_part_of_the_masked_pixels_with_weight(ivar):
    mask = np.zeros(ivar.shape, dtype=np.uint32)
    mask[3, :8], mask[5, :2] = 4, 1
    ivar[3, :8] = 0
    found = masked_with_weight(ivar, mask, fiber=FIBER)
    assert found.value == pytest.approx(0.2)
    assert found.fibers == ((3005, 3005),)
    assert found.detail == "2 of 10 masked pixels still have weight"


def test_one_pixel_with_weight_is_enough_for_a_flagged_fiber(ivar):
    ivar[:30] = 0
    ivar[11, 5] = 1
    found = flagged_with_weight(ivar, fiber=FIBER, flagged=FIBER < 3030)
    assert (found.value, found.fibers) == (1.0, ((3011, 3011),))
    assert found.detail == "1 of 30 flagged fibers still have weight"
