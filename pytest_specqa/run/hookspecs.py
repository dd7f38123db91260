"""The hooks that a survey or a project may implement; each is one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_specqa.values import Record

if TYPE_CHECKING:
    from pytest_specqa.archive import Archive


@pytest.hookspec(firstresult=True)
def pytest_specqa_archive(config: pytest.Config, specprod: str | None) -> Archive | None:
    """Return the reader of what the user gave to --specprod, or None if it is not of your survey; DESI's is the last resort."""


@pytest.hookspec
def pytest_specqa_limits(config: pytest.Config) -> Path | Iterable[Path] | None:
    """Return limits files that lie above the project's limits.toml and below the user's --specqa-limits."""


@pytest.hookspec
def pytest_specqa_record(config: pytest.Config, record: Record) -> None:
    """Receive each record once, in the controlling process, when it arrives and before it is stored."""
