"""Vertical lines in sframes: found where they are, silent for noise, targets, bad line subtraction and one bad fiber."""

import numpy as np
import pytest

from pytest_specqa.measures.sframes.vertical_lines import VerticalLines, vertical_lines
from pytest_specqa.measures.spectra import CameraSpectra

WAVE = np.arange(5760.0, 7620.1, 0.8)
FIBER = np.arange(3000, 3500)
SIGMA = 12.0


def gaussian(centre: float, sigma: float) -> np.ndarray:
    return np.exp(-0.5 * ((WAVE - centre) / sigma) ** 2)


def sky_lines() -> np.ndarray:
    rng = np.random.default_rng(3)
    return sum(10 ** rng.uniform(2, 4) * gaussian(centre, 0.8) for centre in rng.uniform(5800, 7600, 30))


SKY = 120 + sky_lines()


def clean(seed: int = 1, *, few_sky: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sky-subtracted noise plus targets; the variance near sky lines is larger than the noise, as the pipeline writes it."""
    rng = np.random.default_rng(seed)
    is_sky = np.zeros(500, dtype=bool)
    is_sky[:: 25 if few_sky else 12] = True
    level = np.where(is_sky, 0, 10 ** rng.normal(0.9, 0.6, 500))
    ramp = (WAVE - 6700) / 1000
    targets = level[:, None] * (1 + rng.normal(0, 0.3, (500, 1)) * ramp + rng.normal(0, 0.1, (500, 1)) * ramp**2)
    for row in np.flatnonzero(~is_sky)[::3]:
        targets[row] += 60 * gaussian(rng.uniform(5800, 7600), 1.5)
    variance = SIGMA**2 * SKY / 120
    flux = targets + np.sqrt(variance) * rng.standard_normal((500, len(WAVE)))
    ivar = 1 / (variance + (0.02 * (SKY - 120)) ** 2)
    return flux, np.broadcast_to(ivar, flux.shape).copy(), is_sky


def measured(flux: np.ndarray, ivar: np.ndarray, is_sky: np.ndarray, fiber: np.ndarray = FIBER) -> VerticalLines:
    return vertical_lines(CameraSpectra(flux, ivar, WAVE, fiber, is_sky, SKY))


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_targets_are_silent(seed):
    found = measured(*clean(seed))
    assert found.narrow.value < 4
    assert found.broad.value < 4
    assert found.nebular.value < 4
    assert found.broad_amplitude.value == 0


def test_line_in_one_group_is_found_where_it_is():
    flux, ivar, is_sky = clean()
    flux[150:200] += 25 * gaussian(6120, 1.0)
    found = measured(flux, ivar, is_sky).narrow
    assert found.value > 5
    assert found.features[0].fibers in {(3150, 3199), (3150, 3174), (3175, 3199)}
    assert found.features[0].waves[0] <= 6120 <= found.features[0].waves[1]
    assert found.features[0].amplitude > 0


def test_dark_line_in_the_whole_camera_is_found():
    flux, ivar, is_sky = clean()
    flux -= 20 * gaussian(6120, 1.0)
    found = measured(flux, ivar, is_sky).narrow
    assert found.value > 5
    assert found.features[0].fibers == (3000, 3499)
    assert found.features[0].amplitude < 0


def test_broad_bump_in_one_group_is_found_with_its_size():
    flux, ivar, is_sky = clean()
    flux[400:450] += 12 * gaussian(6500, 40)
    found = measured(flux, ivar, is_sky)
    assert found.broad.value > 5
    assert 0.5 * 12 / 120 < found.broad_amplitude.value < 12 / 120  # the mean over the width that shows it best
    assert found.broad_amplitude.fibers in {((3400, 3449),), ((3400, 3424),), ((3425, 3449),)}


def test_nebular_lines_are_named_and_kept_apart():
    flux, ivar, is_sky = clean()
    for centre, ratio in ((6564.61, 1.0), (6585.27, 0.3), (6718.29, 0.2)):
        flux[150:200] += 80 * ratio * gaussian(centre, 0.9)
    found = measured(flux, ivar, is_sky)
    assert found.nebular.value > 5
    assert "H-alpha" in found.nebular.detail
    assert found.narrow.value < 4
    assert found.broad.value < 4


def test_extra_scatter_at_sky_lines_is_silent():
    flux, ivar, is_sky = clean()
    rng = np.random.default_rng(8)
    flux += 0.03 * rng.standard_normal((500, 1)) * np.gradient(SKY, WAVE)
    flux += 0.02 * rng.standard_normal((500, 1)) * (SKY - 120)
    assert measured(flux, ivar, is_sky).narrow.value < 4


def test_wavelength_error_that_drifts_along_the_slit_is_silent():
    flux, ivar, is_sky = clean()
    flux += 0.03 * np.linspace(-1, 1, 500)[:, None] * np.gradient(SKY, WAVE)
    assert measured(flux, ivar, is_sky).narrow.value < 4


def test_telluric_bands_in_bright_targets_are_silent():
    flux, ivar, is_sky = clean()
    bright = np.random.default_rng(4).choice(np.flatnonzero(~is_sky), 150, replace=False)
    flux[bright] += 300 * (1 - 0.2 * gaussian(6880, 15))
    assert measured(flux, ivar, is_sky).narrow.value < 4


def test_one_wild_fiber_is_silent():
    flux, ivar, is_sky = clean()
    flux[160, 300:310] += 1e5
    flux[161] += 1e4 * gaussian(7000, 100)
    found = measured(flux, ivar, is_sky)
    assert max(found.narrow.value, found.broad.value) < 4


def test_sensitivity_falls_short_in_noise():
    flux, ivar, is_sky = clean()
    quiet = measured(flux, ivar, is_sky).narrow.sensitivity
    loud = measured(flux + 10 * SIGMA * np.random.default_rng(1).standard_normal(flux.shape), ivar, is_sky).narrow.sensitivity
    assert loud > 5 * quiet


def test_missing_fibers_keep_groups_at_their_place():
    flux, ivar, is_sky = clean()
    flux[150:200] += 25 * gaussian(6120, 1.0)
    found = measured(flux[120:], ivar[120:], is_sky[120:], FIBER[120:]).narrow
    assert found.features[0].fibers in {(3150, 3199), (3150, 3174), (3175, 3199)}


def test_half_a_petal_without_data_is_judged_by_the_other_half():
    flux, ivar, is_sky = clean()
    ivar[:250] = 0
    flux[300:350] += 25 * gaussian(6120, 1.0)
    assert measured(flux, ivar, is_sky).narrow.value > 5


def test_too_few_fibers_are_not_measured():
    flux, ivar, is_sky = clean()
    ivar[60:] = 0
    found = measured(flux, ivar, is_sky)
    assert "60 fibers" in found.narrow.reason
    assert np.isnan(found.broad.value)


def test_group_means_are_as_certain_as_they_say():
    flux, ivar, is_sky = clean()
    found = measured(SIGMA * np.random.default_rng(3).standard_normal(flux.shape), np.full(ivar.shape, SIGMA**-2), is_sky)
    between = np.abs(np.gradient(SKY, WAVE)) < 1
    pull = found.residual[:, between] / found.error[:, between]
    # A group is compared with the camera's mean, of which it is a tenth.
    assert np.std(pull) == pytest.approx(np.sqrt(0.9), abs=0.06)


def test_only_what_stands_out_after_the_search_is_listed():
    flux, ivar, is_sky = clean()
    weak, sure = (measured(flux + height * gaussian(6120, 1.0) * (FIBER // 50 == 63)[:, None], ivar, is_sky) for height in (7, 9))
    assert 2 < weak.narrow.value < 3
    assert weak.narrow.features == ()
    assert [feature.fibers for feature in sure.narrow.features] == [sure.narrow.fibers[0]]


@pytest.mark.parametrize(("centre", "level"), [(6000, 120), (7300, 600)])
def test_a_broad_feature_is_measured_by_the_sky_at_its_own_wavelength(centre, level):
    flux, ivar, is_sky = clean()
    continuum = np.where(WAVE < 6700, 120.0, 600.0)
    flux[400:450] += 20 * gaussian(centre, 40)
    found = vertical_lines(CameraSpectra(flux, ivar, WAVE, FIBER, is_sky, continuum + sky_lines())).broad_amplitude
    assert 0.5 * 20 / level < found.value < 20 / level
    assert f"(+{100 * found.value:.1f}% of the sky continuum)" in found.detail
