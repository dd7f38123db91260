"""The generated pages hold what a reader comes for, for every expectation."""

from __future__ import annotations

import re

import pytest
from making import judged, pages
from making.facts import Facts, expectations, suite
from making.text import address, at_home, prose

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.quiet import QUIET

EVERY = {facts.name: facts for facts in expectations()}


@pytest.fixture(params=EVERY.values(), ids=EVERY)
def facts(request):
    return request.param


@pytest.fixture
def page(facts: Facts) -> str:
    return "\n".join(pages.expectation(facts))


def section(page: str, heading: str) -> str:
    """Text below a heading of the second rank."""
    return page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]


def test_there_is_a_page_for_every_expectation():
    assert set(EVERY) == set(suite().expectations)
    assert len(EVERY) > 60


def test_the_claim_is_the_docstring(facts, page):
    claim = " ".join(suite().expectations[facts.name].__doc__.split())
    assert f"> {prose(claim)}\n" in page
    assert facts.kind in page
    assert facts.stage


def test_each_measure_has_limit_source_and_what_to_do(facts, page):
    told = section(page, "What is measured, and what to do")
    assert facts.measures
    for one in facts.measures:
        assert one.limit.source
        assert one.limit.doc
        (part,) = [each for each in told.split("\n### ") if f"`{one.limit.name}`:" in each]
        assert part.startswith(prose(one.limit.plain[:1].upper() + one.limit.plain[1:]))
        assert f"| {one.basis} |" in part
        for override in one.overrides:
            assert pages._values(override).split(" = ")[1].split(",")[0] in part
        first = prose(one.limit.source).split(" docs/")[0][:40]
        assert first in part.split("*Source:*")[1]


def test_its_fault_and_its_look_alike_are_named(facts, page):
    told = section(page, "Its fault, and what looks like it")
    found = judged.faults_of(facts)
    written = judged.told().get(facts.name, judged.Told())
    assert bool(found) != bool(written.fault)
    if found:
        assert prose(found[0].fault.doc) in told
        assert f"`{found[0].fault.name}` | {found[0].fault.id} |" in told
    else:
        assert prose(written.fault) in told
        assert (judged.ROOT / written.tests).is_file()
    assert len(told.split("*What must not set it off.* ")[1].split("\n")[0]) > 15


def test_the_false_alarms_are_those_of_the_judgement(facts, page):
    told = section(page, "False alarms")
    rows = [row for row in judged.rows("false_alarms") if row["expectation"] == facts.name]
    assert told.count("No trial") == 1 - len(rows)
    for row in rows:
        assert f"**{row['false failures']} of {row['trials']}** clean {row['unit']}s failed" in told
        assert row["95 % upper limit"] in told


def test_what_is_written_down_speaks_of_expectations_and_faults_that_exist():
    assert set(judged.told()) <= set(EVERY)
    for name, written in judged.told().items():
        if written.library:
            assert judged.faults_of(EVERY[name])[0].fault is FAULTS[written.library]


def test_a_page_shows_the_pictures_that_were_made(tmp_path):
    path = tmp_path / "test_sky_model_smooth-0-sky_model.png"
    text = "\n".join(pages.expectation(EVERY["test_sky_model_smooth"], [path]))
    assert "```{figure} ../pictures/test_sky_model_smooth-0-sky_model.png" in text
    assert "line_scale_leak is planted in a camera" in text
    assert "{figure}" not in "\n".join(pages.expectation(EVERY["test_sky_model_smooth"]))


def test_an_override_of_a_limit_is_on_the_page():
    written = [(facts, one) for facts in EVERY.values() for one in facts.measures if one.overrides]
    assert written
    for facts, one in written:
        text = "\n".join(pages.expectation(facts))
        assert text.count("\n| for ") >= len(one.overrides)


def test_every_limit_has_its_measure_on_a_page_and_in_the_glossary():
    shown = {one.limit.name for facts in EVERY.values() for one in facts.measures}
    assert shown == set(suite().limits.names)
    listed = re.findall(r"^\| `(\w+)` \|", "\n".join(pages.glossary()), re.MULTILINE)
    assert listed == sorted(shown)


def test_a_measure_is_not_taken_for_the_picture_of_its_name():
    names = {one.limit.name for one in EVERY["test_each_redshift_of_a_petal_is_its_own"].measures}
    assert names == {"repeated_redshifts"}
    assert EVERY["test_each_redshift_of_a_petal_is_its_own"].pictures == ("redshift_pileup",)


def test_the_list_has_every_expectation_below_its_stage():
    text = "\n".join(pages.index())
    assert re.findall(r"^\| \[[^]]+\]\((test_\w+)\.md\)", text, re.MULTILINE) == list(EVERY)
    assert text.index("## Sky model") < text.index("(test_sky_model_smooth.md)") < text.index("## Sky subtraction")


def test_cases_that_must_not_trigger_are_those_of_the_unit():
    assert judged.quiet_cases("camera") == [case.doc for case in QUIET.values() if case.level == "camera"]
    assert judged.quiet_cases("night") == []


def test_the_catalogue_gives_the_look_alikes_of_a_fault():
    assert judged.look_alikes()["F03"].startswith("real breaks in science fibers")
    assert "tile that was designed anew" in judged.look_alikes()["F65"]


def test_text_of_limits_is_no_markup():
    told = prose("a*b_c [x] | <b> of desispec#1452")
    assert told.startswith(r"a\*b\_c \[x\] \| &lt;b&gt; of <a href=")
    assert "desispec/issues/1452" in told


def test_links_to_the_published_site_stay_in_the_one_that_is_built():
    site = address("Documentation")
    text = f"[a]({site}/en/latest/generated/measures.html#x) [b](faults.md) [c]({site}) [d](notebooks/camera.ipynb)"
    assert at_home(text) == f"[a](generated/measures.md#x) [b](faults.md) [c]({site}) [d](generated/notebooks/camera.md)"
