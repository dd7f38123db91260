"""The flat of the file is compared at the wavelengths of the observer, between its bins too."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.models.applied_flat import applied_flat
from pytest_specqa.measures.spectra import CameraSpectra

WAVE = 5760.0 + 0.8 * np.arange(2000)
FIBER = np.arange(40)
HELIOCOR = 1.00006
X = np.linspace(-1, 1, WAVE.size)
FLAT = (1 + 0.3 * X**3 + 0.01 * FIBER[:, None] / FIBER.size).astype(np.float32)


def measured(flat: np.ndarray) -> float:
    """Value for a frame that was made with `flat`, if the file holds `FLAT`."""
    flux, sky = np.full(FLAT.shape, 5.0, np.float32), np.full(FLAT.shape, 100.0, np.float32)
    spectra = CameraSpectra(flux, np.ones_like(flux), WAVE, FIBER, FIBER % 10 == 0, sky, heliocor=HELIOCOR)
    return applied_flat(spectra, (flux + sky) * flat, np.ones_like(flux), fiberflat=FLAT).value


def test_a_flat_between_its_bins_is_a_straight_line():
    observed = np.stack([np.interp(WAVE / HELIOCOR, WAVE, row) for row in FLAT.astype(float)]).astype(np.float32)
    assert measured(observed) < 3e-6


@pytest.mark.parametrize("bins", [0.5, -0.5])
def test_half_a_bin_beside_is_seen(bins):
    beside = np.stack([np.interp(WAVE / HELIOCOR + 0.8 * bins, WAVE, row) for row in FLAT.astype(float)]).astype(np.float32)
    assert measured(beside) > 1e-4
