"""Listings as nginx, Apache and others write them."""

from __future__ import annotations

import pytest

from pytest_specqa.remote.index import Entry, entries

ADDRESS = "https://data.example.org/prod/exposures/"
NGINX = """<html><head><title>Index of /prod/exposures/</title></head><body><h1>Index of /prod/exposures/</h1><hr><pre>
<a href="../">../</a>
<a href="20211014/">20211014/</a>                                          27-Nov-2026 11:57                   -
<a href="sky-r6.fits.gz">sky-r6.fits.gz</a>                                     27-Nov-2026 11:58             4169886
</pre><hr></body></html>"""
APACHE = """<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><img src="/icons/back.gif"></td><td><a href="/prod/">Parent Directory</a></td><td>&nbsp;</td><td>  - </td></tr>
<tr><td><a href="20211014/">20211014/</a></td><td align="right">2023-06-13 12:34  </td><td>  - </td><td>&nbsp;</td></tr>
<tr><td><a href="sky-r6.fits.gz">sky-r6.fits.gz</a></td><td align="right">2023-06-13 12:34  </td><td align="right">4.0M</td></tr>
</table>"""


def test_nginx_tells_exact_sizes() -> None:
    assert entries(NGINX, address=ADDRESS) == {
        "20211014": Entry("20211014", is_folder=True, modified="27-Nov-2026 11:57"),
        "sky-r6.fits.gz": Entry("sky-r6.fits.gz", is_folder=False, size=4169886, modified="27-Nov-2026 11:58"),
    }


def test_apache_rounds_them() -> None:
    found = entries(APACHE, address=ADDRESS)
    assert set(found) == {"20211014", "sky-r6.fits.gz"}
    assert found["20211014"].is_dir()
    assert found["20211014"].size is None
    assert found["sky-r6.fits.gz"].size == 4 << 20


@pytest.mark.parametrize("link", ["a.fits", "./a.fits", "/prod/exposures/a.fits", "https://data.example.org/prod/exposures/a.fits"])
def test_one_name_may_be_written_in_several_ways(link: str) -> None:
    assert set(entries(f'<a href="{link}">x</a>', address=ADDRESS)) == {"a.fits"}


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example.org/prod/exposures/a.fits",
        "http://data.example.org/prod/exposures/a.fits",
        "//elsewhere.example.org/prod/exposures/a.fits",
        "/other/a.fits",
        "../a.fits",
        "b/a.fits",
        "..%2Fa.fits",
        "b%2Fa.fits",
        "%2e%2e/",
        "?C=N",
        "a.fits?x=1",
        "#top",
        "",
        "javascript:alert(1)",
        "https://[x/",
    ],
)
def test_what_leads_elsewhere_is_no_name(link: str) -> None:
    assert entries(f'<a href="{link}">x</a><a>y</a>', address=ADDRESS) == {}


def test_names_are_decoded() -> None:
    assert set(entries('<a href="a%20b%23.fits">x</a>', address=ADDRESS)) == {"a b#.fits"}
    assert set(entries('<a href="a.fits">x</a>', address="https://h/a%20b/")) == {"a.fits"}
    assert set(entries('<a href="/a%20b/a.fits">x</a>', address="https://h/a%20b/")) == {"a.fits"}
