"""Pictures for what failed or warned: arrays in, a matplotlib figure out."""

from __future__ import annotations

from pytest_specqa.plots.canvas import stamp, to_png
from pytest_specqa.plots.gallery import FAMILIES, draw

__all__ = ["FAMILIES", "draw", "stamp", "to_png"]
