"""Light in sky fibers and fibers below zero are found; objects and cosmic rays are not mistaken for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.sframes.fibers import BROAD, WIDE, fiber_residuals
from pytest_specqa.measures.spectra import CameraSpectra


def measure(camera, flux=None):
    return fiber_residuals(camera.spectra if flux is None else replace(camera.spectra, flux=flux))


@pytest.mark.parametrize("band", "brz")
def test_sound_fibers_hold_nothing(simulated, band):
    found = measure(simulated(band))
    assert (found.sky_fiber.value, found.below_zero.value) == (0.0, 0.0)


def test_starlight_in_a_sky_fiber_is_named(simulated):
    camera = simulated("r")
    row = int(np.flatnonzero(camera.is_sky)[3])
    flux = camera.sframe.flux.copy()
    flux[row] += 30.0
    found = measure(camera, flux).sky_fiber
    assert found.value > 10.0
    assert found.fibers == ((3000 + row, 3000 + row),)


@pytest.mark.parametrize("light", [133.0, 400.0, 1200.0])
def test_light_of_any_brightness_in_sky_fibers_has_its_amount(simulated, light):
    camera = simulated("r")
    rows = np.flatnonzero(camera.is_sky)[1:6]
    flux = camera.sframe.flux.copy()
    flux[rows] += np.float32(light)
    found = measure(camera, flux).sky_fiber
    assert abs(found.value - light) < 5 * found.error + 3.0
    assert sorted(found.fibers) == [(3000 + row, 3000 + row) for row in rows.tolist()]


def test_what_is_neither_target_nor_sky_is_never_faint(simulated):
    camera = simulated("r")
    is_target = ~camera.is_sky
    row = int(np.flatnonzero(is_target & camera.spectra.faint)[0])
    is_target[row] = False
    assert not replace(camera.spectra, is_target=is_target).faint[row]


def test_a_hole_in_a_fiber_is_named_with_its_wavelengths(simulated):
    camera = simulated("r")
    row = int(np.flatnonzero(camera.is_sky)[5])
    flux = camera.sframe.flux.copy()
    flux[row, 400:700] -= 40.0
    found = measure(camera, flux).below_zero
    assert found.value > 10.0
    assert found.fibers == ((3000 + row, 3000 + row),)
    assert camera.wave[350] < found.waves[0] < camera.wave[700]


def test_bright_objects_are_no_fault(simulated):
    camera = simulated("r")
    flux = camera.sframe.flux + np.where(camera.is_sky, 0, 500)[:, None].astype(np.float32)
    found = measure(camera, flux)
    assert (found.sky_fiber.value, found.below_zero.value) == (0.0, 0.0)


def test_one_cosmic_ray_is_no_broad_light(simulated):
    camera = simulated("r")
    flux = camera.sframe.flux.copy()
    flux[np.flatnonzero(camera.is_sky)[2], 300:303] += 1e4
    assert measure(camera, flux).sky_fiber.value == 0.0


def test_a_dead_camera_is_not_measured(simulated):
    camera = simulated("r")
    found = fiber_residuals(replace(camera.spectra, ivar=0 * camera.sframe.ivar))
    assert found.sky_fiber.reason
    assert found.below_zero.reason


@pytest.mark.parametrize(("left", "windows"), [(0.4, 4), (0.6, 5)])
def test_what_is_left_at_the_red_end_is_a_window_if_it_is_more_than_half_of_one(left, windows):
    wave = 5760.0 + 0.8 * np.arange(int((4 + left) * BROAD))
    flux, sky = np.random.default_rng(4).normal(size=(60, wave.size)).astype(np.float32), np.full((60, wave.size), 100.0)
    spectra = CameraSpectra(flux, np.ones_like(flux), wave, np.arange(60), np.arange(60) < 12, sky.astype(np.float32))
    wider = -(-windows // WIDE) + 1
    assert fiber_residuals(spectra).table.shape == (60, windows + wider)
