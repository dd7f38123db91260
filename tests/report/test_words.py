"""Numbers, limits and places as the page writes them."""

from __future__ import annotations

import pytest

from pytest_specqa.report import words
from pytest_specqa.values import Limit, Measured, Outcome


def test_a_place_names_six_ranges_and_counts_the_rest(record):
    def fibers(*ranges):
        return words.place(record(measured=Measured(0.5, fibers=ranges)))

    assert fibers((3000, 3000)) == "fibers 3000"
    assert fibers((3000, 3049), (3100, 3100)) == "fibers 3000–3049, 3100"
    six = tuple((3000 + k, 3000 + k) for k in range(0, 12, 2))
    assert fibers(*six) == "fibers 3000, 3002, 3004, 3006, 3008, 3010"
    assert fibers(*six, (3020, 3020)) == "fibers 3000, 3002, 3004, 3006, 3008, 3010 and 1 more"
    assert fibers(*six, (3020, 3020), (3022, 3022)).endswith(" and 2 more")
    assert fibers() == ""


def test_wavelengths_stand_below_the_fibers(record):
    measured = Measured(0.5, fibers=((1, 2),), waves=(6499.6, 6612.4))
    assert words.place(record(measured=measured)) == "fibers 1–2<br>6500–6612 Å"


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit("m", high=0.5), "≤ 0.5"),
        (Limit("m", low=-2.0), "≥ −2"),
        (Limit("m", low=-1.0, high=1.0), "−1 … 1"),
        (Limit("m", high=2.0, warn_high=1.0), '≤ 2<br><span class="specqa-faint">without warning: ≤ 1</span>'),
        (Limit("m"), "–"),
    ],
)
def test_what_a_limit_allows(record, limit, text):
    assert words.allowed(record(limit=limit)) == text


def test_values_have_their_error_and_unit(record):
    limit = Limit("m", high=1.0, unit="<e/A>")
    assert words.value_and_error(record(0.123456, error=0.01, limit=limit)) == "0.1235 ± 0.01 &lt;e/A&gt;"
    assert words.value_and_error(record(0.5, error=None, limit=limit)) == "0.5 &lt;e/A&gt;"
    assert words.value_and_error(record(float("nan"), error=None, limit=limit)) == "–"


def test_a_badge_has_letter_word_and_colour():
    assert words.badge(Outcome.NOT_MEASURED) == '<span class="specqa-badge specqa-not-measured"><b>–</b> not measured</span>'
    assert words.badge(Outcome.WARNED, "waived <x>") == '<span class="specqa-badge specqa-warned"><b>W</b> waived &lt;x&gt;</span>'
    assert words.badge(Outcome.PASSED, quiet=True) == '<span class="specqa-badge specqa-quiet"><b>P</b> passed</span>'
