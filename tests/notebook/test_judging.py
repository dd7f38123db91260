"""What a notebook says of a unit is what a run of pytest says of it, row by row."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from astropy import units

import pytest_specqa as specqa
from pytest_specqa.checks.check import Picture
from pytest_specqa.notebook.judging import Judgement
from pytest_specqa.rules import expectations
from pytest_specqa.run import inside

NOT_OF_THE_VALUE = {"run", "planned", "code", "limits", "inputs", "vectors"}
"""What names the run that made a record, and what only stored results have."""
OWN = """
import pytest

pytestmark = pytest.mark.specqa_stage("sky")


def test_fibers_are_many(sframe, expect):
    print("said aloud")
    expect.picture("per_fiber", fiber=sframe.fiber, value=sframe.flux[:, 0], label="flux", title="Own")
    expect("number_of_fibers", len(sframe.flux))


def test_breaks(sframe, expect):
    raise RuntimeError("not finished")
"""
OWN_LIMITS = """
[number_of_fibers]
low = 600
unit = "fibers"
source = "a test"
"""


def values(records):
    """Records without what names their run."""
    return [{key: value for key, value in record.items() if key not in NOT_OF_THE_VALUE} for record in records]


def run(pytester, demo, *words):
    """Records of a run of pytest with its command line."""
    folder = expectations.folder()
    options = ("-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull, "--specqa-results", "r.jsonl")
    pytester.runpytest_inprocess(str(folder), f"--specprod={demo}", *options, *words)
    return [json.loads(line) for line in (pytester.path / "r.jsonl").read_text().splitlines()]


def test_a_camera_has_the_records_of_a_run(pytester, demo, camera):
    made = run(pytester, demo, "--night=20211014", "--expid=104284", "--camera=r6", "--specqa-kinds=camera")
    assert len(made) > 70
    assert values(camera.records) == values(made)


def test_other_units_have_the_records_of_a_run(pytester, demo):
    loaded = specqa.load(demo)
    made = run(pytester, demo, "--night=20211014", "--tile=7951", "--petal=6", "--specqa-kinds=petal")
    assert len(made) > 10
    assert values(loaded.petal(7951, 6).records) == values(made)
    made = run(pytester, demo, "--night=20211014", "--specqa-kinds=night")
    assert values(loaded.night(20211014).records) == values(made)


def test_measures_are_a_table_beside_their_limits(camera):
    table = camera.measures()
    assert len(table) == len(camera.records)
    assert table.meta["verdict"] == camera.verdict
    assert camera.verdict.startswith("FAILED: ")
    for row, record in zip(table, camera.records, strict=True):
        assert row["measure"] == record["measure"]
        assert row["outcome"] == record["outcome"]
        assert row["value"] == record["value"] or (np.isnan(row["value"]) and record["value"] is None)
        assert row["high"] == (np.inf if record["high"] is None else record["high"])
        assert row["unit"] == record["value_unit"]
    (block,) = table[table["measure"] == "sky_chromatic_block"]
    assert (block["first_fiber"], block["last_fiber"]) == (3250, 3299)
    assert block["first_wave"] < 6550 < block["last_wave"]
    assert table["first_wave"].unit == units.AA


def test_a_value_has_its_unit_and_its_place(camera):
    value = camera.measure("sky_chromatic_block")
    assert value.outcome is specqa.Outcome.FAILED
    assert value.value > value.limits[1] == 0.01
    assert value.fibers == [(3250, 3299)]
    assert value.waves.unit == units.AA
    assert camera.measure("wavelength_shift_local").value.unit == units.AA
    assert np.isnan(value.error) or value.error > 0
    with pytest.raises(specqa.UsageError, match="nearest are sky_chromatic_block,"):
        camera.measure("sky_chromatic_blok")


def test_the_finding_is_told(camera):
    assert "the sky model itself is wrong" in camera.findings()[0]
    assert "finding 1" in repr(camera.judgement)


def test_pictures_are_of_what_fails(camera):
    pictures = camera.pictures()
    texts = [text.get_text() for figure in pictures for text in figure.texts]
    assert any(text.startswith("fails: sky model uneven between slit blocks") for text in texts)
    assert pictures._repr_html_().count("data:image/png;base64,") == len(pictures)
    bad = {record["expectation"] for record in camera.records if record["outcome"] in ("failed", "warned")}
    assert len(pictures) >= len(bad)


def test_what_passed_is_drawn_where_it_is_asked_for(camera):
    drawn = Picture("per_fiber", {"fiber": [3000, 3001], "value": lambda: [1.0, 2.0], "label": "level", "title": "Levels"})
    broken = Picture("per_fiber", {"fiber": lambda: 1 / 0})
    passed = inside.Shown("20211014-00104284-r6", "test_levels", specqa.Outcome.PASSED, [drawn, broken])
    judgement = Judgement("one", inside.Judged(list(camera.records), [passed]))
    assert judgement.pictures() == []
    first, second = ([text.get_text() for text in figure.texts] for figure in judgement.pictures(every=True))
    assert "Levels" in first
    assert not any("fails" in text or "warns" in text for text in first)
    assert any("could not be drawn: ZeroDivisionError" in text for text in second)


def test_own_expectations_and_limits_judge_too(demo, tmp_path, capfd):
    (tmp_path / "test_own.py").write_text(OWN)
    (tmp_path / "own.toml").write_text(OWN_LIMITS)
    before, modules = dict(os.environ), set(sys.modules)
    view = specqa.load(demo, expectations=tmp_path, limits=tmp_path / "own.toml").camera(20211014, 104282, "r6")
    assert str(view.measure("number_of_fibers").value) == "500.0"
    assert view.measure("number_of_fibers").outcome == "failed"
    assert view.measure("crash").message == "RuntimeError: not finished"
    assert "Own" in [text.get_text() for figure in view.pictures() for text in figure.texts]
    assert capfd.readouterr() == ("", "")
    assert dict(os.environ) == before
    assert not any(name.endswith("test_own") for name in sys.modules.keys() - modules)
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("own.toml", "test_own.py", "__pycache__")] == []


def test_what_cannot_be_judged_is_one_line(demo, tmp_path):
    (tmp_path / "limits.toml").write_text("[sky_chromatic_blok]\nhigh = 1\n")
    view = specqa.load(demo, limits=tmp_path / "limits.toml").night(20211014)
    with pytest.raises(specqa.UsageError, match=r"limits\.toml") as caught:
        view.measures()
    assert "\n" not in str(caught.value)


def test_options_of_pytest_for_other_work_change_nothing(demo, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing --maxfail=1")
    assert specqa.load(demo).night(20211014).records
    assert os.environ["PYTEST_ADDOPTS"] == "-k nothing --maxfail=1"
