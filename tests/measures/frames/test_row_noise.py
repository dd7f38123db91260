"""Noise along CCD rows is found in its half of the spectrum, whichever way the rows bend."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.frames.row_noise import row_noise
from pytest_specqa.measures.frames.slit_parts import CURVATURES, Probe, faint_probe, row_shifts
from pytest_specqa.measures.spectra import CameraSpectra

WAVE = 5760.0 + 0.8 * np.arange(1000)


def probe(amplitude: float = 0.0, *, half: slice = slice(0, 500), curvature: int = 0, period: int = 0) -> Probe:
    """Faint fibers whose right half shares noise, or a wave of this period, along the rows of one half of the spectrum."""
    rng = np.random.default_rng(8)
    flux = 10 * rng.standard_normal((500, WAVE.size))
    spectra = CameraSpectra(
        flux, np.full(flux.shape, 0.01), WAVE, np.arange(500), np.arange(500) % 11 == 0, np.full(flux.shape, 100.0)
    )
    faint = faint_probe(spectra)
    shared = np.zeros(WAVE.size + 200)
    noise = rng.standard_normal(half.stop - half.start)
    wave = np.sqrt(2) * np.sin(2 * np.pi * (np.arange(noise.size) + 0.25) / period) if period else noise
    shared[100 + half.start : 100 + half.stop] = amplitude * wave
    for row, shift in enumerate(row_shifts(faint, curvature).tolist()):
        if faint.right[row]:
            faint.flux[row] += shared[100 - shift : 100 - shift + WAVE.size].astype(np.float32)
    return faint


def test_independent_pixels_share_no_noise():
    found = row_noise(probe())
    assert found.value == 0.0
    assert found.fibers == ()


@pytest.mark.parametrize("curvature", [CURVATURES[0], 0, CURVATURES[-1]])
@pytest.mark.parametrize(("half", "place"), [(slice(0, 500), 0), (slice(500, 1000), 1)])
def test_shared_noise_is_placed_along_the_wavelengths_where_it_is(curvature, half, place):
    found = row_noise(probe(3.0, half=half, curvature=curvature))
    assert found.value == pytest.approx(3.0, rel=0.2)
    assert found.waves == ((WAVE[0], WAVE[499]), (WAVE[500], WAVE[999]))[place]


@pytest.mark.parametrize("period", [2, 16])
@pytest.mark.parametrize("curvature", [CURVATURES[0], CURVATURES[-1]])
def test_a_wave_of_either_usual_period_is_found(curvature, period):
    found = row_noise(probe(3.0, curvature=curvature, period=period))
    assert found.value > 2.0
    assert found.waves == (WAVE[0], WAVE[499])
