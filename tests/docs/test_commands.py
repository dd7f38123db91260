"""Commands that the documents show can be typed as they stand, and the reference has all of them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from making import reference

from pytest_specqa import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])


def commands(program: str) -> list[list[str]]:
    """Words of each command of a program in the blocks of the documents, each once."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for line in re.findall(rf"^\$ {program} (.+)$", block, re.MULTILINE):
                found[line] = shlex.split(line, comments=True)
    return list(found.values())


@pytest.mark.parametrize("words", commands("specqa"), ids=" ".join)
def test_a_command_of_the_documents_is_understood(words):
    code: object = 0
    try:
        verb = cli.parser(words[0]).parse_args(words).verb
    except SystemExit as done:
        # Options such as --list-faults answer at once.
        verb, code = words[0], done.code
    assert (verb, code) == (words[0], 0)


def test_options_of_a_run_in_the_documents_exist():
    command = (sys.executable, "-m", "pytest", "--help", "-p", "no:cacheprovider")
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    used = {word.partition("=")[0] for words in commands("pytest") for word in words if word.startswith("--")}
    assert {"--specprod", "--night", "--html"} <= used
    assert [option for option in sorted(used) if not re.search(rf"{option}\b", told)] == []


def test_the_reference_has_every_verb_with_its_options():
    for verb in cli.VERBS:
        told = "\n".join(reference.help_of(verb))
        assert told.startswith(f"usage: specqa {verb}")
    assert "--fault NAME=AMPLITUDE" in "\n".join(reference.help_of("demo"))
    assert "usage: specqa store compact" in "\n".join(reference.help_of("store"))


def test_public_names_are_in_the_interface():
    for name in ("pytest_specqa", "pytest_specqa.production", "pytest_specqa.results"):
        told = "\n".join(reference.module(name))
        for public in reference.names_of(name):
            assert f":: {public}\n" in told


def test_fixtures_and_hooks_are_listed():
    told = "\n".join(reference.fixture_list())
    for name in ("sframe", "exposure_reduced", "coadd_tables", "expect", "pytest_specqa_archive"):
        assert f"| `{name}" in told


def test_links_of_a_page_of_the_root_hold_in_the_site():
    told = "\n".join(reference.root_page("CHANGELOG"))
    assert "](../reliability.md)" in told
    assert "](docs/" not in told
