"""Simulated stores: what is planted is there, at its dates and nowhere else; what is no fault stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.errors import InputError
from pytest_specqa.results.records import check
from pytest_specqa.trials.histories import usual
from pytest_specqa.trials.histories.history import History
from pytest_specqa.trials.histories.plants import OUTLIERS, REDSHIFT, Plant, reported
from pytest_specqa.trials.histories.redshifts import CLEAN_OUTLIERS, LINE, Petal
from pytest_specqa.trials.histories.spectra import Detector
from pytest_specqa.trials.histories.survey import Survey, observe
from pytest_specqa.trials.histories.usual import Wander, scores
from pytest_specqa.vectors import decode

SURVEY = Survey(nights=12, exposures=4, cameras=("r3",))


def stacked(plants=(), name="residual", survey=SURVEY):
    """Values of one vector of the only camera, one exposure after another, with the nights."""
    exposures = observe(survey)
    detector = Detector(survey.cameras[0], exposures, seed=survey.seed, plants=plants)
    found = [(exposure.day, next(one for one in vectors if one.name == name)) for exposure, vectors in detector]
    return np.array([day for day, _ in found]), np.array([vector.values for _, vector in found]), found[0][1]


def test_a_survey_is_the_same_again_and_has_gaps():
    survey = Survey(nights=80)
    exposures = observe(survey)
    assert exposures == observe(survey)
    assert exposures != observe(Survey(nights=80, seed=2))
    since = np.array(sorted({exposure.since for exposure in exposures}))
    assert len(since) == 80
    assert np.diff(since).max() > 20, "the shutdown"
    assert (np.diff(since) == 2).any(), "a night lost to weather"
    assert {exposure.program for exposure in exposures} == {"dark", "bright"}
    assert {exposure.code for exposure in exposures} == {"0.70.0", "0.71.0"}
    assert all(np.diff([exposure.expid for exposure in exposures]) > 0)


def test_every_record_is_one_that_a_results_file_takes():
    found = list(History(Survey(nights=2, exposures=2)).nights())
    assert [night for night, _ in found] == sorted({night for night, _ in found})
    for night, records in found:
        for record in records:
            check(record, where="simulated")
            assert record["night"] == night
            assert {decode(vector).first for vector in record["vectors"]} == {500 * record["petal"]}
    kinds = {record["kind"] for _, records in found for record in records}
    assert kinds == {"camera", "petal"}


def test_a_planted_defect_lies_in_its_fiber_wavelengths_and_nights_only():
    plant = Plant("defect", "residual", "r3", (4, 7), 2.0, (1534, 1534), (6500.0, 6500.0))
    day, clean, vector = stacked()
    _, struck, _ = stacked([plant])
    changed = np.where(np.abs(struck) < 29, np.nan_to_num(struck - clean), 0)
    inside = (day >= 4) & (day <= 7)
    column = np.searchsorted(vector.waves, 6500.0) - 1
    assert changed[inside, 34, column] == pytest.approx(2.0)
    changed[inside, 34, column] = 0
    assert not changed.any()


@pytest.mark.parametrize(("what", "fibers"), [("line_shift", (1575, 1599)), ("residual_error", (1750, 1999))])
def test_a_group_of_fibers_moves_together(what, fibers):
    day, clean, _ = stacked(name=what)
    _, struck, _ = stacked([Plant("group", what, "r3", (6, 11), 3.0, fibers)], name=what)
    rows = np.flatnonzero((np.nan_to_num(struck - clean) != 0).any(axis=0))
    assert 1500 + rows[0] >= fibers[0]
    assert 1500 + rows[-1] <= fibers[1]
    assert (day[np.nan_to_num(struck - clean).max(axis=1) > 0] >= 6).all()


def test_shapes_of_faults():
    exposures = observe(Survey(nights=40))
    day = np.array([exposure.day for exposure in exposures])
    drift = Plant("drift", "x", "r3", (10, 29), 4.0, shape="drift").strength(exposures, 1)
    assert (np.diff(drift[(day >= 10) & (day <= 29)]) >= 0).all()
    assert drift.max() == 4.0
    assert not drift[day < 10].any()
    assert not drift[day > 29].any()
    some = Plant("some", "x", "r3", (0, 39), 1.0, shape="intermittent", chance=0.3).strength(exposures, 1)
    assert 0.2 < some.mean() < 0.4


def test_clean_residuals_scatter_as_those_of_real_runs_do_and_fibers_differ_for_good():
    _, values, _ = stacked()
    values = values[:, np.isfinite(values[:, :, 0]).sum(axis=0) > 20]
    size = np.abs(values[np.isfinite(values)])
    assert 0.9 < 1.4826 * np.median(size) < 1.15
    assert 0.01 < np.mean(size > 3) < 0.04
    assert 0.003 < np.mean(size > 5) < 0.01
    calm = np.clip(values, -2, 2)
    one, other = (np.nanmean(part, axis=0).ravel() for part in (calm[:24], calm[24:]))
    assert np.corrcoef(one, other)[0, 1] > 0.1, "what a fiber always has"


def redshift_tables(plants=(), tiles=60):
    exposures = observe(Survey(nights=tiles // 3, exposures=4))
    return [{one.name: one.values for one in vectors} for _, vectors in Petal(3, exposures, seed=1, plants=plants)]


def test_a_pile_up_is_one_object_of_a_tile_at_the_wavelength_of_a_line():
    plant = Plant("pile-up", REDSHIFT, "r3", (0, 99), 0.9, (1601, 1601), (6000.0, 6000.0))
    tables = redshift_tables([plant])
    at = [np.flatnonzero(np.abs(table["redshift"] - (6000.0 / LINE - 1)) < 0.003) for table in tables]
    assert np.mean([101 in rows for rows in at]) > 0.6
    assert np.mean([len(rows) for rows in at]) < 5, "others have that redshift by chance"


def test_redshifts_go_astray_as_often_as_in_sound_fibers_and_more_in_a_bad_one():
    def astray(tables):
        bgs = [(table["target"].astype(int) & 8 > 0) & (table["zwarn"] == 0) & (table["redshift"] > 0.75) for table in tables]
        return np.mean(bgs, axis=0)

    rates = astray(redshift_tables([Plant("bad", OUTLIERS, "r3", (0, 99), 0.5, (1520, 1520))], tiles=240))
    assert rates.argmax() == 20
    assert np.delete(rates, 20).mean() < 2 * CLEAN_OUTLIERS


def test_every_reported_kind_is_planted_in_a_camera_that_is_there():
    survey = Survey(nights=40, cameras=("b1", "r1", "z1"))
    plants = reported(survey)
    assert {plant.shape for plant in plants} == {"step", "drift", "intermittent", "one-off"}
    for plant in plants:
        assert plant.camera in survey.cameras
        assert 0 <= plant.days[0] <= plant.days[1] < survey.nights
        assert plant.fibers is None or plant.fibers[0] // 500 == plant.petal


def clean_values(tmp_path):
    path = tmp_path / "clean_values.csv"
    path.write_text(
        "measure,unit,band,values,smallest,0.01 %,0.1 %,1 %,5 %,50 %,95 %,99 %,99.9 %,99.99 %,largest,low,high\n"
        "width,camera,,400,1.4,,,,1.5,1.7,1.9,,,,2.0,1,3\n"
        "width,camera,b,100,2.4,,,,2.5,2.7,2.9,,,,3.0,1,4\n"
        "count,camera,,400,0,,,,0,0,0,,,,0,-inf,3\n"
        "level,petal,,400,0,,,,0,0.5,1,,,,2,-inf,3\n"
    )
    return path


def test_measures_are_drawn_from_the_distribution_of_clean_cameras(tmp_path):
    found = usual.read(clean_values(tmp_path))
    assert {(one.measure, one.band) for one in found} == {("width", ""), ("width", "b"), ("count", "")}
    exposures = observe(Survey(nights=200))
    values = {
        (one.measure, band): one.value(scores(exposures, np.random.default_rng(1), wander=Wander(camera=0.0), step=0.0))
        for band in "rb"
        for one in usual.of_band(found, band)
    }
    assert np.median(values["width", "r"]) == pytest.approx(1.7, abs=0.1)
    assert np.median(values["width", "b"]) == pytest.approx(2.7, abs=0.1)
    assert 0.02 < np.mean(values["width", "r"] < 1.5) < 0.1
    assert set(values["count", "r"]) == {0.0}


def test_every_measure_is_recorded_with_its_limits(tmp_path):
    history = History(
        Survey(nights=1, exposures=1, cameras=("b1",)), usual=tuple(usual.read(clean_values(tmp_path))), redshifts=False
    )
    ((_, records),) = history.nights()
    of = {record["measure"]: record for record in records}
    assert (of["width"]["low"], of["width"]["high"]) == (1.0, 4.0)
    assert 2.0 < of["width"]["value"] < 3.5
    assert all("vectors" not in record for record in records if record["measure"] in ("width", "count"))


def test_a_file_without_the_measure_is_refused(tmp_path):
    with pytest.raises(InputError, match="no measure of a camera named nothing"):
        usual.read(clean_values(tmp_path), measures=["nothing"])
