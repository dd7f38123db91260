"""What the filters select, and what they say when nothing matches."""

from __future__ import annotations

import pytest

from pytest_specqa.production import nights as listed

TWO = """
def test_camera(specqa_camera, expect): expect("value", 0)
def test_petal(specqa_petal, expect): expect("value", 0)
"""


@pytest.fixture
def nights(tree):
    for night, expid in ((20210430, 1), (20210501, 2), (20210531, 3), (20210601, 4)):
        tree.exposure(expid, ("b0", "r0", "r1", "z1"), night=night)
        tree.row(expid, night=night, TILEID=expid + 100, CAMWORD="b0r01z1")
    tree.tile(102, night=20210501, petals=(0, 1))
    tree.tile(103, night=20210531, petals=(0, 1))
    return tree


@pytest.mark.parametrize("asked", ["20210501", "20210501:20210520"])
def test_the_table_of_no_other_night_is_read(project, run, nights, monkeypatch, asked):
    project(TWO)
    read: list[str] = []
    table = listed.read_exposure_table
    monkeypatch.setattr(listed, "read_exposure_table", lambda path: read.append(path.name) or table(path))
    result = run("--co", "-q", "--night", asked)
    assert set(read) == {"exposure_table_20210501.csv"}
    assert {unit for unit in units(result) if unit.startswith("102-")} == {"102-20210501-petal0", "102-20210501-petal1"}


def test_a_night_that_has_a_tile_and_no_exposure_is_found(project, run, nights):
    nights.tile(104, night=20210502)
    project(TWO)
    for asked in ("20210502", "20210502:20210503", "20210502:20210520"):
        assert units(run("--co", "-q", "--night", asked)) == {"104-20210502-petal6", "no-camera"}


def units(result: pytest.RunResult) -> set[str]:
    return {line.split("[")[1].rstrip("]") for line in result.outlines if "::" in line}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--night", "20210501"], {2}),
        (["--night", "20210430,20210601"], {1, 4}),
        (["--night", "20210430", "--night", "20210601"], {1, 4}),
        (["--night", "20210501:20210531"], {2, 3}),
        (["--tile", "101"], {1}),
        (["--expid", "3,4"], {3, 4}),
        (["--expid", "00000003"], {3}),
        (["--night", "20210501:20210601", "--tile", "102,104"], {2, 4}),
    ],
)
def test_exposures_are_selected(project, run, nights, args, expected):
    project()
    found = units(run("--co", "-q", *args))
    assert {int(unit.split("-")[1]) for unit in found} == expected


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--camera", "r0"], {"r0"}),
        (["--camera", "r"], {"r0", "r1"}),
        (["--camera", "a1"], {"r1", "z1"}),
        (["--camera", "b0z1"], {"b0", "z1"}),
        (["--camera", "r0", "--camera", "z1"], {"r0", "z1"}),
        (["--petal", "1"], {"r1", "z1"}),
        (["--petal", "1", "--camera", "r"], {"r1"}),
    ],
)
def test_cameras_are_selected(project, run, nights, args, expected):
    project()
    found = units(run("--co", "-q", "--expid", 2, *args))
    assert {unit.split("-")[2] for unit in found} == expected


def test_filters_narrow_tiles_too(project, run, nights):
    project(TWO)
    assert units(run("--co", "-q", "--expid", 2, "--camera", "r1")) == {
        "20210501-00000002-r1",
        "102-20210501-petal1",
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--night", "20210502"],
            "--night 20210502: no such night; nearest: 20210430, 20210501, 20210531, 20210601 in production daily",
        ),
        (["--night", "20210501,20220101"], "--night 20220101: no such night; nearest: *20210601*"),
        (["--night", "20210502:20210530"], "--night 20210502:20210530: no such night*"),
        (["--tile", "7"], "--tile 7: no such tile; nearest: 101, 102, 103, 104*"),
        (["--expid", "99"], "--expid 99: no such expid; nearest: 1, 2, 3, 4*"),
        (["--expid", "1", "--night", "20210501"], "--expid 1: no such expid; nearest: 2*"),
        (["--camera", "z0"], "--camera z0: no such camera*nearest: z1, b0, r0, r1 in the selection"),
        (["--petal", "5"], "--petal 5: no such petal; nearest: 0, 1*"),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_what_does_not_exist_is_a_usage_error_that_lists_the_nearest(project, run, nights, args, message, workers):
    project()
    result = run(*args, *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--night", "2021"], "--night 2021: '2021' is no night; expected YYYYMMDD*"),
        (["--night", "20211332"], "--night 20211332: *is no night*"),
        (["--night", "20210502:20210501"], "*the range runs backwards; expected 20210501:20210502"),
        (["--night", "20210501,"], "'20210501,': found an empty entry*"),
        (["--tile", "seven"], "--tile seven: expected a whole number*"),
        (["--camera", "x1"], "--camera x1: expected a camera r6, a band r, or a camword*"),
        (["--petal", "10"], "--petal 10: expected petals 0-9*"),
        (["--specqa-verify", "half"], "--specqa-verify half: expected one of read, whole*"),
        (["--specqa-max-pictures", "-1"], "--specqa-max-pictures -1: expected a whole number*"),
        (["--specqa-group", "monthly"], "--specqa-group monthly: expected one of cumulative, older, pernight, perexp, healpix"),
        (["--specqa-fail-on", "rain"], "--specqa-fail-on rain: expected one of failures, warnings, regressions"),
        (["--specqa-fail-on", "regressions"], "*needs --specqa-baseline*"),
        (["--specqa-limits", "none.toml"], "--specqa-limits none.toml: no such file*"),
        (["--specqa-waivers", "none.toml"], "--specqa-waivers none.toml: no such file*"),
        (["--specqa-results", "r.csv"], "--specqa-results r.csv: expected a name that ends in .jsonl or .parquet"),
        (["--specqa-results", "nowhere/r.jsonl"], "--specqa-results */nowhere/r.jsonl: cannot be written: there is no such*"),
    ],
)
def test_a_malformed_value_is_a_usage_error_of_one_line(project, run, nights, args, message):
    project()
    result = run(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len([line for line in result.errlines if line]) == 1
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_an_ini_value_stands_in_for_an_option(project, run, nights, pytester, records):
    project()
    pytester.makeini("[pytest]\nspecqa_results = r.jsonl\nspecqa_group = cumulative\n")
    assert run("--expid", 2, "--camera", "r0").ret == 0
    assert len(records()) == 1


def test_the_command_line_wins_over_the_ini_value(project, run, nights, pytester):
    project()
    pytester.makeini("[pytest]\nspecqa_group = nonsense\n")
    assert run("--specqa-group", "pernight").ret == 0
    assert run().ret == pytest.ExitCode.USAGE_ERROR


FIVE = """
import pytest

@pytest.mark.specqa_bands("r")
def test_camera(specqa_camera, expect): expect("value", 0)
def test_exposure(specqa_exposure, exposure, expect): expect("value", 0)
def test_petal(specqa_petal, expect): expect("value", 0)
def test_tile(specqa_tile, tile_exposures, expect): expect("value", len(tile_exposures) - 1)
def test_night(specqa_night, exposures, expect): expect("value", len(exposures) - 1)
"""


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        ("camera,exposure", {"20210501-00000002-r0", "20210501-00000002-r1", "20210501-00000002"}),
        ("petal", {"102-20210501-petal0", "102-20210501-petal1"}),
        ("tile", {"102-20210501"}),
        ("night", {"20210501"}),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one_process", "a_worker"])
def test_units_of_the_kinds_that_are_asked_for_are_judged_alone_with_all_products(
    project, run, nights, records, kinds, found, workers
):
    project(FIVE)
    assert run("--specqa-kinds", kinds, "--night", "20210501", "--specqa-results", "r.jsonl", *workers).ret == 0
    # The exposures of a tile and a night are known, though no exposure is judged.
    assert {one["unit"] for one in records()} == found
    assert {one["value"] for one in records()} == {0}


def test_a_kind_that_is_none_is_named(project, run, nights):
    project(FIVE)
    result = run("--specqa-kinds", "camera,cameras")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--specqa-kinds cameras: expected some of camera, petal, exposure, tile, night*"])


def test_a_kind_that_no_test_judges_is_no_green_run(project, run, nights):
    project()
    assert run("--specqa-kinds", "night").ret == pytest.ExitCode.NO_TESTS_COLLECTED
