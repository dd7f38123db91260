"""A tiny demo production, written once: one camera in four exposures."""

from __future__ import annotations

from pathlib import Path

import pytest

# Runs in this process forget what they import, and numpy cannot be imported twice.
import pytest_specqa.notebook
from pytest_specqa.demo import write_production


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The night before the fix of the sky model, petal 6, band r."""
    root = tmp_path_factory.mktemp("notebook") / "made"
    return write_production(root, petals=[6], variants=["before"], progress=False, workers=1) / "before"


@pytest.fixture(scope="session")
def camera(demo: Path) -> pytest_specqa.notebook.CameraView:
    """The camera in which the story is told, judged once for all tests."""
    view = pytest_specqa.notebook.load(demo).camera(20211014, 104284, "r6")
    assert view.records
    return view
