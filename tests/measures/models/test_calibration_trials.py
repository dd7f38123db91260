"""The search for lines in a calibration counts as many places as lines fit into the range that it looks at."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.models.fluxcalibration import LINE_SIGMA, calibration_lines
from pytest_specqa.measures.statistics import MARGIN, global_sigma

FIBER = np.arange(3000, 3020)


@pytest.mark.parametrize("step", [0.8, 1.0])
def test_the_significance_is_that_of_all_places_between_the_ends(step):
    wave = 5800.0 + step * np.arange(601)
    noise = 0.002 * np.random.default_rng(5).standard_normal((FIBER.size, wave.size))
    vector = 30 * (1 + noise + 0.02 * np.exp(-0.5 * ((wave - wave[300]) / LINE_SIGMA) ** 2))
    found = calibration_lines(vector, np.ones(vector.shape), wave, fiber=FIBER)
    # Lines are compared with what is four times wider, of which four standard deviations are left out at the ends.
    margin = int(4 * 4 * LINE_SIGMA / step + 1e-6)
    feature = found.features[0]
    trials = (wave.size - 2 * margin) * step / LINE_SIGMA
    local = abs(feature.amplitude) / feature.error + MARGIN
    assert feature.significance == pytest.approx(global_sigma(local, n_trials=trials), abs=1e-6)
