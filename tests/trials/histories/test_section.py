"""The section on the search over nights: its tables, and its place on a page that has others."""

from __future__ import annotations

import csv
from dataclasses import replace

from pytest_specqa.results.history.changes import Change
from pytest_specqa.rules.limits import Limits
from pytest_specqa.trials import document
from pytest_specqa.trials.histories import experiments
from pytest_specqa.trials.histories.experiments import MULTIPLES, Setting
from pytest_specqa.trials.histories.history import History
from pytest_specqa.trials.histories.measured import Searched
from pytest_specqa.trials.histories.plants import Plant
from pytest_specqa.trials.histories.scoring import score
from pytest_specqa.trials.histories.section import Parts, redshift_rows, step_rows
from pytest_specqa.trials.histories.survey import Survey, observe

SURVEY = Survey(nights=20, exposures=3, cameras=("r3",))
NIGHTS = sorted({exposure.night for exposure in observe(SURVEY)})
PLANT = Plant("defect", "residual", "r3", (5, 9), 0.5, (1534, 1534), (6500.0, 6500.0))
CHANGE = Change(
    what="residual",
    scope="fiber",
    shape="step",
    camera="r3",
    fibers=(1534, 1534),
    waves=(6480.0, 6530.0),
    first=(NIGHTS[6], None),
    last=(NIGHTS[9], None),
    ongoing=False,
    size=2.0,
    error=0.1,
    unit="sigma",
    level=0.0,
    significance=9.0,
    bad=12,
    seen=12,
    detail="",
)


def searched(plants, *changes):
    history = History(SURVEY, tuple(plants))
    found, alarms = score(plants, changes, observe(SURVEY), seed=SURVEY.seed)
    return Searched(history, found, alarms, 60, seconds=3.0, memory=200.0, simulated=9.0, size=12.0)


def page_of(tmp_path):
    return (tmp_path / document.NAME).read_text(encoding="utf-8")


def test_the_section_tells_what_was_found_missed_and_wrong(tmp_path):
    missed = replace(PLANT, name="other", fibers=(1600, 1600))
    alarm = replace(CHANGE, fibers=(1700, 1700))
    document.write_history(Parts(reported=[searched([PLANT, missed], CHANGE, alarm)], clean=[searched([])]), tmp_path)
    page = page_of(tmp_path)
    assert "| nothing | 20 | 1 | 1 | 0 | 0 |" in page
    assert "| one of each kind | 20 | 1 | 1 | 1 | 50 |" in page
    with (tmp_path / "judgement" / "history.csv").open() as stream:
        first, second = csv.DictReader(stream)
    assert (first["starts off by"], first["ends off by"], first["as"]) == ("+1", "+0", "residual, fiber, step")
    assert second["found"] == "missed"
    with (tmp_path / "judgement" / "history_alarms.csv").open() as stream:
        assert [row["fibers"] for row in csv.DictReader(stream)] == ["1700"]


def test_other_sections_of_the_page_stay_and_the_section_is_not_doubled(tmp_path):
    (tmp_path / document.NAME).write_text("# Judgement\n\nText.\n\n## One\n\nFirst.\n\n## Triage\n\nLast.\n")
    document.write_history(Parts(clean=[searched([], CHANGE)]), tmp_path)
    document.write_history(Parts(clean=[searched([])]), tmp_path)
    page = page_of(tmp_path)
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == ["## One", "## Triage", "## Over the nights"]
    assert "First." in page
    assert "| nothing | 20 | 1 | 1 | 0 | 0 |" in page


def test_power_is_counted_by_size_and_length():
    weak, long = replace(PLANT, size=0.3, days=(0, 4)), replace(PLANT, days=(0, 9), fibers=(1600, 1600))
    header, rows = step_rows(searched([PLANT, weak, long], CHANGE).found)
    assert header == ["changed", "size", "5 nights", "10 nights"]
    assert rows == [["residual", "0.3", "0 of 1", "-"], ["residual", "0.5", "1 of 1", "0 of 1"]]


def test_steps_overlap_nowhere_and_lie_in_their_camera():
    plants = experiments.steps(Setting(nights=40)).plants
    assert {plant.what for plant in plants} == {"residual", "line_shift", "sky_line_width"}
    struck = [(plant.camera, plant.fibers) for plant in plants if plant.fibers]
    for k, (camera, (low, high)) in enumerate(struck):
        assert low // 500 == high // 500 == int(camera[1:])
        assert not any(other == camera and first <= high and last >= low for other, (first, last) in struck[k + 1 :])


def test_bad_redshifts_last_as_long_as_the_binomial_limit_takes():
    setting = Setting(nights=20, exposures=12)
    plants = experiments.bad_redshifts(setting).plants
    seen = experiments.observations(replace(setting.survey, cameras=("r0",)))
    strong = [plant for plant in plants if plant.name.startswith("0.255")]
    assert len(strong) == len(MULTIPLES) * experiments.BAD_FIBERS
    for plant in strong:
        got = seen[plant.days[0] : plant.days[1] + 1].sum()
        wanted = float(plant.name.split(" x ")[1]) * 30
        assert wanted <= got <= wanted + seen.max()
    rows = redshift_rows(score(plants, [], observe(setting.survey), seed=1)[0])[1]
    assert [row[2] for row in rows] == [698, 272, 30]
    assert all(cell.endswith("of 12") for row in rows for cell in row[3:])


def test_a_new_page_of_the_judgement_keeps_the_section(tmp_path):
    document.write_history(Parts(clean=[searched([])]), tmp_path)
    nothing = dict.fromkeys(("clean", "quiet", "faulty"), ())
    judgement = document.Judgement(**nothing, matched={}, limits=Limits(), command="make judgement", unjudged={})
    document.write(judgement, tmp_path)
    page = page_of(tmp_path)
    assert page.count("## Over the nights") == page.count("## Triage") == 1
    assert "| nothing | 20 | 1 | 1 | 0 | 0 |" in page
