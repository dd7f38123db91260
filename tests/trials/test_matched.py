"""The matched filter against noise that is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm, poisson

from pytest_specqa.trials.matched import FALSE_ALARM, matched_amplitude, matched_count

SIGMA = 3.0


def template(change: np.ndarray, is_sky: np.ndarray, *, amplitude: float = 1.0) -> SimpleNamespace:
    spectra = SimpleNamespace(ivar=np.full(change.shape, 1 / SIGMA**2))
    camera = SimpleNamespace(sframe=spectra, frame=spectra, fiberflat=np.ones(change.shape), is_sky=is_sky)
    return SimpleNamespace(sframe=change, amplitude=amplitude, clean=camera)


def test_one_pixel_needs_the_significance_of_the_false_alarm_rate():
    change, is_sky = np.zeros((500, 40)), np.arange(500) < 250
    change[400, 7] = 2.0
    expected = norm.isf(FALSE_ALARM) * SIGMA
    assert matched_amplitude(template(change, is_sky, amplitude=2.0)) == pytest.approx(expected, rel=0.01)


def test_a_line_in_all_fibers_is_limited_by_the_sky_fibers():
    change, is_sky = np.zeros((500, 40)), np.arange(500) < 40
    change[:, 7] = 1.0
    expected = norm.isf(FALSE_ALARM) * SIGMA * np.sqrt(1 / 500 + 1 / 40)
    assert matched_amplitude(template(change, is_sky)) == pytest.approx(expected, rel=0.01)


def test_a_fault_that_changes_nothing_is_never_found():
    assert matched_amplitude(template(np.zeros((500, 40)), np.arange(500) < 40)) == np.inf


@pytest.mark.parametrize("background", [0.1, 2.0, 30.0])
def test_count_beyond_chance(background):
    total = matched_count(background) + int(background)
    assert poisson.sf(total - 1, background) <= FALSE_ALARM < poisson.sf(total - 2, background)
