"""What a row opens to: the message, the measures against their limits, and the pictures."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import pytest

from pytest_specqa.report import words
from pytest_specqa.report.gather import Entry
from pytest_specqa.values import Outcome, Record

RERUN = re.compile(r"\| rerun: (?P<command>.+)$", re.MULTILINE)
COLUMNS = ("outcome", "measure", "value", "allowed", "sensitivity", "where", "source of the limit")
NOTES = "specqa"
"""Name of the report sections that hold what is to be said beside the measures."""


def detail(entry: Entry, report: pytest.TestReport) -> str:
    """HTML of messages, measures, file and rerun command of one test."""
    told = [record for record in entry.records if record["outcome"] != str(Outcome.PASSED)] or list(entry.records)
    worst_first = sorted(told, key=lambda record: -Outcome(record["outcome"]).rank)
    parts = [f'<p class="specqa-message">{escape(record["message"])}</p>' for record in worst_first]
    parts.append(_measures(entry.records))
    parts.extend(f'<p class="specqa-note">{escape(text)}</p>' for name, text in report.sections if name == NOTES)
    products = sorted({str(record["product"]) for record in entry.records if record["product"]})
    if products:
        parts.append(f'<p class="specqa-file">file: <code>{escape(", ".join(products))}</code></p>')
    command = RERUN.search(report.longreprtext) if report.failed else None
    if command:
        parts.append(
            f'<p class="specqa-file">run only this check: <code class="specqa-command">{escape(command["command"])}</code></p>'
        )
    return f'<div class="specqa-detail">{"".join(parts)}</div>'


def _measures(records: Iterable[Record]) -> str:
    rows = []
    for record in sorted(records, key=lambda one: -Outcome(one["outcome"]).rank):
        source = escape(str(record["source"]))
        waiver = f"<br>waived: {escape(str(record['waiver']))}" if record.get("waiver") else ""
        reach = f"{words.number(record['sensitivity'])}" if record["sensitivity"] is not None else ""
        rows.append(
            f"<tr><td>{words.badge(Outcome(record['outcome']))}</td><td><code>{escape(str(record['measure']))}</code></td>"
            f"<td class=specqa-number>{words.value_and_error(record)}</td><td class=specqa-number>{words.allowed(record)}</td>"
            f"<td class=specqa-number>{reach}</td><td>{words.place(record)}</td><td class=specqa-source>{source}{waiver}</td></tr>"
        )
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    return f'<table class="specqa-measures"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def pictures(extras: Iterable[Mapping[str, Any]], *, about: str, store: list[str]) -> list[dict[str, Any]]:
    """Turn pictures into figures of full width; other extras stay as they are.

    Rows hold the place of a picture only: pytest-html writes all rows anew at each click, and would decode every picture again.

    Parameters
    ----------
    extras : iterable of mapping
        Extras of a report, as pytest-html knows them.
    about : str
        Unit and claim, for readers that cannot see the picture.
    store : list of str
        Pictures of the page in base64; new ones are added, and rows refer to them by number.

    Returns
    -------
    list of dict
        Extras that pytest-html embeds.
    """
    shown = []
    for extra in extras:
        if extra.get("format_type") == "image" and extra.get("mime_type") == "image/png":
            name = escape(f"{str(extra.get('name') or 'picture').replace('_', ' ')}: {about}", quote=True)
            image = f'<img alt="{name}" {_size(str(extra["content"]))} data-specqa-picture="{len(store)}">'
            store.append(str(extra["content"]))
            shown.append(as_html(f'<figure class="specqa-picture">{image}</figure>'))
        else:
            shown.append(dict(extra))
    return shown


def _size(content: str) -> str:
    """Width and height of a PNG, so that the page keeps its place for it and a click lands where it should."""
    header = base64.b64decode(content[:32])
    return f'width="{int.from_bytes(header[16:20])}" height="{int.from_bytes(header[20:24])}"'


def as_html(content: str) -> dict[str, Any]:
    """An extra of pytest-html that holds HTML."""
    return {"name": None, "format_type": "html", "content": content, "mime_type": None, "extension": None}
