"""What would steer a terminal or hide in a line is written out; everything else stays."""

from __future__ import annotations

import os
import subprocess
import unicodedata

import pytest

from pytest_specqa import cli
from pytest_specqa.printable import command, escape, joined, printable
from pytest_specqa.results import store
from pytest_specqa.results.markdown import escaped

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202ereversed\u2066 \u2028\ufeff\udce9 \x00"


def test_whatever_has_no_glyph_is_written_out():
    kinds = {"Cc", "Cs", "Zl", "Zp"}
    kept = [hex(code) for code in range(0x110000) if unicodedata.category(chr(code)) in kinds and printable(chr(code)) == chr(code)]
    assert kept == []
    for mark in "\u200b\u200e\u200f\u061c\u202a\u202e\u2066\u2069\ufeff\u2060":
        assert printable(mark) == f"\\u{ord(mark):04x}"
    assert printable("a\x1b[31m\n\udce9") == "a\\x1b[31m\\n\\xe9"


@pytest.mark.parametrize("text", ["Å é 中 µ → ≤", "20211014-00104284-r6", "C:\\x1b is text", "🜨 ☉"])
def test_what_can_be_shown_stays(text):
    assert printable(text) == text


def test_no_text_adds_a_line():
    assert joined(["one", "two\nPASSED: forged", "three"]).count("\n") == 2


def test_html_shows_what_it_says():
    assert escape('<b>\u202e"') == "&lt;b&gt;\\u202e&quot;"


@pytest.mark.parametrize("word", ["plain", "with space", "it's", HOSTILE.replace("\x00", ""), "\x1b1", "back\\slash\x07"])
def test_a_command_can_be_typed_as_it_is_shown(word):
    shown = command(["printf", "%s", word])
    assert printable(shown) == shown
    assert subprocess.run(["bash", "-c", shown], capture_output=True, check=True).stdout == os.fsencode(word.replace("\x00", ""))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b `c` <i>", "a\\|b \\`c\\` &lt;i&gt;"),
        ("$x$", "&#36;<!-- -->x&#36;"),
        ("@who #12 !7 ~label %3", "@<!-- -->who \\#<!-- -->12 \\!<!-- -->7 \\~<!-- -->label %<!-- -->3".replace("\\#", "#")),
        ("https://a.b www.a.b", "https:<!-- -->//a.b www<!-- -->.a.b"),
        ("r6\x1b[31m\u202e", "r6\\\\x1b\\[31m\\\\u202e"),
        ("3 % of Å", "3 % of Å"),
    ],
)
def test_markdown_is_text(text, shown):
    assert escaped(text) == shown


@pytest.mark.parametrize("field", ["unit", "message", "source", "waiver_reason", "detail", "survey", "product"])
def test_no_verb_hands_on_what_a_results_file_says(tmp_path, record, capsys, field):
    path = tmp_path / "r.jsonl"
    good = record(2.0) | {"outcome": "failed", "features": [], "detail": "found"}
    store.write(path, [good | {field: HOSTILE}])
    outs = [tmp_path / name for name in ("g.md", "g.xml", "g.json", "c.html", "c.md", "c.json")]
    cli.main(["gate", str(path), "--markdown", str(outs[0]), "--junit", str(outs[1]), "--json", str(outs[2])])
    cli.main(["triage", str(path)])
    pages = ["--html", str(outs[3]), "--markdown", str(outs[4]), "--json", str(outs[5])]
    cli.main(["compare", str(path), str(path), *pages])
    told = capsys.readouterr()
    for text in (told.out, told.err, *(out.read_text(encoding="utf-8") for out in outs)):
        assert [char for char in text if char != "\n" and printable(char) != char] == []


def test_limits_are_listed_as_text(tmp_path, capsys):
    path = tmp_path / "limits.toml"
    path.write_text('[value]\nhigh = 2\nunit = "\\u001b[31m"\nsource = "\\u0007\\u202E a test"\n')
    assert cli.main(["limits", "list", str(path)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("value:"))
    assert "\\x1b[31m" in line
    assert "\\x07\\u202e a test" in line
    assert printable(line) == line


def test_a_usage_error_echoes_words_as_text(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["gate", "x.jsonl", "--\x1b[2J"])
    assert cli.main(["gate", str(tmp_path / "\x1b]0;x\x07.jsonl")]) == 2
    assert "\x1b" not in capsys.readouterr().err
