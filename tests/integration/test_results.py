"""What --specqa-results stores."""

from __future__ import annotations

import json

import pytest

from pytest_specqa.results import store

MIXED = """
from pytest_specqa.values import Measured

def test_value(specqa_camera, expect):
    expect("value", 2.5 if specqa_camera.camera == "r6" else 0.5)
    expect("other", Measured(1, error=0.1, fibers=((3000, 3001),), waves=(6500.0, 6600.0), sensitivity=0.1))

def test_exposure(specqa_exposure, expect):
    if specqa_exposure.expid == 104282:
        raise RuntimeError("x")
    expect("value", 1.5)

def test_petal(specqa_petal, expect):
    expect("value", Measured.impossible("too few"))
"""


def test_one_line_holds_one_measurement_with_all_that_is_known(project, run, night, records):
    project(MIXED)
    run("--specqa-results", "r.jsonl")
    found = {(one["unit"], one["expectation"], one["measure"]): one for one in records()}
    assert len(found) == 12
    one = found["20211014-00104284-r6", "test_value", "other"]
    assert {
        "night": 20211014,
        "expid": 104284,
        "camera": "r6",
        "value": 1.0,
        "error": 0.1,
        "high": 2.0,
        "severity": "fail",
        "outcome": "passed",
        "sensitivity": 0.1,
        "fibers": [[3000, 3001]],
        "waves": [6500.0, 6600.0],
        "source": "another test",
    }.items() <= one.items()
    assert one["versions"]["pytest-specqa"]
    assert found["20211014-00104284-r6", "test_value", "value"]["value_unit"] == "m"
    assert found["7951-20211014-petal6", "test_petal", "value"]["outcome"] == "not measured"


def test_workers_change_nothing(project, run, night, pytester):
    project(MIXED)
    run("--specqa-results", "r.jsonl")
    run("--specqa-results", "two.jsonl", "-n", "2")
    one, two = ([json.loads(line) for line in (pytester.path / name).read_text().splitlines()] for name in ("r.jsonl", "two.jsonl"))
    assert {record.pop("run") for record in one}.isdisjoint({record.pop("run") for record in two})
    assert two == one
    assert {record["planned"] for record in one} == {8}


def test_lines_are_sorted_by_unit_expectation_and_measure(project, run, night, records):
    project(MIXED)
    run("--specqa-results", "r.jsonl")
    keys = [(one["unit"], one["expectation"], one["measure"]) for one in records()]
    assert keys == sorted(keys)


def test_several_files_can_be_written_at_once(project, run, night, pytester):
    project(MIXED)
    run("--specqa-results", "r.jsonl", "--specqa-results", "r.parquet")
    assert len(store.read([pytester.path / "r.parquet"])) == len(store.read([pytester.path / "r.jsonl"])) == 12


def test_an_interrupted_run_stores_what_it_has(project, run, night, records):
    project(MIXED)
    run("-x", "--specqa-results", "r.jsonl")
    assert {one["unit"] for one in records()} == {"20211014-00104282-r6"}


def test_results_that_cannot_be_delivered_fail_the_run(project, run, night, monkeypatch):
    def refuse(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("pytest_specqa.results.store.write", refuse)
    project()
    result = run("--specqa-results", "r.jsonl")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["results NOT written: *No space left on device"])


def test_a_project_can_listen_to_records(project, run, night, pytester):
    project()
    pytester.makeconftest(
        """
import json
def pytest_specqa_record(config, record):
    with open("heard.jsonl", "a") as stream:
        stream.write(json.dumps(record) + "\\n")
"""
    )
    run("-n", "2")
    heard = [json.loads(line)["unit"] for line in (pytester.path / "heard.jsonl").read_text().splitlines()]
    assert sorted(heard) == [f"20211014-{expid:08d}-{camera}" for expid in (104282, 104284) for camera in ("r6", "r7")]


def test_results_of_an_earlier_run_survive_one_that_comes_to_nothing_and_are_said_to_be_old(project, run, night, pytester):
    project()
    run("--specqa-results", "r.jsonl")
    earlier = (pytester.path / "r.jsonl").read_bytes()
    run("--specqa-results", "r.jsonl", "--co")
    assert (pytester.path / "r.jsonl").exists()
    result = run("--specqa-results", "r.jsonl", "--night", 20300101)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert (pytester.path / "r.jsonl").read_bytes() == earlier
    assert "r.jsonl: still the results of an earlier run" in str(result.stdout)
