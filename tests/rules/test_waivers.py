"""A waiver lets one fault of one size pass until one day, and says so; nothing else passes because of it."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pytest_specqa.errors import WaiverError
from pytest_specqa.results import store
from pytest_specqa.rules import waiver_file
from pytest_specqa.rules.waivers import State, apply
from pytest_specqa.values import Limit, Measured, Severity

TODAY = datetime.date(2026, 6, 1)
GOOD = """# a comment
[[waiver]]
id = "halpha"
expectation = "test_sky_model_smooth"
measure = "sky_chromatic"
covers = 2.0
reason = "Interstellar H-alpha"
issue = "https://example.org/1"
owner = "Ada"
expires = 2026-12-31
"""


def waivers(tmp_path: Path, text: str = GOOD, extra: str = ""):
    path = tmp_path / "waivers.toml"
    path.write_text(text + extra)
    return waiver_file.load(path)


def states(ledger) -> list[State]:
    return [state for _, state, _ in ledger.states()]


def test_a_waived_failure_stays_failed_and_carries_its_reason(tmp_path, record):
    marked, ledger = apply([record(1.5)], waivers(tmp_path), today=TODAY)
    assert marked[0]["outcome"] == "failed"
    assert (marked[0]["waiver"], marked[0]["waiver_reason"]) == ("halpha", "Interstellar H-alpha")
    assert states(ledger) == [State.USED]


def test_a_fault_that_grows_beyond_what_is_covered_fails_again(tmp_path, record):
    marked, ledger = apply([record(1.9), record(2.1, camera="r7")], waivers(tmp_path), today=TODAY)
    assert [item["waiver"] for item in marked] == ["halpha", ""]
    (_, state, line), *_ = ledger.states()
    assert state is State.EXCEEDED
    assert "20211014-00104284-r7: 2.1 is beyond the 2" in line


def test_below_a_lower_limit_larger_means_lower(tmp_path, record):
    entry = waivers(tmp_path, GOOD.replace("covers = 2.0", "covers = 0.4"))
    limit = Limit("sky_chromatic", low=0.8, high=1.2)
    found = [record(value, limit=limit) for value in (0.5, 0.3, 1.5)]
    marked, _ = apply(found, entry, today=TODAY)
    assert [bool(item["waiver"]) for item in marked] == [True, False, False]


def test_the_last_day_counts_and_the_next_does_not(tmp_path, record):
    entry = waivers(tmp_path)
    last = datetime.date(2026, 12, 31)
    assert apply([record(1.5)], entry, today=last)[0][0]["waiver"] == "halpha"
    marked, ledger = apply([record(1.5)], entry, today=last + datetime.timedelta(days=1))
    assert marked[0]["waiver"] == ""
    (_, state, line), *_ = ledger.states()
    assert state is State.EXPIRED
    assert f"{tmp_path}/waivers.toml:2: waiver 'halpha' expired on 2026-12-31" in line


def test_a_waiver_whose_fault_is_gone_is_stale_only_if_that_was_measured(tmp_path, record):
    entry = waivers(tmp_path)
    assert states(apply([record(0.5)], entry, today=TODAY)[1]) == [State.STALE]
    unmeasured = record(measured=Measured.impossible("too faint"))
    assert states(apply([unmeasured], entry, today=TODAY)[1]) == [State.IDLE]
    assert states(apply([record(0.5, measure="other")], entry, today=TODAY)[1]) == [State.IDLE]


@pytest.mark.parametrize(
    ("scope", "changes", "covered"),
    [
        ('nights = "20211001:20211014"', {}, True),
        ('nights = "20211001:20211013"', {}, False),
        ("nights = 20211014", {}, True),
        ("expid = [104284, 104285]", {}, True),
        ("expid = 104285", {}, False),
        ("tile = 7951", {}, True),
        ("tile = 1298", {}, False),
        ('camera = "r6"', {}, True),
        ('camera = "r"', {}, True),
        ('camera = "b6r7"', {}, False),
        ('camera = "a67"', {}, True),
        ('camera = "r6"', {"camera": None}, False),
        ("petal = 6", {}, True),
        ("petal = 7", {}, False),
        ('fibers = "3000-3099"', {"fibers": [[3000, 3049], [3075, 3099]]}, True),
        ('fibers = "3000-3049, 3075-3099"', {"fibers": [[3000, 3049], [3075, 3099]]}, True),
        ("fibers = [[3000, 3099]]", {"fibers": [[3000, 3100]]}, False),
        ('fibers = "3000-3499"', {"fibers": []}, True),
        ('fibers = "3000-3099"', {"fibers": []}, False),
        ("wavelengths = [6500, 6600]", {"waves": [6500.0, 6600.0]}, True),
        ("wavelengths = [6500, 6600]", {"waves": [6490.0, 6600.0]}, False),
        ("wavelengths = [6500, 6600]", {"waves": None}, False),
    ],
)
def test_a_waiver_reaches_no_further_than_its_scope(tmp_path, record, scope, changes, covered):
    entry = waivers(tmp_path, extra=scope + "\n")
    found = record(1.5) | changes
    assert bool(apply([found], entry, today=TODAY)[0][0]["waiver"]) is covered


def test_sql_and_python_agree_on_the_scope(tmp_path, record):
    found = [
        record(night=night, expid=expid, camera=camera, measure=measure) | {"petal": petal}
        for night in (20211013, 20211014)
        for expid in (1, 2)
        for camera, petal in (("r6", None), ("b6", None), ("z7", None), (None, 6))
        for measure in ("sky_chromatic", "other")
    ]
    store.write(tmp_path / "all.parquet", found)
    connection = duckdb.connect()
    store.scan([tmp_path / "all.parquet"], connection=connection).create_view("found")
    for extra in (
        "",
        'nights = "20211014"',
        "expid = [2]",
        'camera = ["r", "z7"]',
        "petal = 6",
        'petal = 6\nexpid = 1\ncamera = "b"',
    ):
        (waiver,) = waivers(tmp_path, extra=extra)
        condition, values = waiver.scope.sql()
        ((count,),) = connection.execute(f"SELECT count(*) FROM found WHERE {condition}", values).fetchall()
        assert count == sum(waiver.scope.holds(item) for item in found) > 0


def test_a_crash_is_not_covered_by_a_number(tmp_path, record):
    crashed = record(float("nan")) | {"message": "KeyError: 'FLUX'"}
    assert crashed["outcome"] == "failed"
    assert apply([crashed], waivers(tmp_path), today=TODAY)[0][0]["waiver"] == ""
    text = GOOD.replace("covers = 2.0", 'covers = "no value"\nmessage = "KeyError"')
    assert apply([crashed], waivers(tmp_path, text), today=TODAY)[0][0]["waiver"] == "halpha"
    other = crashed | {"message": "MemoryError"}
    assert apply([other], waivers(tmp_path, text), today=TODAY)[0][0]["waiver"] == ""
    assert apply([record(1.5)], waivers(tmp_path, text), today=TODAY)[0][0]["waiver"] == ""


def test_warnings_are_waived_and_passes_are_left_alone(tmp_path, record):
    limit = Limit("sky_chromatic", high=1.0, severity=Severity.WARN)
    marked, _ = apply([record(1.5, limit=limit), record(0.5)], waivers(tmp_path), today=TODAY)
    assert [(item["outcome"], item["waiver"]) for item in marked] == [("warned", "halpha"), ("passed", "")]


def test_one_entry_may_cover_several_measures_each_up_to_its_own_value(tmp_path, record):
    text = GOOD.replace('measure = "sky_chromatic"\ncovers = 2.0', "covers = { sky_chromatic = 2.0, sky_scatter = 5 }")
    found = [record(3.0), record(3.0, measure="sky_scatter"), record(3.0, measure="other")]
    assert [item["waiver"] for item in apply(found, waivers(tmp_path, text), today=TODAY)[0]] == ["", "halpha", ""]


def test_an_old_mark_is_judged_anew(record):
    marked, _ = apply([record(1.5) | {"waiver": "gone", "waiver_reason": "once"}], [], today=TODAY)
    assert marked[0]["waiver"] == ""
    assert "waiver_reason" not in marked[0]


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("covers = 2.0", "covers = 'two'"), 6, "expected the largest value"),
        (("covers = 2.0", "covers = nan"), 6, "expected the largest value"),
        (("covers = 2.0\n", ""), 2, "expected the largest value"),
        (("covers = 2.0", 'covers = "no value"'), 6, "belong together"),
        (('measure = "sky_chromatic"\n', ""), 5, "expected also measure"),
        (('reason = "Interstellar H-alpha"', 'reason = " "'), 7, "waiver 'halpha': 'reason' is ' ', expected text"),
        (('owner = "Ada"\n', ""), 2, "'owner' is missing"),
        (("expires = 2026-12-31", 'expires = "soon"'), 10, "expected a date"),
        (("expires = 2026-12-31", "expires = 2026-12-31\ncamara = 'r6'"), 11, "'camara' is unknown"),
        (("expires = 2026-12-31", "expires = 2026-12-31\ncamera = 'x6'"), 11, "expected a camera"),
        (("expires = 2026-12-31", "expires = 2026-12-31\nnights = '20211031:20211001'"), 11, "earlier night first"),
        (("expires = 2026-12-31", "expires = 2026-12-31\nfibers = '3000-5000'"), 11, "within 0-4999"),
        (("expires = 2026-12-31", "expires = 2026-12-31\nwavelengths = [6600, 6500]"), 11, "shortest, longest"),
        (("expires = 2026-12-31", "expires = 2026-12-31\nexpid = 'all'"), 11, "whole number"),
        (("expires = 2026-12-31", "expires = "), 10, "is no TOML"),
        (("[[waiver]]", "[[wavier]]"), 2, "expected only"),
    ],
)
def test_a_malformed_entry_is_named_with_its_line(tmp_path, change, line, message):
    with pytest.raises(WaiverError) as caught:
        waivers(tmp_path, GOOD.replace(*change))
    assert str(caught.value).startswith(f"{tmp_path}/waivers.toml:{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_id_serves_once(tmp_path):
    with pytest.raises(WaiverError, match=r"waivers.toml:12: waiver id 'halpha' is used twice"):
        waivers(tmp_path, GOOD + GOOD.removeprefix("# a comment\n"))


def test_a_draft_is_refused_until_a_person_completes_it_and_then_covers_what_failed(tmp_path, record):
    failed = [
        record(1.234, fibers=[[3000, 3049]], waves=[6500.0, 6510.0]),
        record(1.5, expid=104285, fibers=[[3050, 3099]], waves=[6490.0, 6505.0]),
    ]
    crashed = record(float("nan"), camera="r9") | {"message": 'KeyError: "FLUX"\n at \\x7f\x7f'}
    low = record(0.0123, camera="b1", limit=Limit("sky_chromatic", low=0.5))
    everything = [*failed, crashed, low, record(0.5), record(9.0, camera="z1") | {"waiver": "old"}]
    text = waiver_file.draft(everything)
    with pytest.raises(WaiverError, match="'reason' is ''"):
        waivers(tmp_path, text)
    for key in ("reason", "issue", "owner"):
        text = text.replace(f'{key} = ""', f'{key} = "known"')
    entries = waivers(tmp_path, text.replace('expires = ""', "expires = 2026-12-31"))
    assert len(entries) == 3
    marked, _ = apply([item | {"waiver": ""} for item in everything], entries, today=TODAY)
    assert [bool(item["waiver"]) for item in marked] == [True, True, True, True, False, False]
    grown = apply([replace_value(item) for item in failed], entries, today=TODAY)[0]
    assert not any(item["waiver"] for item in grown)


def replace_value(item):
    return item | {"value": item["value"] + 1}


def test_entries_of_a_draft_have_names_of_their_own(tmp_path, record):
    limit = Limit("sky_chromatic", low=0.2, high=1.0)
    found = [record(value, limit=limit, expectation=name) for name in ("test_one", "test_two") for value in (0.1, 1.5)]
    text = waiver_file.draft(found)
    assert [line for line in text.splitlines() if line.startswith("id = ")] == [
        f'id = "sky_chromatic-r6-20211014{number}"' for number in ("", "-2", "-3", "-4")
    ]
    for key in ("reason", "issue", "owner"):
        text = text.replace(f'{key} = ""', f'{key} = "known"')
    entries = waivers(tmp_path, text.replace('expires = ""', "expires = 2026-12-31"))
    assert [entry.covers["sky_chromatic"] for entry in entries] == [0.1, 1.5, 0.1, 1.5]


@pytest.mark.parametrize(
    ("value", "limit", "covers"),
    [
        (1.2345678, Limit("sky_chromatic", high=1.0), 1.24),
        (123456.0, Limit("sky_chromatic", high=1.0), 124000.0),
        (0.0123456, Limit("sky_chromatic", low=1.0), 0.0123),
        (-1.2345678, Limit("sky_chromatic", low=1.0), -1.24),
        (0.0, Limit("sky_chromatic", low=1.0), 0.0),
    ],
)
def test_a_draft_covers_what_was_found_and_little_more(tmp_path, record, value, limit, covers):
    text = waiver_file.draft([record(value, limit=limit)])
    assert f"covers = {covers!r}" in text.splitlines()


def test_a_draft_names_the_place_by_camera_petal_tile_or_unit(record):
    petal = record(2.0, camera=None, expid=None) | {"petal": 3, "unit": "7951-3-20211014"}
    tile = record(2.0, camera=None, expid=None)
    night = tile | {"tile": None, "night": None, "unit": "20211014"}
    names = [waiver_file.draft([one]).split('id = "')[1].split('"')[0] for one in (petal, tile, night)]
    assert names == ["sky_chromatic-petal3-20211014", "sky_chromatic-7951-20211014", "sky_chromatic-20211014-20211014"]


def test_warnings_are_drafted_on_demand(record):
    warned = record(1.5, limit=replace(Limit("sky_chromatic", high=1.0), severity=Severity.WARN))
    assert waiver_file.draft([warned]) == ""
    assert "[[waiver]]" in waiver_file.draft([warned], warnings=True)


@pytest.mark.parametrize(("pixel", "covered"), [("main-dark-311", True), ("main-dark-312", False), ("sv3-dark-311", False)])
def test_a_waiver_of_a_pixel_of_the_sky_is_for_that_pixel(tmp_path, record, pixel, covered):
    entry = waivers(tmp_path, GOOD.replace("covers", f'healpix = "{pixel}"\ncovers'))
    found = record(1.5, camera=None, expid=None) | {"unit": "healpix-main-dark-311", "kind": "healpix", "night": 0, "tile": None}
    (marked,), _ = apply([found], entry, today=TODAY)
    assert bool(marked["waiver"]) is covered
    condition, values = entry[0].scope.sql()
    with duckdb.connect() as connection:
        row = "SELECT 'test_sky_model_smooth' AS expectation, 'sky_chromatic' AS measure, 'healpix-main-dark-311' AS unit"
        assert bool(connection.execute(f"SELECT * FROM ({row}) WHERE {condition}", values).fetchall()) is covered
    assert 'healpix = "main-dark-311"' in waiver_file.draft([found])


def test_a_pixel_that_is_none_is_refused_with_its_line(tmp_path):
    with pytest.raises(WaiverError, match="expected a pixel of the sky such as main-dark-27247"):
        waivers(tmp_path, GOOD.replace("covers", 'healpix = "27247"\ncovers'))
