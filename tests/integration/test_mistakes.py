"""What people type who mean something else ends in one line that says what they mean; what looks like it works."""

from __future__ import annotations

import pytest

import pytest_specqa
from pytest_specqa.rules import expectations
from pytest_specqa.run import mistakes

UNIT = "def test_value(specqa_camera, expect): expect('value', 0)\n"
BOTH = UNIT + "def test_sky_model_smooth(specqa_camera, expect): expect('value', 0)\n"


def refused(result: pytest.RunResult) -> str:
    """The one line of a usage error."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    return line


def units(result: pytest.RunResult) -> set[str]:
    return {line.split("[")[1].rstrip("]") for line in result.outlines if "::" in line}


def test_a_night_for_the_number_of_processes_is_told(project, run, night):
    project()
    line = "ERROR: -n 20211014: this is the number of processes, at most 1000; did you mean --night 20211014?"
    assert refused(run("-n", "20211014")) == line
    assert "did you mean" not in refused(run("-n", "5000"))
    run("-n", "1").assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["-e", "104284"], "--expid 104284"), (["-t", "7951,7952"], "--tile 7951,7952"), (["-t7951"], "--tile 7951")],
)
def test_the_short_options_of_other_programs_are_told(project, run, night, words, meant):
    project()
    assert refused(run(*words)).endswith(f"no such option; did you mean {meant}?")


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["--nights", "20211014", "--expids", "104284"], {"20211014-00104284-r6", "20211014-00104284-r7"}),
        (["--cameras", "a6"], {"20211014-00104282-r6", "20211014-00104284-r6"}),
        (["--cameras", "r67", "--expids", "104282"], {"20211014-00104282-r6", "20211014-00104282-r7"}),
        (["--petals", "7", "--expid", "104282"], {"20211014-00104282-r7"}),
    ],
)
def test_the_options_may_be_called_in_the_plural(project, run, night, args, found):
    project()
    assert units(run("--co", "-q", *args)) == found


def test_tiles_in_the_plural(project, run, tree):
    for number in (1, 2):
        tree.exposure(number)
        tree.row(number, TILEID=100 + number)
    project()
    assert units(run("--co", "-q", "--tiles", "102")) == {"20211014-00000002-r6"}


@pytest.mark.parametrize(
    ("asked", "expids"),
    [(":", {1, 2, 3}), ("20210501:", {2, 3}), (":20210501", {1, 2})],
)
def test_a_range_of_nights_may_be_open(project, run, tree, asked, expids):
    for expid, date in ((1, 20210430), (2, 20210501), (3, 20210601)):
        tree.exposure(expid, night=date)
    project()
    assert {int(unit.split("-")[1]) for unit in units(run("--co", "-q", "--night", asked))} == expids


def test_an_open_range_that_holds_nothing_names_the_nearest(project, run, night):
    project()
    assert refused(run("--night", "2023:")).endswith("expected YYYYMMDD, or a range YYYYMMDD:YYYYMMDD")
    assert "--night 20230101:: no such night; nearest: 20211014" in refused(run("--night", "20230101:"))


def test_a_run_without_tests_says_which_to_name(run, night, pytester):
    assert "--pyargs pytest_specqa.qa_tests" in refused(run("--night", "20211014"))
    # Without a production it is pytest's own affair.
    assert pytester.runpytest_inprocess("-p", "no:cacheprovider").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_tests_that_judge_no_unit_are_left_alone(run, night, pytester):
    pytester.makepyfile("def test_other(): pass")
    run().assert_outcomes(passed=1)


def test_a_file_that_cannot_be_collected_is_told_as_pytest_does(run, night, pytester):
    pytester.makepyfile("import nonsense_of_nobody")
    result = run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*No module named 'nonsense_of_nobody'*"])


def test_in_the_checkout_the_tests_of_the_project_do_not_run_instead(run, night, pytester, monkeypatch):
    folder = pytester.mkdir("qa_tests")
    monkeypatch.setattr(expectations, "folder", lambda: folder)
    pytester.mkdir("tests").joinpath("test_own.py").write_text("def test_own(): pass")
    pytester.makeini("[pytest]\ntestpaths = tests\n")
    assert "pytest qa_tests ... here" in refused(run())
    folder.joinpath("test_sky.py").write_text(UNIT)
    assert len(units(run("qa_tests", "--co", "-q"))) == 4
    run("tests").assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["plain", "xdist"])
def test_a_keyword_that_matches_nothing_names_the_nearest(project, run, night, workers):
    project(BOTH)
    line = refused(run("-k", "sky_modl_smoth", *workers))
    assert line == "ERROR: -k sky_modl_smoth: none of 2 expectations is called so; nearest: sky_model_smooth, value"


def test_a_keyword_that_matches_something_is_left_alone(project, run, night):
    project(BOTH)
    run("-k", "sky_model_smooth").assert_outcomes(passed=4, deselected=4)


def test_a_misspelt_limit_names_the_nearest(project, run, night, tmp_path):
    project()
    mine = tmp_path / "mine.toml"
    mine.write_text("[valeu]\nhigh = 1\n")
    line = refused(run("--specqa-limits", mine))
    assert line.startswith(f"ERROR: {mine}:1: [valeu] is the limit of no measure; did you mean [value]?")
    mine.write_text("[valeu]\nhigh = 1\nsource = 'for a check of mine'\n")
    run("--specqa-limits", mine).assert_outcomes(passed=4)


def test_a_production_one_level_too_high_is_told(project, run, night):
    project()
    line = refused(run(specprod=night.root.parent))
    assert line.endswith(f"it holds the productions daily: give one of them, such as {night.root}")


def test_a_production_a_level_too_low_is_told(project, run, night):
    project()
    assert refused(run(specprod=night.root / "exposures/20211014")).endswith(f"give {night.root}, which holds it")


def test_a_misspelt_name_of_a_production_is_told(project, run, night, monkeypatch):
    monkeypatch.setenv("DESI_SPECTRO_REDUX", str(night.root.parent))
    project()
    assert "(nearest: daily)" in refused(run(specprod="dayly"))
    assert "nearest" not in refused(run(specprod="himalayas"))


def test_a_tile_of_exposures_that_no_table_knows_is_told(project, run, night):
    project()
    line = refused(run("--tile", "7951", "--expid", "104284"))
    assert line == "ERROR: --tile 7951: no table tells of which tile exposure 104284 is; leave --tile out"
    run("--expid", "104284").assert_outcomes(passed=2)


def test_with_a_table_a_tile_and_its_exposure_are_found(project, run, night):
    for expid in (104282, 104284):
        night.row(expid, CAMWORD="r67")
    project()
    run("--tile", "7951", "--expid", "104284").assert_outcomes(passed=2)


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["plain", "xdist"])
def test_more_checks_than_anyone_means_by_accident_are_counted_and_not_made(project, run, night, monkeypatch, workers, pytester):
    monkeypatch.setattr(mistakes, "MOST_CHECKS", 7)
    pytester.makeconftest("from pytest_specqa.run import mistakes\nmistakes.MOST_CHECKS = 7")
    project(BOTH)
    line = refused(run(*workers))
    assert line == (
        "ERROR: this selection holds 8 checks of 1 night of production daily: "
        "choose some, such as --night 20211014, or judge all of them with --night :"
    )
    if not workers:
        run("--night", ":").assert_outcomes(passed=8)
        run("--camera", "r6").assert_outcomes(passed=4)


def test_no_instance_of_a_check_is_made_above_the_bound(project, run, night, monkeypatch, pytester):
    monkeypatch.setattr(mistakes, "MOST_CHECKS", 3)
    made = pytester.makeconftest("def pytest_itemcollected(item): print('made', item.name)")
    project(BOTH)
    result = run("-s")
    assert made.exists()
    assert {line for line in result.outlines if line.startswith("made ")} == {
        "made test_value[no-camera]",
        "made test_sky_model_smooth[no-camera]",
    }
    assert "holds 8 checks" in refused(result)


def test_the_header_names_the_cameras_that_were_asked_for(project, run, tree):
    tree.exposure(1, ("r0", "r1", "r2"))
    project()
    run("--camera", "r10").stdout.fnmatch_lines(["specqa: production *, 1 exposure, 2 cameras, r0 r1"])
    run().stdout.fnmatch_lines(["specqa: production *, 1 exposure, 3 cameras"])


def test_the_expectations_are_found_by_name_however_the_package_is_installed(pytester, run, night):
    result = run(
        "--pyargs", "pytest_specqa.qa_tests", "--co", "-q", "--camera", "r6", "--expid", "104284", "-k", "sky_model_smooth"
    )
    assert result.ret == 0
    assert expectations.folder().is_dir()
    assert any((expectations.folder().parent.samefile(path)) for path in pytest_specqa.__path__)
