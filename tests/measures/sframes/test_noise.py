"""Widths of pulls tell a wrong variance and a noisy amplifier, and stay 1 where the ivar is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.sframes.noise import noise
from pytest_specqa.measures.spectra import CameraSpectra


def measure(camera, *, ivar_factor=1.0, rows=slice(None)):
    ivar = camera.sframe.ivar.copy()
    ivar[rows] *= np.float32(ivar_factor)
    return noise(replace(camera.spectra, ivar=ivar))


@pytest.mark.parametrize("band", "brz")
def test_sound_noise_has_unit_width_and_no_correlation(simulated, band):
    found = measure(simulated(band))
    assert found.amplifier_width.value == pytest.approx(1.0, abs=0.03)
    assert found.fiber_width.value == 1.0
    assert found.correlation.value == 0.0
    assert found.ringing.value == 0.0
    assert found.amplifier_width.sensitivity < 0.07


def test_a_wrong_variance_is_measured_to_a_few_per_cent(simulated):
    assert measure(simulated("r"), ivar_factor=1.2).amplifier_width.value == pytest.approx(np.sqrt(1.2), abs=0.04)


def test_a_noisy_amplifier_is_named(simulated):
    found = measure(simulated("r", "noisy_amp", 9.5)).amplifier_width
    assert found.value > 1.3
    first, last = found.fibers[0]
    assert last - first < 250


def test_a_single_fiber_with_a_wrong_variance_is_named(simulated):
    found = measure(simulated("r"), ivar_factor=1 / 28**2, rows=[60]).fiber_width
    assert found.value < 0.1
    assert found.fibers == ((3060, 3060),)


def test_a_bright_fiber_may_scatter_more_than_its_noise_but_not_less(simulated):
    camera = simulated("r")
    row = int(np.flatnonzero(~camera.is_sky)[7])
    bright = camera.sframe.flux.copy()
    bright[row] += np.float32(400.0)
    wave = np.sin(camera.wave * 2.0).astype(np.float32)
    structured = bright.copy()
    structured[row] += 40 * wave
    assert noise(replace(camera.spectra, flux=structured)).fiber_width.value == 1.0
    ivar = camera.sframe.ivar.copy()
    ivar[row] *= np.float32(0.36)
    found = noise(replace(camera.spectra, flux=bright, ivar=ivar)).fiber_width
    assert 0.5 < found.value < 0.8
    assert found.fibers == ((3000 + row, 3000 + row),)


def test_ringing_of_a_bundle_is_found(simulated):
    found = measure(simulated("r", "extraction_ringing", 0.4)).ringing
    assert 0.05 < found.value < 0.5
    assert found.fibers[0][1] - found.fibers[0][0] == 24


def test_sky_fibers_are_not_narrower_for_having_trained_the_model(simulated):
    camera = simulated("r", n_sky=20)
    rows = camera.is_sky
    found = noise(CameraSpectra(camera.sframe.flux[rows], camera.sframe.ivar[rows], camera.wave, camera.fiber[rows], rows[rows]))
    assert found.amplifier_width.value == 1.0


def test_a_dead_camera_is_not_measured(simulated):
    camera = simulated("r")
    found = noise(replace(camera.spectra, ivar=0 * camera.sframe.ivar))
    assert found.amplifier_width.reason
    assert found.fiber_width.reason
    assert found.correlation.reason
    assert found.ringing.reason


def test_the_scatter_that_sky_fibers_lost_by_training_is_that_of_their_number():
    rng = np.random.default_rng(4)
    is_sky = np.arange(500) % 50 == 0
    flux = rng.standard_normal((500, 2326))
    flux[is_sky] /= 1 + 1 / 10
    wave = 5760.0 + 0.8 * np.arange(2326)
    found = noise(CameraSpectra(flux, np.ones(flux.shape), wave, np.arange(500), is_sky))
    assert np.mean(found.widths[is_sky]) == pytest.approx(1.0, abs=0.05)
    assert np.mean(found.widths[~is_sky]) == pytest.approx(1.0, abs=0.01)


def test_a_slit_block_of_one_fiber_is_not_judged():
    ivar = np.zeros((500, 2326))
    ivar[::25] = 1.0
    wave = 5760.0 + 0.8 * np.arange(2326)
    flux = np.random.default_rng(4).standard_normal(ivar.shape)
    narrow = replace(DESI, line_free=((6000.0, 6300.0),))
    found = noise(CameraSpectra(flux, ivar, wave, np.arange(500), np.zeros(500, dtype=bool), instrument=narrow))
    assert np.count_nonzero(np.isfinite(found.widths)) == 20
    assert "slit block" in found.correlation.reason
    assert "slit block" in found.ringing.reason
