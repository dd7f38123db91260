"""The gallery: the pictures of the report of the demo night, and one picture of each family with a planted fault."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

from making.facts import Facts, expectations
from making.text import prose, write
from pytest_specqa.checks import wording
from pytest_specqa.plots import FAMILIES


def write_all(folder: Path) -> None:
    """Write the page of the gallery into the folder of what is generated.

    Parameters
    ----------
    folder : Path
        With ``demo/pictures`` and ``pictures``, as far as they were made.
    """
    write(folder / "gallery.md", page(folder))


def page(folder: Path) -> list[str]:
    """Lines of the page of all pictures."""
    lines = [
        "# Gallery",
        "",
        "A picture is drawn only where something fails or warns, and shows what failed, at its place. These were made with this",
        "page: the first ones by the demo night, the others by simulated units with a fault of the catalogue. A click leads to the",
        "page of the expectation.",
        "",
        *_night(folder),
        "## The families of pictures",
        "",
    ]
    for family in FAMILIES:
        doc = (import_module(f"pytest_specqa.plots.{family}").__doc__ or "").split("\n\n")[0].replace("\n", " ")
        lines += [f"### {family}", "", prose(doc), "", *_example(folder, family)]
    return lines


def _night(folder: Path) -> list[str]:
    lines = ["## One petal of the demo night", ""]
    told = folder / "demo" / "pictures.json"
    if not told.is_file():
        return [*lines, "This build was made without pictures.", ""]
    link = '<a href="../demo-report.html">The report from which they are</a>'
    lines += [f"{link} is the one that `make demo` writes, of petal 6 alone.", ""]
    pages = {wording.claim(facts.name): facts.name for facts in expectations()}
    for name, words in json.loads(told.read_text(encoding="utf-8")).items():
        claim, unit = words.partition(": ")[2].rsplit(", ", 1)
        lines += _figure(f"demo/pictures/{name}", f"{claim}: {unit}", target=pages[claim])
    return lines


def _example(folder: Path, family: str) -> list[str]:
    for facts in expectations():
        if found := _picture(folder, facts, family):
            return _figure(f"pictures/{found.name}", facts.title, target=facts.name)
    used = [facts for facts in expectations() if family in facts.pictures]
    named = ", ".join(f"[{facts.title}](expectations/{facts.name}.md)" for facts in used)
    return [f"Used by {named}." if used else "Used by `specqa compare`, or where values are judged by their own past.", ""]


def _figure(image: str, words: str, *, target: str) -> list[str]:
    head = [f"```{{figure}} {image}", f":alt: {prose(words)}", f":target: expectations/{target}.html"]
    return [*head, "", prose(words[:1].upper() + words[1:]), "```", ""]


def _picture(folder: Path, facts: Facts, family: str) -> Path | None:
    drawn = sorted((folder / "pictures").glob(f"{facts.name}-*-{family}.png"))
    return drawn[0] if drawn else None
