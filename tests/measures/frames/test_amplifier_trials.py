"""The search over parts of the slit counts the places, curvatures and parts that it tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.frames.amplifiers import amplifiers
from pytest_specqa.measures.frames.slit_parts import slit_parts
from pytest_specqa.measures.frames.zero_levels import CURVATURES, INDEPENDENT, PLACES
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MARGIN, global_sigma

SIGMA, BINS = 10.0, 1280


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
def test_the_significance_is_that_of_what_was_tried(blocks):
    feature = amplifiers(with_a_jump(blocks)).step.features[0]
    local = abs(feature.amplitude) / feature.error + MARGIN
    tried = len(CURVATURES) * len(slit_parts(blocks)) * len(PLACES)
    assert feature.significance == pytest.approx(global_sigma(local, n_trials=INDEPENDENT * tried), abs=1e-6)
