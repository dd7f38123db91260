"""What a window of redshifts points to: the line, the camera and what is special about the place."""

from __future__ import annotations

import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.redshifts.clues import clue


def of_line(rest: float, wave: float, *, half: float = 2.0) -> tuple[float, float]:
    """Redshift window in which a line falls on a wavelength, give or take."""
    return (wave - half) / rest - 1, (wave + half) / rest - 1


@pytest.mark.parametrize(
    ("wave", "place"),
    [
        (3700.0, "blue part of the b camera"),
        (4500.0, "middle of the b camera"),
        (5700.0, "red part of the b camera"),
        (5790.0, "where the b and r cameras meet"),
        (5895.0, "at Na D"),
        (6302.0, "at [O I] 6302"),
        (6690.0, "middle of the r camera, where its amplifiers meet"),
        (6900.0, "middle of the r camera"),
        (7560.0, "where the r and z cameras meet"),
        (9700.0, "red part of the z camera"),
    ],
)
def test_the_place_of_a_lyman_alpha_line(wave, place):
    phrase, waves = clue(*of_line(1215.67, wave), quasars=True)
    assert phrase == f"Ly-alpha at z = {wave / 1215.67 - 1:.2f} is {wave:.0f} A: {place}"
    assert waves == pytest.approx((wave - 2, wave + 2))


@pytest.mark.parametrize(("wave", "known"), [(5581.0, "at [O I] 5579"), (6564.0, "at Galactic H-alpha")])
def test_a_wide_window_is_not_pinned_to_a_narrow_feature(wave, known):
    assert known in clue(*of_line(1215.67, wave), quasars=True)[0]
    assert known not in clue(*of_line(1215.67, wave, half=40.0), quasars=True)[0]


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("band", "brz")
def test_amplifiers_meet_within_sixty_angstrom_of_the_middle(band, side):
    middle = DESI.bands[band].middle
    rest, quasars = 3728.48, False
    near, far = (clue(*of_line(rest, middle + side * off, half=1.0), quasars=quasars)[0] for off in (50.0, 70.0))
    assert "amplifiers" in near
    assert f"{band} camera" in near
    assert "amplifiers" not in far


def test_galaxies_are_told_by_the_line_that_lies_on_something_special():
    low, high = of_line(5008.24, 5579.0)
    assert clue(low, high, quasars=False)[0].startswith("[O III] at z = 0.11 is 5579 A: at [O I] 5579")


def test_without_anything_special_the_first_line_in_the_spectrum_speaks():
    assert clue(0.195, 0.2, quasars=False)[0].startswith("[O II] at z = 0.20")
    assert clue(0.6, 0.61, quasars=True)[0].startswith("Mg II at z = 0.60")


def test_a_line_beyond_the_spectrograph_is_not_named():
    first, last = DESI.bands["b"].first, DESI.bands["z"].last
    assert "Ly-alpha" in clue(*of_line(1215.67, first + 5), quasars=True)[0]
    assert "Ly-alpha" not in clue(*of_line(1215.67, first - 5), quasars=True)[0]
    assert "Ly-alpha" in clue(*of_line(1215.67, last - 5), quasars=True)[0]
    assert clue(*of_line(1215.67, last + 5), quasars=True)[0] == ""
