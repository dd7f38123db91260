"""Cosmic rays, shared lines, the collimator dip and the applied flat: found when planted, silent otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.models.applied_flat import applied_flat
from pytest_specqa.measures.sframes.collimator import collimator_dip
from pytest_specqa.measures.sframes.cosmics import sharp_hits
from pytest_specqa.measures.sframes.shared_lines import shared_lines


def hits(camera, **changes):
    return sharp_hits(replace(camera.spectra, **changes))


def lines(camera, flux):
    return shared_lines(replace(camera.spectra, flux=flux))


def dip(camera, **changes):
    return collimator_dip(replace(camera.spectra, **changes))


def algebra(camera, *, fiberflat=None, **changes):
    fiberflat = camera.flat.fiberflat if fiberflat is None else fiberflat
    return applied_flat(replace(camera.spectra, **changes), camera.frame.flux, camera.frame.ivar, fiberflat=fiberflat)


def flat(camera, **changes):
    return algebra(camera, **changes).shape


def test_many_missed_cosmics_prove_a_rate(simulated):
    assert hits(simulated("r")).value < 1.0
    found = hits(simulated("r", "unmasked_cosmics", 60.0))
    assert found.value > 5.0
    assert found.features


def test_real_lines_and_masked_hits_are_no_cosmics(simulated):
    camera = simulated("r", unmasked_cosmics=0.0)
    line = np.exp(-0.5 * ((camera.wave - 6100) / 0.75) ** 2).astype(np.float32)
    assert hits(camera, flux=camera.sframe.flux + 3000 * line).features == ()
    flux = camera.sframe.flux.copy()
    flux[camera.sframe.ivar == 0] = 1e5
    assert hits(camera, flux=flux).features == ()


def test_no_exposure_has_no_rate_of_cosmics(simulated):
    assert hits(simulated("r"), exptime=0.0).reason


def test_a_laser_in_a_few_fibers_is_found_and_the_galaxy_is_not_blamed(simulated):
    camera = simulated("r")
    rows = np.flatnonzero(camera.spectra.faint)[::40][:8]
    flux = camera.sframe.flux.copy()
    assert lines(camera, flux).value == 0.0
    flux[rows] += 150 * np.exp(-0.5 * (camera.wave - 6120) ** 2).astype(np.float32)
    found = lines(camera, flux)
    assert found.value > 5
    assert found.waves[0] < 6120 < found.waves[1]
    galaxy = camera.sframe.flux + 300 * np.exp(-0.5 * (camera.wave - 6564.6) ** 2).astype(np.float32)
    assert lines(camera, galaxy).value == 0.0


@pytest.mark.parametrize(("band", "wave"), [("b", 3728.5), ("b", 5008.2), ("r", 6564.6), ("z", 9533.2)])
def test_fibers_with_less_galactic_light_than_the_sky_fibers_have_no_line_beside_the_hole(simulated, band, wave):
    camera = simulated(band)
    hole = np.exp(-0.5 * ((camera.wave - wave) / 1.6) ** 2).astype(np.float32)
    flux = camera.sframe.flux.copy()
    flux[::2] -= 600 * hole
    assert lines(camera, flux).value == 0.0
    flux[20:60] += 150 * np.exp(-0.5 * (camera.wave - wave - 12) ** 2).astype(np.float32)
    assert wave + 8 < lines(camera, flux).waves[0] < wave + 12


def test_a_moved_dip_is_measured_along_the_slit(simulated):
    camera = simulated("b")
    assert dip(camera).value == 0.0
    u = np.linspace(-1, 1, 500)[:, None]
    shape = (camera.wave - 4400) / 60 * np.exp(0.5 - 0.5 * ((camera.wave - 4400) / 60) ** 2)
    found = dip(camera, flux=camera.sframe.flux + (0.02 * u * shape * np.median(camera.sky.flux, axis=0)).astype(np.float32))
    assert found.value == pytest.approx(0.02, abs=0.006)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_a_smooth_change_of_colour_along_the_slit_is_no_dip(simulated, power):
    camera = simulated("b")
    change = 0.03 * np.linspace(-1, 1, 500)[:, None] * ((camera.wave - 4400) / 300) ** power
    flux = camera.sframe.flux + (change * np.median(camera.sky.flux, axis=0)).astype(np.float32)
    assert dip(camera, flux=flux).value == 0.0


def test_the_dip_is_in_the_b_cameras_only(simulated):
    assert dip(simulated("r")).reason
    assert dip(simulated("b"), ivar=0 * simulated("b").sframe.ivar).reason


def test_the_flat_that_was_applied_is_known_exactly(simulated):
    camera = simulated("b", heliocor=1.0001)
    assert flat(camera).value < 0.0005
    assert flat(camera, heliocor=0.9999).value > 0.0005
    assert algebra(camera, sky=2 * camera.sky.flux).sky.value > 0.4
    wave = np.linspace(-1, 1, camera.wave.size)
    assert flat(camera, fiberflat=camera.flat.fiberflat * (1 + 0.02 * wave)).value > 0.005


def test_a_hit_is_placed_at_its_pixel(simulated):
    camera = simulated("r", unmasked_cosmics=0.0)
    rows = np.flatnonzero(camera.spectra.faint)[::20]
    flux = camera.sframe.flux.copy()
    flux[rows, 700] = 5000.0
    found = hits(camera, flux=flux)
    assert [feature.fibers[0] for feature in found.features] == camera.fiber[rows].tolist()[:20]
    assert {feature.waves[0] for feature in found.features} == {float(camera.wave[700])}


def test_a_hit_beside_a_masked_pixel_does_not_count(simulated):
    camera = simulated("r", unmasked_cosmics=0.0)
    flux, ivar = camera.sframe.flux.copy(), camera.sframe.ivar.copy()
    flux[10:30, 700], ivar[10:30, 699] = 5000.0, 0
    assert hits(camera, flux=flux, ivar=ivar).features == ()
