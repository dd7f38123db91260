"""A production in a notebook: its nights, its products with units, and what a run of pytest says of them."""

from __future__ import annotations

from pytest_specqa.notebook.production import LoadedProduction, load
from pytest_specqa.notebook.units import CameraView, ExposureView, NightView, PetalView, TileView

__all__ = ["CameraView", "ExposureView", "LoadedProduction", "NightView", "PetalView", "TileView", "load"]
