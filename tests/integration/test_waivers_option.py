"""Known failures under --specqa-waivers."""

from __future__ import annotations

import datetime
from xml.etree import ElementTree

import pytest

CHECK = "def test_value(specqa_camera, expect): expect('value', 2.5)\n"
ONE = ("--expid", 104284, "--camera", "r6", "--specqa-results", "r.jsonl", "--specqa-waivers", "waivers.toml")


@pytest.fixture
def waivers(pytester):
    def write(*, value: float = 3.0, expires: object = None, camera: str = "r6") -> None:
        day = expires or datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=30)
        (pytester.path / "waivers.toml").write_text(WAIVER.format(value=value, day=day, camera=camera))

    return write


WAIVER = """
[[waiver]]
id = "known-r6"
expectation = "test_value"
camera = ["{camera}"]
reason = "amplifier C is noisy"
issue = "https://github.com/desihub/desispec/issues/1"
owner = "me"
expires = {day}
covers = {{ value = {value} }}
"""


def test_a_waived_failure_shows_as_waived(project, run, night, waivers, records, pytester):
    project(CHECK)
    waivers()
    result = run(*ONE, "-v", "--junitxml", "junit.xml")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*-r6? WAIVED *",
            "WAIVED: 1 of 1 check failed and waived, none passed",
            "checks: 0 failed, * 0 passed, 1 waived",
            "*waiver 'known-r6' covers 1 until *: amplifier C is noisy",
            "*1 waived in*",
        ]
    )
    (one,) = records()
    assert (one["outcome"], one["waiver"], one["waiver_reason"]) == ("failed", "known-r6", "amplifier C is noisy")
    (case,) = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    assert "known-r6: amplifier C is noisy" in case.find("skipped").get("message")


def test_a_larger_fault_fails_again(project, run, night, waivers):
    project(CHECK)
    waivers(value=2.2)
    result = run(*ONE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'known-r6' does not cover what failed at 20211014-00104284-r6*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_an_expired_waiver_fails_the_run_with_its_line(project, run, night, waivers, workers):
    project("def test_value(specqa_camera, expect): expect('value', 0.5)\n")
    waivers(expires="2021-10-14")
    result = run(*ONE, *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*waivers.toml:2: waiver 'known-r6' expired on 2021-10-14*"])


def test_a_waiver_without_its_fault_is_stale(project, run, night, waivers):
    project("def test_value(specqa_camera, expect): expect('value', 0.5)\n")
    waivers()
    result = run(*ONE)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*waiver 'known-r6' is stale*"])


def test_a_malformed_waiver_stops_the_run(project, run, night, pytester):
    project(CHECK)
    (pytester.path / "waivers.toml").write_text('[[waiver]]\nid = "x"\n')
    result = run(*ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *waivers.toml*"])
