"""Lines are fitted in nine equal pieces of the spectrum, and in all of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra

SIGMA = 10.0
WAVE = 5760.0 + 0.8 * np.arange(1800)
CENTRES = WAVE[np.arange(25, 1800, 50)]
"""Four lines in each of nine pieces of 200 bins, none of which a boundary cuts."""


def lines(wave):
    return sum(2000.0 * np.exp(-0.5 * ((wave - centre) / 0.8) ** 2) for centre in CENTRES)


def test_each_ninth_of_the_spectrum_has_its_own_scale():
    scales = 0.05 * np.arange(1, 10)
    flux = np.tile(np.repeat(scales, 200) * lines(WAVE), (20, 1))
    sky = np.tile(100.0 + lines(WAVE), (20, 1))
    fit = fit_lines(CameraSpectra(flux, np.full(flux.shape, SIGMA**-2), WAVE, np.arange(20), np.arange(20) % 11 == 0, sky))
    np.testing.assert_allclose(fit.values[0], np.tile([*scales, scales.mean()], (20, 1)), rtol=0.02)
    edges = np.linspace(WAVE[0], WAVE[-1], 10)
    assert fit.waves == (
        *((pytest.approx(low), pytest.approx(high)) for low, high in pairwise(edges)),
        (WAVE[0], WAVE[-1]),
    )
