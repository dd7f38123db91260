"""Markdown for pull requests and job summaries, in which nothing that comes from data becomes markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from pytest_specqa.printable import printable

LONGEST_CELL = 300
"""Characters of a cell before it is cut."""
MARKUP = re.compile(r"([\\`*_\[\]|~!]|^[#+-])")
REFERENCES = re.compile(r"(?<=[@#!$%&~])(?=[\w\"])|(?<=\bGH-)(?=\d)|(?<=\bwww)(?=\.)|(?<=:)(?=//|[a-z0-9_+-]+:)", re.IGNORECASE)
"""Where GitHub and GitLab find a person, an issue, a label, an emoji or an address: a comment ends the word and shows nowhere."""
CUT = "\0"
"""Stands for such a comment while the text is escaped; no text that can be shown has it."""


def escaped(text: str) -> str:
    """Write text on one line so that it shows as it is.

    Parameters
    ----------
    text : str
        Anything: unit, message, file name.

    Returns
    -------
    str
        Without HTML, tables, formulas, code, links, mentions or references to issues.
    """
    flat = REFERENCES.sub(CUT, printable(re.sub(r"[ \t\r\n\f\v]+", " ", text)))
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = flat.replace("$", "&#36;")  # a formula begins at the character, backslash or not
    return MARKUP.sub(r"\\\1", flat).replace(CUT, "<!-- -->")


def clipped(text: str, *, longest: int = LONGEST_CELL) -> str:
    """Cut a long text at a word and say so with an ellipsis."""
    if len(text) <= longest:
        return text
    return text[: longest - 1].rsplit(" ", 1)[0].rstrip(",;: ") + "…"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; the cells are escaped and cut, headings are ours."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(escaped(clipped(cell)) for cell in row) + " |" for row in rows]


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines that open on a click; the summary is escaped."""
    return [f"<details><summary>{escaped(summary)}</summary>", "", *lines, "", "</details>"]


def fitting(write: Callable[[int], str], *, sizes: Sequence[int], largest: int) -> str:
    """Return the longest version of a text that a pull request takes.

    Parameters
    ----------
    write : callable
        Writes the text with at most so many rows in each table.
    sizes : sequence of int
        Numbers of rows to try, largest first.
    largest : int
        Bytes that the text may have.

    Returns
    -------
    str
        The first version that fits, else the last.
    """
    text = ""
    for size in sizes:
        text = write(size)
        if len(text.encode()) <= largest:
            break
    return text
