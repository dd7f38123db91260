"""What the report page says, and what it leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.report.bar import bar
from pytest_specqa.report.gather import Entry

Page = Any
HOSTILE = "<script>alert('x')</script>"
SMOOTH = "test_sky_model_smooth"


def test_the_page_is_one_file_without_references_to_others(page: Page) -> None:
    """A qa_tests run gives a self-contained page, though nobody asked for it."""
    assert not (page.path.parent / "assets").exists()
    links = re.findall(r'(?:src|href)="([^"#][^"]{0,40})', page.html.split("data-jsonblob")[0])
    elsewhere = ("https://pypi.python.org", "https://github.com/desihub/", "file:///", "data:image/png;base64,")
    assert [link for link in links if not link.startswith(elsewhere)] == []


def test_the_verdict_is_one_sentence_and_the_findings_follow(page: Page) -> None:
    """What failed first, then what it comes to, then everything else."""
    verdict = re.sub(r"<[^>]*>", "", page.top.split('class="specqa-verdict')[1].split("</p>")[0].partition(">")[2])
    assert re.fullmatch(
        r"FAILED: 10 of 95 checks fail, on 10 of 52 units; 1 test that judges no unit failed; \d findings?\b.*\.", verdict
    )
    assert page.top.index('class="specqa-verdict') < page.top.index('id="finding-1"') < page.top.index('class="specqa-grids"')


def test_a_finding_says_where_what_shows_it_and_what_follows(page: Page) -> None:
    """The card leads to its rows, the one that shows it best first."""
    card = page.top.split('id="finding-1"')[1].split("</article>")[0]
    assert "<h2>" in card
    assert "sky model" in card.split("</h2>")[0]
    assert "both exposures of tile 7951" in card
    targets = re.findall(r'href="#([^"]*)"', card)
    assert targets
    assert set(targets) <= {*page.rows}
    # Six that show it, and two that warn elsewhere.
    assert sum("test_sky_model_smooth" in target for target in set(targets)) == 8
    assert sum("test_no_redshift_pileup" in target for target in set(targets)) == 3
    assert re.findall(r"<dt>follows from it</dt><dd><details><summary>(\d) checks", card) == ["3"]


def test_the_evidence_stands_beside_the_finding(page: Page) -> None:
    """The first picture of what shows it, which leads to its row."""
    card = page.top.split('id="finding-1"')[1].split("</article>")[0]
    (target,) = re.findall(r'class="specqa-evidence" href="#([^"]*)"', card)
    assert f'data-specqa-from="{target}"' in card
    assert "data:image/png" in page.rows[target].html
    assert page.html.count("data:image/png") == 3


def test_rows_stand_under_their_finding_and_say_what_they_follow_from(page: Page) -> None:
    """Consequences are folded below what they follow from."""
    group = page.html.split('id="rows-of-finding-1"')[1].split("</section>")[0]
    shows, _, follows = group.partition('<details class="specqa-folded">')
    assert shows.count('class="specqa-row"') == 6
    assert follows.startswith("<summary>3 checks that follow from finding 1</summary>")
    assert follows.count('<a class="specqa-tag" href="#finding-1">follows from finding 1</a>') == 3
    assert "specqa-tag" not in shows


def test_the_four_outcomes_are_counted(page: Page) -> None:
    """Counts are of checks, with a letter beside each colour."""
    chips = page.top.split('class="specqa-chips"')[1].split('id="specqa-count"')[0]
    assert re.findall(r"<b>(.)</b> (\d+ [a-z ]+)<", chips) == [
        ("F", "10 failed"),
        ("W", "3 warned"),
        ("–", "4 not measured"),
        ("P", "78 passed"),
    ]


def test_cells_show_the_worst_outcome_of_their_unit(page: Page) -> None:
    """One row per exposure, one cell per camera, linked to the worst test."""
    night = page.top.split("<h3>Night 20211014</h3>")[1].split("</section>")[0]
    rows = {text.split()[0]: text for text in night.split('<th scope="row">')[1:]}
    assert list(rows) == ["00104282", "00104284", "00104285", "00104286", "whole"]
    letters = re.findall(r"<td[^>]*>(?:<a[^>]*>)?(.?)(?:<sub>\d</sub>)?(?:</a>)?</td>", rows["00104284"])
    assert "".join(letter or "." for letter in letters) == "PPPPPPFFFP."
    assert f'href="#20211014-00104284-r6/{SMOOTH}"' in rows["00104284"]
    assert "specqa-partly" in rows["00104284"]


def test_tiles_have_their_own_grid(page: Page) -> None:
    """Petals across, and the tile itself at the end."""
    tiles = page.top.split("<h3>Tiles</h3>")[1].split("</section>")[0]
    letters = re.findall(r"<td[^>]*>(?:<a[^>]*>)?(.?)(?:<sub>\d</sub>)?(?:</a>)?</td>", tiles)
    assert "".join(letters) == "PPPPPPFFFPW"


def test_passed_checks_have_no_row_and_are_counted(page: Page) -> None:
    """12,000 passed tests must not fill the page."""
    assert not [anchor for anchor in page.rows if "is_usable" in anchor]
    assert "78 passed checks have no row" in page.top


def test_rows_come_worst_first_within_their_group(page: Page) -> None:
    """After what broke: failures in data-flow order, then warnings, then what was not measured."""
    groups = page.html.split('<section class="specqa-group')[1:]
    for group in groups:
        for part in group.split('class="specqa-folded"'):
            words = re.findall(r'data-outcome="([^"]*)"', part)
            assert words == sorted(words, key=["broken", "failed", "warned", "not measured"].index)
    assert 'data-outcome="broken"' in groups[0]
    assert "1 test is broken" in page.top


def test_a_failed_row_opens_to_message_limit_file_and_command(page: Page) -> None:
    """Everything that is needed to act on a miss."""
    detail = page.rows[f"20211014-00104285-r8/{SMOOTH}"].html
    for text in (
        "0.12 ± 0.01 fraction of sky",
        "≤ 0.05",
        "fibers 3400–3449",
        "6441–6605 Å",
        ">PR #1452<",
        "exposures/sky-r6.fits",
        "0.002",
    ):
        assert text in detail
    assert "pytest qa_tests --specprod &#x27;a b&#x27; --camera r8" in detail


def test_pictures_stop_at_the_quota_and_the_rest_is_said_in_words(page: Page) -> None:
    """Three pictures of an expectation by default."""
    details = [row.html for anchor, row in page.rows.items() if anchor.endswith(SMOOTH)]
    assert sum(detail.count("<img") for detail in details) == 3
    assert sum("not shown" in detail for detail in details) == 5


def test_what_data_say_is_escaped_everywhere(page: Page) -> None:
    """A header or file name is text, never markup."""
    everything = page.html.split("<script>")[0]
    assert HOSTILE not in everything
    assert "alert(" in everything
    assert "<script>alert" not in everything


def test_a_miss_has_no_traceback_and_a_crash_has(page: Page) -> None:
    """The log is kept where it says more than the row."""
    assert "specqa-log" not in page.rows[f"20211014-00104284-r6/{SMOOTH}"].html
    (crash,) = [row for anchor, row in page.rows.items() if "crashes" in anchor]
    assert "1 / 0" in crash.html.split("specqa-log")[1]


def test_the_table_of_the_writer_gives_way(page: Page) -> None:
    """Nothing is on the page twice."""
    assert page.data() == {}


def test_a_row_has_an_address_that_says_what_it_is_of(page: Page) -> None:
    """Unit and test, as the results name them; none twice."""
    anchors = re.findall(r'<details class="specqa-row" id="([^"]*)"', page.html)
    assert len(set(anchors)) == len(anchors)
    assert f"20211014-00104284-r6/{SMOOTH}" in anchors
    linked = re.findall(r'<td [^>]*><a href="#([^"]*)"', page.top)
    assert linked
    assert set(linked) <= set(anchors)


def test_few_failures_are_open_and_what_follows_is_not(page: Page) -> None:
    """What shows a finding needs no click."""
    opened = {anchor for anchor, row in page.rows.items() if row.opened and row.word == "failed"}
    assert {anchor.split("/")[1] for anchor in opened} >= {SMOOTH}
    assert not [anchor for anchor in opened if "pileup" in anchor]


def test_many_failures_are_closed(crowded: Page) -> None:
    """A page of forty pictures is no answer."""
    assert len(crowded.rows) == 40
    assert [row for row in crowded.rows.values() if row.opened] == []


def test_the_page_says_its_language_and_fits_a_telephone(page: Page) -> None:
    """What the writer's template leaves out."""
    assert page.html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert '<meta name="viewport" content="width=device-width, initial-scale=1"/>' in page.html.split("</head>")[0]


def test_passed_checks_are_listed_on_request(tmp_path: Path, build_page: Callable[..., Page]) -> None:
    """``--specqa-show-passed`` gives every check a row, distributed runs give the same rows."""
    shown = build_page(tmp_path, "--specqa-show-passed", "-n", "2")
    assert len([anchor for anchor in shown.rows if "is_usable" in anchor]) == 40
    assert "have no row" not in shown.top


def test_pages_of_other_projects_stay_as_they_are(tmp_path: Path, build_page: Callable[..., Page]) -> None:
    """Without records, pytest-html's page is left alone."""
    (tmp_path / "qa_tests").mkdir()
    (tmp_path / "qa_tests" / "test_other.py").write_text("def test_bad():\n    assert 0\n", encoding="utf-8")
    other = build_page(tmp_path, "qa_tests/test_other.py", fill=False)
    assert "specqa-" not in other.html
    assert other.data()["qa_tests/test_other.py::test_bad"][0]["result"] == "Failed"
    assert "<html>" in other.html


def test_the_title_names_production_and_night(page: Page) -> None:
    """A tab among many says what it is of."""
    title = re.search(r"<title>([^<]*)</title>|id=\"title\">([^<]*)<", page.html)[0]
    assert "Spectroscopic QA: " in title
    assert "night 20211014<" in title


NIGHTS = """
import pytest
from pytest_specqa.values import DataUnit

pytestmark = pytest.mark.specqa_stage("frame")

@pytest.mark.parametrize("night", [20211014, 20211016])
def test_two_nights(judge, night):
    judge(DataUnit("night", night), "test_two_nights", "passed")

def test_without_a_unit():
    assert 0

def test_that_speaks(judge):
    print("said on the way")
    judge(DataUnit("night", 20211014), "test_that_speaks", "failed")
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, build_page: Callable[..., Page], support: str) -> Page:
    """The page of two nights, and of a test that judges nothing."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "qa_tests").mkdir()
    (folder / "qa_tests" / "conftest.py").write_text(support, encoding="utf-8")
    (folder / "qa_tests" / "test_mixed.py").write_text(NIGHTS, encoding="utf-8")
    return build_page(folder, "qa_tests", fill=False)


def test_several_nights_are_counted_in_the_title(mixed: Page) -> None:
    assert "Spectroscopic QA: production daily, nights 20211014–20211016 (2)<" in mixed.html


def test_a_test_that_judges_nothing_keeps_its_row_and_traceback(mixed: Page) -> None:
    row = mixed.rows["qa_tests/test_mixed.py::test_without_a_unit"]
    assert row.word == "failed"
    assert "assert 0" in row.html
    assert row.opened


def test_a_test_that_could_not_begin_is_an_error(page: Page) -> None:
    (broken,) = [row for anchor, row in page.rows.items() if "test_broken_setup" in anchor]
    assert broken.word == "broken"
    assert "no_such_fixture" in broken.html


@pytest.mark.parametrize(("excuse", "word"), [({"waiver": "RM-3"}, "waived"), ({"known": True}, "known")])
def test_what_is_excused_is_counted_beside_the_outcomes(record, excuse: dict[str, Any], word: str) -> None:
    entries = [Entry("one", (record(outcome="failed", **excuse),), failed=False), Entry("two", (record(outcome="passed"),))]
    assert re.findall(r"<b>.</b> (1 [^<]*)<", bar(entries, entries)) == ["1 passed", f"1 {word}"]


def test_outcomes_that_did_not_occur_are_quiet(mixed: Page) -> None:
    chips = mixed.top.split('class="specqa-chips"')[1].split('id="specqa-count"')[0]
    quiet = {text for style, text in re.findall(r'class="specqa-badge ([^"]*)"><b>.</b> ([^<]*)<', chips) if "quiet" in style}
    assert quiet == {"0 warned", "0 not measured"}


def test_what_a_failed_check_printed_is_in_its_log(mixed: Page) -> None:
    log = mixed.rows["20211014/test_that_speaks"].html.split("specqa-log")[1]
    assert "said on the way" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("folder", ["qa_tests", "others"])
def test_only_a_page_of_data_units_is_one_file(tmp_path: Path, build_page: Callable[..., Page], folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "test_other.py").write_text("def test_bad():\n    assert 0\n", encoding="utf-8")
    build_page(tmp_path, f"{folder}/test_other.py", fill=False)
    assert (tmp_path / "assets" / "style.css").exists() is (folder == "others")
