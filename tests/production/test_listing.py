"""What a production holds is told by the names of its folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_specqa.production.listing import folder_numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("20211015", "20211014", "00104284", "tmp", "20211014.old"):
        (tmp_path / name).mkdir()
    (tmp_path / "20211016").write_text("no folder", encoding="utf-8")
    return tmp_path


def test_folders_named_by_a_number_are_listed_in_order(folder: Path) -> None:
    assert folder_numbers(folder) == [104284, 20211014, 20211015]


def test_only_numbers_of_so_many_digits_as_written(folder: Path) -> None:
    (folder / "104285").mkdir()
    assert folder_numbers(folder, digits=6) == [104285]


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert folder_numbers(tmp_path / "none") == []
