"""What a row tells when it is opened."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest

from pytest_specqa.report.detail import NOTES, detail, pictures
from pytest_specqa.report.gather import Entry


@pytest.fixture
def told(record):
    """Give the detail of a test with some records, as pytest reports it."""

    def make(*records, failed=True, text="", sections=()):
        entry = Entry("test_x", tuple(records))
        return detail(entry, SimpleNamespace(failed=failed, longreprtext=text, sections=list(sections)))

    return make


def test_messages_are_those_of_what_did_not_pass_worst_first(told, record):
    html = told(
        record(measure="good", outcome="passed"),
        record(measure="odd", outcome="warned"),
        record(measure="bad", outcome="failed"),
    )
    messages = html.split('<p class="specqa-message">')[1:]
    assert [one.split(" ")[0] for one in messages] == ["bad", "odd"]
    table = html.split("<tbody>")[1]
    assert table.index("<code>bad<") < table.index("<code>odd<") < table.index("<code>good<")


def test_a_test_that_passed_says_all_its_messages(told, record):
    html = told(record(measure="one", outcome="passed"), record(measure="two", outcome="passed"), failed=False)
    assert html.count('class="specqa-message"') == 2


def test_files_are_named_once_each(told, record):
    html = told(record(product="b.fits"), record(product="a.fits"), record(product="b.fits"), record(product=""))
    assert '<p class="specqa-file">file: <code>a.fits, b.fits</code></p>' in html
    assert "specqa-file" not in told(record(product=""))


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


def test_pictures_are_kept_apart_and_referred_to_by_number_with_their_size():
    header = b"\x89PNG\r\n\x1a\n" + b"\x00" * 8 + (640).to_bytes(4) + (480).to_bytes(4) + b"rest"
    content = base64.b64encode(header).decode()
    store = ["earlier"]
    png = {"name": "sky_model", "format_type": "image", "mime_type": "image/png", "content": content}
    text = {"format_type": "text", "content": "as it is"}
    shown = pictures([png, text], about='"r6"', store=store)
    assert store == ["earlier", content]
    assert 'alt="sky model: &quot;r6&quot;" width="640" height="480" data-specqa-picture="1"' in shown[0]["content"]
    assert shown[1] == text
