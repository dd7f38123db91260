"""The stage that an expectation declares, from its marker to the sentence of the run."""

from __future__ import annotations

import pytest

CHECKS = """
import pytest

{marker}

def test_value(specqa_camera, expect): expect("value", 3)

@pytest.mark.specqa_stage("fiberflat")
def test_other(specqa_camera, expect): expect("other", 0)
"""
ONE = ("--expid", 104284, "--camera", "r6", "--specqa-results", "r.jsonl")


@pytest.mark.parametrize(
    ("marker", "stage", "sentence"),
    [
        (
            "pytestmark = pytest.mark.specqa_stage('sky')",
            "sky",
            "finding 1: sky model, *",
        ),
        ("", "", "  where: *r6*00104284*"),
    ],
    ids=["declared", "undeclared"],
)
def test_a_module_declares_a_stage_and_a_test_its_own(project, run, night, records, marker, stage, sentence):
    project(CHECKS.format(marker=marker))
    run(*ONE).stdout.fnmatch_lines([sentence])
    assert {one["expectation"]: one["stage"] for one in records()} == {"test_value": stage, "test_other": "fiberflat"}


def test_a_crash_has_the_stage_of_its_test(project, run, night, records):
    project("import pytest\n@pytest.mark.specqa_stage('frame')\ndef test_value(specqa_camera, expect): 1 / 0\n")
    run(*ONE).stdout.fnmatch_lines(["finding 1: extraction, *"])
    assert [(one["measure"], one["stage"]) for one in records()] == [("crash", "frame")]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
@pytest.mark.parametrize(("marker", "found"), [("specqa_stage('skye')", "'skye'"), ("specqa_stage", "nothing")])
def test_a_stage_that_does_not_exist_stops_the_run(project, run, night, workers, marker, found):
    project(CHECKS.format(marker=f"pytestmark = pytest.mark.{marker}"))
    result = run(*workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: test_project.py::test_value: specqa_stage names {found}, expected one of production, *"])
