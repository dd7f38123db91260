"""Focal-plane residuals: patches, petals and gradients are found; objects, noise and nebulae are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.focal.places import full_patches, places
from pytest_specqa.measures.focal.plane import FocalPlane, focal_plane
from pytest_specqa.measures.focal.scores import edge_score, edge_width, local_scatter
from pytest_specqa.measures.focal.shifts import shift_map
from pytest_specqa.measures.focal.windows import WINDOWS, WindowMap, window_maps
from pytest_specqa.measures.spectra import CameraSpectra

LEVEL = 100.0
BY_NAME = {window.name: window for window in WINDOWS}
RED = tuple(window for window in WINDOWS if window.band == "r")


def positions(petal: int) -> tuple[np.ndarray, np.ndarray]:
    """Fibers of a petal in mm; each 50 that follow one another lie together."""
    rng = np.random.default_rng(petal)
    ring = np.repeat(np.arange(5), 100)
    half = np.tile(np.repeat([0, 1], 50), 5)
    radius = np.sqrt(28**2 + (409**2 - 28**2) * (ring + rng.random(500)) / 5)
    angle = np.deg2rad(252 + 36 * petal + 18 * (half + rng.random(500)))
    return radius * np.cos(angle), radius * np.sin(angle)


def exposure(
    rng: np.random.Generator,
    *,
    petals: tuple[int, ...] = tuple(range(10)),
    windows: tuple = RED,
    noise: float = 1.0,
    n_sky: int = 40,
    brightness: float = 8.0,
    level: float = LEVEL,
) -> list[WindowMap]:
    """Residuals without a fault: noise everywhere, sky fibers with the petal's mean taken out, targets of all brightnesses."""
    maps = []
    for petal in petals:
        x, y = positions(petal)
        is_sky = np.zeros(500, dtype=bool)
        is_sky[rng.choice(500, size=n_sky, replace=False)] = True
        light = np.where(is_sky, 0.0, np.exp(rng.normal(np.log(brightness), 1.15, size=500)))
        for window in windows:
            residual = noise * rng.normal(size=500)
            residual -= residual[is_sky].mean()
            if window.kind == "continuum":
                residual += light * (1 + 0.1 * rng.normal())
            maps.append(
                WindowMap(
                    window=window,
                    petal=petal,
                    residual=residual,
                    error=np.full(500, 0.9 * noise),
                    before=residual + level,
                    level=level,
                    fiber=500 * petal + np.arange(500),
                    x=x,
                    y=y,
                    is_sky=is_sky,
                )
            )
    return maps


def add(maps: list[WindowMap], name: str, change: np.ndarray | float, *, first: int = 0, last: int = 4999) -> None:
    """Add electron/Angstrom to some fibers of one window."""
    for one in maps:
        if one.window.name == name:
            one.residual[:] += np.where((one.fiber >= first) & (one.fiber <= last), change, 0.0)


def numbers(found: FocalPlane) -> list[float]:
    return [found.patch.value, found.petal.value, found.gradient.value, found.sky_line.value, found.nebular.value]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(104284)


@pytest.mark.parametrize(("level", "noise", "brightness"), [(100.0, 1.0, 8.0), (15.0, 0.7, 3.0), (400.0, 3.0, 100.0)])
def test_clean_exposures_are_quiet(rng: np.random.Generator, level: float, noise: float, brightness: float) -> None:
    for _ in range(3):
        assert numbers(focal_plane(exposure(rng, level=level, noise=noise, brightness=brightness))) == [0, 0, 0, 0, 0]


def test_patch_of_fifty_fibers_is_found_named_and_measured(rng: np.random.Generator) -> None:
    maps = exposure(rng)
    add(maps, "r 6500-6700 A", -8.0, first=3150, last=3199)
    found = focal_plane(maps)
    assert found.patch.value == pytest.approx(8.0, abs=2.0)
    assert "-" in found.patch.detail.split("%")[0]
    assert (3150, 3199) in found.patch.fibers
    assert found.patch.waves == (6500.0, 6700.0)
    assert found.map_of(found.patch).window.name == "r 6500-6700 A"
    assert found.patch.camera == "r6"
    assert found.patch.features[0].kind == "patch"
    assert found.petal.value == 0.0


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_patches_of_both_signs_are_measured_beyond_the_range_of_the_scores(rng: np.random.Generator, sign: float) -> None:
    maps = exposure(rng, petals=(6,))
    add(maps, "r 6500-6700 A", sign * 30.0, first=3400, last=3449)
    assert focal_plane(maps).patch.value == pytest.approx(30.0, abs=4.0)


def test_round_patch_across_petals_is_found(rng: np.random.Generator) -> None:
    maps = exposure(rng)
    for one in maps:
        if one.window.name == "r 5950-6200 A":
            one.residual[:] += 2.5 * (np.hypot(one.x + 150, one.y) < 90)
    found = focal_plane(maps)
    assert found.patch.value == pytest.approx(2.5, abs=1.2)
    assert "mm around" in found.patch.detail


def test_petal_with_a_wrong_sky_is_found_by_its_targets(rng: np.random.Generator) -> None:
    maps = exposure(rng)
    for one in maps:
        if one.window.kind == "continuum" and one.petal == 7:
            one.residual[~one.is_sky] -= 6.0
    found = focal_plane(maps)
    assert found.petal.value == pytest.approx(6.0, abs=1.5)
    assert found.petal.fibers == ((3500, 3999),)


def test_gradient_is_measured_edge_to_edge(rng: np.random.Generator) -> None:
    maps = exposure(rng)
    for one in maps:
        if one.window.name == "r 6990-7230 A":
            change = 4.0 * one.x / 407
            one.residual[:] += change - change[one.is_sky].mean()
    found = focal_plane(maps)
    assert found.gradient.value == pytest.approx(8.0, abs=1.5)
    assert "towards" in found.gradient.detail


def test_nebula_has_its_own_name_and_leaves_the_continuum_alone(rng: np.random.Generator) -> None:
    maps = exposure(rng)
    add(maps, "H-alpha 6564.6", 20.0, first=3000, last=3099)
    found = focal_plane(maps)
    assert found.nebular.value == pytest.approx(20.0, abs=4.0)
    assert found.nebular.features[0].kind == "nebular"
    assert found.patch.value == found.sky_line.value == 0.0


def test_sky_line_that_varies_is_found(rng: np.random.Generator) -> None:
    maps = exposure(rng)
    add(maps, "[O I] 6302", 5.0, first=500, last=549)
    assert focal_plane(maps).sky_line.value == pytest.approx(5.0, abs=1.5)


def test_one_bright_field_and_contaminated_sky_fibers_are_no_patch(rng: np.random.Generator) -> None:
    maps = exposure(rng)
    for one in maps:
        if one.window.kind == "continuum":
            one.residual[(one.fiber >= 100) & (one.fiber < 125) & ~one.is_sky] += 200.0
            one.residual[np.flatnonzero(one.is_sky)[3]] += 30.0
    assert focal_plane(maps).patch.value == 0.0


def test_single_camera_compares_no_petals_but_finds_patches(rng: np.random.Generator) -> None:
    maps = exposure(rng, petals=(6,))
    add(maps, "r 6500-6700 A", -10.0, first=3150, last=3199)
    found = focal_plane(maps)
    assert "6 petals" in found.petal.reason
    assert "6 petals" in found.gradient.reason
    assert found.patch.value > 5


def test_nothing_is_measured_without_cameras() -> None:
    found = focal_plane([])
    assert all(one.reason for one in (found.patch, found.petal, found.gradient, found.seen, found.sky_line, found.nebular))
    assert found.map_of(found.patch) is None


def test_sensitivity_follows_the_noise(rng: np.random.Generator) -> None:
    quiet, loud = (focal_plane(exposure(rng, petals=(6,), noise=noise)).patch.sensitivity for noise in (1.0, 4.0))
    assert quiet is not None
    assert loud is not None
    assert 2.0 * quiet < loud
    assert focal_plane(exposure(rng, petals=(6,), level=10.0)).patch.sensitivity > 5 * quiet


def test_fibers_without_a_place_still_count_in_their_group(rng: np.random.Generator) -> None:
    maps = exposure(rng, petals=(6,))
    for one in maps:
        one.x[:] = np.nan
        one.y[:] = np.nan
    add(maps, "r 6500-6700 A", -10.0, first=3150, last=3199)
    found = focal_plane(maps)
    assert found.patch.fibers == ((3150, 3199),)
    assert found.gradient.reason


def spectra(rng: np.random.Generator, *, heliocor: float = 1.0) -> dict[str, np.ndarray]:
    """A sky-subtracted r camera with a target-free continuum."""
    wave = 5760.0 + 0.8 * np.arange(2326)
    x, y = positions(6)
    line = 1000.0 * np.exp(-0.5 * ((wave - 6302.06 * heliocor) / 0.8) ** 2)
    return {
        "flux": 5.0 * rng.normal(size=(500, wave.size)),
        "ivar": np.full((500, wave.size), 0.04),
        "mask": np.zeros((500, wave.size), dtype=np.uint32),
        "wave": wave,
        "sky": np.tile(100.0 + line, (500, 1)),
        "fiber": 3000 + np.arange(500),
        "x": x,
        "y": y,
        "is_sky": np.arange(500) % 12 == 0,
    }


def reduce(data: dict[str, np.ndarray], *, heliocor: float = 1.0) -> dict[str, WindowMap]:
    arrays = {key: data[key] for key in ("flux", "ivar", "wave", "fiber", "is_sky", "sky")}
    others = {key: data[key] for key in ("mask", "x", "y")}
    maps = window_maps(CameraSpectra(**arrays, heliocor=heliocor), band="r", **others)
    return {one.window.name: one for one in maps}


def test_window_means_have_the_error_of_their_pixels(rng: np.random.Generator) -> None:
    one = reduce(spectra(rng))["r 5950-6200 A"]
    assert one.level == pytest.approx(100.0)
    assert one.error[0] == pytest.approx(5.0 / np.sqrt(313), rel=0.01)
    assert np.std(one.residual / one.error) == pytest.approx(1.0, abs=0.12)
    assert one.before == pytest.approx(one.residual + 100.0)


def test_light_of_a_star_in_a_sky_fiber_does_not_count(rng: np.random.Generator) -> None:
    data = spectra(rng)
    data["flux"][24] += 20.0
    data["flux"][25] += 20.0
    residual = reduce(data)["r 5950-6200 A"].residual
    assert np.isnan(residual[24])
    assert np.isfinite(residual).sum() == 499


def test_light_that_the_sky_fibers_of_a_patch_share_counts(rng: np.random.Generator) -> None:
    data = spectra(rng)
    data["flux"][150:200] += 20.0
    assert np.isfinite(reduce(data)["r 5950-6200 A"].residual).all()


def test_a_fiber_that_holds_neither_target_nor_sky_does_not_count(rng: np.random.Generator) -> None:
    data = spectra(rng)
    there = np.arange(500) != 31
    given = {key: data[key] for key in ("flux", "ivar", "wave", "fiber", "is_sky", "sky")}
    camera = CameraSpectra(**given, is_target=there & ~data["is_sky"])
    one = window_maps(camera, band="r", mask=data["mask"], x=data["x"], y=data["y"])[0]
    assert np.flatnonzero(np.isnan(one.residual)).tolist() == [31]


def test_bad_pixels_and_cosmics_do_not_count(rng: np.random.Generator) -> None:
    data = spectra(rng)
    data["flux"][0, 300:310] = 1e4
    data["flux"][1, 300:310] = np.nan
    data["ivar"][1, 300:310] = 0
    data["flux"][2, 300:310], data["mask"][2, 300:310] = 1e4, 4
    data["ivar"][3, :] = 0
    residual = reduce(data)["r 5950-6200 A"].residual
    assert np.abs(residual[:3]).max() < 2.0
    assert np.isnan(residual[3])


def test_nebular_lines_stay_out_of_the_continuum(rng: np.random.Generator) -> None:
    data = spectra(rng)
    clean = reduce(data)
    data["flux"] += 200.0 * np.exp(-0.5 * ((data["wave"] - 6564.61) / 0.9) ** 2)
    found = reduce(data)
    assert found["r 6500-6700 A"].residual == pytest.approx(clean["r 6500-6700 A"].residual, abs=0.01)
    assert np.median(found["H-alpha 6564.6"].residual) > 30


def test_sky_lines_move_with_the_earth(rng: np.random.Generator) -> None:
    data = spectra(rng, heliocor=1.0001)
    with_shift = reduce(data, heliocor=1.0001)["[O I] 6302"].level
    assert with_shift == pytest.approx(reduce(spectra(rng))["[O I] 6302"].level, rel=0.05)


def test_a_window_without_sky_is_left_out(rng: np.random.Generator) -> None:
    data = spectra(rng)
    data["sky"] = np.zeros_like(data["sky"])
    assert reduce(data) == {}
    data["sky"] -= 1.0
    assert not any(one.level <= 0 for one in reduce(data).values())


def test_places_are_cassettes_and_discs() -> None:
    x, y = positions(6)
    fiber = 3000 + np.arange(500)
    where = places(fiber, x, y)
    assert list(where.petal[:10]) == [6] * 10
    assert set(where.petal[10:]) == {-1}
    assert where.member[3].indices.tolist() == list(range(150, 200))
    disc = where.member[12].indices
    assert np.ptp(x[disc]) <= 70
    assert full_patches(fiber[150:200], patch=50) == ((3150, 3199),)
    assert full_patches(np.array([3001, 3170]), patch=50) == ((3001, 3170),)


def test_targets_reach_near_the_precision_of_their_faint_edge(rng: np.random.Generator) -> None:
    light = np.exp(rng.normal(np.log(8), 1.15, size=450)) + rng.normal(size=450)
    fiber = np.arange(450)
    width = edge_width(light, fiber=fiber)
    score = edge_score(light, width=width, fiber=fiber)
    assert np.sqrt(score.variance) < 6.0
    assert score.shifts(light).mean() == pytest.approx(0.0, abs=0.02)
    moved = score.shifts(light + 0.2).mean()
    assert moved == pytest.approx(0.2, abs=0.08)


def test_scatter_is_taken_between_neighbours(rng: np.random.Generator) -> None:
    fiber = np.arange(0, 500, 5)
    values = rng.normal(size=100) + 50.0 * (fiber // 50 % 2)
    assert local_scatter(values, np.ones(100), fiber=fiber) == pytest.approx(1.1, abs=0.25)
    assert local_scatter(3.0 * values, np.ones(100), fiber=fiber) > 2.5
    assert local_scatter(values[:1], np.ones(1), fiber=fiber[:1]) == 1.0


def test_round_patches_hold_fifteen_fibers_or_more() -> None:
    fiber = 3000 + np.arange(15)
    assert any("mm around" in name for name in places(fiber, np.linspace(-5, 5, 15), np.zeros(15)).names)
    assert not any("mm around" in name for name in places(fiber[:14], np.linspace(-5, 5, 14), np.zeros(14)).names)


def test_the_error_of_a_petal_is_that_of_the_mean_of_its_targets(rng: np.random.Generator) -> None:
    x, y = positions(6)
    window = BY_NAME["[O I] 6302"]
    residual = rng.normal(scale=2.0, size=500)
    one = WindowMap(window, 6, residual, np.full(500, 2.0), residual, LEVEL, 3000 + np.arange(500), x, y, np.zeros(500, dtype=bool))
    found = shift_map([one])
    assert found is not None
    assert found.offset_error[0] == pytest.approx(2.0 / LEVEL / np.sqrt(500), rel=0.3)
