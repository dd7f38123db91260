"""Where the production is looked for."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_without_a_production_the_run_stops_with_one_line(project, pytester, workers):
    project()
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.errlines if line]
    assert len(lines) == 1
    assert "--specprod" in lines[0]


def test_a_bare_name_is_looked_up_under_the_redux_folder(project, run, night, monkeypatch):
    monkeypatch.setenv("DESI_SPECTRO_REDUX", str(night.root.parent))
    project()
    run(specprod="daily").assert_outcomes(passed=4)


def test_the_variables_alone_are_enough(project, night, pytester, monkeypatch):
    monkeypatch.setenv("DESI_SPECTRO_REDUX", str(night.root.parent))
    monkeypatch.setenv("SPECPROD", "daily")
    project()
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_a_folder_that_is_no_production_is_a_usage_error(project, run, tmp_path):
    project()
    result = run(specprod=tmp_path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *is no production*"])


def test_an_empty_production_is_a_usage_error(project, run, tree):
    project()
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: production daily holds no science exposure and no tile under tiles/cumulative"])
