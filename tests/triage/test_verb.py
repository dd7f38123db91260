"""The verb ``specqa triage``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.cli import main
from pytest_specqa.results import store

Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", ["results.jsonl", "results.parquet"])
def test_stored_results_tell_the_same_in_both_forms(
    tmp_path: Path, story_records: Any, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """One finding, headline first; something fails, hence exit code 1."""
    store.write(tmp_path / name, story_records)
    assert main(["triage", str(tmp_path / name)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1. failed: sky model, r cameras of petals 6-8, both exposures of tile 7951: ")
    assert sum(line[:1].isdigit() for line in lines) == 1


def test_findings_are_given_to_programs(tmp_path: Path, story_records: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """With stage, reach, causes, and the records by name."""
    store.write(tmp_path / "results.jsonl", story_records)
    assert main(["triage", "--json", str(tmp_path / "results.jsonl")]) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert (finding["stage"], finding["outcome"], finding["suspects"][0]["name"]) == ("sky", "failed", "sky_model")
    assert finding["reach"]["petals"] == [6, 7, 8]
    assert len(finding["records"]) + len(finding["follows"]) == sum(record["outcome"] == "failed" for record in story_records)


def test_what_is_waived_is_no_finding(tmp_path: Path, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody answers for it."""
    store.write(tmp_path / "results.jsonl", [{**make("sky", "failed"), "waiver": "sky-2021"}, make("frame", "passed")])
    assert main(["triage", str(tmp_path / "results.jsonl")]) == 0
    assert capsys.readouterr().out == "nothing fails and nothing warns\n"


def test_a_missing_file_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and no verdict."""
    assert main(["triage", str(tmp_path / "nothing.jsonl")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
