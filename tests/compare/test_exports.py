"""A comparison for a pull request and for programs: short, findings first, and nothing from the data is markup."""

from __future__ import annotations

import json
import math

import pytest

from pytest_specqa.compare.exports import LARGEST, as_json, markdown
from pytest_specqa.compare.redshifts import ClassChange, RedshiftChanges
from pytest_specqa.compare.shifts import ALLOWED, Shift
from pytest_specqa.results.comparing.compare import compare

SIDES = ("one", "two")
NASTY = "a|b `c` $x$ <img src=x> [y](http://evil.example) www.evil.example @ada #12 ~~z~~ *w*"
ACTIVE = ("`c`", "$", "<img", "[y]", "http://", "www.evil", "@ada", "#12", "~~z", "*w*")


def shifted(**changes):
    found = {"objects": 800, "moved": 800, "shift": 5e-4, "error": 1e-6, "p_value": 1e-99, "significant": True} | changes
    return Shift("QSO", "SPECTYPE", allowance=ALLOWED["QSO"], **found)


def redshifts(*shifts):
    classes = (ClassChange("QSO", targets=900, good_before=0, good_after=800, moved=3, moved_good=1, good_both=0),)
    return RedshiftChanges(classes=classes, petals=1, shifts=shifts)


def test_the_first_lines_say_what_broke_and_by_how_much(record):
    text = markdown(compare([record(value=0.5)], [record(value=2.0)]), sides=SIDES, redshifts=RedshiftChanges())
    lines = [line for line in text.splitlines() if line]
    assert lines[0] == "## ❌ Before and after"
    assert lines[1].startswith("**1 broke, of 1 check; findings: 1 new;")
    assert lines[3].startswith("- ❌ **new:")
    assert "size 0.5 → 2 (at most 1 m) on 20211014-00104284-r6; before, 0 checks fail; after, 1 check (1 measurement)" in lines[3]


def test_what_was_mended_is_good_news(record):
    text = markdown(compare([record(value=2.0)], [record(value=0.5)]), sides=SIDES, redshifts=RedshiftChanges())
    assert text.startswith("## ✅")
    assert "- ✅ **gone:" in text


def test_nothing_from_the_data_is_markup(record):
    before = [record(value=0.5, measure=NASTY, expectation=f"test_{NASTY}") | {"unit": NASTY}]
    after = [record(value=2.0, measure=NASTY, expectation=f"test_{NASTY}", detail=NASTY, message=NASTY) | {"unit": NASTY}]
    text = markdown(compare(before, after), sides=(NASTY, NASTY), redshifts=RedshiftChanges(notes=(NASTY,)))
    assert "evil" in text
    assert not [words for words in ACTIVE if words in text]
    (row,) = [line for line in text.splitlines() if line.startswith("| broken")]
    assert row.replace(r"\|", "").count("|") == 8


@pytest.mark.parametrize("words", ["x" * 200, NASTY * 3, "ü|$" * 90])
def test_a_comment_is_never_larger_than_a_pull_request_takes(record, words):
    before = [record(value=0.5, expectation=f"test_{words}_{number}") | {"unit": words} for number in range(400)]
    after = [record(value=2.0, expectation=f"test_{words}_{number}") | {"unit": words} for number in range(400)]
    text = markdown(compare(before, after), sides=(words, words), redshifts=RedshiftChanges(notes=(words,) * 500))
    assert len(text.encode()) <= LARGEST
    assert "400 broke" in text
    assert "more" in text


def test_redshifts_that_moved_together_come_first_and_break(record):
    same = compare([record()], [record()])
    text = markdown(same, sides=SIDES, redshifts=redshifts(shifted()))
    assert text.startswith("## ❌")
    assert "**Redshifts shifted: spectra of type QSO: median dz/(1+z) +0.0005" in text
    assert "- ❌ **redshifts shifted**: spectra of type QSO" in text
    warned = markdown(same, sides=SIDES, redshifts=redshifts(shifted(shift=1e-4)))
    assert warned.startswith("## ✅")
    assert "- ⚠️ **redshifts shifted**" in warned


def test_json_holds_findings_checks_measurements_and_redshifts(record):
    before = [record(value=0.5), record(value=2.0, camera="r7")]
    after = [record(value=2.0), record(value=0.5, camera="r7")]
    content = json.loads(as_json(compare(before, after), sides=SIDES, redshifts=redshifts(shifted(error=math.nan))))
    assert content["broken"] is True
    assert [(one["change"], one["breaks"], one["before"], one["after"]) for one in content["findings"]] == [
        ("new", True, {"checks": 0, "measurements": 0}, {"checks": 1, "measurements": 1}),
        ("gone", False, {"checks": 1, "measurements": 1}, {"checks": 0, "measurements": 0}),
    ]
    assert content["findings"][0]["shown_by"]["after"] == 2.0
    assert content["checks"]["counts"]["broken"] == content["checks"]["counts"]["fixed"] == 1
    assert [one["change"] for one in content["checks"]["listed"]] == ["broken", "fixed"]
    assert content["measurements"]["changed"] == 2
    (shift,) = content["redshifts"]["shifts"]
    assert (shift["state"], shift["error"], shift["shift"]) == ("broken", None, 5e-4)
    assert shift["source"]
