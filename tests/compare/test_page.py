"""The page shows what changed, and nothing in the data becomes markup."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.compare.page import build
from pytest_specqa.compare.pictures import Picture, over_median
from pytest_specqa.compare.redshifts import RedshiftChanges, good, moved
from pytest_specqa.compare.shifts import ALLOWED, Shift
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


def night(record, **values):
    return [record(value=values.get(f"r{petal}", 0.5), camera=f"r{petal}", stage="sky") for petal in range(4)]


def test_findings_with_their_numbers_come_before_counts_and_pictures(record):
    text = page(night(record, r1=3.0), night(record), pictures=[Picture("a picture", png="AAAA")])
    places = [
        text.index(words)
        for words in ('class="verdict good"', "<h2>Findings</h2>", "<b>3 → 0.5</b>", "<h2>Checks</h2>", "a picture")
    ]
    assert places == sorted(places)
    assert "<b>1 check (1 measurement)</b> fail; after, <b>0 checks</b>" in text


def test_what_follows_is_folded_under_its_finding(record):
    late = record(value=5.0, camera="r1", expectation="test_late_claim", measure="late", stage="sframe")
    good = record(value=0.5, camera="r1", expectation="test_late_claim", measure="late", stage="sframe")
    text = page([*night(record), good], [*night(record, r1=3.0), late])
    articles = text.split('<article class="finding')[1:]
    (first,) = [one for one in articles if "late claim" in one]
    assert first.index("<b>sky model</b>") < first.index("<details>") < first.index("late claim")
    assert text.count("late claim") == 1, "one message once"


def test_claims_are_words(record):
    text = page([record(value=0.5)], [record(value=2.0)])
    assert ">size<" in text
    assert "test_size" not in text.split("<h2>Measurements")[0]


def test_the_page_is_made_for_a_phone_and_for_the_dark(record):
    text = page([record(value=0.5)], [record(value=2.0)])
    assert '<html lang="en">' in text
    assert 'name="viewport" content="width=device-width' in text
    assert "prefers-color-scheme: dark" in text


def test_a_shift_of_a_class_is_a_finding_and_the_verdict(record):
    shift = Shift("QSO", "SPECTYPE", 800, 800, 5e-4, 1e-6, 1e-99, ALLOWED["QSO"], significant=True)
    text = page([record()], [record()], redshifts=RedshiftChanges(shifts=(shift,)))
    assert 'class="verdict bad">Redshifts shifted: spectra of type QSO' in text
    assert text.index('class="finding broken"') < text.index("<h2>Checks</h2>")
    assert "DESI science requirement" in text


def test_checks_that_are_missing_are_a_finding(record):
    text = page(night(record), night(record)[1:])
    article = text.split('<article class="finding broken">')[1].split("</article>")[0]
    assert "1 missing" in article
    assert "20211014-00104284-r0" in article
