"""Arrays of one camera, small enough to draw in no time."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_specqa.plots import draw, to_png


@pytest.fixture
def rng() -> np.random.Generator:
    """The same noise in every run."""
    return np.random.default_rng(20211014)


@pytest.fixture
def pixels() -> Callable[..., np.ndarray]:
    """A function that draws a picture, writes it as PNG and reads the pixels back, as RGB."""

    def render(name: str, **arrays: Any) -> np.ndarray:
        png = to_png(draw(name, **arrays))
        assert len(png) < 300_000
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)

    return render


@pytest.fixture
def texts() -> Callable[..., str]:
    """A function that draws a picture and returns all its words."""

    def words(name: str, **arrays: Any) -> str:
        figure = draw(name, **arrays)
        figure.canvas.draw()
        parts = [text.get_text() for text in figure.texts]
        for axes in figure.axes:
            parts += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel(), *(text.get_text() for text in axes.texts)]
            legend = axes.get_legend()
            parts += [text.get_text() for text in legend.get_texts()] if legend else []
        return "\n".join(parts)

    return words
