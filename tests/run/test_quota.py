"""Pictures are drawn as long as the page has room for them, whichever process draws them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_specqa import plots
from pytest_specqa.checks.check import Check, Picture
from pytest_specqa.rules.limits import Limits
from pytest_specqa.run.quota import Gallery, chosen, mark_of
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement, Outcome

SHOWN = (Picture("sketch", {}), Picture("map", {}))


@pytest.fixture(autouse=True)
def sketch(monkeypatch):
    monkeypatch.setattr(plots, "draw", lambda name, **_: name)
    monkeypatch.setattr(plots, "stamp", lambda *_: None)
    monkeypatch.setattr(plots, "to_png", lambda _: b"png")


def failed(
    expectation: str = "test_value",
    *,
    outcome: Outcome = Outcome.FAILED,
    pictures: tuple[Picture, ...] = SHOWN,
    value: float = 2.5,
) -> Check:
    check = Check(DataUnit("camera", 20211014, expid=1, camera="r6"), expectation, expectation, Limits(), root=Path())
    check.measurements += [measurement("value", 1.5, outcome=outcome), measurement("twice", value, outcome=outcome)]
    check.pictures += pictures
    return check


def measurement(name: str, value: float, *, outcome: Outcome = Outcome.FAILED) -> Measurement:
    unit, limit = DataUnit("camera", 20211014, expid=1, camera="r6"), Limit(name, high=1.0, warn_high=1.0, unit="sigma")
    measured = Measured(value, error=0.25, fibers=((3000, 3049),), waves=(6500.0, 6510.0), detail=f"{name} is large")
    return Measurement(unit, "test_value", measured, limit, outcome, f"{name} = {value}")


def drawn(gallery: Gallery, *checks: Check) -> list[int]:
    for check in checks:
        gallery.draw(check)
    return [len(check.extras) for check in checks]


@pytest.mark.parametrize("shared", [False, True])
def test_each_expectation_and_family_has_its_quota(tmp_path, shared):
    gallery = Gallery(2, tmp_path if shared else None)
    assert drawn(gallery, failed(), failed(), failed(), failed("test_other")) == [2, 2, 0, 2]


def test_two_processes_share_one_quota(tmp_path):
    one, other = Gallery(3, tmp_path), Gallery(3, tmp_path)
    assert drawn(one, failed(), failed()) == [2, 2]
    late = failed()
    assert drawn(other, failed(), late) == [2, 0]
    assert drawn(one, failed()) == [0]
    assert late.notes == [
        f"picture {name} not drawn: the 3 worst of this expectation are (--specqa-max-pictures)" for name in ("sketch", "map")
    ]


def test_warnings_use_up_no_place_of_failures(tmp_path):
    gallery = Gallery(2, tmp_path)
    warned = [failed(outcome=Outcome.WARNED) for _ in range(2)]
    assert drawn(gallery, *warned, failed(), failed()) == [2, 0, 2, 2]


@pytest.mark.parametrize("shared", [False, True])
def test_the_worst_is_drawn_though_it_comes_last(tmp_path, shared):
    gallery = Gallery(2, tmp_path if shared else None)
    assert drawn(gallery, failed(), failed(), failed(value=2.4), failed(value=9.0), failed(value=3.0), failed(value=2.9)) == [
        *(2, 2, 0, 2, 2, 0)
    ]


def test_a_process_draws_nothing_that_another_has_worse(tmp_path):
    one, other = Gallery(1, tmp_path), Gallery(1, tmp_path)
    assert drawn(one, failed(value=5.0)) == [2]
    assert drawn(other, failed(value=4.0), failed(value=6.0)) == [0, 2]


def test_without_the_folder_a_process_has_the_quota_for_itself(tmp_path):
    gallery = Gallery(1, tmp_path / "gone")
    assert drawn(gallery, failed(), failed()) == [2, 0]
    assert not Path(tmp_path / "gone").exists()


def test_the_picture_of_the_worst_measure_is_drawn():
    check = failed(pictures=(Picture("sketch", {}, ("value",)), Picture("map", {}, ("twice",)), Picture("all", {})))
    found, pictures = chosen(check)
    assert found.limit.name == "twice"
    assert [picture.name for picture in pictures] == ["map", "all"]


def test_where_none_shows_the_worst_the_next_is_drawn():
    found, pictures = chosen(failed(pictures=(Picture("sketch", {}, ("value",)),)))
    assert found.limit.name == "value"
    assert [picture.name for picture in pictures] == ["sketch"]


def test_a_mark_has_place_limit_and_number_of_its_measurement():
    mark = mark_of(measurement("value", 1.5))
    assert mark.text == "fails: value: 1.5 ± 0.25 sigma (allowed: at most 1 sigma)"
    assert mark.places == (((3000, 3049), (6500.0, 6510.0)),)
    assert mark_of(measurement("value", 1.5, outcome=Outcome.WARNED)).text.startswith("warns: value: 1.5")


def test_what_can_be_called_is_called_when_the_picture_is_drawn(monkeypatch):
    given = []
    monkeypatch.setattr(plots, "draw", lambda _, **arrays: given.append(arrays["value"]))
    gallery = Gallery(2)
    gallery.draw(failed(pictures=(Picture("sketch", {"value": lambda: 7}),)))
    assert given == [7]
