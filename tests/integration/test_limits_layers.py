"""Which limits hold: the project's, those beside the test, those of a hook, the user's."""

from __future__ import annotations

import pytest

ONE = ("--expid", 104284, "--camera", "r6", "--specqa-results", "r.jsonl")
CHECK = "def test_value(specqa_camera, expect): expect('value', 2.5)\n"


@pytest.fixture
def high(project, run, night, records):
    def high(*args: object) -> float:
        project(CHECK)
        run(*ONE, *args)
        return records()[0]["high"]

    return high


def test_the_file_beside_the_test_holds(high):
    assert high() == 2


def test_the_users_file_lies_on_top(high, pytester):
    (pytester.path / "mine.toml").write_text('[value]\nhigh = 3\nsource = "me"\n')
    assert high("--specqa-limits", "mine.toml") == 3


def test_a_hook_lies_between(high, pytester):
    (pytester.path / "survey.toml").write_text('[value]\nhigh = 4\nsource = "the survey"\n')
    (pytester.path / "mine.toml").write_text('[value]\nlow = -1\nsource = "me"\n')
    pytester.makeconftest(
        "from pathlib import Path\ndef pytest_specqa_limits(config): return Path(config.rootpath, 'survey.toml')\n"
    )
    assert high("--specqa-limits", "mine.toml") == 4


def test_the_projects_own_limits_are_always_known(project, run, night, records):
    project("def test_value(specqa_camera, expect): expect('sframe_usable_fraction', 1.0)\n")
    run(*ONE)
    assert records()[0]["outcome"] == "passed"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_a_malformed_file_stops_the_run_and_names_the_line(project, run, night, pytester, workers):
    project(CHECK)
    (pytester.path / "mine.toml").write_text('# mine\n[value]\nsource = "me"\nhigh = nan\n')
    result = run(*ONE, "--specqa-limits", "mine.toml", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *mine.toml:4: ?value? high = nan: can never be decided*"])


def test_survey_and_night_choose_the_limit(project, run, tree, records):
    tree.exposure(1)
    tree.row(1, SURVEY="sv3")
    tree.exposure(2)
    tree.row(2, SURVEY="main")
    project(CHECK, limits='[value]\nhigh = 2\nsource = "x"\n[[value.when]]\nsurvey = "sv3"\nnights = ":20211014"\nhigh = 3\n')
    run("--specqa-results", "r.jsonl")
    assert {one["expid"]: one["high"] for one in records()} == {1: 3, 2: 2}
