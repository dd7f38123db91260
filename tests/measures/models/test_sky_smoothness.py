"""The smoothness of a sky model: what is legitimate stays quiet, what is not is found where it is."""

import numpy as np
import pytest

from pytest_specqa.measures.models.sky_smoothness import sky_smoothness

WAVE = np.arange(5760.0, 7620.1, 0.8)
FIBER = np.arange(3000, 3500)


def night_sky(sigma: np.ndarray) -> np.ndarray:
    """Continuum with a slope and thirty lines seen with the line-spread function of each fiber, electron/Angstrom."""
    rng = np.random.default_rng(5)
    spectrum = np.broadcast_to(120 + 0.02 * (WAVE - 6000), (len(sigma), len(WAVE))).copy()
    for centre, strength in zip(rng.uniform(5800, 7600, 30), 10 ** rng.uniform(2, 4, 30), strict=True):
        profile = np.exp(-0.5 * ((WAVE - centre) / sigma[:, None]) ** 2) / sigma[:, None]
        spectrum += strength * profile
    return spectrum


def sound_model(*, width_scatter: float = 0.04) -> np.ndarray:
    rng = np.random.default_rng(7)
    sigma = 0.75 * (1 + 0.05 * np.linspace(-1, 1, 500) ** 2 + width_scatter * rng.standard_normal(500))
    return night_sky(sigma) * (1 + 0.01 * rng.standard_normal(500))[:, None]


def triangle(peak: float) -> np.ndarray:
    return 1 + peak * np.clip(1 - np.abs(WAVE - 6498) / 84, 0, None)


def measured(model: np.ndarray, ivar: np.ndarray | None = None):
    return sky_smoothness(model, np.ones_like(model) if ivar is None else ivar, wave=WAVE, fiber=FIBER)


def test_resolution_and_achromatic_differences_are_no_fault():
    found = measured(sound_model())
    assert found.block.value < 0.005
    assert found.run.value < 0.01


def test_strong_line_width_change_across_the_slit_is_no_fault():
    sigma = 0.75 * np.linspace(0.9, 1.1, 500)
    assert measured(night_sky(sigma)).run.value < 0.01


@pytest.mark.parametrize(("start", "width", "peak"), [(200, 50, 0.15), (400, 25, -0.08), (90, 10, 0.3)])
def test_chromatic_group_is_found_where_it_is(start, width, peak):
    model = sound_model()
    model[start : start + width] *= triangle(peak)
    found = measured(model)
    assert found.run.value == pytest.approx(abs(peak), rel=0.2)
    low, high = found.run.fibers[0]
    assert abs(low - (3000 + start)) <= 4
    assert abs(high - (3000 + start + width - 1)) <= 4
    assert found.run.waves[0] < 6498 < found.run.waves[1]
    assert ("above" if peak > 0 else "below") in found.run.detail


def test_block_of_25_is_not_moved_by_a_run_of_ten():
    model = sound_model()
    model[90:100] *= triangle(0.3)
    assert measured(model).block.value < 0.02


def test_masked_pixels_and_dead_fibers_are_left_out():
    model, ivar = sound_model(), np.ones((500, len(WAVE)))
    model[40:60], ivar[40:60] = 1e6, 0
    model[:, 900:910], ivar[:, 900:910] = np.nan, 0
    assert measured(model, ivar).run.value < 0.01


def test_nothing_is_measured_without_fibers():
    found = measured(sound_model(), np.zeros((500, len(WAVE))))
    assert "fibers" in found.block.reason
    assert np.isnan(found.block.value)


def test_no_positive_sky_is_not_measured():
    assert measured(np.zeros((500, len(WAVE)))).run.reason


def test_model_of_a_sky_too_faint_to_tell_is_not_measured():
    model = sound_model()
    model[200:250] *= triangle(0.2)
    faint = np.full(model.shape, 1e-12)
    assert "signal" in measured(model, faint).block.reason


@pytest.mark.parametrize("rows", [slice(0, 4), slice(496, 500)], ids=["first", "last"])
def test_a_few_fibers_at_an_end_of_the_slit_are_no_run(rows):
    model = sound_model()
    model[rows] *= triangle(0.3)
    found = measured(model)
    assert found.run.value < 0.01
    assert found.block.value < 0.01


def test_wavelengths_that_change_along_the_slit_are_followed():
    shift = 0.6 * np.linspace(-1, 1, 500)[:, None]
    sharp = night_sky(np.full(500, 0.75))
    found = measured(sharp + shift * np.gradient(sharp, WAVE, axis=1))
    # 0.0052 of the sky if they are not: more than half of it is taken out.
    assert found.run.value < 0.0026


def test_what_the_noise_of_a_faint_model_makes_is_taken_off():
    model = sound_model()
    model[200:250] *= triangle(0.05)
    bright, faint = (measured(model, np.full(model.shape, weight)) for weight in (1.0, 1e-3))
    assert bright.block.value == pytest.approx(0.05, rel=0.15)
    assert 0.02 < faint.block.value < bright.block.value
    assert faint.block.error > 10 * bright.block.error
