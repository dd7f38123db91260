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
