"""A gradient over the focal plane is told with the direction in which it rises."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.focal.plane import focal_plane
from pytest_specqa.measures.focal.windows import WINDOWS, WindowMap
from pytest_specqa.measures.statistics import MARGIN

LEVEL = 100.0
WINDOW = next(window for window in WINDOWS if window.kind == "continuum" and window.band == "r")


def petal(number, rng, *, slope):
    """Noise of 1 % of the sky in fibers spread over a petal, and a slope given from edge to edge."""
    radius = DESI.radius * np.sqrt(rng.uniform(0.01, 1, 500))
    angle = np.deg2rad(252 + 36 * number + rng.uniform(0, 36, 500))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    is_sky = np.arange(500) % 11 == 0
    residual = rng.standard_normal(500) + LEVEL * (slope[0] * x + slope[1] * y) / (2 * DESI.radius)
    residual -= residual[is_sky].mean()
    fiber, error = 500 * number + np.arange(500), np.full(500, 1.0)
    return WindowMap(WINDOW, number, residual, error, residual + LEVEL, LEVEL, fiber=fiber, x=x, y=y, is_sky=is_sky)


@pytest.mark.parametrize("degrees", [0, 60, 90, -120])
def test_the_direction_is_that_in_which_it_rises(degrees):
    rng = np.random.default_rng(abs(degrees))
    slope = 0.05 * np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    found = focal_plane([petal(number, rng, slope=slope) for number in range(10)]).gradient
    assert found.value + MARGIN * found.error == pytest.approx(5.0, abs=4 * found.error)
    told = re.search(r"rising towards (-?\d+) deg", found.detail)
    assert float(told[1]) == pytest.approx(degrees, abs=10)
