"""The parts of the page: packing, choosing, fibers, CCD rows and the night."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import SelectionError, UsageError
from pytest_specqa.instrument import DESI
from pytest_specqa.look import fibers, night
from pytest_specqa.look.ccdrows import USUAL_BEND, read_bend
from pytest_specqa.look.choice import choose, find_exposure
from pytest_specqa.look.light import block_mean, rebinned
from pytest_specqa.look.pack import fine_step, pack, unpack
from pytest_specqa.look.words import viewer_link
from pytest_specqa.production import Fibermap, Production
from pytest_specqa.values import Exposure

from .conftest import EXPID, NEXT, NIGHT, PATCH, WAVE, WINDOW, Written, write


@pytest.mark.parametrize("delta", [False, True])
def test_packed_numbers_come_back_within_half_a_step(delta: bool) -> None:
    values = np.random.default_rng(1).normal(0, 1, (7, 13)) * 10.0 ** np.arange(-3, 4)[:, None]
    values[2, 3], values[6, 12] = np.nan, np.inf
    back = unpack(pack(values, step=0.05, delta=delta))
    known = np.isfinite(values)
    np.testing.assert_array_equal(np.isnan(back), ~known)
    np.testing.assert_allclose(back[known], values[known], atol=0.0250001)


def test_steps_follow_the_noise_and_not_the_light_of_targets() -> None:
    noise = np.random.default_rng(2).normal(0, 8, (50, 400))
    assert fine_step(noise + np.linspace(0, 5000, 50)[:, None]) == pytest.approx(1.0, rel=0.05)
    assert fine_step(np.full((3, 3), np.nan)) > 0


def test_means_leave_out_what_is_bad() -> None:
    values = np.array([[1.0, 2.0, 30.0, 4.0, 5.0]])
    good = np.array([[True, True, False, True, False]])
    np.testing.assert_allclose(rebinned(values, good, factor=2), [[1.5, 4.0, np.nan]])
    np.testing.assert_allclose(block_mean(np.array([[1.0, np.nan, 5.0], [3.0, np.nan, 9.0]]), across=2, down=2), [[2.0, 7.0]])


def test_the_worst_finding_chooses_cameras_window_and_fibers(written: Written, look_record: Callable[..., Any]) -> None:
    exposure = find_exposure(written.production, night=NIGHT, expid=EXPID)
    records = [look_record("r6", 5.0), look_record("r7", 50.0), look_record("r6", 99.0, expid=NEXT), look_record(None, 0.5)]
    choice = choose(written.production, exposure, records=records)
    assert choice.cameras == ("r7", "r6")
    assert (choice.window, choice.fibers) == (WINDOW, PATCH)
    assert "sky_step failed" in choice.why
    assert {record["expid"] for record in choice.shown} == {EXPID}


def test_what_is_asked_for_goes_before_the_results(written: Written, look_record: Callable[..., Any]) -> None:
    exposure = find_exposure(written.production, night=NIGHT, expid=EXPID)
    choice = choose(written.production, exposure, records=[look_record("r7")], cameras="r6", fibers="3100-3149", waves="6000:6100")
    assert (choice.cameras, choice.fibers, choice.window) == (("r6",), (3100, 3149), (6000.0, 6100.0))


def test_without_results_the_window_of_the_founding_case_is_shown(written: Written) -> None:
    choice = choose(written.production, find_exposure(written.production, night=NIGHT, expid=EXPID))
    assert (choice.cameras, choice.window, choice.fibers) == (("r6",), (6500.0, 6700.0), None)


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"cameras": "r5"}, SelectionError, "nearest: r6, r7|nearest: r7, r6"),
        ({"cameras": "q9"}, SelectionError, "--camera q9"),
        ({"cameras": " , "}, SelectionError, "such as r6,r7"),
        ({"waves": "6700:6500"}, UsageError, "such as 6500:6700"),
        ({"waves": "6500"}, UsageError, "such as 6500:6700"),
        ({"waves": "3600:3700"}, SelectionError, "5760:7620"),
        ({"fibers": "3299-3250"}, SelectionError, "3000-3499, 3500-3999"),
        ({"fibers": "0-49"}, SelectionError, "3000-3499, 3500-3999"),
        ({"fibers": "all"}, UsageError, "such as 3250-3299"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    written: Written, asked: dict[str, str], error: type[Exception], told: str
) -> None:
    exposure = find_exposure(written.production, night=NIGHT, expid=EXPID)
    with pytest.raises(error, match=told) as caught:
        choose(written.production, exposure, **asked)
    assert "\n" not in str(caught.value)


def test_bands_are_not_mixed_on_a_page(written: Written) -> None:
    exposure = Exposure(NIGHT, EXPID, 7951, cameras=("b6", "r6"))
    with pytest.raises(SelectionError, match="one band"):
        choose(written.production, exposure, cameras="b6,r6")


def table(**columns: Any) -> Fibermap:
    size = len(next(iter(columns.values())))
    rows = np.zeros(size, dtype=[(name, np.asarray(values).dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    return Fibermap(rows, {}, Path("fibermap.fits"))


def test_flags_are_told_in_words_also_those_without_a_name() -> None:
    assert fibers.status_words([0, 4, (1 << 30) | 1, -(2**31)], DESI) == ["good", "BROKENFIBER", "UNASSIGNED, bit 30", "bit 31"]


def test_magnitudes_come_from_the_flux_or_else_from_gaia() -> None:
    found = fibers.magnitudes(table(FLUX_R=[100.0, 0.0, -1.0], GAIA_PHOT_G_MEAN_MAG=[5.0, 12.0, 0.0]))
    np.testing.assert_allclose(found, [17.5, 12.0, np.nan])
    assert np.isnan(fibers.magnitudes(table(FIBER=[1, 2]))).all()


def test_places_that_are_not_known_come_from_the_assignment() -> None:
    fibermap = table(
        FIBER_X=[1.0, 0.0, np.nan], FIBER_Y=[2.0, 0.0, 3.0], FIBERASSIGN_X=[9.0, 8.0, 7.0], FIBERASSIGN_Y=[9.0, 8.0, 7.0]
    )
    x, y = fibers.positions(fibermap, fibers.PLACES)
    np.testing.assert_array_equal(x, [1.0, 8.0, 7.0])
    np.testing.assert_array_equal(y, [2.0, 8.0, 7.0])


def test_angles_on_the_sky() -> None:
    assert fibers.separation((359.5, 0.0), (0.5, 0.0)) == pytest.approx(1.0)
    assert fibers.separation((10.0, 60.0), (12.0, 60.0)) == pytest.approx(1.0, rel=1e-3)
    assert viewer_link(float("nan"), 1.0, zoom=8) == ""


def test_a_tile_across_zero_has_its_middle_there(written: Written) -> None:
    from pytest_specqa.look.light import read_light  # noqa: PLC0415

    light = read_light(written.production, night=NIGHT, expid=EXPID, camera="r6", window=WINDOW, images=False)
    light.fibermap.data["FIBER_RA"] = np.tile([359.0, 1.0], 250)
    assert fibers.centre([light])[0] in (pytest.approx(0.0, abs=1e-6), pytest.approx(360.0, abs=1e-6))
    light.fibermap.data["FLUX_R"][10] = 10 ** (0.4 * (22.5 - 6.0))
    star = fibers.bright_stars([light], (359.0, float(light.fibermap["FIBER_DEC"][10])))
    assert [(one.fiber, round(one.mag, 2), round(one.distance, 3)) for one in star] == [(3010, 6.0, 0.0)]


def test_rows_follow_the_traces_where_there_are_some(links: Path) -> None:
    """A trace whose row is (wave - 6690) / 0.6 + 40 s^2 + 2063.5 bends rows by -24 Angstrom at the ends of the slit."""
    production = Production(links)
    slit = (2 * np.arange(500) / 499 - 1) ** 2
    half = (7620.0 - 5760.0) / 2
    coefficients = np.stack([2063.5 + 40 * slit, np.full(500, half / 0.6)], axis=1)
    path = production.expected_path("psfnight", night=NIGHT, camera="r6")
    write(path, {"YTRACE": coefficients}, WAVEMIN=5760.0, WAVEMAX=7620.0)
    where = {"night": NIGHT, "expid": EXPID, "camera": "r6", "grid": WAVE}
    bend = read_bend(production, **where, header={"CCDSECC": "[1:2057, 2065:4128]"})
    assert bend.traced
    # Away from the ends of the band, where a row leaves it.
    np.testing.assert_allclose(bend.shift[0, 2:], bend.shift[250, 2:] - 24.0, atol=0.01)
    np.testing.assert_allclose(bend.shift[250], 0.0, atol=0.01)
    assert bend.boundary[250] == pytest.approx(6690.0, abs=0.01)
    assert bend.boundary[0] == pytest.approx(6666.0, abs=0.01)
    # A header that says otherwise moves the boundary, a barycentric grid the wavelengths.
    other = read_bend(production, **where, header={"CCDSECC": "[1:2057, 2105:4128]", "HELIOCOR": 1.0001})
    assert other.boundary[250] == pytest.approx((6690.0 + 24.0) * 1.0001, abs=0.05)


@pytest.mark.parametrize("coefficients", [np.full((500, 2), np.nan), np.stack([np.full(500, 2000.0), np.full(500, -9.0)], axis=1)])
def test_traces_that_cannot_be_used_give_way_to_the_parabola(links: Path, coefficients: np.ndarray) -> None:
    production = Production(links)
    write(production.expected_path("psfnight", night=NIGHT, camera="r6"), {"YTRACE": coefficients}, WAVEMIN=5760.0, WAVEMAX=7620.0)
    bend = read_bend(production, night=NIGHT, expid=EXPID, camera="r6", grid=WAVE, header={})
    assert not bend.traced
    assert bend.shift[0, 0] == pytest.approx(0.8 * USUAL_BEND)
    assert abs(bend.shift[250, 0]) < 0.01


def test_the_night_tells_the_worst_outcome_of_each_camera(written: Written, look_record: Callable[..., Any]) -> None:
    exposures = written.production.exposures(NIGHT)
    records = [look_record("r6", 5.0), look_record("r6", 0.5, measure="other"), look_record("r7", 2.0), look_record(None, 0.5)]
    html = night.grid(exposures, here=exposures[0], records=records, pages={NEXT: 'a"b.html'})
    first, second = html.split("<tr")[2:4]
    assert [part.split('"')[0] for part in first.split('class="')[2:]] == ["failed", "warned", "passed"]
    assert "00104284 r6: sky_step failed" in first
    assert "unjudged" in second
    assert "no results given" in second
    assert 'href="a&quot;b.html"' in second
    assert 'data-camera="r6"' in first
    assert "data-camera" not in second


def test_neighbours_reach_to_the_next_tile() -> None:
    tiles = [1, 1, 7951, 7951, 7951, 2, 2]
    exposures = [Exposure(NIGHT, 100 + k, tile, ("r6",)) for k, tile in enumerate(tiles)]
    assert [one.expid for one in night.neighbours(exposures, exposures[2])] == [101, 102, 103, 104]
    assert [one.expid for one in night.neighbours(exposures, exposures[3])] == [101, 102, 103, 104, 105]
    assert [one.expid for one in night.neighbours(exposures, exposures[0])] == [100, 101, 102]


def test_pages_are_named_after_their_exposure() -> None:
    assert night.page_name(Path("look-00104284.html"), expid=EXPID, other=NEXT) == "look-00104286.html"
    assert night.page_name(Path("e104284.html"), expid=EXPID, other=NEXT) == "e104286.html"
    assert night.page_name(Path("page.html"), expid=EXPID, other=NEXT) == ""


def test_limits_of_an_image_are_finite_whatever_it_holds() -> None:
    assert night.zscale(np.full((4, 4), np.nan)) == (-1.0, 1.0)
    assert night.zscale(np.full((4, 4), 3.0)) == (2.0, 4.0)
