"""A value that passes, and the past of its camera."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.checks.check import Check
from pytest_specqa.errors import ResultsError, UsageError
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.rules import limits_file
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run import quota
from pytest_specqa.run.trends import Trends
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome, Record

NIGHT, LAST = 20211014, datetime.date(2021, 10, 13)
CAMERAS = tuple(f"r{petal}" for petal in range(10))


def record(night: int, expid: int, camera: str, value: float, **more: Any) -> Record:
    unit = DataUnit("camera", night, expid=expid, tile=7951, camera=camera)
    made = Measurement(unit, "test_it", Measured(value), Limit("size", high=2, source="s"), Outcome.PASSED, "size").as_record()
    return {**made, "survey": "main", "program": "dark", "versions": {"production": "iron"}, **more}  # type: ignore[typeddict-item]


def fill(root: Path, level: Callable[[str, int], float], *, nights: int = 30, **more: Any) -> Store:
    """Make a past of values that scatter by 0.02 about a level."""
    generator, records = np.random.default_rng(4), []
    for back in reversed(range(nights)):
        night, number = int(f"{LAST - datetime.timedelta(days=back):%Y%m%d}"), nights - 1 - back
        for place in range(3 * len(CAMERAS)):
            camera, expid = CAMERAS[place % 10], 1000 * number + place // 10
            records.append(record(night, expid, camera, level(camera, number) + 0.02 * generator.normal(), **more))
    store = Store.create(root, production="iron")
    store.add(records)
    return store


@pytest.fixture(scope="module")
def constant(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return fill(tmp_path_factory.mktemp("past") / "store", lambda camera, _: 0.9 if camera == "r5" else 0.5)


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., Check]:
    """Judge a value of a camera, and then compare it with its past."""
    path = tmp_path / "limits.toml"
    path.write_text('[size]\nlow = -5\nhigh = 2\nunit = "m"\nname = "size of x"\nsource = "s"\n')
    limits: Limits = limits_file.load([path])

    def judge(store: Store, value: float | Measured, *, camera: str = "r6", night: int = NIGHT, program: str = "dark") -> Check:
        unit = DataUnit("camera", night, expid=99, tile=7951, camera=camera)
        check = Check(unit, "test_it", "t.py::test_it", limits, tmp_path, program=program)
        check.measure("size", value)
        Trends(store.root, "iron").judge(check)
        return check

    return judge


def trend(check: Check) -> Measurement | None:
    return next((one for one in check.measurements if one.limit.name == "size_trend"), None)


def test_a_value_far_from_its_past_warns_and_half_of_the_way_to_its_limit_it_fails(constant, judge):
    assert trend(judge(constant, 0.9)).outcome is Outcome.WARNED
    found = trend(judge(constant, 1.5))
    assert found.outcome is Outcome.FAILED
    assert found.limit.high == pytest.approx(0.5 + 0.5 * 1.5, abs=0.02)
    assert found.limit.warn_high == pytest.approx(0.5 + 0.1 * 1.5, abs=0.02)
    assert found.limit.source.endswith("one false warning in 100 clean nights")


def test_the_low_side_is_judged_where_it_has_a_limit(constant, judge):
    assert trend(judge(constant, -0.4)).outcome is Outcome.WARNED


@pytest.mark.parametrize(("value", "camera"), [(0.55, "r6"), (0.9, "r5")], ids=["usual", "always different"])
def test_what_is_usual_for_a_camera_stays_quiet(constant, judge, value, camera):
    assert trend(judge(constant, value, camera=camera)) is None


def test_what_misses_its_limit_or_was_not_measured_is_not_said_twice(constant, judge):
    assert trend(judge(constant, 2.5)) is None
    assert trend(judge(constant, Measured.impossible("no light"))) is None


def test_only_nights_before_the_one_that_is_judged_count(constant, judge):
    assert trend(judge(constant, 0.9, night=20210925)) is None  # 11 nights before
    assert trend(judge(constant, 0.9, night=20211010)) is not None


def test_a_camera_of_which_there_is_no_past_stays_quiet(constant, judge):
    assert trend(judge(constant, 0.9, camera="z1")) is None


@pytest.mark.parametrize(("nights", "quiet"), [(19, True), (20, False)])
def test_twenty_nights_are_needed(tmp_path, judge, nights, quiet):
    store = fill(tmp_path / "store", lambda *_: 0.5, nights=nights)
    assert (trend(judge(store, 1.5)) is None) is quiet
    told = Trends(store.root, "iron").told([NIGHT])
    assert ("19 nights before, 20 are needed: no value is compared with its past" in told) is quiet


def test_a_slow_season_stays_quiet_and_a_step_does_not(tmp_path, judge):
    season = fill(tmp_path / "season", lambda _, number: 0.3 + 0.02 * number)
    assert trend(judge(season, 0.9)) is None
    assert "follows a slow trend" in trend(judge(season, 0.3)).measured.detail


def test_another_program_with_a_past_of_its_own_is_not_mixed_in(tmp_path, judge):
    store = fill(tmp_path / "store", lambda *_: 0.5)
    store.add(
        record(one["night"], one["expid"] + 500, one["camera"], one["value"] + 0.7, program="bright")
        for one in store.measures().to_pylist()
    )
    assert trend(judge(store, 1.2, program="bright")) is None
    assert trend(judge(store, 1.2, program="dark")) is not None
    # A program without nights of its own is compared with all of them.
    assert trend(judge(store, 1.2, program="backup")) is None


def test_the_first_night_that_is_off_is_named(tmp_path, judge):
    store = fill(tmp_path / "store", lambda camera, number: 0.9 if camera == "r6" and number >= 27 else 0.5)
    assert "off since 20211011" in trend(judge(store, 0.9)).measured.detail
    assert "off tonight" in trend(judge(store, 0.9, camera="r7")).measured.detail


def test_failed_and_waived_values_are_no_part_of_the_past(tmp_path, judge):
    store = fill(tmp_path / "store", lambda *_: 0.5, nights=12)
    store.add(record(20210801 + day, 5000 + day, "r6", 0.5 + 0.001 * day, outcome="failed") for day in range(12))
    store.add(record(20210901 + day, 6000 + day, "r6", 0.5 + 0.001 * day, waiver="w") for day in range(12))
    assert trend(judge(store, 1.5)) is None


def test_the_trend_itself_is_no_measure_to_compare(constant, judge):
    check = judge(constant, 1.5)
    Trends(constant.root, "iron").judge(check)
    assert [one.limit.name for one in check.measurements].count("size_trend_trend") == 0


def test_the_picture_shows_the_past_and_the_value(constant, judge):
    check = judge(constant, 0.9)
    gallery = quota.Gallery(3)
    gallery.draw(check)
    assert check.notes == []
    assert [one["name"] for one in check.extras] == ["night_trend"]


def test_stores_that_cannot_be_used_are_one_line(constant, tmp_path):
    with pytest.raises(UsageError, match=r"--specqa-history .*: is no store"):
        Trends(tmp_path, "iron")
    with pytest.raises(UsageError, match="is the store of production 'iron', this run is of 'loa'"):
        Trends(constant.root, "loa")
    store = fill(tmp_path / "store", lambda *_: 0.5, nights=21)
    part = sorted(store.root.glob("records/*/*.parquet"))[-1]
    part.write_bytes(part.read_bytes()[:300])
    trends = Trends(store.root, "iron")
    with pytest.raises(UsageError, match=r"--specqa-history .*specqa store check"):
        trends.verify([NIGHT])
    with pytest.raises(ResultsError):
        trends.past(NIGHT)


def test_a_worker_does_not_read_again_what_the_run_has_read(constant, tmp_path, monkeypatch):
    first = Trends(constant.root, "iron")
    first.verify([20211010, NIGHT])
    first.hand_over(tmp_path)
    worker = Trends(constant.root, "iron", shared=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "ask", None)
        unit = DataUnit("camera", NIGHT, expid=99, tile=7951, camera="r5")
        assert worker.past(NIGHT).of(unit, "size", program="dark").center == pytest.approx(0.9, abs=0.02)
    # Any other night it reads for itself.
    assert worker.past(20211010).nights[-1] == 20211009
