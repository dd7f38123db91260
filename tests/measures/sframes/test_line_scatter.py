"""How badly a camera's lines are subtracted is read where its noise lets one see them."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.sframes.coherence import _line_scatter
from pytest_specqa.measures.sframes.groups import Rows

FLOOR = np.ones(600)


def rows_of(scatter, noise):
    rng = np.random.default_rng(8)
    variance = np.broadcast_to(noise**2, (12, FLOOR.size)).copy()
    mean = rng.normal(size=variance.shape) * np.sqrt(variance + scatter**2)
    return Rows(mean, variance, [(0, 499)] * 12, 8)


@pytest.mark.parametrize("scatter", [0.6, 1.5])
def test_it_is_the_scatter_in_units_of_the_floor(scatter):
    assert _line_scatter(rows_of(scatter, np.full(FLOOR.size, 0.3)), FLOOR) == pytest.approx(scatter, rel=0.06)


def test_noise_alone_is_no_scatter():
    assert _line_scatter(rows_of(0.0, np.full(FLOOR.size, 0.9)), FLOOR) < 0.2


def test_pixels_whose_noise_hides_the_lines_say_nothing():
    noise = np.where(np.arange(FLOOR.size) < 200, 0.1, 30.0)
    rows = rows_of(1.5, noise)
    rows.mean[:, 200:] = 0.0
    assert _line_scatter(rows, FLOOR) == pytest.approx(1.5, rel=0.06)
    assert _line_scatter(rows_of(1.5, np.full(FLOOR.size, 30.0)), FLOOR) == 0.0
