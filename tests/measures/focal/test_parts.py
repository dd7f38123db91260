"""Parts of an exposure are judged as the whole is, and what a sound sky does is no patch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.focal.plane import focal_plane
from pytest_specqa.measures.focal.windows import WINDOWS, WindowMap
from pytest_specqa.measures.statistics import MARGIN

LEVEL = 100.0
RED = tuple(window for window in WINDOWS if window.kind == "continuum" and window.band == "r")
LIMIT = 2.5


def exposure(rng, *, windows=RED, scatter=0.0, slope=0.0, offsets=None, noise=1.0):
    """Ten petals of faint targets and 40 sky fibers each, whose light over the sky has a gradient, a scatter and petal offsets."""
    maps = []
    for petal in range(10):
        ring, half = np.repeat(np.arange(5), 100), np.tile(np.repeat([0, 1], 50), 5)
        radius = np.sqrt(28**2 + (DESI.radius**2 - 28**2) * (ring + rng.random(500)) / 5)
        angle = np.deg2rad(252 + 36 * petal + 18 * (half + rng.random(500)))
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        is_sky = np.zeros(500, dtype=bool)
        is_sky[rng.choice(500, 40, replace=False)] = True
        throughput = scatter * rng.standard_normal(500)
        light = np.where(is_sky, 0.0, np.exp(rng.normal(np.log(8), 1.15, 500)))
        for window in windows:
            residual = noise * rng.standard_normal(500) + light + LEVEL * (throughput + slope * x / DESI.radius)
            residual -= residual[is_sky].mean()
            residual += LEVEL * (offsets[petal] if offsets is not None else 0.0) * ~is_sky
            fiber, error = 500 * petal + np.arange(500), np.full(500, noise)
            one = WindowMap(window, petal, residual, error, residual + LEVEL, LEVEL, fiber=fiber, x=x, y=y, is_sky=is_sky)
            maps.append(replace(one, throughput=1 + throughput + 0.002 * rng.standard_normal(500)))
    return maps


def part(maps, petals):
    return focal_plane([one for one in maps if one.petal in petals])


@pytest.mark.parametrize("petals", [(3, 4), (6,), (0, 1, 2), (1, 3, 5, 7, 9, 0)], ids=str)
def test_a_part_fails_nothing_that_the_whole_passes(petals):
    offsets = 0.01 * np.array([-2, 0, 0, 1, -1, 2, 0, -1, 1, 0])
    for seed in range(3):
        maps = exposure(np.random.default_rng(seed), scatter=0.015, slope=0.026, offsets=offsets)
        whole = focal_plane(maps)
        assert max(whole.patch.value, whole.petal.value) <= LIMIT
        found = part(maps, petals)
        assert found.patch.value <= LIMIT
        assert found.petal.reason or found.petal.value <= whole.petal.value + 0.1
        assert found.gradient.reason or found.gradient.value <= 8.5


def test_petals_that_are_not_there_may_move_the_median():
    offsets = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.06])
    maps = exposure(np.random.default_rng(1), offsets=offsets)
    assert focal_plane(maps).petal.value > 3
    assert part(maps, range(2, 10)).petal.value > 3
    uneven = exposure(np.random.default_rng(1), offsets=0.06 * (np.arange(10) % 2))
    assert part(uneven, (0, 2, 4, 6, 8, 9)).petal.value == 0.0


def test_a_part_sees_nothing_that_chance_shows_somewhere_in_the_whole():
    maps = exposure(np.random.default_rng(2))
    assert part(maps, (6,)).patch.sensitivity > focal_plane(maps).patch.sensitivity * 0.9


def test_the_gradient_of_a_real_sky_is_no_patch():
    found = focal_plane(exposure(np.random.default_rng(3), slope=0.026, scatter=0.015))
    assert found.patch.value == 0.0
    assert found.seen.value < 4
    assert found.gradient.value + MARGIN * found.gradient.error == pytest.approx(5.2, abs=1.0)


def test_throughputs_of_fibers_do_not_hide_a_patch():
    maps = exposure(np.random.default_rng(4), scatter=0.017)
    blind = [replace(one, throughput=None) for one in maps]
    assert focal_plane(maps).patch.sensitivity < 0.85 * focal_plane(blind).patch.sensitivity


def test_a_patch_in_all_windows_is_seen_farther_than_in_one():
    maps = exposure(np.random.default_rng(5), noise=3.0)
    for one in maps:
        one.residual[:] += 6.0 * ((one.fiber >= 3150) & (one.fiber < 3200))
    together = focal_plane(maps)
    alone = focal_plane([one for one in maps if one.window == RED[0]])
    assert "r continuum" in together.seen.detail
    assert together.seen.value > alone.seen.value


def test_lines_are_asked_of_cameras_that_see_them():
    blue = tuple(window for window in WINDOWS if window.kind == "continuum" and window.band == "z")
    found = focal_plane(exposure(np.random.default_rng(6), windows=blue))
    assert found.sky_line is None
    assert found.nebular is None
    red = focal_plane(exposure(np.random.default_rng(6)))
    assert red.sky_line.reason
    assert red.nebular.reason
