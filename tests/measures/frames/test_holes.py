"""Unmasked defects of the CCD are found with their fibers; objects, masked ranges and the sky model are not taken for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.frames.holes import ccd_defects


def dipped(camera, rows, depth, *, center=1000, width=6.4):
    """The camera's spectra with a Gaussian feature, its place moving by half a bin from fiber to fiber."""
    flux, bins = camera.sframe.flux.copy(), np.arange(camera.wave.size)
    for number, row in enumerate(rows):
        flux[row] += (depth * np.exp(-0.5 * ((bins - center - 0.5 * number) / width) ** 2)).astype(np.float32)
    return replace(camera.spectra, flux=flux)


def faint_neighbours(camera, number):
    """Rows of the first so many neighbours that are all faint."""
    return next(k for k in range(490) if camera.spectra.faint[k : k + number].all()) + np.arange(number)


@pytest.mark.parametrize("band", "brz")
def test_a_sound_camera_has_no_defect(simulated, band):
    found = ccd_defects(simulated(band).spectra)
    assert (found.hole.value, found.spot.value) == (0.0, 0.0)


@pytest.mark.parametrize("depth", [-67.0, -200.0, -600.0])
def test_a_hole_in_four_fibers_is_named_with_its_place(simulated, depth):
    camera = simulated("r")
    rows = faint_neighbours(camera, 4)
    found = ccd_defects(dipped(camera, rows, depth)).hole
    assert found.value > 25.0
    assert found.fibers == ((3000 + rows[0], 3000 + rows[-1]),)
    assert found.waves[0] < camera.wave[1001] < found.waves[1]
    assert "not masked" in found.detail


def test_a_hot_spot_is_what_four_fibers_share(simulated):
    camera = simulated("r")
    rows = faint_neighbours(camera, 6)
    assert ccd_defects(dipped(camera, rows, 200.0)).spot.fibers == ((3000 + rows[0], 3000 + rows[-1]),)
    assert ccd_defects(dipped(camera, rows[:2], 200.0)).spot.value == 0.0, "lines of two galaxies"


def test_too_much_sky_in_some_fibers_is_no_defect_of_the_ccd(simulated):
    camera = simulated("r")
    flux, sky = camera.sframe.flux.copy(), camera.sky.flux.copy()
    bump = (200.0 * np.exp(-0.5 * ((np.arange(camera.wave.size) - 1000) / 6.4) ** 2)).astype(np.float32)
    sky[208:212] += bump
    flux[208:212] -= bump
    assert ccd_defects(replace(camera.spectra, flux=flux, sky=sky)).hole.value == 0.0


def test_pixels_of_little_weight_are_no_hole(simulated):
    camera = simulated("r")
    flux, ivar = camera.sframe.flux.copy(), camera.sframe.ivar.copy()
    ivar[208:212, 1000:1004] /= 100
    flux[208:212, 1000:1004] -= 5.4 / np.sqrt(np.maximum(ivar[208:212, 1000:1004], 1e-6))
    assert ccd_defects(replace(camera.spectra, flux=flux, ivar=ivar)).hole.value == 0.0


def test_masked_ranges_are_no_hole(simulated):
    camera = simulated("r")
    ivar = camera.sframe.ivar.copy()
    for number in range(4):
        ivar[140 + number, 300 * number : 300 * number + 900] = 0
    assert ccd_defects(replace(camera.spectra, ivar=ivar)).hole.value == 0.0


def test_a_dead_camera_is_not_measured(simulated):
    camera = simulated("r")
    found = ccd_defects(replace(camera.spectra, ivar=np.zeros_like(camera.sframe.ivar)))
    assert found.hole.reason
    assert found.spot.reason


def test_a_sky_that_was_subtracted_twice_is_no_hole(simulated):
    found = ccd_defects(simulated("r", "double_sky", 1.0).spectra)
    for one in (found.hole, found.spot):
        assert not one.reason
        assert one.value == 0.0
