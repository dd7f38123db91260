"""``--specqa-store``: a run adds what it judged to the store of its production when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_specqa.errors import SpecQAError
from pytest_specqa.run import keeping, session, writable

if TYPE_CHECKING:
    import pytest

    from pytest_specqa.values import Record


def verify(config: pytest.Config) -> None:
    """Make the store, or see whether it takes what this run will judge, before anything is judged.

    Raises
    ------
    UsageError
        In one line: if the folder is no store, is that of another production, or cannot be written.
    """
    running = session.of(config)
    root = running.options.store
    if root is None or running.is_worker or writable.idle(config) or not running.announced:
        return
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415
    from pytest_specqa.results.storing.shelf import make_folder  # noqa: PLC0415
    from pytest_specqa.results.writable import verify as verify_file  # noqa: PLC0415

    with session.usage_errors():
        store = Store.create(root, production=running.production.name)
        verify_file(store.root / ".probe", option="--specqa-store")
        make_folder(store.records.root)
        verify_file(store.records.root / ".probe", option="--specqa-store")


def add(config: pytest.Config, records: list[Record]) -> tuple[bool, str]:
    """Add what was judged; tell whether that could be done, and say what became of it.

    Returns
    -------
    bool, str
        The line is empty for a run without a store, or that judged nothing.
    """
    running = session.of(config)
    root = running.options.store
    if root is None or not records:
        return True, ""
    # What writes it needs as much memory as the products of two cameras.
    running.release()
    from pytest_specqa.results.storing.dataset import Store  # noqa: PLC0415

    try:
        added = Store.create(root, production=running.production.name).add(records, again=True)
    except (SpecQAError, OSError) as error:
        return False, f"store NOT written: {error}"
    return True, f"{added.told} in the store {keeping.short(root)}"
