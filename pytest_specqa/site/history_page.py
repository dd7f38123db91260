"""The page of what changed over the nights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_specqa.results.history.changes import Change
from pytest_specqa.results.store import write_text
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.site import changes_table, frame


def write(store: Store, changes: Sequence[Change], out: Path, *, site: frame.Site | None = None) -> None:
    """Write the page."""
    site = site or frame.Site.now(store.production, nights=())
    body = ["<h1>What changed over the nights</h1>", changes_table.table(site, changes)]
    write_text(Path(out), frame.page(site, "What changed", body, here="changes.html"))
