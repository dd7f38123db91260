"""Results survive the disk unchanged, and what is no result is refused with its place."""

from __future__ import annotations

import json
import math
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_specqa.errors import ResultsError
from pytest_specqa.results import store
from pytest_specqa.values import Measured


@pytest.fixture
def records(record):
    return [
        record(),
        record(2.0, camera="r7", fibers=[[3500, 3549], [3600, 3649]], waves=[6500.0, 6600.5]),
        record(measured=Measured.impossible("too faint", sensitivity=3.0), camera="r8", versions={"pytest": "9"}),
        record(expid=None, camera=None) | {"waiver": "w1", "waiver_reason": "known", "origin": ["a", 1]},
    ]


@pytest.mark.parametrize("suffix", store.SUFFIXES)
def test_what_was_written_is_read_back_unchanged(tmp_path: Path, records, suffix):
    path = tmp_path / f"results{suffix}"
    assert store.write(path, records) == 4
    assert store.read(path) == records
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_both_formats_scan_to_the_same_rows(tmp_path: Path, records):
    for suffix in store.SUFFIXES:
        store.write(tmp_path / f"results{suffix}", records)
    connection = duckdb.connect()
    lines = store.scan([tmp_path / "results.jsonl"], connection=connection).fetchall()
    columns = store.scan([tmp_path / "results.parquet"], connection=connection).fetchall()
    both = store.scan([tmp_path / "results.*"], connection=connection)
    assert lines == columns
    assert len(both) == 8
    assert both.aggregate("max(value)").fetchall() == [(2.0,)]


@pytest.mark.parametrize("suffix", store.SUFFIXES)
def test_stage_and_products_are_columns(tmp_path: Path, record, suffix):
    path = tmp_path / f"results{suffix}"
    store.write(path, [record(stage="sky", products=["exposures/sky-r6.fits", "exposures/sframe-r6.fits"])])
    (one,) = store.read(path)
    assert (one["stage"], one["products"]) == ("sky", ["exposures/sky-r6.fits", "exposures/sframe-r6.fits"])
    rows = store.scan([path], connection=duckdb.connect()).project("stage, products[2]").fetchall()
    assert rows == [("sky", "exposures/sframe-r6.fits")]


@pytest.mark.parametrize("suffix", store.SUFFIXES)
def test_results_of_a_version_without_them_still_load(tmp_path: Path, record, suffix):
    path, old = tmp_path / f"old{suffix}", record()
    del old["stage"], old["products"]
    if suffix == ".jsonl":
        path.write_text(json.dumps(old) + "\n")
    else:
        pq.write_table(pa.Table.from_pylist([{**old, "versions": "{}", "extra": None}]), path)
    assert store.read(path) == [old]
    assert store.scan([path], connection=duckdb.connect()).project("stage, products").fetchall() == [(None, None)]
    store.write(tmp_path / f"again{suffix}", store.read(path))
    assert store.read(tmp_path / f"again{suffix}") == [old]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{", "results.jsonl:2: is no JSON object"),
        ("[]", "results.jsonl:2: found list, expected one JSON object"),
        ('{"unit": "a"}', "results.jsonl:2: 'expectation' is None, expected text"),
        ('{"unit": "a", "expectation": "b", "measure": "c", "outcome": "fine"}', "results.jsonl:2: outcome 'fine' is unknown"),
        (
            '{"unit": "a", "expectation": "b", "measure": "c", "outcome": "passed", "value": NaN}',
            "results.jsonl:2: is no JSON object",
        ),
        ('{"unit": "a", "expectation": "b", "measure": "c", "outcome": "passed", "value": "1"}', "results.jsonl:2: 'value' is '1'"),
        ('{"unit": "a", "expectation": "b", "measure": "c", "outcome": "passed", "night": 1.5}', "results.jsonl:2: 'night' is 1.5"),
        (
            '{"unit": "a", "expectation": "b", "measure": "c", "outcome": "passed", "products": "sky.fits"}',
            "results.jsonl:2: 'products' is 'sky.fits', expected a list of file names",
        ),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, record, line, found):
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(record()) + "\n" + line + "\n")
    with pytest.raises(ResultsError) as caught:
        store.read(path)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.parquet"])
def test_no_measurement_is_no_result(tmp_path: Path, name):
    path = tmp_path / name
    store.write(path, [])
    for use in (store.read, lambda given: store.scan([given], connection=duckdb.connect())):
        with pytest.raises(ResultsError, match="holds no measurements"):
            use(path)


def test_a_name_that_is_no_results_file_is_refused(tmp_path: Path):
    (tmp_path / "results.csv").write_text("unit\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 but not really")
    for name, message in [
        ("results.csv", "no results file"),
        ("nothing*.jsonl", "no such results file"),
        ("broken.parquet", "no Parquet"),
    ]:
        with pytest.raises(ResultsError, match=message):
            store.read(tmp_path / name)


def test_a_parquet_of_something_else_is_refused_by_sql_too(tmp_path: Path):
    duckdb.connect().execute(f"COPY (SELECT 1 AS apples) TO '{tmp_path}/fruit.parquet'")
    with pytest.raises(ResultsError, match="has no column 'unit'"):
        store.scan([tmp_path / "fruit.parquet"], connection=duckdb.connect())


def test_a_record_that_cannot_be_judged_leaves_no_file(tmp_path: Path, record):
    with pytest.raises(ResultsError, match=r"measurement 2 for results\.parquet: 'value' is inf"):
        store.write(tmp_path / "results.parquet", [record(), record() | {"value": math.inf}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("error", "said"), [(OSError(5, "Input/output error"), "Input/output error"), (OSError("gone"), "gone")])
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, record, monkeypatch, error, said):
    path = tmp_path / "results.jsonl"
    store.write(path, [record()])

    def fail(*_):
        raise error

    monkeypatch.setattr(store, "_read_jsonl", fail)
    with pytest.raises(ResultsError, match=rf"results.jsonl: cannot be read \({said}\)"):
        store.read(path)


def test_files_with_other_columns_are_one_table_for_sql(tmp_path: Path, record):
    store.write(tmp_path / "new.parquet", [record(1.0), record(2.0, camera="r7")])
    table = pq.read_table(tmp_path / "new.parquet")
    pq.write_table(
        table.drop_columns(["survey"]).select(["value", "unit", "expectation", "measure", "outcome"]), tmp_path / "old.parquet"
    )
    found = store.scan([str(tmp_path / "*.parquet")], connection=duckdb.connect())
    assert sorted(found.project("value, survey").fetchall(), key=str) == [(1.0, "main"), (1.0, None), (2.0, "main"), (2.0, None)]


def test_more_measurements_than_a_batch_are_all_written(tmp_path: Path, record, monkeypatch):
    monkeypatch.setattr(store, "ROWS_PER_BATCH", 2)
    many = [record(expid=number) for number in range(5)]
    assert store.write(tmp_path / "results.parquet", many) == 5
    assert store.read(tmp_path / "results.parquet") == many
