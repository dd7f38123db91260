"""Damaged parts of a store, and every verb that asks it: one line, exit code 2, and never an answer from less than there is."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from pytest_specqa.cli import main
from pytest_specqa.errors import ResultsError, SpecQAError
from pytest_specqa.results.storing import asking
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.storing.reading import read_part
from pytest_specqa.run.trends import Trends
from pytest_specqa.vectors import Vector, encode

NIGHTS = [20220100 + day for day in range(1, 26)]
PARTS = ("records", "vectors")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator, root = np.random.default_rng(2), tmp_path_factory.mktemp("sound") / "store"
    empty = dict.fromkeys(("error", "low", "warn_low", "warn_high", "sensitivity", "needs", "waves", "petal"))
    records = [
        {
            "unit": f"{night}-{expid:08d}-r6", "kind": "camera", "night": night, "expid": expid, "tile": 100, "camera": "r6",
            "expectation": "test_it", "measure": "line_evenness", "value": 1 + 0.1 * generator.normal(), "value_unit": "",
            "high": 4.0, "severity": "fail", "outcome": "passed", "fibers": [], "product": "", "source": "", "message": "",
            "survey": "main", "program": "dark", "waiver": "", "versions": {"production": "iron"},
            "code": "c", "limits": "l", "inputs": f"{expid}",
            "vectors": [encode(Vector("residual", 3000, generator.normal(size=(50, 2)), 0.25, (6000.0, 6500.0, 7000.0)))],
        } | empty
        for night in NIGHTS for expid in (10 * night, 10 * night + 1)
    ]  # fmt: skip
    Store.create(root, production="iron").add(records)
    return root


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "store"))


def part_of(root: Path, kind: str) -> Path:
    """Return a part in the middle."""
    return sorted((root / kind).rglob("*.parquet"))[12]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def be_text(path: Path) -> None:
    path.write_text("unit,night\n" * 100)


def be_empty(path: Path) -> None:
    path.write_bytes(b"")


def lack_a_column(path: Path) -> None:
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(["value" if "value" in table.column_names else "camera"]), path)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, len(data) // 3 + 60):
        data[place] ^= 0xFF
    path.write_bytes(bytes(data))


def _words(verb: str, root: Path, out: Path) -> list[str]:
    return {
        "check": ["store", "check", str(root)],
        "export": ["store", "export", str(root), str(out / "x.jsonl")],
        "history": ["history", str(root)],
        "calibrate": ["limits", "calibrate", str(root), "--out", str(out / "limits.toml")],
        "verify": ["limits", "calibrate", str(root), "--verify"],
        "site": ["site", str(root), "--out", str(out / "site"), "--processes", "1"],
        "watch": ["watch", str(out / "iron"), "--store", str(root), "--site", str(out / "site"), "--once"],
    }[verb]


@pytest.fixture
def ask(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[int, list[str]]]:
    """Carry out a verb, or what a run asks before it judges; return its exit code and its lines."""
    (tmp_path / "iron" / "exposures").mkdir(parents=True)
    (tmp_path / "iron" / "tiles").mkdir()

    def run(verb: str) -> tuple[int, list[str]]:
        if verb == "run":
            try:
                Trends(store, "iron").verify([20220201])
            except SpecQAError as error:
                return 2, str(error).splitlines()
            return 0, []
        code = main(_words(verb, store, tmp_path))
        told = capsys.readouterr()
        return code, (told.err or told.out).splitlines()

    return run


RECORD_VERBS = ("history", "calibrate", "verify", "site", "watch", "run", "export")


@pytest.mark.parametrize("damage", [truncate, be_text, be_empty, lack_a_column])
@pytest.mark.parametrize("verb", RECORD_VERBS)
def test_a_damaged_part_of_records_ends_each_verb_in_one_line(store: Path, ask: Any, verb: str, damage: Any) -> None:
    damage(part_of(store, "records"))
    code, lines = ask(verb)
    assert (code, len(lines)) == (2, 1), lines
    assert "specqa store check" in lines[0]
    assert "Traceback" not in lines[0]
    # DuckDB is given links in a folder for temporary files; the file of the user is what is named.
    assert "specqa-results-" not in lines[0]


@pytest.mark.parametrize("damage", [truncate, be_text, be_empty, lack_a_column])
@pytest.mark.parametrize("verb", ["history", "site", "watch"])
def test_a_damaged_part_of_vectors_ends_what_reads_them_in_one_line(store: Path, ask: Any, verb: str, damage: Any) -> None:
    damage(part_of(store, "vectors"))
    code, lines = ask(verb)
    assert (code, len(lines)) == (2, 1), lines


@pytest.mark.parametrize("kind", PARTS)
def test_flipped_bytes_are_no_traceback(store: Path, ask: Any, kind: str) -> None:
    flip(part_of(store, kind))
    assert ask("check")[0] == 1
    for verb in RECORD_VERBS:
        code, lines = ask(verb)
        assert code in (0, 1, 2)
        assert code < 2 or len(lines) == 1, lines


@pytest.mark.parametrize("kind", PARTS)
def test_a_single_flipped_bit_in_any_column_is_found(store: Path, kind: str) -> None:
    """Also where it would only make another value of it, as in a number or a text."""
    path = part_of(store, kind)
    sound, told = path.read_bytes(), pq.read_metadata(path).row_group(0)
    assert read_part(path).num_rows
    for column in map(told.column, range(told.num_columns)):
        start = column.dictionary_page_offset or column.data_page_offset
        damaged = bytearray(sound)
        damaged[start + column.total_compressed_size - 1] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(ResultsError, match="see specqa store check"):
            read_part(path)


@pytest.mark.parametrize("verb", [*RECORD_VERBS, "check"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda label: label.unlink(), "is no store"),
        (lambda label: label.write_text(json.dumps({"format": 99, "production": "iron"})), "is of format 99, expected 1"),
        (lambda label: label.write_text("{"), "is damaged"),
    ],
)
def test_a_store_that_is_none_or_of_another_version_ends_each_verb(
    store: Path, ask: Any, verb: str, change: Any, told: str
) -> None:
    change(store / "store.json")
    code, lines = ask(verb)
    assert (code, len(lines)) == (2, 1), lines
    # A watch makes a store where there is none, but not in a folder that holds something.
    assert re.search(told, lines[0])


def test_a_part_that_vanishes_while_it_is_asked_is_asked_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compaction of another process does: between the look at the folder and the query."""
    opened, made = Store.open(store), asking.make_views
    once: list[int] = []

    def then_compacted(*args: Any, **more: Any) -> None:
        made(*args, **more)
        if not once:
            once.append(1)
            part = part_of(store, "records")
            part.rename(part.with_name(f"{'f' * 16}-once.parquet"))

    monkeypatch.setattr(asking, "make_views", then_compacted)
    counted = opened.ask(lambda connection: connection.sql("SELECT count(*) FROM records").fetchall()[0][0])
    assert (counted, once) == (2 * len(NIGHTS), [1])


def test_what_is_wrong_with_a_query_is_no_fault_of_the_store(store: Path) -> None:
    with pytest.raises(duckdb.ParserException):
        Store.open(store).ask(lambda connection: connection.sql("SELEC 1"))
