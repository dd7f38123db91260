"""Line numbers in TOML files: of the table and key that are meant, not of what looks like them."""

from __future__ import annotations

import os

import pytest

from pytest_specqa.errors import PolicyError
from pytest_specqa.rules.toml_lines import LinedToml

TEXT = """# [a] in a comment
[a]
size = 1
doc = \"\"\"
[b]
size = 2 in a text
\"\"\"
list = [
  "size",
]
[ "x.y" ]   # quoted
size = 3
["x.y".z]
size = 4
[[many]]
size = 5
[[many.when]]
size = 6
[[many]]
other.size = 7
[[many.when]]
size = 8
[many.last]
size = 9
[b]
size = 10
"""


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "some.toml"
    path.write_text(TEXT)
    return LinedToml(path, PolicyError)


@pytest.mark.parametrize(
    ("table", "index", "key", "line"),
    [
        ("a", 0, "", 2),
        ("a", 0, "size", 3),
        ("a", 0, "list", 8),
        ("a", 0, "absent", 2),
        ("b", 0, "", 25),
        ("b", 0, "size", 26),
        ("x.y", 0, "size", 12),
        (("x.y", "z"), 0, "size", 14),
        ("x.y", 0, "z", 13),
        ("many", 0, "", 15),
        ("many", 1, "", 19),
        ("many", 0, "other", 15),
        ("many", 1, "other", 20),
        ("many", 1, "last", 23),
        (("many", "when"), 1, "size", 22),
        ("many", 2, "", 1),
        ("none", 0, "", 1),
    ],
)
def test_a_table_and_a_key_have_their_line(toml, table, index, key, line):
    assert toml.line(table, index, key) == line
    assert str(toml.wrong(table, index, "is wrong", key=key)) == f"{toml.path}:{line}: is wrong"


def test_a_key_of_a_subtable_is_not_one_of_the_table(toml):
    assert "size" not in toml.content["many"][1]
    assert toml.where("many", 1) == f"{toml.path}:19"


def test_lines_are_looked_for_when_a_message_needs_one(toml):
    assert not {"_lines", "_headers"} & set(vars(toml))
    toml.line("a")
    assert "_headers" in vars(toml)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = \n", ":1: is no TOML (Invalid value (at line 1"),
        (b"\n[a]\n[a]\n", ":3: is no TOML"),
        (b"a = '\xff'", ":1: is no TOML ('utf-8'"),
    ],
)
def test_what_is_no_toml_is_one_line(tmp_path, content, said):
    path = tmp_path / "some.toml"
    path.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        LinedToml(path, PolicyError)
    assert str(caught.value).startswith(f"{path}{said}")
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_what_is_expected(tmp_path):
    with pytest.raises(PolicyError, match=r"none.toml: cannot be read \(No such file or directory\); give the policy"):
        LinedToml(tmp_path / "none.toml", PolicyError, expected="give the policy")


def test_a_fifo_is_not_waited_for(tmp_path):
    path = tmp_path / "policy.toml"
    os.mkfifo(path)
    with pytest.raises(PolicyError, match=r"policy\.toml: cannot be read \(a FIFO, expected a regular file\); give the path"):
        LinedToml(path, PolicyError)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "policy.toml"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(PolicyError, match=r"\(a file of 300 MB, expected at most 5 MB\)"):
        LinedToml(path, PolicyError)
