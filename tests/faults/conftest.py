"""Projects to strike."""

from __future__ import annotations

from pathlib import Path

import pytest

from .struck import TOTAL, Project, Rows, rows


@pytest.fixture
def made(tmp_path: Path) -> Project:
    """A project of this test."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What a run gives to which nothing happens."""
    made = Project(tmp_path_factory.mktemp("undisturbed"))
    done = made.run()
    assert done.returncode == 1, done.stdout + done.stderr
    found = rows(made.target)
    assert len(found) == TOTAL
    assert not made.journal.exists()
    return found
