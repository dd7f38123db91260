"""The other pictures: what an observer must be able to read off them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pytest_specqa.plots import draw
from pytest_specqa.plots.amp_map import block_mean
from pytest_specqa.plots.canvas import robust_limit, spread_labels
from pytest_specqa.plots.mark import GID, Mark
from pytest_specqa.values import Feature

Words = Callable[..., str]
WAVE = 5760 + 0.8 * np.arange(2326)
FIBER = 3000 + np.arange(500)


def bumpy_sky() -> np.ndarray:
    """One sky, with a factor per fiber that is legitimate and a bump in fibers 3250-3299 that is not."""
    sky = np.linspace(0.9, 1.1, 500)[:, None] * (100 + 50 * np.sin(WAVE / 90))[None, :]
    sky[250:300] *= 1 + 0.1 * np.exp(-0.5 * ((WAVE - 6500) / 60) ** 2)
    return sky


def test_the_worst_place_of_a_sky_model_is_found_without_help(texts: Words) -> None:
    """From the arrays alone: the achromatic factor of 10 % does not hide a bump of 10 %."""
    told = texts("sky_model", flux=bumpy_sky(), wave=WAVE, fiber=FIBER).split("worst: ")[1]
    assert 8 < float(told.split()[0]) < 11
    assert 6470 < float(told.split(" at ")[1].split()[0]) < 6530
    assert "fibers 3250–3299" in told


def test_the_chromatic_part_of_the_measure_is_used_where_it_is_given(texts: Words) -> None:
    """With holes where the sky has no continuum: the next wavelength that has one is told."""
    grid = np.arange(5800.0, 7600.0, 12.0)
    ratio = np.zeros((500, grid.size))
    ratio[100:150] = 0.2
    ratio[:, np.abs(grid - 6500) < 40] = np.nan
    told = texts(
        "sky_model",
        flux=np.full((500, 2326), 100.0),
        wave=WAVE,
        fiber=FIBER,
        chromatic=ratio,
        chromatic_wave=grid,
        mark=Mark("sky_chromatic_block", value="0.2", features=(Feature("bump", (3100, 3149), (6490, 6510), 0.2, 0.01, 9),)),
    )
    assert "fails: sky_chromatic_block: 0.2" in told
    assert "at 64" in told or "at 65" in told
    assert "nan" not in told


def test_petals_are_numbered_at_their_azimuth() -> None:
    """Petal 0 at the bottom, 5 at the top, 7 at the left, 3 at the right, as the sky is seen in CS5."""
    axes = draw("focal_plane", x=[10.0], y=[10.0], after=[1.0]).axes[0]
    place = {text.get_text(): text.get_position() for text in axes.texts}
    assert place["0"][1] < -400
    assert place["5"][1] > 400
    assert place["7"][0] < -300 < 0 < place["7"][1]
    assert place["3"][0] > 300
    assert place["6"][0] < -200
    assert place["6"][1] > 300


def test_the_worst_patch_is_circled_where_its_fibers_are(rng: np.random.Generator) -> None:
    """In both panels, at the centre of its fibers."""
    x, y = rng.uniform(-300, 300, 500), rng.uniform(-300, 300, 500)
    x[100:150], y[100:150] = rng.normal(-200, 10, 50), rng.normal(150, 10, 50)
    patch = Feature("patch", (3100, 3149), (6500, 6700), -9, 1, 9, "electron/Angstrom")
    mark = Mark("focal_plane_patch", features=(patch,))
    figure = draw("focal_plane", x=x, y=y, after=rng.normal(0, 1, 500), before=rng.normal(0, 1, 500), fiber=FIBER, mark=mark)
    for axes in (figure.axes[0], figure.axes[2]):
        circle = next(one for one in axes.patches if one.get_gid() == GID)
        assert np.hypot(circle.center[0] + 200, circle.center[1] - 150) < 10
        assert circle.radius < 60
        assert (np.hypot(x[100:150] - circle.center[0], y[100:150] - circle.center[1]) <= circle.radius).all()
        assert "fibers 3100–3149" in [text.get_text() for text in axes.texts]


def test_one_map_is_drawn_where_there_is_nothing_before(texts: Words, rng: np.random.Generator) -> None:
    """And the picture says what is missing."""
    arrays = {"x": rng.uniform(-300, 300, 50), "y": rng.uniform(-300, 300, 50), "after": rng.normal(0, 1, 50)}
    assert "not available" in texts("focal_plane", **arrays)
    assert "not available" not in texts("focal_plane", **arrays, before=np.ones(50))


def test_bright_targets_do_not_drown_a_patch(rng: np.random.Generator) -> None:
    """The colour scale follows the bulk of the fibers."""
    values = rng.normal(0, 5, 500)
    values[:60] += 3000
    figure = draw("focal_plane", x=rng.uniform(-300, 300, 500), y=rng.uniform(-300, 300, 500), after=values)
    assert figure.axes[0].collections[-1].get_clim()[1] < 30


def test_a_pileup_is_counted_by_class(texts: Words, rng: np.random.Generator) -> None:
    """Sky fibers are counted apart."""
    z = np.concatenate([rng.uniform(0, 2, 80), np.full(20, 4.35)])
    is_sky = np.zeros(100, dtype=bool)
    is_sky[75:85] = True
    told = texts(
        "redshift_pileup",
        z=z,
        fiber=FIBER[:100],
        target_class=["LRG"] * 50 + ["QSO"] * 50,
        is_sky=is_sky,
        window=(4.2, 4.5),
        expected=0.1,
        expected_error=0.2,
        note="Lyα at z = 4.35 is 6504 Å",
    )
    assert "20 of 100 redshifts at 4.20 < z < 4.50; expected 0.1 ± 0.2" in told
    assert "QSO (40, 15 in the window)" in told
    assert "sky fibers (10, 5 in the window)" in told
    assert "6504 Å" in told


def test_the_histogram_of_redshifts_leaves_sky_fibers_out(rng: np.random.Generator) -> None:
    """They have no expected n(z)."""
    is_sky = np.arange(100) < 30
    grid = 0.05 + 0.1 * np.arange(50)
    arrays = {"z": rng.uniform(0, 4.9, 100), "fiber": FIBER[:100], "is_sky": is_sky}
    figure = draw("redshift_pileup", **arrays, nz_grid=grid, nz_expected=np.ones(50))
    counts, edges, _ = figure.axes[1].patches[0].get_data()
    assert counts.sum() == 70
    assert edges[:2].tolist() == pytest.approx([0.0, 0.1])


def test_lines_of_a_redshift_are_marked_on_its_spectrum(texts: Words) -> None:
    """Ly-alpha of the pile-up falls in the middle of the r camera; at z = 0.1 there is none."""
    flux = np.ones((2, 2326))
    told = draw("spectra", wave=WAVE, flux=flux, z=[4.35, 0.1], labels=["fiber 3000", "fiber 3001"])
    marks = [{text.get_text().strip(): text.get_position()[0] for text in axes.texts} for axes in told.axes]
    assert marks[0]["Lyα"] == pytest.approx(6504, abs=1)
    assert "Lyα" not in marks[1]
    assert "fiber 3001" in texts("spectra", wave=WAVE, flux=flux, labels=["fiber 3000", "fiber 3001"])


def test_cameras_of_a_spectrum_are_told_apart() -> None:
    """A step back in wavelength starts the next camera, in another colour."""
    wave = np.concatenate([np.arange(3600, 5800, 0.8), WAVE, np.arange(7520, 9824, 0.8)])
    lines = draw("spectra", wave=wave, flux=np.ones((1, wave.size))).axes[0].lines
    assert len({line.get_color() for line in lines[1:6:2]}) == 3


def test_outliers_carry_their_fiber_numbers(texts: Words) -> None:
    """Neighbours share one name; NaN is counted."""
    value = np.full(500, 1.0) + 0.01 * np.sin(np.arange(500))
    value[100:104], value[33], value[40] = 0.5, 2.0, np.nan
    told = texts("per_fiber", fiber=FIBER, value=value, low=0.9, high=1.1, label="throughput", unit="e/s")
    assert "5 of 500 fibers outside the limits; 1 without a value" in told
    assert "3100–3103" in told
    assert "3033" in told
    assert "throughput [e/s]" in told


def test_a_giant_outlier_does_not_flatten_the_rest(texts: Words, rng: np.random.Generator) -> None:
    """It becomes a triangle at the edge."""
    value = rng.normal(0, 1, 500)
    value[7] = 1e6
    assert draw("per_fiber", fiber=FIBER, value=value).axes[0].get_ylim()[1] < 100
    assert "1 beyond the edges" in texts("per_fiber", fiber=FIBER, value=value)


def test_amplifiers_stand_in_their_quarters() -> None:
    """A and C hold the lower fibers, A and B the shorter wavelengths."""
    figure = draw("amp_map", image=np.ones((500, 2326)), wave=WAVE, fiber=FIBER, values={"A": 1.5}, worst="A")
    place = {text.get_text().split()[0]: text.get_position() for text in figure.axes[0].texts}
    assert place["A"][0] == place["B"][0] < place["C"][0] == place["D"][0]
    assert place["A"][1] == place["C"][1] < place["B"][1] == place["D"][1]


def test_blocks_ignore_holes_and_odd_edges() -> None:
    """Means of two fibers by four bins."""
    array = np.arange(15.0).reshape(3, 5)
    array[0, 0] = np.nan
    found = block_mean(array)
    assert found.shape == (2, 2)
    assert found[0, 0] == pytest.approx(np.nanmean(array[:2, :4]))
    assert found[1, 1] == array[2, 4]


def test_labels_move_apart_and_stay_in_order() -> None:
    """Around what they name, within the range."""
    assert spread_labels([5.0, 5.0], gap=2, low=0, high=10) == [4.0, 6.0]
    placed = spread_labels([9.0, 1.0, 9.5, 9.9], gap=2, low=0, high=10)
    assert placed == [6.0, 1.0, 8.0, 10.0]


def test_the_robust_range_follows_the_bulk(rng: np.random.Generator) -> None:
    """One in five values may be anything."""
    values = rng.normal(0, 1, 1000)
    values[:200] = 1e5
    assert robust_limit(values, sigmas=4) < 8
    assert robust_limit(np.zeros(5)) > 0
    assert robust_limit([np.nan]) == 1.0
