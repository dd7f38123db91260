"""The production is no folder of tests, however its path is given."""

from __future__ import annotations

import pytest

UNIT = "def test_value(specqa_camera, expect): expect('value', 0)\n"


def test_the_root_folder_is_where_the_tests_are(project, night, pytester):
    project(UNIT)
    result = pytester.runpytest_inprocess("--specprod", night.root)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines([f"rootdir: {pytester.path}"])
    assert not (night.root / ".pytest_cache").exists()


def test_an_overlooked_ini_file_is_a_usage_error_that_says_what_to_write(project, night, pytester):
    project(UNIT)
    pytester.makeini("[pytest]\naddopts = -x\n")
    result = pytester.runpytest_inprocess("--specprod", night.root)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: *overlooks {pytester.path}/tox.ini; write --specprod={night.root}, and name the tests, such as qa_tests"]
    )


@pytest.mark.parametrize("form", ["joined", "apart"])
def test_with_a_folder_of_tests_both_forms_work(project, night, pytester, form):
    path = project(UNIT)
    pytester.makeini("[pytest]\nspecqa_results = r.jsonl\n")
    option = [f"--specprod={night.root}"] if form == "joined" else ["--specprod", night.root]
    pytester.runpytest_inprocess(path, *option).assert_outcomes(passed=4)
    assert (pytester.path / "r.jsonl").exists()
