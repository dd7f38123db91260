"""Every picture can be drawn, of everything and of nothing."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_specqa.errors import SpecQAError
from pytest_specqa.plots import draw, to_png

N, NW = 60, 300
WAVE = 5760 + 0.8 * np.arange(NW)
FIBER = 3000 + np.arange(N)


def arrays_of(name: str, image: np.ndarray) -> dict[str, Any]:
    """What a family takes, made from one image."""
    column = image[:, 0]
    return {
        "sframe_lines": {"flux": image, "wave": WAVE, "fiber": FIBER, "ivar": np.ones_like(image)},
        "sky_model": {"flux": image + 100, "wave": WAVE, "fiber": FIBER},
        "focal_plane": {
            "x": np.linspace(-300, 300, N),
            "y": np.linspace(-200, 250, N),
            "after": column,
            "before": column + 5,
            "fiber": FIBER,
        },
        "redshift_pileup": {"z": np.abs(column), "fiber": FIBER, "window": (0.5, 1.0)},
        "spectra": {"wave": WAVE, "flux": image[:3], "z": [4.0, 4.1, 4.2], "labels": ["a", "b", "c"]},
        "per_fiber": {"fiber": FIBER, "value": column, "low": -1.0, "high": 1.0},
        "spectrum_stack": {"wave": WAVE, "residual": image[:2], "error": np.ones((2, NW)), "limit": 1.0},
        "amp_map": {"image": image, "wave": WAVE, "fiber": FIBER, "values": {"A": 1.0}},
    }[name]


NAMES = ["sframe_lines", "sky_model", "focal_plane", "redshift_pileup", "spectra", "per_fiber", "spectrum_stack", "amp_map"]


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_a_title_and_is_a_small_png(
    name: str, rng: np.random.Generator, pixels: Callable[..., np.ndarray]
) -> None:
    """At the width of a report, with something drawn on white."""
    image = pixels(name, **arrays_of(name, rng.normal(0, 1, (N, NW))), title="Title of it")
    assert (image < 80).all(axis=2).sum() > 500
    assert (image[-1] > 240).all()


@pytest.mark.parametrize("name", NAMES)
def test_holes_are_no_obstacle(name: str, rng: np.random.Generator, pixels: Callable[..., np.ndarray]) -> None:
    """NaN and infinities are left out, whole rows and columns too."""
    image = rng.normal(0, 1, (N, NW))
    image[1], image[:, 7], image[2, 9], image[4, 0] = np.nan, np.nan, np.inf, -np.inf
    pixels(name, **arrays_of(name, image))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_nothing_says_so_in_words(name: str, texts: Callable[..., str]) -> None:
    """All NaN; never an empty frame that looks like good data."""
    told = texts(name, **arrays_of(name, np.full((N, NW), np.nan)), title="Title of it")
    assert "Title of it" in told
    assert any(phrase in told for phrase in ("No ", "no ")), told


@pytest.mark.parametrize("name", NAMES)
def test_empty_arrays_say_so_in_words(name: str, texts: Callable[..., str]) -> None:
    """A selection may hold no fiber."""
    empty = {
        key: np.empty(0) if isinstance(value, np.ndarray) else value for key, value in arrays_of(name, np.ones((N, NW))).items()
    }
    assert any(phrase in texts(name, **empty) for phrase in ("No ", "no "))


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_has_a_label(name: str, rng: np.random.Generator) -> None:
    """Except those that share one with the panel below, and colour bars, which have a title."""
    figure = draw(name, **arrays_of(name, rng.normal(0, 1, (N, NW))))
    lowest = min(axes.get_position().y0 for axes in figure.axes)
    labelled = [axes for axes in figure.axes if axes.get_xlabel()]
    assert labelled
    assert any(axes.get_position().y0 == lowest for axes in labelled)
    assert any(axes.get_ylabel() for axes in figure.axes)


def test_unknown_pictures_are_refused_with_the_names_that_exist() -> None:
    """A misspelt name must not cost a picture silently."""
    with pytest.raises(SpecQAError, match=r"no picture is named 'skymodel'.*sky_model"):
        draw("skymodel")


def test_unknown_arrays_are_refused_with_those_it_takes() -> None:
    """So is a misspelt array."""
    with pytest.raises(SpecQAError, match=r"picture 'per_fiber'.*'values'; it takes: fiber, value, error"):
        draw("per_fiber", fiber=FIBER, value=FIBER, values=FIBER)


def test_text_from_data_is_not_read_as_mathematics(pixels: Callable[..., np.ndarray]) -> None:
    """A dollar sign in a file name once crashed a night of plots."""
    pixels("per_fiber", fiber=FIBER, value=np.ones(N), title=r"cost $ of \frac{", label="$\\bad{")


def test_pictures_leave_pyplot_alone(rng: np.random.Generator) -> None:
    """No global state, so that thousands of pictures do not pile up in memory."""
    before = set(sys.modules)
    draw("per_fiber", fiber=FIBER, value=rng.normal(0, 1, N))
    assert "matplotlib.pyplot" not in set(sys.modules) - before


def test_noise_is_written_with_fewer_colours_rather_than_more_bytes(rng: np.random.Generator) -> None:
    """A full-size frame of pure noise stays below the limit."""
    image = rng.normal(0, 1, (500, 2326))
    wave = 5760 + 0.8 * np.arange(2326)
    png = to_png(draw("sframe_lines", flux=image, wave=wave, fiber=np.arange(500)))
    assert len(png) <= 260_000
    assert Image.open(io.BytesIO(png)).width > 1200
