"""Calibrated spectra against the imaging of their targets: the level, and which fibers hold each other's light."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.models.imaging import HALF_WIDTH, NANOMAGGY, imaging_agreement

WAVE = np.arange(5760.0, 7620.0, 8.0)
PIVOT = 6400.0
FIBER = 1000 + np.arange(40)
RNG = np.random.default_rng(3)
IMAGED = np.append([3.0, 5.0, 30.0, 48.0], 10 ** RNG.uniform(0.8, 1.3, 36))
SCATTER = np.exp(0.03 * RNG.standard_normal(40))


def measured(light=None, *, ivar=100.0, imaged=IMAGED, is_target=None):
    """Agreement of spectra with this light in nanomaggies, flat in wavelength; `ivar` may depend on the pixel."""
    light = SCATTER * IMAGED if light is None else light
    flux = np.repeat(light[:, None] * NANOMAGGY / PIVOT**2, WAVE.size, axis=1)
    weight = np.broadcast_to(ivar, flux.shape).astype(float)
    chosen = np.ones(40, dtype=bool) if is_target is None else is_target
    return imaging_agreement(flux, weight, WAVE, fiber=FIBER, photometry={"FIBERFLUX_R": imaged}, band="r", is_target=chosen)


def exchanged(*pairs):
    rows = np.arange(40)
    for one, other in pairs:
        rows[[one, other]] = other, one
    return (SCATTER * IMAGED)[rows]


def test_the_level_is_the_median_over_targets_with_its_error():
    level = measured().level
    assert level.value == pytest.approx(np.median(SCATTER), rel=1e-6)
    assert level.error == pytest.approx(1.25 * 0.03 / np.sqrt(40), rel=0.5)
    assert level.fibers == ((1000, 1039),)


def test_only_wavelengths_of_the_filter_count():
    weight = np.where(np.abs(WAVE - PIVOT) < HALF_WIDTH, 100.0, 0.0)
    assert measured(ivar=weight).level.value == measured().level.value
    assert measured(ivar=100.0 - weight).level.reason
    assert measured().level.waves == (5900.0, 6900.0)


def test_a_spectrum_of_which_half_is_masked_is_not_compared():
    few, most = (np.where(np.arange(WAVE.size) % 10 < k, 100.0, 0.0) for k in (3, 7))
    assert measured(ivar=few).level.reason
    assert not measured(ivar=most).level.reason


def test_fibers_off_target_have_a_level_of_nearly_nothing():
    assert measured(0.001 * IMAGED).level.value < 0.05


def test_what_is_no_target_or_too_faint_to_see_is_left_out():
    some = np.arange(40) < 12
    assert np.isfinite(measured(is_target=some).ratio).tolist() == some.tolist()
    assert measured(is_target=np.arange(40) < 9).level.reason
    faint = np.where(np.arange(40) < 20, IMAGED, 1e-3)
    assert np.isfinite(measured(ivar=4.0, imaged=faint).ratio).tolist() == (faint > 0.1).tolist()


def test_a_sound_camera_holds_no_exchange():
    assert measured().swapped.value == 0.0
    assert measured().swapped.fibers == ()


def test_two_exchanges_are_told_apart():
    found = measured(exchanged((0, 3), (1, 2))).swapped
    assert found.value == 2.0
    assert {fiber for fiber, _ in found.fibers} == {1000, 1001, 1002, 1003}
    assert "fibers 1000 and 1003 hold each other's target" in found.detail


def test_one_lost_target_or_two_of_different_loss_are_no_exchange():
    light = SCATTER * IMAGED
    light[3] /= 30
    assert measured(light).swapped.value == 0.0
    light[0] *= 6
    assert measured(light).swapped.value == 0.0


def test_a_wrong_level_of_the_camera_makes_no_exchange():
    assert measured(3 * SCATTER * IMAGED).swapped.value == 0.0
    assert measured(3 * exchanged((0, 3))).swapped.value == 1.0
