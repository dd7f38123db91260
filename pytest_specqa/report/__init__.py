"""What the HTML page shows: functions for the hooks of pytest-html."""

from __future__ import annotations

from pytest_specqa.report.gather import of as gathered
from pytest_specqa.report.page import configure, finished, row, summary, take, title

__all__ = ["configure", "finished", "gathered", "row", "summary", "take", "title"]
