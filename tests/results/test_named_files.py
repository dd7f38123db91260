"""The file that is named is the file that is judged, whatever its name holds."""

from __future__ import annotations

import os

import duckdb
import pytest

from pytest_specqa.cli import main
from pytest_specqa.errors import ResultsError
from pytest_specqa.results import store

NAMES = (
    "night[1]", "x*", "x?", "a b", "it's", 'quo"te', "100%", "-x", "new\nline", "{a,b}", "$HOME", "back\\slash", "back\\[1]",
    "semi;colon", "'); DROP TABLE found; --", "night=1", "file:x", "[", "]", "**", "n" * 240, os.fsdecode(b"caf\xe9"),
)  # fmt: skip
DECOYS = ("night1", "xx", "x", "a", "b", "backslash", "back1")


@pytest.mark.parametrize("suffix", store.SUFFIXES)
@pytest.mark.parametrize("name", NAMES)
def test_every_way_to_read_takes_the_named_file(tmp_path, monkeypatch, record, name, suffix):
    monkeypatch.chdir(tmp_path)
    for decoy in DECOYS:
        store.write(f"{decoy}{suffix}", [record(expid=2)])
    store.write(f"written{suffix}", [record(expid=1, value=9.0)])
    os.rename(f"written{suffix}", f"./{name}{suffix}")  # noqa: PTH104
    assert [one["expid"] for one in store.read(f"{name}{suffix}")] == [1]
    assert store.scan([f"{name}{suffix}"], connection=duckdb.connect()).project("expid").fetchall() == [(1,)]
    assert main(["gate", "--", f"{name}{suffix}"]) == 1
    assert main(["gate", "--", f"x{suffix}"]) == 0
    assert main(["triage", "--", f"{name}{suffix}"]) == 1


@pytest.mark.parametrize("suffix", store.SUFFIXES)
def test_a_folder_named_like_a_column_adds_none(tmp_path, record, suffix):
    (tmp_path / "night=1").mkdir()
    for expid in (1, 2):
        store.write(tmp_path / f"night=1/{expid}{suffix}", [record(expid=expid)])
    found = store.scan([tmp_path / "night=1/1.*", tmp_path / "night=1/2.*"], connection=duckdb.connect())
    assert {night for (night,) in found.project("night").fetchall()} == {record()["night"]}
    assert {one["night"] for one in store.read([tmp_path / f"night=1/{expid}{suffix}" for expid in (1, 2)])} == {record()["night"]}


@pytest.mark.parametrize("suffix", store.SUFFIXES)
def test_a_temporary_folder_may_have_any_name(tmp_path, monkeypatch, record, suffix):
    strange = tmp_path / "t[1]*"
    strange.mkdir()
    monkeypatch.setattr(store.links, "_folder", lambda: type("Folder", (), {"name": str(strange)}))
    store.write(tmp_path / f"a{suffix}", [record(expid=1)])
    assert store.scan([tmp_path / f"a{suffix}"], connection=duckdb.connect()).project("expid").fetchall() == [(1,)]


def test_a_pattern_in_quotes_is_one_only_where_no_file_has_its_name(tmp_path, record):
    for expid, name in enumerate(("x1", "x2")):
        store.write(tmp_path / f"{name}.jsonl", [record(expid=expid)])
    assert len(store.read(tmp_path / "x*.jsonl")) == 2
    store.write(tmp_path / "x*.jsonl", [record(expid=7)])
    assert [one["expid"] for one in store.read(tmp_path / "x*.jsonl")] == [7]


def test_a_link_to_nothing_is_no_pattern_and_a_pipe_is_no_results_file(tmp_path, record):
    store.write(tmp_path / "night1.jsonl", [record()])
    (tmp_path / "night[1].jsonl").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("night[1].jsonl", "pipe.jsonl"):
        with pytest.raises(ResultsError, match="no regular file"):
            store.read(tmp_path / name)


def test_a_damaged_file_is_named_and_not_its_link(tmp_path, record):
    store.write(tmp_path / "good.parquet", [record()])
    whole = (tmp_path / "good.parquet").read_bytes()
    (tmp_path / "bad[1].parquet").write_bytes(whole[:4] + b"\xff" * 60 + whole[64:])
    files = [tmp_path / "good.parquet", tmp_path / "bad[1].parquet"]
    try:
        store.scan(files, connection=duckdb.connect()).fetchall()
    except duckdb.Error as error:
        told = str(store.damaged(files, error))
        assert told.startswith(str(files[1]))
        assert "specqa-results-" not in told
    else:
        pytest.fail("the damage was not seen")
