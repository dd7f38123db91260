"""The verb ``specqa store``."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from pytest_specqa.checks.whole import extent
from pytest_specqa.cli import main
from pytest_specqa.results import store as results
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.vectors import Vector, encode


@pytest.fixture
def specqa(capsys):
    """Carry out a verb; return its exit code, and its lines."""

    def run(*words):
        code = main([str(word) for word in words])
        told = capsys.readouterr()
        return code, (told.out + told.err).splitlines()

    return run


@pytest.fixture
def filled(tmp_path, judged):
    """Make a store of two nights, one of which has two parts."""
    store = Store.create(tmp_path / "store", production="iron")
    store.add([judged() | {"vectors": [encode(Vector("residual", 3000, np.arange(4.0), 0.25))]}, judged(night=20220102)])
    store.add([judged(expid=8)])
    return store


def test_results_are_added_once_and_a_run_that_is_not_whole_is_said_so(tmp_path, judged, specqa):
    whole = [judged(run="a", planned=1)]
    results.write(tmp_path / "whole.jsonl", whole)
    results.write(tmp_path / "part.parquet", [judged(night=20220102, run="b", planned=3)])
    code, lines = specqa("store", "add", tmp_path / "whole.jsonl", tmp_path / "part.parquet", "--store", tmp_path / "store")
    assert (code, lines) == (
        0,
        [
            f"{tmp_path}/whole.jsonl: 1 measurement added",
            f"{tmp_path}/part.parquet: 1 measurement added",
            f"{tmp_path}/part.parquet: NOT WHOLE: 1 of 3 checks judged; what it holds is added",
        ],
    )
    code, lines = specqa("store", "add", tmp_path / "whole.jsonl", "--store", tmp_path / "store")
    assert (code, lines) == (0, [f"{tmp_path}/whole.jsonl: 0 measurements added, 1 were there"])


def test_what_is_refused_leaves_the_store_as_it_was(tmp_path, judged, specqa, filled):
    before = sorted(filled.root.rglob("*.parquet"))
    results.write(tmp_path / "other.jsonl", [judged(versions={"production": "fuji"})])
    results.write(tmp_path / "mixed.jsonl", [judged(value=8.0), judged(versions={"production": "fuji"})])
    results.write(tmp_path / "nameless.jsonl", [judged(versions={})])
    (tmp_path / "damaged.jsonl").write_text('{"unit": ')
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").touch()
    results.write(tmp_path / "good.jsonl", [judged()])
    for name, store, told in (
        ("other.jsonl", filled.root, "store of production 'iron', not of 'fuji'"),
        ("mixed.jsonl", filled.root, "several productions ('fuji', 'iron')"),
        ("nameless.jsonl", filled.root, "no production"),
        ("damaged.jsonl", filled.root, "is no JSON object"),
        ("good.jsonl", tmp_path / "thesis", "is no store and holds 'chapter.txt'"),
        ("good.jsonl", tmp_path / "good.jsonl", "is no folder"),
    ):
        code, lines = specqa("store", "add", tmp_path / name, "--store", store)
        assert (code, len(lines)) == (2, 1), lines
        assert told in lines[0]
    assert sorted(filled.root.rglob("*.parquet")) == before


def test_a_sound_store_is_called_so(specqa, filled):
    code, lines = specqa("store", "check", filled.root)
    assert code == 0
    assert lines == [f"{filled.root}: production iron, 2 nights, 3 measurements (3 current), 1 vector; every part is whole"]


def cut_short(store):
    part = store.records.parts(20220101)[0]
    part.write_bytes(part.read_bytes()[:-20])


def wrong_columns(store):
    part = store.records.parts(20220102)[0]
    pq.write_table(pq.ParquetFile(part).read().drop_columns(["value"]), part)


def wrong_night(store):
    store.records.parts(20220102)[0].rename(store.records.folder(20220101) / ("0" * 16 + ".parquet"))


def leftover(store):
    (store.records.folder(20220101) / ".0123456789abcdef.parquet.abc").touch()


def stranger(store):
    (store.records.root / "notes.txt").touch()


def doubled(store):
    part = store.records.parts(20220102)[0]
    (part.parent / ("1" * 16 + ".parquet")).write_bytes(part.read_bytes())


def broken_vector(store):
    (part,) = store.kept.parts(20220101)
    table = pq.ParquetFile(part).read()
    pq.write_table(table.set_column(table.column_names.index("data"), "data", pa.array([b"x"])), part)


def lost_records(store):
    for part in store.records.parts(20220101):
        part.unlink()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (cut_short, "cannot be read"),
        (wrong_columns, "it lacks value"),
        (wrong_night, "1 unit of another night than 20220101, such as 20220102-00000007-r6"),
        (leftover, "is left of a process that was stopped; specqa store compact removes it"),
        (stranger, "is no folder of a night"),
        (doubled, "1 row of its 2 parts is there twice"),
        (broken_vector, "vector 'residual'"),
        (lost_records, "vectors of 1 unit without measurements"),
    ],
)
def test_what_is_wrong_with_a_store_is_told_in_a_line_each(specqa, filled, damage, told):
    damage(filled)
    code, lines = specqa("store", "check", filled.root)
    assert code == 1
    assert told in lines[0]
    assert all(line.startswith(str(filled.root)) for line in lines)


def test_a_damaged_part_ends_queries_in_one_line(tmp_path, specqa, filled):
    (part, _) = filled.records.parts(20220101)
    part.write_bytes(part.read_bytes()[:100])
    for words in (("export", filled.root, tmp_path / "x.jsonl"), ("compact", filled.root)):
        code, lines = specqa("store", *words)
        assert (code, len(lines)) == (2, 1), lines
        assert "see specqa store check" in lines[0]
    assert not (tmp_path / "x.jsonl").exists()


def test_compacting_leaves_one_part_of_a_night_and_only_of_those_asked_for(specqa, filled, judged):
    filled.add([judged(night=20220102, camera="b3")])
    (filled.records.folder(20220101) / ".0123456789abcdef.parquet.abc").touch()
    assert specqa("store", "compact", filled.root, "--night", "20220101") == (
        0,
        ["20220101: 2 parts, 2 rows, 1 leftover removed", f"{filled.root}: 1 night compacted"],
    )
    assert [len(filled.records.parts(night)) for night in filled.nights] == [1, 2]
    specqa("store", "compact", filled.root)
    assert [len(filled.records.parts(night)) for night in filled.nights] == [1, 1]
    assert specqa("store", "compact", filled.root) == (0, [f"{filled.root}: nothing to do"])
    assert specqa("store", "check", filled.root)[0] == 0


@pytest.mark.parametrize("suffix", results.SUFFIXES)
def test_export_gives_back_what_was_added(tmp_path, judged, specqa, suffix):
    digests = {"code": "c", "limits": "l", "inputs": "i"}
    given = [
        judged(run="a", planned=1, detail="a phrase", **digests),
        judged(night=20220102, value=None, outcome="not measured", products=["a", "b"]),
    ]
    store = Store.create(tmp_path / "store", production="iron")
    store.add(given)
    out = tmp_path / f"out{suffix}"
    assert specqa("store", "export", store.root, out) == (0, [f"{out}: 2 measurements of production iron"])
    assert results.read(out) == given
    assert specqa("store", "export", store.root, out, "--night", "20220102:20220131")[0] == 0
    assert results.read(out) == given[1:]
    code, lines = specqa("store", "export", store.root, out, "--night", "20230101")
    assert (code, lines) == (
        2,
        [f"specqa store: {store.root}: holds no night of 20230101:20230101; it holds 20220101 to 20220102"],
    )


def test_what_a_later_run_judged_again_does_not_make_the_first_look_cut_short(tmp_path, judged, specqa):
    store, out = Store.create(tmp_path / "store", production="iron"), tmp_path / "out.jsonl"

    def run(name, planned, code, *cameras):
        digests = {"code": code, "limits": "l", "inputs": "i"}
        store.add([judged(camera=camera, run=name, planned=planned, **digests) for camera in cameras])

    run("whole", 2, "c", "r6", "b3")
    run("newer", 1, "d", "b3")
    specqa("store", "export", store.root, out)
    assert not extent(results.read(out)).told
    # One that was cut short looks so, until a whole one has judged all that it judged.
    run("cut short", 3, "e", "r6", "b3")
    specqa("store", "export", store.root, out)
    assert extent(results.read(out)).told.startswith("2 of 3 checks judged")
    run("at last", 3, "e", "r6", "b3", "z0")
    specqa("store", "export", store.root, out)
    assert len(results.read(out)) == 3
    assert not extent(results.read(out)).told


def test_other_programs_read_the_parts_with_the_night_from_their_folders(filled):
    pattern = filled.records.root / "*" / "*.parquet"
    query = f"SELECT night, unit FROM read_parquet('{pattern}', hive_partitioning = true) ORDER BY ALL"
    assert duckdb.sql(query).fetchall() == [
        (20220101, "20220101-00000007-r6"),
        (20220101, "20220101-00000008-r6"),
        (20220102, "20220102-00000007-r6"),
    ]
    # As pandas reads it.
    table = pq.read_table(filled.records.root, filters=[("night", "=", 20220102)])
    assert table.column("unit").to_pylist() == ["20220102-00000007-r6"]
    dataset = pyarrow.dataset.dataset(filled.kept.root, partitioning="hive")
    assert dataset.to_table(columns=["night", "name"]).to_pylist() == [{"night": 20220101, "name": "residual"}]


def test_a_store_of_any_name_is_asked(tmp_path, judged):
    store = Store.create(tmp_path / "night=1" / "it's [a] *store?", production="iron")
    store.add([judged()])
    assert len(store.measures()) == 1
    with store.connect() as connection:
        assert connection.execute("SELECT night FROM records").fetchall() == [(20220101,)]


def test_an_export_into_the_store_is_refused(specqa, filled):
    code, lines = specqa("store", "export", filled.root, Path(filled.root) / "records" / "x.parquet")
    assert code == 2
    assert "lies in the store" in lines[0]
