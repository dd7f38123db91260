"""What the report page says, and what it leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.report.gather import Entry
from pytest_specqa.report.page import _chips

Page = Any
HOSTILE = "<script>alert('x')</script>"
SMOOTH = "qa_tests/test_sky.py::test_sky_model_smooth"


def test_the_page_is_one_file_without_references_to_others(page: Page) -> None:
    """A qa_tests run gives a self-contained page, though nobody asked for it."""
    assert not (page.path.parent / "assets").exists()
    links = re.findall(r'(?:src|href)="([^"#][^"]*)"', page.html.split("data-jsonblob")[0])
    assert [link for link in links if "pypi" not in link] == []


def test_the_verdict_names_stage_scope_and_suggestion(page: Page) -> None:
    """The sentence on top is the finding, not a count alone."""
    verdict = page.top.split('class="specqa-verdict')[1].split("</p>")[0]
    assert "FAILED" in verdict
    assert "first bad stage: sky model" in verdict
    assert "petals 6-8 of the r cameras, both exposures of tile 7951, not 00104282 or 00104286" in verdict
    assert "1 check crashed" in verdict


def test_the_four_outcomes_are_counted(page: Page) -> None:
    """Counts are of checks, with a letter beside each colour."""
    chips = page.top.split('class="specqa-chips"')[1].split("</p>")[0]
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
    letters = re.findall(r"<td[^>]*>(?:<a[^>]*>)?(.?)(?:</a>)?</td>", rows["00104284"])
    assert "".join(letter or "." for letter in letters) == "PPPPPPFFFP."
    assert f'data-specqa-go="{SMOOTH}[20211014-00104284-r6]"' in rows["00104284"]
    assert "specqa-partly" in rows["00104284"]


def test_tiles_have_their_own_grid(page: Page) -> None:
    """Petals across, and the tile itself at the end."""
    tiles = page.top.split("<h3>Tiles</h3>")[1].split("</section>")[0]
    letters = re.findall(r"<td[^>]*>(?:<a[^>]*>)?(.?)(?:</a>)?</td>", tiles)
    assert "".join(letters) == "PPPPPPFFFPW"


def test_passed_checks_have_no_row_and_are_counted(page: Page) -> None:
    """12,000 passed tests must not fill the page."""
    assert not [nodeid for nodeid in page.rows if "is_usable" in nodeid]
    assert "78 passed checks have no row" in page.top


def test_rows_come_worst_first(page: Page) -> None:
    """After what broke: failures in data-flow order, then warnings, then what was not measured."""
    order = [re.search(r"<b>(.)</b>", rows[0]["resultsTableRow"][0])[1] for rows in page.rows.values()]
    assert order == sorted(order, key="FW–".index)
    failed = [nodeid for nodeid in page.rows if "smooth" in nodeid or "pileup" in nodeid][:9]
    assert failed == sorted(failed, key=lambda nodeid: ("pileup" in nodeid, nodeid))


def test_a_failed_row_opens_to_message_limit_file_and_command(page: Page) -> None:
    """Everything that is needed to act on a miss."""
    detail = page.detail(f"{SMOOTH}[20211014-00104285-r8]")
    for text in (
        "0.12 ± 0.01 fraction of sky",
        "≤ 0.05",
        "fibers 3400–3449",
        "6441–6605 Å",
        "PR #1452",
        "exposures/sky-r6.fits",
        "0.002",
    ):
        assert text in detail
    assert "pytest qa_tests --specprod &#x27;a b&#x27; --camera r8" in detail


def test_pictures_stop_at_the_quota_and_the_rest_is_said_in_words(page: Page) -> None:
    """Three pictures of an expectation by default."""
    details = [page.detail(nodeid) for nodeid in page.rows if nodeid.startswith(SMOOTH)]
    assert sum(detail.count("<img") for detail in details) == 3
    assert sum("not shown" in detail for detail in details) == 5


def test_what_data_say_is_escaped_everywhere(page: Page) -> None:
    """A header or file name is text, never markup."""
    everything = page.top + "".join(page.detail(nodeid) + "".join(page.rows[nodeid][0]["resultsTableRow"]) for nodeid in page.rows)
    assert HOSTILE not in everything
    assert "alert(" in everything
    assert "<script>alert" not in everything


def test_a_miss_has_no_traceback_and_a_crash_has(page: Page) -> None:
    """The log is kept where it says more than the row."""
    assert page.rows[f"{SMOOTH}[20211014-00104284-r6]"][0]["log"] == ""
    crash = next(rows for nodeid, rows in page.rows.items() if "crashes" in nodeid)
    assert "1 / 0" in str(crash[0]["log"])


def test_filters_keep_the_words_they_know(page: Page) -> None:
    """pytest-html hides rows whose result it does not know."""
    results = {rows[0]["result"] for rows in page.rows.values()}
    assert results == {"Error", "Failed", "Passed", "Skipped"}


def test_passed_checks_are_listed_on_request(tmp_path: Path, build_page: Callable[..., Page]) -> None:
    """``--specqa-show-passed`` gives every check a row, distributed runs give the same rows."""
    shown = build_page(tmp_path, "--specqa-show-passed", "-n", "2")
    assert len([nodeid for nodeid in shown.rows if "is_usable" in nodeid]) == 40
    assert "have no row" not in shown.top


def test_pages_of_other_projects_stay_as_they_are(tmp_path: Path, build_page: Callable[..., Page]) -> None:
    """Without records, pytest-html's page is left alone."""
    (tmp_path / "qa_tests").mkdir()
    (tmp_path / "qa_tests" / "test_other.py").write_text("def test_bad():\n    assert 0\n", encoding="utf-8")
    other = build_page(tmp_path, "qa_tests/test_other.py", fill=False)
    assert "specqa-" not in other.html
    assert other.rows["qa_tests/test_other.py::test_bad"][0]["result"] == "Failed"


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
    (row,) = mixed.rows["qa_tests/test_mixed.py::test_without_a_unit"]
    assert "qa_tests/test_mixed.py::test_without_a_unit</td>" in "".join(row["resultsTableRow"])
    assert "assert 0" in str(row["log"])
    assert "<b>F</b> failed<" in row["resultsTableRow"][0]


def test_a_test_that_could_not_begin_is_an_error(page: Page) -> None:
    broken = next(rows[0] for nodeid, rows in page.rows.items() if "test_broken_setup" in nodeid)
    assert "<b>F</b> error<" in broken["resultsTableRow"][0]


@pytest.mark.parametrize(("excuse", "word"), [({"waiver": "RM-3"}, "waived"), ({"known": True}, "known")])
def test_what_is_excused_is_counted_beside_the_outcomes(record, excuse: dict[str, Any], word: str) -> None:
    entries = [Entry("one", (record(outcome="failed", **excuse),), failed=False), Entry("two", (record(outcome="passed"),))]
    assert re.findall(r"<b>.</b> (1 [^<]*)<", _chips(entries)) == ["1 passed", f"1 {word}"]


def test_outcomes_that_did_not_occur_are_quiet(mixed: Page) -> None:
    chips = mixed.top.split('class="specqa-chips"')[1].split("</p>")[0]
    quiet = {text for style, text in re.findall(r'class="specqa-badge ([^"]*)"><b>.</b> ([^<]*)<', chips) if "quiet" in style}
    assert quiet == {"0 warned", "0 not measured"}


def test_what_a_failed_check_printed_is_in_its_log(mixed: Page) -> None:
    (row,) = mixed.rows["qa_tests/test_mixed.py::test_that_speaks"]
    assert "said on the way" in str(row["log"])
    assert "Traceback" not in str(row["log"])


@pytest.mark.parametrize("folder", ["qa_tests", "others"])
def test_only_a_page_of_data_units_is_one_file(tmp_path: Path, build_page: Callable[..., Page], folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "test_other.py").write_text("def test_bad():\n    assert 0\n", encoding="utf-8")
    build_page(tmp_path, f"{folder}/test_other.py", fill=False)
    assert (tmp_path / "assets" / "style.css").exists() is (folder == "others")
