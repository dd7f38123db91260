"""What the findings of a run look like on top of the page."""

from __future__ import annotations

import re

import pytest

from pytest_specqa.report import top
from pytest_specqa.triage import Finding, Suspect


@pytest.fixture
def finding(record):
    def make(outcome: str = "failed", *, camera: str = "r6", **parts) -> Finding:
        shown = record(outcome=outcome, camera=camera)
        return Finding(**({"stage": "sky", "scope": "petal 6", "suspects": (), "records": (shown,)} | parts))

    return make


def cards(*findings: Finding, pictured=()) -> list[str]:
    return top.cards(findings, pictured=pictured, linked=lambda _: True).split("<article ")[1:]


def test_what_only_warns_is_folded_where_something_fails(finding):
    failed, warned = cards(finding(), finding("warned"))
    assert "<h2>" in failed.split("<details>")[0]
    assert warned.index("<details><summary><h2>") < warned.index("<dl>")
    (alone,) = cards(finding("warned"))
    assert "<h2>" in alone.split("<details>")[0]


def test_causes_are_listed_with_their_reasons_and_one_speaks_alone(finding):
    two = (Suspect("a", "the <sky> fit", 0.7, ("desispec#12 had it",)), Suspect("b", "a lamp", 0.2))
    (card,) = cards(finding(suspects=two))
    assert "sky model: the &lt;sky&gt; fit</h2>" in card
    reasons = re.findall(r"<li>(.*?)</li>", card.split("<dt>why</dt>")[1].split("</ol>")[0])
    assert [re.sub(r"<[^>]*>", "", one) for one in reasons] == ["the &lt;sky&gt; fit (70%): desispec#12 had it", "a lamp (20%)"]
    (alone,) = cards(finding(suspects=two[:1]))
    assert "<ol>" not in alone
    assert "issues/12" in alone


def test_what_cannot_be_told_is_said(finding):
    (card,) = cards(finding(unclear="cannot tell, because two agree", advice="look at <b>"))
    assert "cannot tell, because two agree</h2>" in card
    assert "<b>look at &lt;b&gt;</b>" in card


def test_the_evidence_is_that_of_the_best_check_that_has_a_picture(finding, record):
    shown = tuple(record(outcome="failed", camera=camera) for camera in ("r6", "r7", "r8"))
    pictured = {(one["unit"], one["expectation"]) for one in shown[1:]}
    (card,) = cards(finding(records=shown), pictured=pictured)
    assert re.findall(r'data-specqa-from="([^"]*)"', card) == ["20211014-00104284-r7/test_sky_model_smooth"]
    assert "specqa-evidence" not in cards(finding(records=shown))[0]


def test_a_long_list_of_links_ends_with_how_many_more(finding, record, monkeypatch):
    monkeypatch.setattr(top, "MANY", 2)
    shown = tuple(record(outcome="failed", camera=f"r{k}") for k in range(5))
    (card,) = cards(finding(follows=shown))
    follows = card.split("<dt>follows from it</dt>")[1]
    assert "5 checks" in follows
    assert follows.count("<a ") == 2
    assert "and 3 more" in follows


@pytest.mark.parametrize(
    ("outcomes", "end"),
    [
        ((), ""),
        (("failed",), "; 1 finding"),
        (("failed", "failed", "warned"), "; 2 findings and 1 finding that only warns"),
        (("warned", "warned"), "; 2 findings that only warn"),
    ],
)
def test_the_verdict_ends_with_the_number_of_findings(finding, outcomes, end):
    assert top.comes_to([finding(outcome) for outcome in outcomes]) == end


def test_the_glossary_explains_what_failed_once(record):
    html = top.glossary(
        [record(outcome="failed", doc="What <to> do.", plain="a size"), record(outcome="passed", measure="other")] * 2
    )
    assert html.count("<dt ") == 1
    assert '<dt id="measure/sky_chromatic">a size <small class="specqa-key">sky_chromatic</small></dt>' in html
    assert "What &lt;to&gt; do." in html
    assert top.glossary([record()]) == ""
