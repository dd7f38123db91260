"""The search over parts of the slit counts as many independent places as the slit has blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.frames.amplifiers import BROAD, REACH, STEP, amplifiers
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MARGIN, global_sigma

SIGMA, BINS = 10.0, 1000
CURVATURES = 5
"""Displacements of a CCD row that a step is looked for along: -60 to 60 in steps of 30."""


def with_a_jump(blocks):
    """Noise of a slit of so many blocks, with a jump at the middle row in its second half, and an empty sky."""
    fibers = 25 * blocks
    flux = SIGMA * np.random.default_rng(blocks).standard_normal((fibers, BINS))
    flux[fibers // 2 :, BINS // 2 :] += 0.6 * SIGMA
    wave, sky = 5760.0 + 0.8 * np.arange(BINS), np.full(flux.shape, 1.0)
    instrument, is_sky = replace(DESI, fibers=fibers), np.arange(fibers) % 11 == 0
    ivar = np.full(flux.shape, SIGMA**-2)
    return CameraSpectra(flux, ivar, wave, 6 * fibers + np.arange(fibers), is_sky, sky, instrument=instrument)


@pytest.mark.parametrize("blocks", [8, 20])
@pytest.mark.parametrize(
    ("value", "places"), [("step", 0.5 * (2 * REACH // STEP + 1) * CURVATURES), ("offset", BINS // BROAD)], ids=["step", "offset"]
)
def test_the_significance_is_that_of_the_places_times_the_blocks(blocks, value, places):
    feature = getattr(amplifiers(with_a_jump(blocks)), value).features[0]
    local = abs(feature.amplitude) / feature.error + MARGIN
    assert feature.significance == pytest.approx(global_sigma(local, n_trials=places * blocks), abs=1e-6)
    assert feature.significance != pytest.approx(global_sigma(local, n_trials=places / blocks), abs=0.05)
