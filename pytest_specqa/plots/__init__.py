"""Pictures for what failed or warned: arrays in, a matplotlib figure out."""

from __future__ import annotations

from pytest_specqa.plots.canvas import stamp, to_png
from pytest_specqa.plots.gallery import FAMILIES, draw
from pytest_specqa.plots.mark import Mark

__all__ = ["FAMILIES", "Mark", "draw", "stamp", "to_png"]
