"""Shifts and widths have the errors of their own fit."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.sframes.wavelength import wavelength_errors
from pytest_specqa.measures.spectra import CameraSpectra

SIGMA = 10.0


@pytest.fixture(scope="module")
def spectra() -> CameraSpectra:
    """Noise under thirty sky lines."""
    wave = 5760.0 + 0.8 * np.arange(2326)
    rng = np.random.default_rng(2)
    sky = np.full(wave.size, 120.0)
    for centre, height in zip(rng.uniform(wave[20], wave[-20], 30), 10 ** rng.uniform(2.5, 3.5, 30), strict=True):
        sky = sky + height * np.exp(-0.5 * ((wave - centre) / 0.8) ** 2)
    flux = (SIGMA * rng.standard_normal((500, wave.size))).astype(np.float32)
    ivar = np.full(flux.shape, SIGMA**-2, dtype=np.float32)
    return CameraSpectra(flux, ivar, wave, 3000 + np.arange(500), np.arange(500) % 11 == 0, np.tile(sky, (500, 1)))


def test_errors_are_those_of_the_whole_spectrum_and_of_the_same_term(spectra):
    fit, found = fit_lines(spectra), wavelength_errors(spectra)
    shift, width = fit.errors[1, :, -1], fit.errors[2, :, -1]
    assert np.isclose(shift, found.fiber_shift.error, rtol=1e-6).any()
    assert found.group_shift.error == pytest.approx(np.median(shift) / 5, rel=0.2)
    assert found.group_width.error == pytest.approx(np.median(width) / 5, rel=0.2)
    assert np.isclose(fit.errors[1, :, :-1], 5 * found.local_shift.error, rtol=0.3).any()
    assert found.local_shift.error > 1.5 * found.group_shift.error
