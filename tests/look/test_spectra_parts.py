"""Choosing, rebinning, words and lines of spectra, without files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_specqa.errors import SelectionError, UsageError
from pytest_specqa.look.embed import build, script_text
from pytest_specqa.look.spectra_choice import Choice, choose, numbers, redshift_range
from pytest_specqa.look.spectra_found import Spectrum, spread
from pytest_specqa.look.spectra_lines import Trouble, fit_lines, hint, troubles
from pytest_specqa.look.spectra_page import negative_line
from pytest_specqa.look.spectra_rebin import Binned, average, rebin
from pytest_specqa.look.words import classes_in_words, status_in_words, viewer_link, zwarn_in_words
from pytest_specqa.measures.focal.bright_stars import catalogued, middle_of, offsets, targeted

COLUMNS = {
    "FIBER": np.array([3004, 3001, 3002, 3003]),
    "TARGETID": np.array([14, 11, 12, -13]),
    "SKY": np.array([False, False, False, True]),
    "SPECTYPE": np.array(["QSO", "QSO", "GALAXY", ""]),
    "Z": np.array([4.3, 1.2, 0.8, np.nan]),
    "ZWARN": np.array([0, 4, 0, 4]),
}


def fibers(**asked):
    return COLUMNS["FIBER"][choose(Choice(**asked), COLUMNS, where="tile 7951").rows].tolist()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [3001, 3002, 3003, 3004]),
        ({"fibers": (3004, 3002)}, [3002, 3004]),
        ({"targetids": (-13, 11)}, [3001, 3003]),
        ({"spectypes": ("QSO",)}, [3001, 3004]),
        ({"spectypes": ("QSO",), "z": ((4.25, 4.4),)}, [3004]),
        ({"z": ((0.0, 1.0), (4.3, np.inf))}, [3002, 3004]),
        ({"zwarn": True}, [3001]),
        ({"sky": True}, [3003]),
    ],
)
def test_each_part_of_a_choice_narrows_it_in_order_of_fiber(asked, expected):
    assert fibers(**asked) == expected


def test_a_choice_tells_how_many_each_part_left():
    chosen = choose(Choice(spectypes=("QSO",), z=((4.0, 5.0),)), COLUMNS, where="tile 7951")
    assert [count for _, count in chosen.steps] == [4, 2, 1]


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ({"fibers": (3100,)}, ["no fiber 3100", "3001, 3002, 3003, 3004"]),
        ({"targetids": (99,)}, ["no TARGETID 99", "14"]),
        ({"spectypes": ("QSOS",)}, ["QSOS", "there are GALAXY, QSO", "did you mean QSO"]),
        ({"spectypes": ("QSO",), "z": ((9.0, 10.0),)}, ["2 left by SPECTYPE QSO", "0 left by z 9:10", "z 1.200 to 4.300"]),
        ({"fibers": (3002,), "spectypes": ("QSO",)}, ["1 left by fiber 3002", "0 left by SPECTYPE QSO", "these are GALAXY"]),
    ],
)
def test_what_matches_nothing_is_one_line_with_what_there_is(asked, parts):
    with pytest.raises(SelectionError) as caught:
        choose(Choice(**asked), COLUMNS, where="tile 7951")
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert all(part in message for part in parts)


def test_fibers_that_are_not_there_are_noted_beside_those_that_are():
    chosen = choose(Choice(fibers=(3001, 3100, 3101)), COLUMNS, where="tile 7951")
    assert len(chosen.rows) == 1
    assert "3100-3101" in chosen.notes[0]


def test_numbers_are_single_ranges_or_negative():
    assert numbers("3000, 3250-3252,3000", what="fiber") == (3000, 3250, 3251, 3252)
    assert numbers("-795100309,5", what="TARGETID") == (-795100309, 5)


@pytest.mark.parametrize("text", ["", ",", "r6", "3-", "5-3", "1e3", "0-99999999"])
def test_what_names_no_fiber_is_refused(text):
    with pytest.raises(UsageError):
        numbers(text, what="fiber")


@pytest.mark.parametrize("text", ["", ":", "4", "4:3", "a:b", "nan:1"])
def test_what_is_no_range_of_redshifts_is_refused(text):
    with pytest.raises(UsageError):
        redshift_range(text)


def test_a_range_of_redshifts_may_be_open():
    assert redshift_range("4.25:4.40") == (4.25, 4.40)
    assert redshift_range("4:") == (4.0, np.inf)


def test_rebinning_weights_pixels_by_their_inverse_variance():
    binned = rebin(np.arange(4.0), np.array([[1.0, 4.0, 10.0, 20.0]]), np.array([[3.0, 1.0, 1.0, 1.0]]), by=2)
    assert binned.flux[0].tolist() == pytest.approx([1.75, 15.0])
    assert binned.error[0].tolist() == pytest.approx([0.5, 0.5**0.5])
    assert binned.wave.tolist() == [0.5, 2.5]


def test_pixels_without_weight_or_value_do_not_count_and_are_told():
    flux = np.array([[1.0, 1e6, np.nan, 5.0, 7.0]])
    binned = rebin(10.0 * np.arange(5), flux, np.array([[1.0, 0.0, 1.0, 0.0, 1.0]]), by=2)
    assert binned.flux[0, [0, 2]].tolist() == [1.0, 7.0]
    assert np.isnan(binned.flux[0, 1])
    assert binned.out == (((20.0, 30.0),),)


def test_the_average_is_a_median_with_the_error_of_their_scatter():
    rng = np.random.default_rng(3)
    flux = rng.normal(2.0, 0.5, (400, 50))
    flux[0] = 1e5
    middle, error = average(Binned(np.arange(50.0), flux, np.ones_like(flux), ()))
    assert middle.mean() == pytest.approx(2.0, abs=0.02)
    assert error.mean() == pytest.approx(0.5 * 1.2533 / 20, rel=0.1)


def test_examples_are_spread_over_all():
    assert spread(3, 5) == [0, 1, 2]
    assert spread(101, 3) == [0, 50, 100]
    assert spread(10, 1) == [0]


def test_bits_become_words_and_unknown_ones_keep_their_number():
    assert zwarn_in_words(0) == ""
    assert zwarn_in_words(4) == "a second fit is nearly as good (small DELTACHI2)"
    assert zwarn_in_words(1 << 25) == "bit 25"
    assert "bad amplifier in r" in status_in_words(1 << 23)
    assert "bit 31" in status_in_words(-(1 << 31))
    assert classes_in_words(1 | 1 << 33) == "LRG, standard star"


def test_the_viewer_opens_at_the_target_and_at_no_impossible_place():
    assert viewer_link(48.357, -6.56) == (
        "https://www.legacysurvey.org/viewer?ra=48.35700&dec=-6.56000&layer=ls-dr9&zoom=14&mark=48.35700,-6.56000"
    )
    assert not any(viewer_link(*place) for place in ((0.0, 0.0), (np.nan, 1.0), (400.0, 1.0), (10.0, -91.0)))


def test_lines_lie_at_the_redshift_of_the_fit():
    lines = {line.name: line for line in fit_lines("QSO", 4.36)}
    assert lines["Ly-alpha"].wave == pytest.approx(1215.67 * 5.36)
    assert "H-alpha" not in lines
    assert {line.absorption for line in fit_lines("STAR", 0.0)} == {True}
    assert {line.absorption for line in fit_lines("GALAXY", 0.3)} == {True, False}
    assert fit_lines("", np.nan) == []


def test_a_strong_line_that_falls_on_a_finding_is_named_with_it():
    place = Trouble(6458.0, 6606.0, "sky_chromatic_block fails in r6", frozenset({"r6"}))
    assert hint("QSO", 4.36, petal=6, places=[place]) == (
        "Ly-alpha would be at 6516 Å, where sky_chromatic_block fails in r6 (6458-6606 Å)."
    )
    assert "sky_chromatic" not in hint("QSO", 4.36, petal=5, places=[place])
    assert "sky_chromatic" not in hint("QSO", 3.6, petal=6, places=[place])
    assert hint("STAR", 0.0, petal=6, places=[place]) == ""


def test_without_results_a_line_on_a_sky_line_is_still_named():
    assert "5579" in hint("GALAXY", 5579 / 3728.48 - 1, petal=6)


def test_findings_give_their_wavelengths_and_cameras(record):
    bad = [record(5.0, camera=camera, waves=[6458.0, 6606.0]) for camera in ("r6", "r7")]
    fine = record(0.1, camera="r5", waves=[5800.0, 5900.0])
    found = troubles([*bad, fine], tile=7951)
    assert [(one.low, one.high, one.cameras) for one in found] == [(6458.0, 6606.0, frozenset({"r6", "r7"}))]
    assert troubles(bad, tile=1298) == []


def at_lyman_alpha(level, *, model=None):
    wave = np.arange(5760.0, 7620.0, 4.0)
    flux = np.where(np.abs(wave - 6516) < 80, level, 0.1)
    binned = Binned(wave, flux[None, :], np.full((1, wave.size), 0.05), ((),))
    fit = {"SPECTYPE": "QSO", "Z": 4.36}
    return Spectrum(3000, 6, 1, fit, {"r": (binned, 0)}, {} if model is None else {"r": np.full(wave.size, model)})


def test_a_dip_fitted_as_negative_lyman_alpha_is_told():
    assert "below zero, -0.500" in negative_line(at_lyman_alpha(-0.5))
    assert "best fit" not in negative_line(at_lyman_alpha(-0.5, model=0.2))
    assert "so is the best fit" in negative_line(at_lyman_alpha(-0.5, model=-0.4))
    assert negative_line(at_lyman_alpha(0.5)) == ""
    assert negative_line(at_lyman_alpha(-0.01)) == ""


def test_data_in_a_page_cannot_end_their_script():
    assert "<" not in script_text({"name": "</script><script>alert(1)</script><!--"})


def test_the_title_of_a_page_is_escaped():
    page = build("<img src=x onerror=alert(1)>", "", {})
    assert "<img" not in page
    assert "&lt;img" in page


def test_the_bright_star_beside_the_tile_of_the_founding_case_is_found():
    stars = catalogued((48.357, -6.56))
    assert {star.name: star.magnitude for star in stars}["HR 983"] == pytest.approx(6.17)
    assert [star.magnitude for star in stars] == sorted(star.magnitude for star in stars)


def test_the_sky_has_no_edge_at_zero_hours():
    ra, dec = np.array([359.5, 0.5, 0.0, np.nan]), np.array([1.0, 1.0, 0.0, 5.0])
    middle = middle_of(ra, dec)
    assert middle is not None
    assert middle[0] % 360 == pytest.approx(0.0, abs=1e-6) or middle[0] == pytest.approx(360.0)
    east, north = offsets(ra[:2], dec[:2], centre=middle)
    assert east.tolist() == pytest.approx([-0.5, 0.5], abs=1e-3)
    assert np.abs(north).max() < 1e-2
    assert middle_of(np.zeros(3), np.zeros(3)) is None


def test_a_target_that_is_a_bright_star_is_listed():
    flux = np.array([10 ** (0.4 * (22.5 - 7.0)), 100.0, -1.0, np.nan])
    stars = targeted(np.array([5, 6, 7, 8]), np.full(4, 10.0), np.full(4, 10.0), flux)
    assert [(star.name, round(star.magnitude, 3)) for star in stars] == [("target 5", 7.0)]


def test_the_catalogue_is_part_of_the_package():
    import pytest_specqa.measures.focal  # noqa: PLC0415

    assert (Path(pytest_specqa.measures.focal.__file__).parent / "bright_stars.csv").is_file()
