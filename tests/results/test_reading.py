"""Results files that are no regular files, have no line ends, or hold more than there is memory for are refused in a line."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from pytest_specqa.errors import ResultsError
from pytest_specqa.results import store

SUFFIXES = pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])


def refusal(path: Path, *, most: int | None = None) -> str:
    with pytest.raises(ResultsError) as caught:
        store.read(path, **({} if most is None else {"most": most}))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@SUFFIXES
def test_a_fifo_is_not_waited_for(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    os.mkfifo(path)
    assert "regular file" in refusal(path)


def test_a_device_is_not_read_without_end(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.symlink_to("/dev/zero")
    assert "regular file" in refusal(path)


def test_a_line_without_end_is_not_taken_into_memory(tmp_path: Path, record) -> None:
    path = tmp_path / "x.jsonl"
    store.write(path, [record()])
    with path.open("ab") as file:
        file.truncate(300_000_000)
    tracemalloc.start()
    said = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said == f"{path}:2: is longer than 1 MB; the file is damaged or was not written by pytest"
    assert peak < 10_000_000


def test_a_line_as_long_as_one_may_be_is_read(tmp_path: Path, record) -> None:
    path = tmp_path / "x.jsonl"
    line = json.dumps({**record(), "message": ""})
    path.write_text(json.dumps({**record(), "message": "x" * (store.MOST_LINE - len(line) - 1)}) + "\n", encoding="utf-8")
    assert len(store.read(path)) == 1


@SUFFIXES
def test_more_measurements_than_asked_for_are_refused_before_they_are_read(
    tmp_path: Path, record, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"x{suffix}"
    store.write(path, [record(), record(), record()])
    assert len(store.read(path, most=3)) == 3
    monkeypatch.setattr(store, "check", None)
    said = refusal(path, most=2)
    assert said == f"{path}: holds 3 measurements, expected at most 2; give the results of fewer nights"


def test_records_share_their_texts_and_not_their_lists(tmp_path: Path, record) -> None:
    path = tmp_path / "x.jsonl"
    store.write(path, [{**record(), "products": ["a.fits"]}] * 2)
    one, other = store.read(path)
    assert one == other
    assert next(iter(one)) is next(iter(other))
    assert one["message"] is other["message"]
    assert one["products"][0] is other["products"][0]
    assert one["products"] is not other["products"]
