"""The simulated camera: noise that its ivar describes, a sky model as the pipeline's, and the line-scale defect."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from pytest_specqa.demo import Conditions, SimCamera, draw_conditions, simulate_camera
from pytest_specqa.demo.focalplane import fiber_positions
from pytest_specqa.errors import UsageError

LINE_FREE = {"b": (4000, 4500), "r": (5955, 6195), "z": (8125, 8265)}


@lru_cache(maxsize=8)
def _camera(band: str = "r", nebular: float = 0.0, leak: float = 0.0) -> SimCamera:
    conditions = Conditions(band=band, petal=6, nebular=nebular, n_sky=45)
    return simulate_camera(conditions, np.random.default_rng(11), faults={"line_scale_leak": leak})


def _inside(camera: SimCamera, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((camera.wave > low) & (camera.wave < high))


@pytest.mark.parametrize(("band", "bins"), [("b", 2751), ("r", 2326), ("z", 2881)])
def test_shapes_and_grid_of_the_data_model(band: str, bins: int) -> None:
    camera = _camera(band)
    assert camera.wave.shape == (bins,)
    for array in (camera.frame.flux, camera.sframe.ivar, camera.sky.flux, camera.fiberflat, camera.fluxcalib.fluxcalib):
        assert array.shape == (500, bins)
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert camera.frame.mask.dtype == np.uint32
    assert (camera.fiber == 3000 + np.arange(500)).all()


@pytest.mark.parametrize("band", ["b", "r", "z"])
def test_ivar_describes_the_noise_of_sky_fibers(band: str) -> None:
    camera = _camera(band)
    window = _inside(camera, *LINE_FREE[band])
    flux, ivar = camera.sframe.flux[camera.is_sky][:, window], camera.sframe.ivar[camera.is_sky][:, window]
    pull = (flux * np.sqrt(ivar))[ivar > 0]
    width = 1.4826 * np.median(np.abs(pull - np.median(pull)))
    assert width == pytest.approx(1.0, abs=0.05)


def test_ivar_is_lowered_at_bright_lines() -> None:
    camera = simulate_camera(Conditions(wave_error=0.02, n_sky=45), np.random.default_rng(2))
    line = int(np.argmax(camera.sky.flux[0]))
    model = np.sqrt(camera.sky.stativar[0] / camera.sky.ivar[0])
    assert model[line - 1 : line + 2].max() > 2
    window = _inside(camera, *LINE_FREE["r"])
    assert np.allclose(model[window], 1.0)
    near = slice(line - 3, line + 4)
    flux, ivar = camera.sframe.flux[camera.is_sky][:, near], camera.sframe.ivar[camera.is_sky][:, near]
    assert (flux**2 * ivar)[ivar > 0].mean() == pytest.approx(1.0, abs=0.35)


def test_masked_bins_and_fatal_fibers_have_no_weight() -> None:
    camera = _camera()
    assert (camera.sframe.ivar[camera.sframe.mask > 0] == 0).all()
    fatal = (camera.fibermap["FIBERSTATUS"] & 12518148) != 0
    assert fatal.any()
    assert (camera.sframe.ivar[fatal] == 0).all()
    assert not camera.is_sky[fatal].any()
    assert 0.0005 < (camera.frame.mask[~fatal] > 0).mean() < 0.01


def test_sound_sky_model_varies_by_resolution_only() -> None:
    camera = _camera()
    typical = np.median(camera.sky.flux, axis=0)
    ratio = camera.sky.flux / typical - 1
    quiet = typical < 1.15 * np.median(typical[_inside(camera, *LINE_FREE["r"])])
    assert ratio[:, quiet & _inside(camera, *LINE_FREE["r"])].std() < 0.004
    bright = int(np.argmax(typical))
    assert 0.003 < ratio[:, bright].std() < 0.03


def test_line_scale_leak_is_a_chromatic_continuum_that_differs_by_fiber() -> None:
    sound, broken = _camera(nebular=2600.0), _camera(nebular=2600.0, leak=1.0)
    change = broken.sky.flux / sound.sky.flux - 1
    groups = np.median(change.reshape(10, 50, -1), axis=1)
    near, far = _inside(sound, 6520, 6545), _inside(sound, 5950, 6150)
    assert np.abs(groups[:, near].mean(axis=1)).max() > 0.08
    assert np.abs(groups[:, far]).max() < 0.02
    assert groups[:, near].mean(axis=1).std() > 0.04
    smooth = uniform_filter1d(change, 9, axis=1)
    assert np.abs(change - smooth)[:, near].max() < 0.01


def test_sframe_follows_the_leak_with_opposite_sign() -> None:
    sound, broken = _camera(nebular=2600.0), _camera(nebular=2600.0, leak=1.0)
    window = _inside(sound, 6400, 6650)
    sky = (broken.sky.flux - sound.sky.flux)[:, window]
    sframe = (broken.sframe.flux - sound.sframe.flux)[:, window]
    lines = np.abs(sframe + sky) <= 0.06 * np.abs(sky) + 0.01
    assert lines.mean() > 0.99
    assert np.array_equal(broken.frame.flux, sound.frame.flux)


def test_leak_without_nebulae_is_a_few_percent() -> None:
    sound, broken = _camera(), _camera(leak=1.0)
    groups = np.median((broken.sky.flux / sound.sky.flux - 1).reshape(10, 50, -1), axis=1)
    assert 0.002 < np.abs(groups).max() < 0.04


def test_sound_pipeline_leaves_only_nebular_lines() -> None:
    clean, nebular = _camera(), _camera(nebular=2600.0)
    difference = np.abs(nebular.sframe.flux - clean.sframe.flux)[clean.sframe.ivar.any(axis=1)].max(axis=0)
    lines = np.zeros(clean.wave.size, dtype=bool)
    for centre in (6549.9, 6564.6, 6585.3, 6718.3, 6732.7):
        lines |= np.abs(clean.wave - centre) < 6
    assert difference[lines].max() > 300
    assert np.percentile(difference[~lines], 95) < 0.5 * np.median(1 / np.sqrt(clean.sframe.ivar[clean.is_sky].max(axis=0)))


def test_same_seed_same_camera() -> None:
    one, other = (simulate_camera(Conditions(), np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.sframe.flux, other.sframe.flux)
    assert np.array_equal(one.fibermap, other.fibermap)
    third = simulate_camera(Conditions(), np.random.default_rng(6))
    assert not np.array_equal(one.sframe.flux, third.sframe.flux)


def test_sky_lines_follow_the_barycentric_factor() -> None:
    still = simulate_camera(Conditions(), np.random.default_rng(5), noise=False)
    moving = simulate_camera(Conditions(heliocor=1.0001), np.random.default_rng(5), noise=False)

    def centre(camera: SimCamera) -> float:
        near = _inside(camera, 6297, 6308)
        sky = np.median(camera.sky.flux, axis=0)[near]
        weight = sky - sky.min()
        return float((camera.wave[near] * weight).sum() / weight.sum())

    assert centre(still) == pytest.approx(6302.1, abs=0.2)
    assert centre(moving) - centre(still) == pytest.approx(0.63, abs=0.05)


def test_sky_fibers_are_spread_over_the_slit() -> None:
    for n_sky in (20, 40, 80):
        camera = simulate_camera(Conditions(n_sky=n_sky, dead_fibers=0), np.random.default_rng(n_sky))
        assert camera.is_sky.sum() == n_sky
        assert set(np.flatnonzero(camera.is_sky) // 25) == set(range(20))


def test_slit_groups_are_patches_of_the_focal_plane() -> None:
    camera = _camera()
    x, y = camera.fibermap["FIBERASSIGN_X"].reshape(10, 50), camera.fibermap["FIBERASSIGN_Y"].reshape(10, 50)
    size = np.sqrt(x.var(axis=1) + y.var(axis=1))
    steps = np.hypot(np.diff(x.mean(axis=1)), np.diff(y.mean(axis=1)))
    assert (size < 60).all()
    assert (steps > 90).all()


def test_two_amplifiers_have_no_middle_boundary() -> None:
    camera = simulate_camera(Conditions(two_amp=True, cosmics=0.0), np.random.default_rng(3), noise=False)
    variance = 1 / camera.frame.ivar[100] - np.maximum(camera.frame.flux[100], 0) / 0.8
    assert variance.max() - variance.min() < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_drawn_conditions_give_finite_products(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = simulate_camera(draw_conditions(rng), rng)
    assert np.isfinite(camera.sframe.flux).all()
    assert np.isfinite(camera.cframe.flux).all()
    assert (camera.sframe.ivar >= 0).all()


def test_no_sky_fiber_gives_no_sky_and_no_weight() -> None:
    camera = simulate_camera(Conditions(n_sky=0), np.random.default_rng(0))
    assert not camera.sky.ivar.any()
    assert not camera.sframe.ivar.any()


@pytest.mark.parametrize(("field", "value"), [("band", "g"), ("petal", 10), ("exptime", 0.0), ("n_sky", 500)])
def test_impossible_conditions_are_refused(field: str, value: object) -> None:
    with pytest.raises(UsageError):
        replace(Conditions(), **{field: value})


def slope(conditions: Conditions, *, lines: tuple[float, ...]) -> NDArray[np.float64]:
    """Gradient of the sky at these wavelengths, in 400 even sky fibers, from the centre of the focal plane to its edge."""
    steady = {"throughput_scatter": 0.0, "lsf_scatter": 0.0, "lsf_error": 0.0, "wave_error": 0.0, "n_sky": 400}
    camera = simulate_camera(replace(conditions, **steady), np.random.default_rng(3), noise=False)
    near = np.any([np.abs(camera.wave - line) < 2 for line in lines], axis=0)
    light = (camera.frame.flux / camera.flat.true)[:, near].sum(axis=1, dtype=float)[camera.is_sky]
    x, y = (place[camera.is_sky] / 409.0 for place in fiber_positions(conditions.petal))
    level, *tilt = np.linalg.lstsq(np.stack([np.ones_like(x), x, y], axis=1), light, rcond=None)[0]
    return np.asarray(tilt) / level


def test_the_whole_sky_has_one_gradient() -> None:
    conditions = Conditions(sky_gradient=0.026, airglow_gradient=0.0, airglow_patches=0.0)
    line, continuum = slope(conditions, lines=(6302.04,)), slope(conditions, lines=(6020.0, 6060.0))
    assert np.hypot(*line) == pytest.approx(0.026, rel=0.03)
    assert continuum == pytest.approx(line, abs=2e-3)


def test_each_emitter_of_lines_varies_on_its_own() -> None:
    conditions = Conditions(sky_gradient=0.0, airglow_gradient=0.02, airglow_patches=0.0, sky_seed=5)
    oxygen, also_oxygen, hydroxyl = (slope(conditions, lines=(line,)) for line in (6302.04, 6365.53, 7342.92))
    assert np.hypot(*oxygen) == pytest.approx(0.02, rel=0.1)
    assert also_oxygen == pytest.approx(oxygen, abs=2e-3)
    assert np.hypot(*(hydroxyl - oxygen)) > 0.005


def test_cameras_of_an_exposure_see_one_sky() -> None:
    conditions = Conditions(sky_gradient=0.026, airglow_gradient=0.0, airglow_patches=0.0, sky_seed=5)
    here, there = (slope(replace(conditions, petal=petal), lines=(6302.04,)) for petal in (1, 6))
    assert here == pytest.approx(there, abs=2e-3)
    assert np.hypot(*(here - slope(replace(conditions, sky_seed=6), lines=(6302.04,)))) > 0.005


def test_draws_are_as_rough_as_the_survey() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_conditions(rng) for _ in range(2000)]
    gradients = np.quantile([each.sky_gradient for each in drawn], [0.05, 0.5, 0.95])
    assert gradients == pytest.approx([0.003, 0.0113, 0.0259], rel=0.15)
    scatter = np.quantile([each.throughput_scatter for each in drawn], [0.5, 0.95])
    assert scatter == pytest.approx([0.0138, 0.0172], rel=0.05)
