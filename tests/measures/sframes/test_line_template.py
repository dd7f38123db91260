"""A sky is split into continuum, lines and their slopes, each of which may leave its own part behind."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.sframes import residuals
from pytest_specqa.measures.sframes.residuals import BIN, line_template

WAVE = 5760.0 + 0.8 * np.arange(1600)
INNER = slice(300, 1300)
"""Far enough from the ends, where medians and means see the edge."""
GAUSS = np.exp(-0.5 * ((WAVE - WAVE[800]) / 1.5) ** 2)


@pytest.mark.parametrize("slope", [0.05, -0.05])
def test_the_continuum_lies_where_the_sky_is(slope):
    sky = 200 + slope * np.arange(WAVE.size)
    found = line_template(sky, WAVE)
    # It is the lowest quarter of each bin.
    low = sky - abs(slope) * 0.25 * (BIN - 1)
    np.testing.assert_allclose(found.continuum[INNER], low[INNER], atol=0.1 * abs(slope) * BIN)


def test_lines_are_what_rises_over_it():
    found = line_template(100 + 900 * GAUSS, WAVE)
    np.testing.assert_allclose(found.continuum, 100.0, rtol=0.01)
    np.testing.assert_allclose(found.lines, 900 * GAUSS, atol=2.0)
    np.testing.assert_allclose(found.first, 900 * np.gradient(GAUSS, WAVE), atol=1e-6)
    np.testing.assert_allclose(found.second, 900 * np.gradient(np.gradient(GAUSS, WAVE), WAVE), atol=1e-6)


def test_the_floor_is_the_sum_of_what_each_may_leave():
    found = line_template(100 + 900 * GAUSS, WAVE)
    parts = {"SHIFT": found.first, "WIDTH": found.second, "LINE": found.lines, "CONTINUUM": found.continuum}
    expected = sum(getattr(residuals, f"{name}_TOLERANCE") * np.abs(part) for name, part in parts.items())
    np.testing.assert_allclose(found.floor, expected)


def test_a_sky_that_is_not_known_is_no_sky():
    found = line_template(np.full(WAVE.size, np.nan), WAVE)
    assert not found.continuum.any()
    assert not found.floor.any()
