"""Light in sky fibers and fibers below zero are found; objects and cosmic rays are not mistaken for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.sframes.fibers import fiber_residuals


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
