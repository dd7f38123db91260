"""pytest-xdist gets whole cameras and tiles."""

from __future__ import annotations

import pytest

WHO = """
import os

def note(unit):
    with open("who.txt", "a") as stream:
        stream.write(f"{unit.expid or unit.tile}{unit.camera or ''} {os.environ['PYTEST_XDIST_WORKER']}\\n")

def test_first(specqa_camera, expect): note(specqa_camera); expect("value", 0)
def test_second(specqa_camera, expect): note(specqa_camera); expect("value", 0)
def test_exposure(specqa_exposure, expect): note(specqa_exposure); expect("value", 0)
def test_petal(specqa_petal, expect): note(specqa_petal); expect("value", 0)
def test_tile(specqa_tile, expect): note(specqa_tile); expect("value", 0)
"""


@pytest.fixture
def many(tree):
    for expid in range(1, 7):
        tree.exposure(expid, ("r6", "r7"))
    tree.tile(7951, petals=(6, 7))
    return tree


def test_a_worker_judges_a_camera_exposure_or_tile_alone(project, run, many, pytester):
    project(WHO)
    result = run("-n", "2")
    result.assert_outcomes(passed=6 * 5 + 3)
    pairs = {tuple(line.split()) for line in (pytester.path / "who.txt").read_text().splitlines()}
    assert len(pairs) == 6 * 3 + 1
    assert len({worker for _, worker in pairs}) == 2


def test_the_users_choice_of_distribution_stays(project, run, many):
    project()
    result = run("-n", "2", "--dist", "loadfile", "-v")
    result.stdout.fnmatch_lines(["scheduling tests via LoadFileScheduling"])


def test_a_worker_that_dies_fails_its_check_and_is_recorded(project, run, many, records, pytester):
    project(
        """
def test_value(specqa_camera, expect):
    if specqa_camera.id.endswith("00000003-r6"):
        os._exit(1)
    expect("value", 0)
"""
    )
    result = run("-n", "2", "--specqa-results", "r.jsonl", "--html", "report.html")
    result.assert_outcomes(failed=1, passed=11)
    result.stdout.fnmatch_lines(["FAILED: 1 of 12 checks fails, on 1 of 12 units"])
    assert "1 failed" in (pytester.path / "report.html").read_text().split('class="specqa-chips"')[1].split("</p>")[0]
    (bad,) = [one for one in records() if one["outcome"] == "failed"]
    assert (bad["unit"], bad["expectation"], bad["measure"]) == ("20211014-00000003-r6", "test_value", "crash")
    assert len(records()) == 12
