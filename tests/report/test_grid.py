"""Grids of nights and tiles: which cell shows what, and what its tooltip tells."""

from __future__ import annotations

import re

import pytest

from pytest_specqa.report.gather import Entry
from pytest_specqa.report.grid import MAX_TOLD, grids
from pytest_specqa.report.places import Place
from pytest_specqa.values import Limit


@pytest.fixture
def entry(record):
    def make(outcome="passed", *, camera="r6", expid=104284, expectation="test_sky_model_smooth", **changes):
        found = record(camera=camera, expid=expid, expectation=expectation, outcome=outcome, stage="sky", **changes)
        return Entry(f"{expectation}[{found['unit']}]", (found,))

    return make


def cells(html: str, row: str) -> str:
    text = next(part for part in html.split('<th scope="row">')[1:] if part.startswith(row))
    return "".join(letter or "." for letter in re.findall(r"<td[^>]*>(?:<a[^>]*>)?(.?)(?:</a>)?</td>", text))


def test_bands_that_were_judged_have_ten_columns_each_from_blue_to_red(entry):
    html = grids([entry(camera="z9"), entry("failed", camera="b0")], linked=lambda _: False)
    assert re.findall(r'<th colspan="(\d+)" class="specqa-band">(. petals)<', html) == [("10", "b petals"), ("10", "z petals")]
    assert cells(html, "00104284") == "F" + "." * 18 + "P" + "."
    assert html.count("specqa-petal specqa-first") == 3
    names = re.findall(r'<th class="specqa-petal[^"]*" title="(\w+)">(\w+)<', html)
    assert names == [(f"{band}{petal}", str(petal)) for band in "bz" for petal in range(10)] + [("exposure", "all")]


def test_the_tile_of_an_exposure_stands_in_its_row_if_any_check_knows_it(entry):
    html = grids([entry(tile=None), entry(tile=7951, camera="r7"), entry(tile=None, expid=104290)], linked=lambda _: False)
    assert '00104284 <span class="specqa-faint">tile 7951</span>' in html
    assert '00104290 <span class="specqa-faint"></span>' in html


def test_the_whole_night_has_a_row_of_its_own(entry):
    html = grids([entry(), entry("warned", camera=None, expid=None)], linked=lambda _: False)
    assert '<th scope="row">whole night</th><td class="specqa-absent" colspan="10"></td>' in html
    assert cells(html, "whole night") == ".W"


def test_rows_are_in_the_order_of_exposures_and_nights(entry):
    html = grids([entry(expid=9, night=20211015), entry(expid=8), entry(expid=7)], linked=lambda _: False)
    assert re.findall(r"<h3>Night (\d+)</h3>", html) == ["20211014", "20211015"]
    assert html.index("00000007") < html.index("00000008") < html.index("00000009")


def test_a_cell_leads_to_its_worst_test_if_that_has_a_row(entry):
    found = [entry(), entry("failed", expectation="test_no_lines")]
    html = grids(found, linked=lambda one: one.nodeid.startswith("test_no_lines"))
    assert '<a href="#20211014-00104284-r6/test_no_lines"' in html
    assert "<a " not in grids(found, linked=lambda _: False)


def test_a_unit_of_which_some_could_not_be_measured_and_some_passed_is_marked(entry):
    both = [entry(), entry("not measured", expectation="test_other")]
    assert "specqa-passed specqa-partly" in grids(both, linked=lambda _: False)
    assert "specqa-partly" not in grids(both[1:], linked=lambda _: False)


def test_the_tooltip_counts_outcomes_and_names_the_worst_first_up_to_a_number(entry):
    many = [entry("warned", expectation=f"test_{k:02d}") for k in range(MAX_TOLD + 3)]
    html = grids([entry(), *many, entry("failed", expectation="test_zz")], linked=lambda _: False)
    title = re.search(r'title="(00104284 r6: [^"]*)"', html)[1].splitlines()
    assert title[0] == f"00104284 r6: 1 failed, {MAX_TOLD + 3} warned, 1 passed"
    assert title[1] == "failed: zz"
    assert sum(line.startswith(("failed: ", "warned: ")) for line in title) == MAX_TOLD


def test_a_failure_that_pytest_alone_knows_is_one(record):
    found = Entry("test_x", (record(),), failed=True)
    assert cells(grids([found], linked=lambda _: False), "00104284")[6] == "F"


def test_nothing_gives_nothing():
    assert grids([], linked=lambda _: True) == ""


def test_each_band_and_the_exposure_itself_begin_with_a_line(entry):
    html = grids([entry(camera="b0"), entry("failed", camera="r0"), entry(camera="r1")], linked=lambda _: False)
    row = next(part for part in html.split('<th scope="row">')[1:] if part.startswith("00104284"))
    first = ["specqa-first" in cell for cell in re.findall(r"<td ([^>]*)>", row)]
    assert first == [True, *[False] * 9, True, *[False] * 9, True]


def test_what_data_say_cannot_leave_the_tooltip(entry):
    html = grids([entry("failed", expectation='a"><b')], linked=lambda _: True)
    assert 'failed: a&quot;&gt;&lt;b"' in html
    assert 'a"' not in html


def shade(html: str) -> int:
    return int(re.search(r"--deep:(\d+)%", html)[1])


def test_the_farther_a_warning_lies_beyond_its_limit_the_deeper_is_its_cell(entry):
    limit = Limit("m", high=1.0, warn_high=0.1)
    near, far = (grids([entry("warned", value=value, limit=limit)], linked=lambda _: True) for value in (0.11, 0.49))
    assert 0 <= shade(near) < 10
    assert 60 < shade(far) < 80
    assert "largest is 4.9 times the limit" in far
    assert shade(grids([entry("warned", value=0.99, limit=limit)], linked=lambda _: True)) > 95


def test_the_shade_is_that_of_the_worst_check_of_a_cell_and_only_of_what_has_a_number(entry):
    limit = Limit("m", high=1.0)
    cell = [entry("failed", value=value, limit=limit, expectation=f"test_{value}") for value in (2.0, 50.0, 3.0)]
    assert shade(grids(cell, linked=lambda _: True)) == 100
    assert "--deep" not in grids([entry("failed", value=float("nan"))], linked=lambda _: True)
    assert "--deep" not in grids([entry("passed", value=0.9, limit=limit)], linked=lambda _: True)


def test_cells_are_numbered_by_finding_where_there_are_several(entry):
    found = [entry("failed"), entry("failed", camera="r7"), entry("warned", camera="r8"), entry(camera="r9")]
    places = {one.check: Place(number, "shows") for one, number in zip(found, (2, 1, 2, 1), strict=True)}
    html = grids(found, linked=lambda _: True, places=places)
    assert re.findall(r">([FWP])<sub>(\d)</sub></a>", html) == [("F", "2"), ("F", "1"), ("W", "2")]
    assert "<sub>" not in grids(found, linked=lambda _: True, places=dict.fromkeys(places, Place(1, "shows")))


def test_pixels_of_the_sky_have_a_row_for_each_hundred(entry):
    names = ("main-dark-27247", "main-dark-27201", "main-dark-311", "sv3-dark-311")
    found = [entry(camera=None, expid=None, kind="healpix", unit=f"healpix-{name}", night=0, tile=None) for name in names]
    found.append(entry("failed", camera=None, expid=None, kind="healpix", unit="healpix-main-dark-27247", night=0, tile=None))
    html = grids(found, linked=lambda _: False)
    assert re.findall(r"<h3>([^<]+)</h3>", html) == ["Healpix pixels"]
    assert cells(html, 'main-dark <span class="specqa-faint">27200-27299') == "PF", "in order of number"
    assert cells(html, 'main-dark <span class="specqa-faint">300-399') == "P."
    assert cells(html, 'sv3-dark <span class="specqa-faint">300-399') == "P."
    assert "pixel main-dark-27247: 1 failed, 1 passed" in html


def test_reductions_of_one_exposure_have_rows_of_their_own(entry):
    found = [entry(camera=None, expid=expid, kind="petal", petal=6, unit=f"7951-{expid}") for expid in (104284, 104285)]
    html = grids(found, linked=lambda _: False)
    assert [f"exposure 0010428{number}" in html for number in (4, 5, 6)] == [True, True, False]
