"""The verb ``specqa look``: one line for each mistake, and no half-written page."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_specqa.cli import main
from pytest_specqa.look import embed

from .conftest import EXPID, NIGHT, Written


def look(written: Written, out: Path, *more: str, night: int = NIGHT, expid: int = EXPID) -> int:
    given = ["--night", str(night), "--expid", str(expid), "--out", str(out)]
    return main(["look", str(written.production.root), *given, *more])


def test_a_page_is_written_and_named(written: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert look(written, tmp_path / "page.html", "--camera", "r7", "--fibers", "3500-3524") == 0
    assert (tmp_path / "page.html").stat().st_size > 1e6
    assert capsys.readouterr().out.startswith(f"page: {tmp_path}/page.html (")


@pytest.mark.parametrize(
    ("given", "more", "told"),
    [
        ({"expid": 104283}, (), "nearest: 104284, 104286"),
        ({"night": 20211013}, (), "nearest: 20211014"),
        ({}, ("--camera", "z6"), "has no such camera"),
        ({}, ("--waves", "none"), "--waves"),
        ({}, ("--results", "absent.jsonl"), "no such results file"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    written: Written,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, int],
    more: tuple[str, ...],
    told: str,
) -> None:
    assert look(written, tmp_path / "page.html", *more, **given) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["absent/page.html", "page.png"])
def test_a_page_that_cannot_be_written_is_refused_before_any_work(
    written: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert look(written, tmp_path / name) == 2
    assert "--out" in capsys.readouterr().err


def test_without_bokeh_the_extra_is_named(
    written: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "find_spec", lambda _: None)
    assert look(written, tmp_path / "page.html") == 2
    assert capsys.readouterr().err.count("pip install 'pytest-specqa[look]'") == 1
