"""Sky-line residuals are told apart as scale, shift and width, and absolute places of lines are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.sframes.fibers import fiber_scale, throughput_outlier, throughput_scatter
from pytest_specqa.measures.sframes.skylines import fit_lines, line_residual, line_scale, typical_error
from pytest_specqa.measures.sframes.wavelength import sky_line_places, wavelength_errors
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import local_threshold, mad_scale
from pytest_specqa.measures.where import sky_continuum


def changed(camera, **changes):
    return replace(camera.spectra, **changes)


def derivative(camera):
    return np.gradient(np.median(camera.sky.flux, axis=0), camera.wave).astype(np.float32)


@pytest.mark.parametrize("band", "brz")
def test_a_sound_subtraction_leaves_little(simulated, band):
    camera = simulated(band)
    spectra = camera.spectra
    assert abs(line_scale(spectra).value) < 0.03
    assert line_residual(spectra).value < 0.05
    assert fiber_scale(spectra).value < 0.1
    found = wavelength_errors(spectra)
    assert found.fiber_shift.value < 0.1
    assert found.group_shift.value < 0.02
    assert found.local_shift.value < 0.05
    assert found.group_width.value < 0.03


def test_sky_taken_away_twice_is_a_scale_of_minus_one(simulated):
    camera = simulated("r")
    spectra = changed(camera, flux=camera.sframe.flux - camera.sky.flux)
    assert line_scale(spectra).value == pytest.approx(-1.0, abs=0.05)


def test_a_shift_is_measured_with_its_sign_and_size(simulated):
    camera = simulated("r")
    flux = camera.sframe.flux.copy()
    flux[100:125] -= 0.06 * derivative(camera)
    spectra = changed(camera, flux=flux)
    assert np.nanmedian(fit_lines(spectra).values[1, 100:125, -1]) == pytest.approx(0.06, abs=0.01)
    found = wavelength_errors(spectra).group_shift
    assert found.value == pytest.approx(0.06, abs=0.02)
    assert found.fibers == ((3100, 3124),)


def test_one_fiber_off_by_a_third_of_a_bin_is_named(simulated):
    camera = simulated("r")
    row = int(np.flatnonzero(camera.spectra.faint)[7])
    flux = camera.sframe.flux.copy()
    flux[row] -= 0.25 * derivative(camera)
    found = wavelength_errors(changed(camera, flux=flux)).fiber_shift
    assert found.value > 0.1
    assert found.fibers == ((3000 + row, 3000 + row),)


def test_a_fiber_that_lost_light_is_named(simulated):
    camera = simulated("r")
    row = int(np.flatnonzero(camera.spectra.faint)[9])
    flux = camera.sframe.flux.copy()
    lines = camera.sky.flux[row] - sky_continuum(camera.sky.flux[row])
    flux[row] -= (0.4 * lines).astype(np.float32)
    found = fiber_scale(changed(camera, flux=flux))
    assert found.value == pytest.approx(0.4, abs=0.06)
    assert found.fibers == ((3000 + row, 3000 + row),)


def test_ivar_that_is_deflated_at_lines_does_not_hide_their_residual(simulated):
    camera = simulated("r")
    bright = camera.sky.flux[0] > 3 * np.median(camera.sky.flux[0])
    ivar = camera.sframe.ivar.copy()
    ivar[:, bright] *= 1e-3
    flux = camera.sframe.flux + 0.1 * derivative(camera) * np.where(np.arange(500) % 2, 1, -1)[:, None].astype(np.float32)
    spectra = changed(camera, flux=flux, ivar=ivar)
    assert line_residual(spectra).value > 0.05


def test_a_default_psf_shows_in_place_and_width_of_the_lines(simulated):
    sound = simulated("r")
    found = sky_line_places(sound.spectra)
    assert abs(found.offset.value) < 0.06
    assert 1.5 < found.width.value < 2.2
    wrong = simulated("r", "psf_fallback", 0.4)
    assert sky_line_places(wrong.spectra).width.value > 2.3


def test_lines_lie_at_the_barycentric_factor(simulated):
    camera = simulated("r", heliocor=1.0001)
    assert abs(sky_line_places(camera.spectra).offset.value) < 0.06
    assert abs(sky_line_places(changed(camera, heliocor=1.0)).offset.value) > 0.4


def test_without_lines_nothing_is_measured(simulated):
    camera = simulated("r")
    smooth = np.full_like(camera.sky.flux, 100.0)
    spectra = changed(camera, sky=smooth)
    assert line_scale(spectra).reason
    assert line_residual(spectra).reason
    assert wavelength_errors(spectra).group_shift.reason
    assert sky_line_places(spectra).offset.reason


def test_throughput_scatter_is_that_beyond_noise():
    fiber = np.arange(500)
    corrections = 1 + np.random.default_rng(1).normal(0, 0.05, 500)
    assert throughput_scatter(corrections, fiber=fiber, error=0.0).value == pytest.approx(0.05, rel=0.15)
    assert throughput_scatter(corrections, fiber=fiber, error=0.06).value == 0.0
    assert throughput_scatter(None, fiber=fiber, error=0.0).reason
    corrections[42] = 0.45
    assert throughput_outlier(corrections, fiber=fiber).value == pytest.approx(0.55)
    assert throughput_outlier(corrections, fiber=fiber).fibers == ((42, 42),)
    assert throughput_outlier(-corrections, fiber=fiber).reason


def test_typical_error_falls_with_brighter_lines(simulated):
    assert typical_error(simulated("r", line_strength=2.0).spectra) < typical_error(simulated("r", line_strength=0.5).spectra)


@pytest.mark.parametrize("row", [7, 60])
def test_each_value_has_the_error_of_its_own_fit(simulated, row):
    camera = simulated("r")
    row = int(np.flatnonzero(camera.spectra.faint)[row])
    sky = np.median(camera.sky.flux, axis=0)
    lines = sky - sky_continuum(sky)
    flux = camera.sframe.flux.copy()
    flux[row] += (0.5 * lines - 0.3 * np.gradient(lines, camera.wave)).astype(np.float32)
    spectra = changed(camera, flux=flux)
    errors = fit_lines(spectra).errors[:, row]
    assert wavelength_errors(spectra).fiber_shift.error == errors[1, -1]
    assert fiber_scale(spectra).error in errors[0]


def test_slit_blocks_are_as_certain_as_the_fits_of_their_fibers():
    wave = 5760.0 + 0.8 * np.arange(2326)
    rng = np.random.default_rng(3)
    sky = np.tile(100 + sum(2000 * np.exp(-0.5 * ((wave - c) / 0.8) ** 2) for c in rng.uniform(5800, 7600, 30)), (500, 1))
    flux = 10 * rng.standard_normal((500, wave.size))
    spectra = CameraSpectra(flux, np.full(flux.shape, 0.01), wave, np.arange(500), np.arange(500) % 11 == 0, sky)
    scale, shift, width = np.median(fit_lines(spectra).errors, axis=1)
    found = wavelength_errors(spectra)
    assert found.fiber_shift.error == pytest.approx(shift[-1], rel=0.01)
    assert found.group_shift.sensitivity == pytest.approx(local_threshold(20) * shift[-1] / 5, rel=0.25)
    assert found.local_shift.sensitivity == pytest.approx(local_threshold(180) * np.median(shift[:-1]) / 5, rel=0.25)
    assert found.group_width.sensitivity == pytest.approx(local_threshold(20) * width[-1] / 5, rel=0.25)
    assert fiber_scale(spectra).sensitivity == pytest.approx(local_threshold(5000) * np.median(scale), rel=0.02)
    assert typical_error(spectra) == pytest.approx(scale[-1], rel=0.01)


def test_masked_pixels_take_nothing_from_the_residual_of_the_others(simulated):
    camera = simulated("r")
    sign = np.where(np.arange(500) % 2, 1, -1)[:, None].astype(np.float32)
    flux = camera.sframe.flux + 0.1 * derivative(camera) * sign
    whole = line_residual(changed(camera, flux=flux)).value
    ivar = np.where(np.random.default_rng(4).uniform(size=flux.shape) < 0.3, 0, camera.sframe.ivar).astype(np.float32)
    assert line_residual(changed(camera, flux=flux, ivar=ivar)).value == pytest.approx(whole, rel=0.05)


@pytest.mark.parametrize("term", [0, 1, 2])
def test_values_of_single_fibers_scatter_by_their_errors_whatever_their_objects(simulated, term):
    spectra = simulated("r").spectra
    value, error = fit_lines(spectra).of_fibers(term)
    pull = (value - np.nanmedian(value)) / error
    for kind in (spectra.faint & ~spectra.is_sky, ~spectra.faint):
        # Throughput corrections, which are fitted to the same lines, take a part of the scatter of the scale.
        assert 0.4 < mad_scale(pull[kind]) < 1.8


def test_features_of_an_object_at_the_lines_are_in_its_error(simulated):
    spectra = simulated("r").spectra
    rough = spectra.flux.copy()
    rough[40] += 40 * np.sin(np.arange(spectra.wave.size) / 1.5).astype(np.float32)
    before, after = (fit_lines(one).of_fibers(0)[1] for one in (spectra, replace(spectra, flux=rough)))
    assert after[40] > 1.5 * before[40]
    assert after[41] == pytest.approx(before[41])
