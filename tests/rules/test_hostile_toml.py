"""A file of limits, waivers or policy that no parser is prepared for is refused in one line."""

from __future__ import annotations

import os

import pytest

from pytest_specqa.errors import LimitError, UsageError
from pytest_specqa.rules import limits_file, policy, waiver_file
from pytest_specqa.rules.toml_lines import MOST_BYTES, LinedToml

HOSTILE = [
    "high = " + "[" * 10_000 + "]" * 10_000,
    "high = " + "[" * 10_000,
    "high = " + "9" * 400,
    "high = " + "9" * 5000,
    ".".join(["a"] * 5000) + " = 1",
    "high = " + "{a = " * 3000 + "1" + "}" * 3000,
    'high = "\\ud800"',
    "high = 9999-99-99",
    'source = "\x00"',
    "source = '" + "x" * 100_000 + "'\nsurce = 1",
]


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:12].encode().hex())
@pytest.mark.parametrize(
    ("table", "load"), [("[value]", limits_file.lint), ("[[waiver]]", waiver_file.load), ("[gate]", policy.load)]
)
def test_it_is_one_short_line(tmp_path, table, load, line):
    path = tmp_path / "one.toml"
    path.write_text(f"{table}\n{line}\n")
    try:
        said = load(path)
    except UsageError as error:
        said = [str(error)]
    assert said
    assert all("\n" not in one and len(one) < 2000 and str(path) in one for one in said)


def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(LimitError, match="a FIFO, expected a regular file"):
        LinedToml(tmp_path / "pipe.toml", LimitError)
    (tmp_path / "large.toml").write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(LimitError, match="a file of 5 MB, expected at most 5 MB"):
        LinedToml(tmp_path / "large.toml", LimitError)


def test_a_mark_of_the_encoding_and_some_depth_are_no_fault(tmp_path):
    path = tmp_path / "one.toml"
    path.write_bytes(b"\xef\xbb\xbf[a.b.c.d]\r\nx = [[1, 2], [3, 9223372036854775807]]\r\n")
    assert LinedToml(path, LimitError).content["a"]["b"]["c"]["d"]["x"][1][0] == 3


@pytest.mark.parametrize("value", ["[[]]", '"-"', "[1e999]", '"0-x"'])
def test_an_empty_pair_of_fibers_is_named(tmp_path, value):
    path = tmp_path / "w.toml"
    path.write_text(
        '[[waiver]]\nid = "w"\nexpectation = "test_a"\nmeasure = "m"\ncovers = 2.0\nreason = "r"\nissue = "i"\nowner = "o"\n'
        f"expires = 2027-01-01\nfibers = {value}\n"
    )
    with pytest.raises(UsageError, match=r"w\.toml:10: fibers"):
        waiver_file.load(path)
