"""What a row tells when it is opened."""

from __future__ import annotations

import base64
import re
from types import SimpleNamespace

import pytest

from pytest_specqa.report.detail import NOTES, detail, log, shown
from pytest_specqa.report.gather import Entry


@pytest.fixture
def told(record):
    """Give the detail of a test with some records, as pytest reports it."""

    def make(*records, failed=True, text="", sections=(), root=""):
        entry = Entry("test_x", tuple(records))
        return detail(entry, SimpleNamespace(failed=failed, longreprtext=text, sections=list(sections)), root=root)

    return make


def test_messages_are_those_of_what_did_not_pass_worst_first(told, record):
    html = told(
        record(measure="good", outcome="passed"),
        record(measure="odd", outcome="warned"),
        record(measure="bad", outcome="failed"),
    )
    messages = html.split('<p class="specqa-message">')[1:]
    assert [one.split(" ")[0] for one in messages] == ["bad", "odd"]
    assert re.findall(r'class="specqa-key">(\w+)<', html.split("<tbody>")[1]) == ["bad", "odd", "good"]


def test_a_test_that_passed_says_all_its_messages(told, record):
    html = told(record(measure="one", outcome="passed"), record(measure="two", outcome="passed"), failed=False)
    assert html.count('class="specqa-message"') == 2


def test_files_are_named_once_each(told, record):
    html = told(record(product="b.fits"), record(product="a.fits"), record(product="b.fits"), record(product=""))
    assert '<p class="specqa-file">file: <code>a.fits</code>, <code>b.fits</code></p>' in html
    assert "specqa-file" not in told(record(product=""))


@pytest.mark.parametrize(
    ("root", "name", "address"),
    [
        ("/prod/daily", "a b.fits", "file:///prod/daily/a%20b.fits"),
        ("https://x.org/daily/", "a/b.fits", "https://x.org/daily/a/b.fits"),
        ("", "/other/b.fits", "file:///other/b.fits"),
        ("", "b.fits", None),
        ("/prod", '"><script>.fits', "file:///prod/%22%3E%3Cscript%3E.fits"),
    ],
)
def test_a_file_leads_to_where_it_lies(told, record, root, name, address):
    html = told(record(product=name), root=root).split('class="specqa-file">')[1]
    assert re.findall(r'<a href="([^"]*)"', html) == ([address] if address else [])
    assert "<script>" not in html


def test_the_command_that_repeats_a_failed_check_is_shown(told, record):
    text = "night 20211014 camera r6: x = 2 | rerun: pytest qa_tests/test_sky.py::test_x --night 20211014"
    assert '<code class="specqa-command">pytest qa_tests/test_sky.py::test_x --night 20211014</code>' in told(record(), text=text)
    assert "specqa-command" not in told(record(), text=text, failed=False)
    assert "specqa-command" not in told(record(), text="no command")


def test_a_waiver_and_its_absence(told, record):
    assert "<br>waived: known &lt;fault&gt;" in told(record(waiver="known <fault>"))
    assert "waived" not in told(record())


def test_the_sensitivity_is_shown_where_there_is_one(told, record):
    assert "<td class=specqa-number>0.03</td>" in told(record(sensitivity=0.03))
    assert "<td class=specqa-number></td>" in told(record(sensitivity=None))


def test_notes_are_shown_and_other_sections_are_not(told, record):
    html = told(record(), sections=[(NOTES, "picture <x> not drawn"), ("Captured stdout call", "noise")])
    assert '<p class="specqa-note">picture &lt;x&gt; not drawn</p>' in html
    assert "noise" not in html


def test_what_a_measure_means_stands_below_its_sentence_with_links(told, record):
    html = told(
        record(
            measure="bad",
            outcome="failed",
            doc="Bad <i>. Ask desispec#12.",
            plain="a bad thing",
            detail="found in RA 10.5, DEC -6.2",
        )
    )
    message, rest = html.split('<p class="specqa-doc">')
    assert "bad = 0.5" in message
    assert rest.startswith('Bad &lt;i&gt;. Ask <a href="https://github.com/desihub/desispec/issues/12"')
    assert 'a bad thing <small class="specqa-key"><a href="#measure/bad">bad</a></small>' in rest
    assert 'href="https://www.legacysurvey.org/viewer?ra=10.5&amp;dec=-6.2&amp;' in rest


def test_a_measure_without_a_plain_name_is_called_by_its_own(told, record):
    assert 'sky chromatic <small class="specqa-key">sky_chromatic</small>' in told(record(measure="sky_chromatic"))


def test_columns_that_need_it_are_explained(told, record):
    assert re.findall(r'<abbr title="[^"]+">([^<]*)</abbr>', told(record())) == [
        "value",
        "allowed",
        "sensitivity",
        "where",
    ]


def test_the_log_holds_a_traceback_only_of_a_crash(record):
    report = SimpleNamespace(
        failed=True, longreprtext="Traceback <1>", sections=[(NOTES, "a note"), ("Captured stdout", "said <so>")]
    )
    miss = log(report, Entry("test_x", (record(outcome="failed"),), failed=True))
    assert miss == '<pre class="specqa-log">Captured stdout\nsaid &lt;so&gt;</pre>'
    crash = log(report, Entry("test_x", (record(measure="crash", outcome="failed"),), failed=True))
    assert "Traceback &lt;1&gt;" in crash
    assert log(SimpleNamespace(failed=False, longreprtext="", sections=[]), Entry("test_x", (record(),))) == ""


def test_extras_are_shown_as_what_they_are():
    header = b"\x89PNG\r\n\x1a\n" + b"\x00" * 8 + (640).to_bytes(4) + (480).to_bytes(4) + b"rest"
    content = base64.b64encode(header).decode()
    png = {"name": "sky_model", "format_type": "image", "mime_type": "image/png", "content": content}
    others = [
        {"format_type": "html", "content": "<b>as it is</b>"},
        {"format_type": "url", "name": "there", "content": "https://x.org/?a&b"},
        {"format_type": "text", "content": "1 < 2"},
    ]
    picture, html, link, text = (piece.html for piece in shown([png, *others], about='"r6"'))
    assert 'alt="sky model: &quot;r6&quot;" width="640" height="480"' in picture
    assert f'src="data:image/png;base64,{content}"' in picture
    assert html == "<b>as it is</b>"
    assert 'href="https://x.org/?a&amp;b"' in link
    assert "1 &lt; 2" in text
