"""What the terminal says."""

from __future__ import annotations

from itertools import pairwise

import pytest

MIXED = """
from pytest_specqa.values import Measured

def test_value(specqa_camera, expect):
    expect("value", {"r6": 2.5, "r7": 1.5}[specqa_camera.camera])

def test_petal(specqa_petal, expect):
    expect("value", Measured.impossible("too few") if specqa_petal.petal == 6 else 0)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_the_summary_gives_verdict_counts_and_worst_units(project, run, night, workers):
    project(MIXED)
    run(*workers).stdout.fnmatch_lines(
        [
            "*= spectroscopic QA =*",
            "FAILED: 2 of 6 checks fail, on 2 of 6 units",
            "finding 1: *",
            "checks: 2 failed, 2 warned, 1 not measured, 1 passed",
            "worst units:",
            "  20211014-00104282-r6  failed: value",
            "  20211014-00104284-r6  failed: value",
            "  20211014-00104282-r7  warned: value",
            "FAILED: 2 of 6 checks fail, on 2 of 6 units",
            "*2 failed, 1 passed, 2 warned, 1 not measured in *" if not workers else "*2 failed, *",
        ]
    )


def test_many_bad_units_stay_within_a_screen(project, run, tree):
    tree.exposure(1, [f"{band}{petal}" for band in "brz" for petal in range(10)])
    project("def test_value(specqa_camera, expect): expect('value', 3)\n")
    result = run("--tb=no", "-q")
    start = next(number for number, line in enumerate(result.outlines) if "spectroscopic QA" in line)
    assert len(result.outlines) - start <= 31
    result.stdout.fnmatch_lines(["  and 22 more units"])


def test_a_finding_takes_fifteen_lines_at_most_between_two_verdicts(project, run, night):
    project(MIXED)
    lines = run("--tb=no", "-q").outlines
    verdicts = [number for number, line in enumerate(lines) if line.startswith("FAILED: ")]
    assert len(verdicts) == 2
    findings = [number for number, line in enumerate(lines) if line.startswith("finding ")]
    counted = next(number for number, line in enumerate(lines) if line.startswith("checks: "))
    assert verdicts[0] + 1 == findings[0]
    assert all(after - before <= 15 for before, after in pairwise([*findings, counted]))
    assert counted < verdicts[1]
    # A command is as long as its paths.
    assert max(len(line) for line in lines[findings[0] : counted] if not line.startswith("  look: ")) <= 160


def test_the_header_names_what_is_judged(project, run, night):
    project()
    result = run("--expid", 104284)
    result.stdout.fnmatch_lines([f"specqa: production {night.root}, night 20211014, 1 exposure, 2 cameras"])


def test_letters_tell_the_outcomes_apart(project, run, night):
    project(MIXED)
    run("--expid", 104284, "--night", 20211014).stdout.fnmatch_lines(["test_project.py Fws *"])
    run("--petal", 6).stdout.fnmatch_lines(["test_project.py FFn *"])
    run("-v").stdout.fnmatch_lines(["*-r7? WARNED*", "*petal6? NOT MEASURED*"])


def test_nothing_measured_is_no_pass(project, run, night):
    project("def test_value(specqa_camera, expect): expect.not_expected('planned')\n")
    run().stdout.fnmatch_lines(["NOT MEASURED: none of 4 checks could be made"])
