"""Tables of the comparison as HTML: on a phone each row is a card that names its cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_specqa.checks import wording
from pytest_specqa.printable import escape
from pytest_specqa.results.comparing.compare import describe, outcome_of
from pytest_specqa.results.comparing.flips import Cell, VerdictChange
from pytest_specqa.results.telling import found_in

ROWS = 300
HEAD = ("change", "unit", "claim", "before", "after", "measure that decides, before → after")


def mark(words: str) -> str:
    """A word in the colour of what it says."""
    return f'<span class="mark {escape(words.split(maxsplit=1)[0])}">{escape(words)}</span>'


def table(head: Iterable[str], rows: Sequence[Iterable[tuple[str, str]]], *, most: int = ROWS) -> list[str]:
    """Write a table.

    Parameters
    ----------
    head : iterable of str
        Headings; those that start with a space belong to numbers.
    rows : sequence of iterable of (str, str)
        Class and HTML of each cell.
    most : int
        Rows to show; the rest is counted.

    Returns
    -------
    list of str
        Lines of HTML.
    """
    names = [title.strip() for title in head]
    titles = "".join(
        f'<th class="{"number" if title.startswith(" ") else ""}">{escape(name)}</th>'
        for title, name in zip(head, names, strict=True)
    )
    labels = [escape(name, quote=True) for name in names]
    body = [
        "<tr>"
        + "".join(f'<td class="{kind}" data-label="{label}">{cell}</td>' for (kind, cell), label in zip(row, labels, strict=True))
        + "</tr>"
        for row in rows[:most]
    ]
    rest = [f'<p class="note">… and {len(rows) - most:,} more</p>'] if len(rows) > most else []
    return ['<div class="scroll"><table>', f"<thead><tr>{titles}</tr></thead><tbody>", *body, "</tbody></table></div>", *rest]


def flips_table(flips: Sequence[VerdictChange]) -> str:
    """Write checks that changed as an HTML table; names and messages are escaped."""
    if not flips:
        return '<p class="note">None: every verdict is the same, and nothing fails.</p>'
    rows = [
        (
            ("", mark(change.flip)),
            ("unit", escape(change.unit)),
            ("", escape(wording.claim(change.expectation))),
            ("", _cell(change.before)),
            ("", _cell(change.after)),
            ("message", f"<code>{escape(describe(change))}</code>{_detail(change)}"),
        )
        for change in flips
    ]
    return "\n".join(table(HEAD, rows))


def _cell(cell: Cell | None) -> str:
    return mark(outcome_of(cell)) if cell else "–"


def _detail(change: VerdictChange) -> str:
    found = found_in(change.record)
    return f"<br>{escape(found)}" if found else ""
