"""What the HTML page shows: functions for the hooks of pytest-html."""

from __future__ import annotations

from pytest_specqa.report.gather import of as gathered
from pytest_specqa.report.page import configure, finish, row, summary, take, title

__all__ = ["configure", "finish", "gathered", "row", "summary", "take", "title"]
