"""The page keeps the pictures of the worst checks, in whatever order they were judged."""

from __future__ import annotations

from pytest_specqa.report.gather import Entry
from pytest_specqa.report.quota import Piece, kept
from pytest_specqa.values import DataUnit, Limit, Measured, Measurement


def entry(camera: str, value: float, *, high: float = 1.0) -> Entry:
    """One camera with one value against a limit of 1, or a warning above 1."""
    unit, limit = DataUnit("camera", 20211014, expid=1, camera=camera), Limit("value", high=high, warn_high=1.0)
    measured = Measured(value)
    found = Measurement(unit, "test_value", measured, limit, limit.judge(measured), "it is").as_record()
    return Entry(f"test_value[{camera}]", (found,))


def test_the_worst_keep_theirs_and_the_others_say_so():
    entries = [entry("r1", 2.0), entry("r2", 7.0), entry("r3", 3.0)]
    made = kept([(one, [Piece("map", f"<img {one.unit}>")]) for one in entries], quota=2)
    assert [made[one.nodeid][0].startswith("<img") for one in entries] == [False, True, True]
    assert "the 2 worst of this expectation are (--specqa-max-pictures)" in made["test_value[r1]"][0]


def test_one_warning_is_shown_beside_the_failures():
    entries = [entry("r1", 2.0, high=5.0), entry("r2", 3.0, high=5.0), entry("r3", 6.0)]
    made = kept([(one, [Piece("map", "<img>")]) for one in entries], quota=3)
    assert [made[one.nodeid][0] == "<img>" for one in entries] == [False, True, True]


def test_what_is_no_picture_always_stays():
    entries = [entry(f"r{petal}", 2.0 + petal) for petal in range(3)]
    made = kept([(one, [Piece("", "<p>note</p>"), Piece("map", "<img>")]) for one in entries], quota=1)
    assert all(pieces[0] == "<p>note</p>" for pieces in made.values())
    assert sum(pieces[1] == "<img>" for pieces in made.values()) == 1
