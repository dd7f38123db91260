"""--specqa-vectors: what tests keep of every fiber reaches the results, in one process and in many, again after a stop."""

from __future__ import annotations

from pytest_specqa.results import store
from pytest_specqa.vectors import decode

KEEPS = """
import os
from pathlib import Path
import numpy as np

def test_value(specqa_camera, expect, production):
    production.find("sframe", night=specqa_camera.night, expid=specqa_camera.expid, camera=specqa_camera.camera)
    if Path("killed").exists() and specqa_camera.id == "20211014-00104284-r6":
        os._exit(9)
    expect("value", 0.5)
    expect("other", 1)
    with Path("called").open("a") as stream:
        stream.write(f"{specqa_camera.id}\\n")
    first = 500 * specqa_camera.petal
    expect.keep("line_scale", lambda: first + np.arange(3.0), first=first, step=0.5)

def test_broken(specqa_exposure, expect):
    expect("value", 0.5)
    expect.keep("residual", lambda: 1 / 0, first=0, step=0.5)
"""
UNITS = [f"20211014-0010428{number}-r{petal}" for number in (2, 4) for petal in (6, 7)]
WANTED = {unit: [500 * int(unit[-1]) + place for place in (0.0, 1.0, 2.0)] for unit in UNITS}


def kept(path):
    """Values by unit."""
    vectors = [(one["unit"], vector) for one in store.read([path]) for vector in one.get("vectors", [])]
    assert len(vectors) == len(dict(vectors))
    return {unit: decode(vector).values.tolist() for unit, vector in vectors}


def test_results_carry_them_and_what_cannot_be_kept_is_a_warning(project, run, night, pytester):
    project(KEEPS)
    result = run("--specqa-vectors", "--specqa-results", "r.jsonl", "--specqa-results", "r.parquet")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_broken: vector residual of 20211014-00104282 is not kept: ZeroDivisionError*"])
    assert kept(pytester.path / "r.jsonl") == kept(pytester.path / "r.parquet") == WANTED


def test_workers_and_the_ini_file_change_nothing(project, run, night, pytester):
    project(KEEPS)
    run("-o", "specqa_vectors=true", "--specqa-results", "r.jsonl", "-n", "2")
    assert kept(pytester.path / "r.jsonl") == WANTED


def test_otherwise_nothing_is_kept(project, run, night, pytester):
    project(KEEPS)
    assert run("--specqa-results", "r.jsonl").ret == 0
    assert kept(pytester.path / "r.jsonl") == {}


def test_a_run_that_goes_on_takes_them_over(project, run, night, tree, pytester):
    project(KEEPS)
    options = ("--specqa-vectors", "--specqa-results", "r.jsonl")
    (pytester.path / "killed").touch()
    assert pytester.runpytest_subprocess("-p", "no:cacheprovider", f"--specprod={tree.root}", *options).ret == 9
    (pytester.path / "killed").unlink()
    run(*options, "--specqa-resume")
    called = (pytester.path / "called").read_text().split()
    assert sorted(called) == UNITS
    assert kept(pytester.path / "r.jsonl") == WANTED


def test_a_run_that_keeps_them_takes_nothing_over_from_one_that_did_not(project, run, night, tree, pytester):
    project(KEEPS)
    (pytester.path / "killed").touch()
    pytester.runpytest_subprocess("-p", "no:cacheprovider", f"--specprod={tree.root}", "--specqa-results", "r.jsonl")
    (pytester.path / "killed").unlink()
    run("--specqa-vectors", "--specqa-results", "r.jsonl", "--specqa-resume")
    assert len((pytester.path / "called").read_text().split()) > len(UNITS)
    assert kept(pytester.path / "r.jsonl") == WANTED


def test_without_results_there_is_nowhere_to_keep_them(project, run, night):
    project(KEEPS)
    result = run("--specqa-vectors")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--specqa-vectors: needs --specqa-results FILE*"])
