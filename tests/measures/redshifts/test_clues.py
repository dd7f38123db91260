"""What a window of redshifts points to: the line, the camera and what is special about the place."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.redshifts.clues import clue, galactic_redshifts


def of_line(rest: float, wave: float, *, half: float = 2.0) -> tuple[float, float]:
    """Redshift window in which a line falls on a wavelength, give or take."""
    return (wave - half) / rest - 1, (wave + half) / rest - 1


POOR = "a sky line (poor subtraction)"


@pytest.mark.parametrize(
    ("wave", "place"),
    [
        (3700.0, "blue part of the b camera"),
        (4500.0, "middle of the b camera"),
        (5700.0, "red part of the b camera"),
        (5790.0, "where the b and r cameras meet"),
        (5895.0, f"at Na D, {POOR}"),
        (6302.0, f"at [O I] 6302, {POOR}"),
        (6690.0, "middle of the r camera, where its amplifiers meet"),
        (6900.0, "middle of the r camera"),
        (7560.0, "where the r and z cameras meet"),
        (9700.0, "red part of the z camera"),
    ],
)
def test_the_place_of_a_lyman_alpha_line(wave, place):
    phrase, waves = clue(*of_line(1215.67, wave), quasars=True)
    assert phrase == f"Ly-alpha at z = {wave / 1215.67 - 1:.3f} is {wave:.0f} A: {place}"
    assert waves == pytest.approx((wave - 2, wave + 2))


@pytest.mark.parametrize(("wave", "known"), [(5581.0, "at [O I] 5579"), (6564.0, "at Galactic H-alpha")])
def test_a_wide_window_is_not_pinned_to_a_narrow_feature(wave, known):
    assert known in clue(*of_line(1215.67, wave), quasars=True)[0]
    assert known not in clue(*of_line(1215.67, wave, half=40.0), quasars=True)[0]


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("band", "brz")
def test_amplifiers_meet_within_sixty_angstrom_of_the_middle(band, side):
    middle = DESI.bands[band].middle
    near, far = (clue(*of_line(1215.67, middle + side * off, half=1.0), quasars=True)[0] for off in (50.0, 70.0))
    assert "amplifiers" in near
    assert f"{band} camera" in near
    assert "amplifiers" not in far


@pytest.mark.parametrize(
    ("z", "words"),
    [
        (0.4958, f"[O II] at z = 0.496 is 5577 A: at [O I] 5579, {POOR}"),
        (1.6277, f"[O II] at z = 1.628 is 9797 A: at OH 9793, {POOR}"),
        (0.1139, f"[O III] at z = 0.114 is 5579 A: at [O I] 5579, {POOR}"),
        (0.3543, "H-beta at z = 0.354 is 6586 A: at [N II] 6585 of the Galaxy, real light"),
    ],
)
def test_galaxies_are_told_by_the_line_that_lies_nearest_to_something(z, words):
    assert clue(z - 3e-4, z + 3e-4, quasars=False)[0] == words


@pytest.mark.parametrize(("z", "quasars"), [(2.8, False), (0.605, True)])
def test_without_anything_special_the_line_cannot_be_told(z, quasars):
    phrase, waves = clue(z - 3e-4, z + 3e-4, quasars=quasars)
    assert phrase.startswith("cannot tell")
    assert waves is None


def test_no_line_is_named_over_half_a_spectrum():
    assert clue(4.0, 6.2, quasars=True) == ("over too wide a range to tell which line", None)


def test_the_end_of_the_templates_is_named_where_no_line_is():
    assert "end of the galaxy templates" in clue(1.66, 1.665, quasars=False)[0]


def test_a_line_beyond_the_spectrograph_is_not_named():
    first, last = DESI.bands["b"].first, DESI.bands["z"].last
    assert "Ly-alpha" in clue(*of_line(1215.67, first + 5), quasars=True)[0]
    assert "Ly-alpha" not in clue(*of_line(1215.67, first - 5), quasars=True)[0]
    assert "Ly-alpha" in clue(*of_line(1215.67, last - 5), quasars=True)[0]
    assert "Ly-alpha" not in clue(*of_line(1215.67, last + 5), quasars=True)[0]


def test_light_of_the_galaxy_is_read_at_known_redshifts():
    velocity = 299792.458 * np.log(6585.27 / 4862.68)
    assert np.abs(galactic_redshifts() - velocity).min() < 1.0
