"""The four outcomes, and that nothing unproved passes."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

ONE = ("--expid", 104284, "--camera", "r6", "--specqa-results", "r.jsonl")


def check(body: str) -> str:
    return f"""
import math
import pytest
from pytest_specqa.values import Measured

def test_value(specqa_camera, expect):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("expect('value', 0.5)", "passed"),
        ("expect('value', 1.5)", "warned"),
        ("expect('value', 2.5)", "failed"),
        ("expect('value', math.nan)", "failed"),
        ("expect('value', math.inf)", "failed"),
        ("expect('value', Measured(0.5, sensitivity=0.1))", "passed"),
        ("expect('value', Measured(0.5, sensitivity=0.9))", "not measured"),
        ("expect('value', Measured(0.5, sensitivity=math.nan))", "not measured"),
        ("expect('value', Measured(2.5, sensitivity=0.9))", "failed"),
        ("expect('value', Measured.impossible('no sky fiber'))", "not measured"),
        ("expect.not_expected('two-amplifier readout')", "not measured"),
        ("pytest.skip('not today')", "not measured"),
        ("expect('valu', 0.5)", "failed"),
        ("expect('value', 0.5); expect('other', 3)", "failed"),
        ("expect('value', 1.5); expect('other', 3)", "failed"),
        ("expect('value', 1.5); expect('other', Measured.impossible('x'))", "warned"),
        ("expect('value', 0.5); expect('other', Measured.impossible('x'))", "not measured"),
        ("pass", "failed"),
    ],
)
def test_a_test_ends_as_its_worst_measurement(project, run, night, body, outcome):
    project(check(body))
    result = run(*ONE)
    category = {"passed": "1 passed", "failed": "1 failed", "warned": "1 warned", "not measured": "1 not measured"}[outcome]
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if outcome == "failed" else pytest.ExitCode.OK)
    result.stdout.re_match_lines([rf".* {category} in .*"])
    result.stdout.fnmatch_lines([f"checks: *1 {outcome}*"])


def test_a_miss_is_one_sentence_and_a_line_that_can_be_acted_on(project, run, night):
    project(check("expect('value', Measured(2.5, error=0.25, fibers=((3000, 3049),), waves=(6500.0, 6600.0), detail='a step'))"))
    result = run(*ONE, "-rf")
    said = result.outlines.index("value, fibers 3000-3049, 6500-6600 A: 2.5 +- 0.25 > 2 m; a step [value]")
    line = result.outlines[said + 1]
    assert line.startswith("night 20211014 expid 00104284 camera r6 | rerun: pytest test_project.py::test_value --specprod")
    assert line.endswith("--night 20211014 --expid 104284 --camera r6")
    assert "Traceback" not in result.stdout.str()


def test_every_miss_has_its_line_and_every_measurement_is_recorded(project, run, night, records):
    project(check("expect('value', 2.5); expect('other', 3); expect('valeu', 0)"))
    result = run(*ONE)
    assert [name for name in ("value", "other", "valeu") for line in result.outlines if line.endswith(f" [{name}]")] == [
        "value",
        "other",
        "valeu",
    ]
    result.stdout.fnmatch_lines(["*no limit is named 'valeu'; nearest: value*"])
    assert [(one["measure"], one["outcome"]) for one in records()] == [
        ("other", "failed"),
        ("valeu", "failed"),
        ("value", "failed"),
    ]


def test_the_command_in_the_message_repeats_the_check_alone(project, run, night, pytester):
    project(check("expect('value', 2.5)"))
    (line,) = [line for line in run().outlines if line.startswith("night ") and "00104284 camera r7" in line]
    command = line.split("rerun: pytest ")[1].split()
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *command)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["FAILED *test_value?20211014-00104284-r7?*"])


def test_a_crash_fails_its_check_and_the_run_goes_on(project, run, night, records):
    project(
        """
def test_value(specqa_camera, expect):
    expect("value", 0.5)
    if specqa_camera.camera == "r6":
        1 / 0
"""
    )
    result = run("--expid", 104284, "--specqa-results", "r.jsonl")
    result.assert_outcomes(failed=1, passed=1)
    text = result.stdout.str()
    opening = "night 20211014 expid 00104284 camera r6: ZeroDivisionError: division by zero | rerun:"
    assert text.index(opening) < text.index("1 / 0")
    assert [(one["unit"][-2:], one["measure"], one["outcome"]) for one in records()] == [
        ("r6", "crash", "failed"),
        ("r6", "value", "passed"),
        ("r7", "value", "passed"),
    ]


@pytest.mark.parametrize(
    "body", ["assert 1 == 2", "pytest.fail('by hand')", "expect('value', None)", "expect('value', 1); expect('value', 1)"]
)
def test_any_way_to_stop_short_is_a_crash(project, run, night, records, body):
    project(check(body))
    run(*ONE).assert_outcomes(failed=1)
    assert "crash" in {one["measure"] for one in records()}


def test_a_crash_in_a_fixture_fails_the_check_of_the_unit(project, run, night, records):
    project(
        """
import pytest

@pytest.fixture
def broken(specqa_camera):
    raise RuntimeError("no such column")

def test_value(broken, expect): expect("value", 0)
"""
    )
    result = run(*ONE)
    result.assert_outcomes(failed=1, errors=0)
    result.stdout.fnmatch_lines(["night 20211014 expid 00104284 camera r6: RuntimeError: no such column*"])
    assert [one["measure"] for one in records()] == ["crash"]


def test_a_test_without_a_measurement_fails(project, run, night, records):
    project(check("pass"))
    result = run(*ONE)
    result.stdout.fnmatch_lines(["*made no measurement*"])
    assert [one["measure"] for one in records()] == ["made_no_measurement"]


def test_expect_without_a_unit_says_what_is_missing(project, run, night):
    project("def test_value(expect): expect('value', 0)")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*expect needs a data unit*"])


def test_junit_counts_what_is_not_measured_as_skipped_with_the_reason(project, run, night, pytester):
    project(check("expect('value', Measured.impossible('no sky fiber'))"))
    run(*ONE, "--junitxml", "junit.xml")
    (case,) = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    assert "no sky fiber" in case.find("skipped").get("message")
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert properties == {"specqa.value": "not measured: value not measured: no sky fiber"}


def test_warnings_fail_the_run_when_asked(project, run, night):
    project(check("expect('value', 1.5)"))
    assert run(*ONE).ret == pytest.ExitCode.OK
    assert run(*ONE, "--specqa-fail-on", "warnings").ret == pytest.ExitCode.TESTS_FAILED


def test_the_first_failure_can_end_the_run(project, run, night):
    project(check("expect('value', 2.5)"))
    run("-x").assert_outcomes(failed=1)
