"""What a text names becomes a link, and stays text."""

from __future__ import annotations

import re
from html import unescape

import pytest

from pytest_specqa.report.links import linked

DESI = "https://github.com/desihub/"


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("desispec#1826: 1 electron/pixel, 3 electron/Angstrom", [("desispec#1826", "desispec/issues/1826")]),
        (
            "desispec PR #1452 and desispec PR 1367",
            [("desispec PR #1452", "desispec/issues/1452"), ("desispec PR 1367", "desispec/issues/1367")],
        ),
        ("desispec#1673, PR #1605", [("desispec#1673", "desispec/issues/1673"), ("PR #1605", "desispec/issues/1605")]),
        (
            "desispec issues 1229, 1648-1651: petals off",
            [("desispec issues 1229", "desispec/issues/1229"), ("1648", "desispec/issues/1648"), ("1651", "desispec/issues/1651")],
        ),
        ("redrock#156: 40 % of a class", [("redrock#156", "redrock/issues/156")]),
        ("desispec#2113: 0.02 A, 1 km/s", [("desispec#2113", "desispec/issues/2113")]),
        ("PR #12 of nobody", []),
        ("desispec 0.70: 1-5 %", []),
        ("as sky_chromatic_block", []),
    ],
)
def test_issues_and_pull_requests(text, links):
    html = linked(text)
    assert [(name, address) for address, name in re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', html)] == [
        (name, DESI + path) for name, path in links
    ]
    assert unescape(re.sub(r"<[^>]*>", "", html)) == text


def test_a_repository_of_others_is_theirs():
    assert 'href="https://github.com/sdss/lvmdrp/issues/61"' in linked("lvmdrp#61")


def test_an_address_ends_before_the_stop_of_its_sentence():
    assert 'href="https://x.org/a?b=1&amp;c=2"' in linked("see https://x.org/a?b=1&c=2.")


@pytest.mark.parametrize("text", ["RA 48.357, DEC -6.56", "RA=48.357 DEC=-6.56", "a star at RA 48.357 and DEC -6.56 of 6 mag"])
def test_a_sky_position_leads_to_the_viewer(text):
    assert re.search(r'href="https://www.legacysurvey.org/viewer\?ra=48.357&amp;dec=-6.56&amp;', linked(text))


def test_markup_of_the_data_is_text():
    html = linked('<script>alert("desispec#1")</script> https://x.org/"onload="y')
    assert "<script>" not in html
    assert '"onload=' not in html
