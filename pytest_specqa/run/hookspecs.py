"""The hooks that a survey or a project may implement; each is one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest


@pytest.hookspec
def pytest_specqa_limits(config: pytest.Config) -> Path | Iterable[Path] | None:
    """Return limits files that lie above the project's limits.toml and below the user's --specqa-limits."""


@pytest.hookspec
def pytest_specqa_record(config: pytest.Config, record: dict[str, Any]) -> None:
    """Receive each record once, in the controlling process, when it arrives and before it is stored."""
