"""Loaded into the second run of a comparison: leaves out the units whose inputs are the same as in the first."""

from __future__ import annotations

from pathlib import Path

import pytest

OPTION = "--specqa-skip-units"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the file that names the units, one a line."""
    parser.addoption(OPTION, dest="specqa_skip_units", metavar="FILE", required=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of these units."""
    units = set(Path(config.getoption("specqa_skip_units")).read_text(encoding="utf-8").split())
    skipped = [item for item in items if getattr(getattr(item, "callspec", None), "id", None) in units]
    if skipped:
        config.hook.pytest_deselected(items=skipped)
        left_out = set(skipped)
        items[:] = [item for item in items if item not in left_out]
