"""Pages that list what there is: commands and options, the public interface, fixtures, and pages of the repository's root."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from making.facts import ROOT
from making.text import prose, source, table, write
from pytest_specqa import cli
from pytest_specqa.run import fixtures, hookspecs

OPTIONS = "spectroscopic data quality:"
"""Heading of the options in the help of pytest."""
WIDTH = 96
"""Columns of a help text."""
MODULES = {
    "pytest_specqa": (),
    "pytest_specqa.notebook": (),
    "pytest_specqa.production": (),
    "pytest_specqa.results": (),
    "pytest_specqa.archive": ("Archive",),
    "pytest_specqa.instrument": ("Instrument", "Band", "DESI"),
    "pytest_specqa.measures.spectra": ("CameraSpectra",),
    "pytest_specqa.measures.statistics": ("strongest", "Strongest", "median_and_error", "clipped_mean"),
    "pytest_specqa.plots": (),
}
"""What is public, with the names where the module has no ``__all__``; a module that is not there is left out."""


def write_all(folder: Path) -> None:
    """Write the pages into the folder of what is generated."""
    write(folder / "commands.md", commands())
    write(folder / "fixtures.md", fixture_list())
    names = [name for name in MODULES if find_spec(name)]
    for name in names:
        write(folder / "api" / f"{name}.rst", module(name))
    toctree = ["```{toctree}", ":maxdepth: 1", "", *names, "```"]
    told = "Names of these modules stay from one version to the next; everything else may change. Values are typed (`py.typed`)."
    write(folder / "api" / "index.md", ["# Python interface", "", told, "", *toctree])
    for name in ("CHANGELOG", "CONTRIBUTING"):
        write(folder / f"{name.lower()}.md", root_page(name))


def commands() -> list[str]:
    """Lines of the page of all verbs, with their help, and of the options of a run."""
    lines = [
        "# Commands and options",
        "",
        "`specqa VERB` does everything but judging, which is a run of pytest. This page is their own help.",
        "",
        *table(("verb", "what it does"), [(f"[`{verb}`](#specqa-{verb})", prose(text)) for verb, (_, text) in cli.VERBS.items()]),
        "",
        "Exit codes of all verbs: 0 good, 1 not good, 2 misuse (one line says what), 3 the program itself failed.",
        "",
        "## pytest",
        "",
        "```text",
        *options(),
        "```",
        "",
    ]
    for verb in cli.VERBS:
        lines += [f"(specqa-{verb})=", f"## specqa {verb}", "", "```text", *help_of(verb), "```", ""]
    return lines


def options() -> list[str]:
    """Options of a run, as ``pytest --help`` has them."""
    command = (sys.executable, "-m", "pytest", "--help", "-p", "no:cacheprovider")
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": str(WIDTH)}, cwd=ROOT)
    part = told.stdout.split(f"\n{OPTIONS}\n")[1]
    return re.split(r"\n\n(?=\S)", part)[0].rstrip().splitlines()


def help_of(verb: str) -> list[str]:
    """Help of one verb; a verb of verbs has that of each."""
    top = cli.parser(verb)
    (choices,) = (action.choices for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return _help(choices[verb])


def _help(parser: argparse.ArgumentParser) -> list[str]:
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=WIDTH)
    lines = parser.format_help().rstrip().splitlines()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                lines += ["", "", *_help(below)]
    return lines


def fixture_list() -> list[str]:
    """Lines of the page of fixtures and hooks."""
    given = {name: function for name, one in vars(fixtures).items() if (function := getattr(one, "_fixture_function", None))}
    hooks = {name: one for name, one in vars(hookspecs).items() if name.startswith("pytest_specqa_")}
    return [
        "# Fixtures and hooks",
        "",
        "What a check asks for by the name of its argument. It runs on the units that its fixtures speak of",
        "([how](contributing.md)).",
        "",
        *table(("fixture", "gives", "what"), [(f"`{name}`", _type(one), _summary(one)) for name, one in given.items()]),
        "",
        "## Hooks",
        "",
        "For a `conftest.py` or a plugin of a survey or a project.",
        "",
        *table(("hook", "what"), [(f"`{name}{_signature(one)}`", _summary(one)) for name, one in hooks.items()]),
    ]


def _type(function: object) -> str:
    given = inspect.signature(function).return_annotation  # type: ignore[arg-type]
    return f"`{given}`".replace("|", r"\|")


def _signature(function: object) -> str:
    return f"({', '.join(inspect.signature(function).parameters)})"  # type: ignore[arg-type]


def _summary(function: object) -> str:
    return prose((inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " "))


def module(name: str) -> list[str]:
    """Lines of the page of one public module."""
    public = names_of(name)
    lines = [name, "=" * len(name), "", f".. automodule:: {name}", "   :no-members:", "", f".. currentmodule:: {name}", ""]
    for each in public:
        one = getattr(import_module(name), each)
        if inspect.isclass(one):
            lines += [f".. autoclass:: {each}", *(() if issubclass(one, Exception) else ("   :members:",)), ""]
        elif inspect.isfunction(one):
            lines += [f".. autofunction:: {each}", ""]
        elif inspect.ismodule(one):
            lines += [f"``{each}``", f"   Module :py:mod:`{one.__name__}`.", ""]
        else:
            lines += [f".. autodata:: {each}", "   :no-value:", ""]
    return lines


def names_of(name: str) -> tuple[str, ...]:
    """Public names of a module."""
    return MODULES[name] or tuple(each for each in import_module(name).__all__ if not each.startswith("__"))


def root_page(name: str) -> list[str]:
    """Lines of a page of the repository's root, its links as they hold here."""

    def moved(found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        if "://" in target:
            return found[0]
        here = ROOT / "docs" / target.removeprefix("docs/")
        inside = target.startswith("docs/") and here.suffix == ".md" and here.is_file()
        return f"](../{target.removeprefix('docs/')}{anchor})" if inside else f"]({source(target)}{anchor})"

    text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
    return re.sub(r"\]\(([^)#\s]+)(#[^)]*)?\)", moved, text).splitlines()
