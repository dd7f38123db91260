"""The sframe picture shows what the data hold, where they hold it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pytest_specqa.plots import draw
from pytest_specqa.plots.sframe_lines import two_pixel_mean
from pytest_specqa.values import Feature

N, NW = 500, 2326
WAVE = 5760 + 0.8 * np.arange(NW)
FIBER = 3000 + np.arange(N)


def image_of(figure: object) -> np.ndarray:
    """The drawn image, one row per fiber."""
    return np.asarray(figure.axes[0].images[0].get_array().filled(np.nan))  # type: ignore[attr-defined]


def test_there_is_one_row_per_fiber_and_one_column_for_two_bins() -> None:
    """Whole ratios only: others give columns of unequal noise."""
    assert image_of(draw("sframe_lines", flux=np.ones((N, NW)), wave=WAVE, fiber=FIBER)).shape == (500, 1163)
    assert image_of(draw("sframe_lines", flux=np.ones((N, 2751)), wave=3600 + 0.8 * np.arange(2751), fiber=FIBER)).shape == (
        500,
        1376,
    )


@pytest.mark.parametrize("column", [1000, 1001])
def test_a_line_of_one_bin_survives(rng: np.random.Generator, column: int) -> None:
    """Five sigma in a single bin stand out in the drawn image, at the right place."""
    flux = rng.normal(0, 1, (N, NW))
    flux[100:150, column] += 5
    drawn = image_of(draw("sframe_lines", flux=flux, wave=WAVE, fiber=FIBER))[100:150].mean(axis=0)
    assert drawn.argmax() == column // 2
    assert drawn.max() > 15 * drawn.std() * 0.9


def test_the_mean_of_two_ignores_holes() -> None:
    """A masked bin does not mask its neighbour."""
    assert two_pixel_mean(np.array([[1.0, 3.0, np.nan, 4.0, np.nan, np.nan, 7.0]])).tolist()[0][:2] == [2.0, 4.0]
    assert np.isnan(two_pixel_mean(np.array([[1.0, 3.0, np.nan, 4.0, np.nan, np.nan, 7.0]]))[0, 2])


def test_masked_pixels_are_left_out(rng: np.random.Generator) -> None:
    """What has no weight must not look like data."""
    ivar = np.ones((N, NW))
    ivar[10:20] = 0
    drawn = image_of(draw("sframe_lines", flux=rng.normal(0, 1, (N, NW)), ivar=ivar, wave=WAVE, fiber=FIBER))
    assert np.isnan(drawn[10:20]).all()
    assert np.isfinite(drawn[20:]).all()


def test_bright_targets_do_not_set_the_stretch(rng: np.random.Generator) -> None:
    """zscale: noise fills the range although some fibers are a thousand times brighter."""
    flux = rng.normal(0, 1, (N, NW))
    flux[::20] += 1000
    low, high = draw("sframe_lines", flux=flux, wave=WAVE, fiber=FIBER).axes[0].images[0].get_clim()
    assert -10 < low < 0 < high < 10


def test_features_are_outlined_and_named_at_their_place(rng: np.random.Generator) -> None:
    """Boxes in fibers and wavelengths; pieces of one broad feature share a box."""
    features = [
        Feature("line", (3100, 3149), (6500, 6502), 9, 1, 9, label="6501 Å"),
        Feature("bump", (3200, 3249), (6400, 6500), 9, 1, 9),
        Feature("bump", (3200, 3249), (6490, 6600), 9, 1, 9),
    ]
    axes = draw("sframe_lines", flux=rng.normal(0, 1, (N, NW)), wave=WAVE, fiber=FIBER, features=features).axes[0]
    boxes = {(round(box.get_y()), round(box.get_y() + box.get_height())): box for box in axes.patches}
    assert sorted(boxes) == [(100, 150), (200, 250)]
    assert boxes[200, 250].get_x() < 6400
    assert boxes[200, 250].get_x() + boxes[200, 250].get_width() > 6600
    assert {text.get_text() for text in axes.texts} == {"6501 Å", "6400–6600 Å"}


def test_the_groups_of_the_worst_features_come_first(rng: np.random.Generator, texts: Callable[..., str]) -> None:
    """Then those that deviate most."""
    residual = rng.normal(0, 1, (10, NW))
    residual[7, 50] = 30
    told = texts(
        "sframe_lines",
        flux=rng.normal(0, 1, (N, NW)),
        wave=WAVE,
        fiber=FIBER,
        features=[Feature("line", (3150, 3199), (6500, 6502), 9, 1, 9)],
        group_residual=residual,
        group_error=np.ones((10, NW)),
        group_first=3000 + 50 * np.arange(10),
    )
    assert told.index("fibers 3150–3199") < told.index("fibers 3350–3399")


def test_features_at_the_edge_do_not_stretch_the_axis(rng: np.random.Generator) -> None:
    """The image keeps its whole pixels."""
    edge = [Feature("bump", (3000, 3049), (7500, 7900), 9, 1, 9)]
    plain = draw("sframe_lines", flux=rng.normal(0, 1, (N, NW)), wave=WAVE, fiber=FIBER).axes[0].get_xlim()
    groups = {"group_residual": np.ones((10, NW)), "group_first": 3000 + 50 * np.arange(10)}
    assert draw("sframe_lines", flux=np.ones((N, NW)), wave=WAVE, fiber=FIBER, features=edge, **groups).axes[0].get_xlim() == plain
