"""What a server did not give says nothing about the data: no failure, no pass, nothing that a later run would take over."""

from __future__ import annotations

import pytest

from pytest_specqa.errors import UnreachableError
from pytest_specqa.production import Production

GONE = "https://host/p/sframe-r7-00104284.fits.gz: found 503 Service Unavailable in each of 4 tries"
RESULTS = ("--specqa-results", "r.jsonl")
TWO = """
def test_header(sframe, expect):
    expect("value", 0.5)


def test_value(specqa_camera, sframe, expect):
    expect("value", 0.5)


def test_beside(specqa_camera, expect):
    expect("value", 0.5)
"""
DYING = """
import os
from pathlib import Path
from pytest_specqa.errors import UnreachableError

def test_value(specqa_camera, expect, production):
    production.find("sframe", night=specqa_camera.night, expid=specqa_camera.expid, camera=specqa_camera.camera)
    with Path("called").open("a") as file:
        file.write(f"{specqa_camera}\\n")
    if Path("down").exists() and specqa_camera.camera == "r7":
        raise UnreachableError("https://host/p: found 503")
    expect("value", 0.5)

def test_z_last(specqa_camera, expect):
    if Path("down").exists() and specqa_camera.expid == 104284 and specqa_camera.camera == "r7":
        os._exit(9)
    expect("value", 0.5)
"""


@pytest.fixture
def asked(monkeypatch):
    """Let a server be down for one camera; collect what is asked of it."""
    cameras = []

    def read(self, kind, *, night, expid, camera):
        cameras.append(f"{expid}-{camera}")
        raise UnreachableError(GONE)

    monkeypatch.setattr(Production, "read_frame", read)
    return cameras


@pytest.mark.parametrize("html", [False, True])
def test_it_skips_with_its_reason_and_the_verdict_says_how_many(project, run, night, records, asked, pytester, html):
    project(TWO)
    page = ("--html=page.html", "--self-contained-html") if html else ()
    result = run(*RESULTS, "--expid", "104284", "-rs", *page)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*UNREACHABLE: 4 of 6 checks had no data from the server, on 2 of 2 units; 2 pass*",
            "*checks: 0 failed, 0 warned, 4 unreachable, 0 not measured, 2 passed",
        ]
    )
    found = [
        (record["measure"], record["outcome"], record["message"]) for record in records() if "beside" not in record["expectation"]
    ]
    assert found == [("unreachable", "unreachable", GONE)] * 4
    assert {record["inputs"] for record in records() if record["outcome"] == "unreachable"} <= {"", None}
    if html:
        text = (pytester.path / "page.html").read_text()
        assert 'class="specqa-unreachable' in text
        assert "<b>?</b> 4 unreachable" in text


def test_one_round_of_retries_for_each_camera_and_another_for_the_next(project, run, night, asked):
    """Its two checks share the answer; that it is gone is not held against the same camera of the next exposure."""
    project(TWO)
    run()
    assert asked == ["104282-r6", "104282-r7", "104284-r6", "104284-r7"]


def test_a_failure_beside_it_counts_as_ever(project, run, night):
    project(
        """
from pytest_specqa.errors import UnreachableError

def test_value(specqa_camera, expect):
    expect("value", 2.5 if specqa_camera.camera == "r6" else 0.5)
    raise UnreachableError("https://host/p: found 503")
"""
    )
    result = run("--expid", "104284")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*FAILED: 1 of 2 checks fails, on 1 of 2 units; 1 unreachable*"])


def test_a_run_that_goes_on_judges_it_again_and_only_it(project, run, night, tree, records, pytester):
    project(DYING)
    (pytester.path / "down").touch()
    died = pytester.runpytest_subprocess("-p", "no:cacheprovider", f"--specprod={tree.root}", *RESULTS)
    assert died.ret == 9
    (pytester.path / "down").unlink()
    (pytester.path / "called").unlink()
    run(*RESULTS, "--specqa-resume")
    assert (pytester.path / "called").read_text().split() == ["20211014-00104282-r7", "20211014-00104284-r7"]
    assert {record["outcome"] for record in records()} == {"passed"}


def test_a_server_that_is_down_from_the_start_is_one_line(project, run, night, monkeypatch):
    """No night is taken for empty, and no folder for one that is damaged."""

    def down(*_, **__):
        raise UnreachableError("https://host/p/exposures: found no connection in each of 4 tries")

    monkeypatch.setattr("pytest_specqa.production.listing.folder_numbers", down)
    project()
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: https://host/p/exposures: found no connection in each of 4 tries*"])
