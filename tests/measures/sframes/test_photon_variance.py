"""Variance at sky lines is that of photons and readout, also where the inverse variance was lowered there."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.sframes.skylines import photon_variance
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.where import sky_continuum

STEP, VARIANCE, PEAK = 0.8, 100.0, 3000.0
WAVE = 5760.0 + STEP * np.arange(1200)
LINES = np.arange(50, 1200, 100)
SKY = 120 + PEAK * np.exp(-0.5 * ((WAVE[:, None] - WAVE[LINES]) / 0.8) ** 2).sum(axis=1)
LIGHT = SKY - sky_continuum(SKY)
BETWEEN = LINES + 50


def camera(ivar):
    """Twelve fibers of no flux with this inverse variance."""
    weight = np.broadcast_to(ivar, (12, WAVE.size)).copy()
    return CameraSpectra(np.zeros(weight.shape), weight, WAVE, np.arange(12), np.arange(12) % 3 == 0, np.tile(SKY, (12, 1)))


@pytest.mark.parametrize("deflated", [1.0, 5.0])
def test_at_a_line_its_photons_add_to_the_noise_beside_it(deflated):
    honest = VARIANCE + np.maximum(LIGHT, 0) / STEP
    ivar = 1 / np.where(LIGHT > 10, deflated * honest, VARIANCE)
    found = photon_variance(camera(ivar), columns=LINES)
    np.testing.assert_allclose(found, np.tile(honest[LINES], (12, 1)), rtol=0.01)


def test_never_more_than_the_inverse_variance_says():
    ivar = np.where(LIGHT > 10, 1 / 30.0, 1 / VARIANCE)
    np.testing.assert_allclose(photon_variance(camera(ivar), columns=LINES), 30.0, rtol=1e-5)
    np.testing.assert_allclose(photon_variance(camera(ivar), columns=BETWEEN[:-1]), VARIANCE, rtol=1e-5)


def test_each_sixth_of_the_spectrum_has_its_own_noise():
    level = VARIANCE * (1.0 + np.arange(WAVE.size) * 6 // WAVE.size)
    ivar = 1 / (level + 10 * np.maximum(LIGHT, 0))
    found = photon_variance(camera(ivar), columns=LINES)
    np.testing.assert_allclose(found[0], level[LINES] + LIGHT[LINES] / STEP, rtol=0.01)


def test_bad_pixels_know_nothing():
    ivar = np.full((12, WAVE.size), 1 / VARIANCE)
    ivar[3, LINES[2]], ivar[5] = 0, 0
    found = photon_variance(camera(ivar), columns=LINES)
    assert np.isinf(found[3, 2])
    assert np.isinf(found[5]).all()
    assert np.count_nonzero(np.isinf(found)) == 1 + LINES.size
