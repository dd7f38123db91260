"""Runs against a baseline, under --specqa-baseline and --specqa-fail-on regressions."""

from __future__ import annotations

import pytest

CHECKS = """
VALUES = {values}

def test_value(specqa_camera, expect):
    expect("value", VALUES[specqa_camera.id[-10:]])
"""
ALL = {"4282-r6": 0.5, "4282-r7": 2.5, "4284-r6": 2.5, "4284-r7": 0.5}
REGRESSIONS = ("--specqa-baseline", "base.jsonl", "--specqa-fail-on", "regressions")


@pytest.fixture
def judge(project, run, night):
    """Judge four cameras with these values."""

    def judge(*args, **changes):
        values = {f"010{name}": value for name, value in (ALL | changes).items()}
        project(CHECKS.format(values=values))
        return run(*args)

    return judge


@pytest.fixture
def baseline(judge):
    judge("--specqa-results", "base.jsonl").assert_outcomes(passed=2, failed=2)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_what_failed_before_does_not_fail_the_run(judge, baseline, workers):
    result = judge(*REGRESSIONS, *workers, "-v", **{"4282-r7": 3.0, "4284-r6": 0.5})
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*against the baseline base.jsonl*",
            "fixed *value 2.5 -> 0.5*20211014-00104284-r6",
            "still failing *20211014-00104282-r7",
            "Nothing broke, 1 fixed, 1 still failing, of 4 checks;*",
            "*3 passed, 1 known*",
        ]
    )
    result.stdout.fnmatch_lines(["*KNOWN*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_headline_and_exit_code_agree_where_all_failures_are_known(judge, baseline, pytester, workers):
    result = judge(*REGRESSIONS, *workers, "--html", "report.html")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["PASSED: 2 of 4 checks pass on 2 units; 2 known", "checks: 0 failed, 0 warned, 0 not measured, 2 passed, 2 known"]
    )
    assert "first bad stage" not in result.stdout.str()
    page = (pytester.path / "report.html").read_text()
    headline = page.split('class="specqa-verdict')[1].split("</p>")[0]
    assert headline.endswith("<strong>PASSED</strong>: 2 of 4 checks pass on 2 units; 2 known.")
    chips = page.split('class="specqa-chips"')[1].split("</p>")[0]
    assert "0 failed" in chips
    assert "2 known" in chips


def test_a_run_of_nothing_but_known_failures_is_no_failure(judge, baseline):
    result = judge(*REGRESSIONS, "--camera", "r7", "--expid", "104282")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["KNOWN: 1 of 1 check failed as in the baseline, none passed"])


def test_one_failure_among_known_ones_is_the_headline(judge, baseline):
    result = judge(*REGRESSIONS, **{"4282-r6": 2.5})
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: 1 of 4 checks fails, on 1 of 2 units; 2 known"])


def test_what_breaks_fails_the_run(judge, baseline):
    result = judge(*REGRESSIONS, **{"4282-r6": 2.5})
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["broken *20211014-00104282-r6*", "1 broke, 2 still failing, of 4 checks;*"])


def test_what_cannot_be_measured_any_more_fails_the_run(project, run, pytester, baseline):
    project("def test_value(specqa_camera, expect): expect.not_expected('gone')\n")
    result = run(*REGRESSIONS, "--html", "report.html")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["lost *", "2 broke, 2 unproved, of 4 checks;*", "FAILED: 2 checks of the baseline lost,*"])
    assert "<strong>FAILED</strong>: 2 checks of the baseline lost" in (pytester.path / "report.html").read_text()


def test_a_baseline_alone_makes_no_loss_a_failure(project, run, baseline):
    project("def test_value(specqa_camera, expect): expect.not_expected('gone')\n")
    result = run("--specqa-baseline", "base.jsonl")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["NOT MEASURED: none of 4 checks could be made"])


def test_a_baseline_alone_excuses_nothing(judge, baseline):
    result = judge("--specqa-baseline", "base.jsonl", "--html", "report.html")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["Nothing broke, 2 still failing, of 4 checks;*"])


def test_the_report_shows_what_changed(judge, baseline, pytester):
    judge(*REGRESSIONS, "--html", "report.html", **{"4282-r6": 2.5})
    page = (pytester.path / "report.html").read_text()
    assert "Against the baseline base.jsonl:" in page
    assert "1 broke, 2 still failing" in page


def test_a_smaller_selection_is_judged_for_what_it_holds(judge, baseline):
    result = judge(*REGRESSIONS, "--camera", "r7")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["Nothing broke, 1 still failing, of 2 checks;*"])


def test_a_production_as_baseline_is_measured_first(judge, night):
    result = judge("--specqa-baseline", night.root, "--specqa-fail-on", "regressions", "--expid", "104284")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["Nothing broke, 1 still failing, of 2 checks;*"])


@pytest.mark.parametrize(("text", "message"), [("none.jsonl", "*no such results file*"), ("no/production", "*no/production*")])
def test_a_baseline_that_is_not_there_stops_the_run(judge, text, message):
    result = judge("--specqa-baseline", text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
