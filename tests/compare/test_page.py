"""The page shows what changed, and nothing in the data becomes markup."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.compare.page import build
from pytest_specqa.compare.pictures import Picture, over_median
from pytest_specqa.compare.redshifts import RedshiftChanges, good, moved
from pytest_specqa.results.comparing.compare import compare


def page(before, after, **changes):
    arguments = {"sides": ("one", "two"), "redshifts": RedshiftChanges(), "pictures": []} | changes
    return build(compare(before, after), **arguments)


def test_the_verdict_comes_first_and_the_worst_flip_next(record):
    text = page([record(value=0.5), record(value=2.0, camera="r7")], [record(value=2.0), record(value=0.5, camera="r7")])
    assert text.index("1 broke, 1 fixed, of 2 checks") < text.index("20211014-00104284-r6") < text.index("20211014-00104284-r7")
    assert 'class="verdict bad"' in text


def test_nothing_from_the_data_becomes_markup(record):
    nasty = "<script>alert(1)</script>&"
    text = page(
        [record(value=0.5)],
        [record(value=2.0, message=nasty, measure="size")],
        sides=(nasty, nasty),
        pictures=[Picture(nasty, reason=nasty)],
        redshifts=RedshiftChanges(notes=(nasty,)),
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 5


def test_the_page_loads_nothing(record):
    text = page([record(value=0.5)], [record(value=2.0)], pictures=[Picture("a picture", png="AAAA")])
    assert "http" not in text
    assert 'src="data:image/png;base64,AAAA"' in text


def test_a_good_redshift_is_one_by_the_rule_of_its_class():
    bits = np.array([1 << 0, 1 << 0, 1 << 1, 1 << 2, 1 << 2, 1 << 60, 1 << 60, 0])
    chi2 = np.array([16, 14, 24, 26, 26, 41, 39, 26])
    spectype = np.array(["GALAXY"] * 4 + ["QSO"] + ["GALAXY"] * 3)
    found = good(np.zeros(8, dtype=int), chi2, spectype=spectype, bits=bits)
    assert found.tolist() == [True, False, False, False, True, True, False, True]
    assert not good(np.ones(8, dtype=int), chi2, spectype=spectype, bits=bits).any()


def test_a_move_is_counted_in_units_of_one_plus_z():
    before = np.array([0.0, 1.0, 1.0, 4.0])
    after = np.array([0.0031, 1.0059, 1.0061, 4.0151])
    assert moved(before, after).tolist() == [True, False, True, True]


def test_sky_over_its_median_ignores_what_has_no_weight():
    flux = np.array([[1.0, 2.0], [2.0, 2.0], [3.0, 2.0], [99.0, 2.0]])
    ivar = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    found = over_median(flux, ivar)
    assert found[:3, 0] == pytest.approx([-50, 0, 50])
    assert np.isnan(found[3, 0])
