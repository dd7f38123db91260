"""A line that fibers share is measured against the light of 15 bins to either side, and counts from five sigmas on."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.sframes.shared_lines import AROUND, HITS, RUN, SKY_FLOOR, shared_lines
from pytest_specqa.measures.spectra import CameraSpectra

SIGMA, SKY = 10.0, 100.0
WAVE = 5760.0 + 0.8 * np.arange(1000)
FIBER = 3000 + np.arange(100)
ROWS, LINE = slice(10, 50), slice(700, 700 + RUN)
LIMIT = HITS[0] * np.sqrt(SIGMA**2 / RUN + (SKY_FLOOR * SKY) ** 2)


def shared(height, *, masked=slice(0, 0), level=0.0):
    """Value with a line of this height in 40 of 100 fibers, all of them without noise."""
    flux = np.full((FIBER.size, WAVE.size), level)
    flux[ROWS, LINE] += height
    ivar = np.full(flux.shape, SIGMA**-2)
    ivar[:, masked] = 0
    return shared_lines(CameraSpectra(flux, ivar, WAVE, FIBER, np.arange(FIBER.size) % 11 == 0, np.full(flux.shape, SKY)))


@pytest.mark.parametrize(("times", "counted"), [(1.02, True), (0.98, False)])
@pytest.mark.parametrize("level", [0.0, 5.0])
def test_a_line_counts_from_its_limit_on_above_what_surrounds_it(times, counted, level):
    own = RUN / (2 * AROUND + 1)
    found = shared(times * LIMIT / (1 - own), level=level)
    assert (found.value > 35) == counted
    assert found.fibers == (tuple((3000 + row, 3000 + row) for row in range(10, 30)) if counted else ())


@pytest.mark.parametrize(("times", "counted"), [(1.02, True), (0.98, False)])
def test_masked_neighbours_leave_the_mean_of_the_others(times, counted):
    # Ten of the 31 bins are masked: the line itself is a larger part of what is left.
    own = RUN / (2 * AROUND + 1 - 10)
    found = shared(times * LIMIT / (1 - own), masked=slice(701 + AROUND - 9, 701 + AROUND + 1))
    assert (found.value > 35) == counted
