"""The judge judged on a production: what is taken as clean, what lies outside the simulated range, what limits would be set."""

import csv
import math

import numpy as np
import pytest

from pytest_specqa.cli import main
from pytest_specqa.results import store
from pytest_specqa.trials import own
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement

CAMERAS = [f"{band}{petal}" for band in "br" for petal in range(10)]


def record(unit, value, *, measure="sky_chromatic_block", high=0.05):
    limit, measured = Limit(measure, high=high, source="a test"), Measured(value)
    return Measurement(unit, "test_sky_model_smooth", measured, limit, limit.judge(measured), "m").as_record()


def camera(name, expid=104284):
    return DataUnit("camera", 20211014, expid=expid, camera=name)


@pytest.fixture
def records():
    """Ten exposures of 20 cameras, and what was measured of each exposure."""
    rng = np.random.default_rng(1)
    found = [record(camera(name, expid), float(rng.exponential(0.001))) for expid in range(10) for name in CAMERAS]
    return [*found, *(record(DataUnit("exposure", 20211014, expid=expid), 0.5, measure="focal_plane_patch") for expid in range(10))]


def test_a_bad_camera_is_left_out_with_the_exposure_that_holds_it(records):
    left = {result.trial.case for result in own.as_results(records, bad=["20211014-00000003-r6"])}
    assert len(left) == len(records) - 2
    assert not left & {"20211014-00000003-r6", "20211014-00000003"}


def test_a_bad_exposure_is_left_out_with_its_cameras_and_no_other_one(records):
    left = {result.trial.case for result in own.as_results(records, bad=["20211014-00000003"])}
    assert len(left) == len(records) - 21
    assert "20211014-00000004" in left


def test_bad_units_come_from_the_command_line_and_from_files(tmp_path):
    (tmp_path / "bad.txt").write_text("# known\n20211014-00104284-r6  # desispec#1452\n\n")
    assert own.read_bad([str(tmp_path / "bad.txt"), "20211015"]) == ["20211014-00104284-r6", "20211015"]


def test_an_own_limit_is_what_the_tail_exceeds_at_the_chance_asked_for():
    values = np.random.default_rng(2).exponential(1.0, 20_000)
    assert own.own_limit(values, chance=1e-4) == pytest.approx(max(-math.log(1e-4), values.max()), rel=0.05)


@pytest.mark.parametrize("values", [np.zeros(1000), np.arange(99.0)], ids=["all alike", "too few"])
def test_no_own_limit_without_a_tail(values):
    assert math.isnan(own.own_limit(values))


def test_values_beyond_the_simulated_range_are_counted(records, tmp_path, capsys):
    (tmp_path / "judgement").mkdir()
    (tmp_path / "judgement/clean_values.csv").write_text(
        "measure,unit,band,values,smallest,largest,low,high\nsky_chromatic_block,camera,b,10,0,1,-inf,0.05\n"
        "sky_chromatic_block,camera,,20,0,0.002,-inf,0.05\n"
    )
    store.write(tmp_path / "night.jsonl", [*records, record(camera("z1"), 0.2)])
    assert main(["judgement", "--specprod", str(tmp_path / "night.jsonl"), "--docs", str(tmp_path)]) == 0
    assert "211 units taken as clean" in capsys.readouterr().out
    with (tmp_path / "judgement/night-limits.csv").open(newline="") as file:
        rows = {(row["measure"], row["band"]): row for row in csv.DictReader(file)}
    above = sum(item["value"] > 0.002 for item in records if item["unit"].split("-")[2:3] and item["camera"] in CAMERAS[10:])
    assert int(rows["sky_chromatic_block", "b"]["beyond"]) == 0
    assert int(rows["sky_chromatic_block", "r"]["beyond"]) == above > 0
    assert rows["sky_chromatic_block", "r"]["simulated"] == "0 to 0.002"
    assert 0.004 < float(rows["sky_chromatic_block", "b"]["own limit"]) < 0.015
    assert rows["focal_plane_patch", ""]["own limit"] == "-"
    page = (tmp_path / "judgement-night.md").read_text()
    assert "| test_sky_model_smooth | camera | 201 | 1 |" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bad", "20211014"], "give --specprod too"),
        (["--specprod", "{}/night.jsonl", "--bad", "20211014"], "leaves no unit"),
        (["--specprod", "{}/nowhere"], "nowhere"),
    ],
)
def test_misuse_is_one_line(records, tmp_path, capsys, words, said):
    store.write(tmp_path / "night.jsonl", records)
    assert main(["judgement", "--docs", str(tmp_path), *(word.format(tmp_path) for word in words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
