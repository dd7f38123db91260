"""What a row opens to: the sentences, what they mean, the measures against their limits, and the pictures."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pytest_specqa.printable import escape
from pytest_specqa.report import links, words
from pytest_specqa.report.gather import Entry
from pytest_specqa.report.quota import Piece
from pytest_specqa.values import NoValue, Outcome, Record, called

RERUN = re.compile(r"\| rerun: (?P<command>.+)$", re.MULTILINE)
COLUMNS = (
    ("outcome", ""),
    ("measure", ""),
    ("value", "With its standard error."),
    ("allowed", "The limit: outside it the check fails, or warns where the limit says so. Below it, from where on it warns."),
    ("sensitivity", "The smallest value that these data could have told from nothing. If it is larger than the limit needs, the "
                    "check is not measured."),
    ("where", "Fibers and wavelengths in which it was found."),
    ("what was found, and where the limit comes from", ""),
)  # fmt: skip
"""Columns of the measures with what their names do not say."""
NOTES = "specqa"
"""Name of the report sections that hold what is to be said beside the measures."""


def detail(entry: Entry, report: pytest.TestReport, *, root: str = "") -> str:
    """HTML of sentences, measures, files and rerun command of one test.

    Parameters
    ----------
    entry : Entry
        The test with its records.
    report : pytest.TestReport
        Of its call.
    root : str
        Folder or address of the production, to link its files.
    """
    parts = [measured(entry.records)]
    parts.extend(f'<p class="specqa-note">{escape(text)}</p>' for name, text in report.sections if name == NOTES)
    products = sorted({str(record["product"]) for record in entry.records if record["product"]})
    if products:
        named = ", ".join(links.product(name, root=root) for name in products)
        parts.append(f'<p class="specqa-file">file: {named}</p>')
    command = RERUN.search(report.longreprtext) if report.failed else None
    if command:
        parts.append(
            f'<p class="specqa-file">run only this check: <code class="specqa-command">{escape(command["command"])}</code></p>'
        )
    return "".join(parts)


def measured(records: Iterable[Record]) -> str:
    """HTML of the sentences of the records of one check, what they mean, and their measures against the limits."""
    order = worst_first(records)
    told = [record for record in order if record["outcome"] != str(Outcome.PASSED)] or order
    parts = []
    for record in told:
        parts.append(f'<p class="specqa-message">{links.linked(record["message"])}</p>')
        if record.get("doc"):
            parts.append(f'<p class="specqa-doc">{links.linked(record["doc"])}</p>')
    return "".join([*parts, _measures(order)])


def worst_first(records: Iterable[Record]) -> list[Record]:
    """Sort the records of one check by outcome; those alike stay as they are."""
    return sorted(records, key=lambda one: -Outcome(one["outcome"]).rank)


def _measures(records: Iterable[Record]) -> str:
    rows = []
    for record in records:
        reach = words.number(record["sensitivity"]) if record["sensitivity"] is not None else ""
        rows.append(
            f"<tr><td>{words.badge(Outcome(record['outcome']))}</td><td>{_name(record)}</td>"
            f"<td class=specqa-number>{words.value_and_error(record)}</td><td class=specqa-number>{words.allowed(record)}</td>"
            f"<td class=specqa-number>{reach}</td><td>{words.place(record)}</td><td>{_found(record)}</td></tr>"
        )
    head = "".join(f"<th>{_column(name, meaning)}</th>" for name, meaning in COLUMNS)
    table = f'<table class="specqa-measures"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="specqa-scroll">{table}</div>'


def _column(name: str, meaning: str) -> str:
    return f'<abbr title="{escape(meaning, quote=True)}">{name}</abbr>' if meaning else name


def _name(record: Record) -> str:
    """Call a measure by plain words, with its name small beside them; it leads to its explanation where there is one."""
    key = escape(record["measure"])
    small = f'<a href="#{links.measure_id(record["measure"])}">{key}</a>' if record.get("doc") else key
    return f'{escape(called(record))} <small class="specqa-key">{small}</small>'


def _found(record: Record) -> str:
    parts = [f"{links.linked(record['detail'])}<br>"] if record.get("detail") else []
    if record["measure"] not in list(NoValue):
        parts.append(f'<span class="specqa-source">{links.linked(record["source"])}</span>')
    if record.get("waiver"):
        why = f": {record['waiver_reason']}" if record.get("waiver_reason") else ""
        parts.append(f"<br>waived: {links.linked(str(record['waiver']) + why)}")
    return "".join(parts)


def log(report: pytest.TestReport, entry: Entry) -> str:
    """HTML of the traceback of a crash and of captured output; the message of a miss stands above already."""
    judged = {record["measure"] for record in entry.records if record["outcome"] == str(Outcome.FAILED)}
    parts = [f"{name}\n{text}" for name, text in report.sections if name != NOTES]
    if NoValue.CRASH in judged or (report.failed and not judged):
        parts.insert(0, report.longreprtext)
    text = escape("\n".join(parts))
    return f'<pre class="specqa-log">{text}</pre>' if text else ""


def shown(extras: Iterable[Mapping[str, Any]], *, about: str) -> list[Piece]:
    """HTML of the extras of a test: pictures in full width, HTML as it is, links, and text.

    Parameters
    ----------
    extras : iterable of mapping
        Extras of a report, as pytest-html knows them.
    about : str
        Unit and claim, for readers that cannot see the picture.

    Returns
    -------
    list of Piece
        One for each.
    """
    parts = []
    for extra in extras:
        kind, content, name = extra.get("format_type"), str(extra.get("content")), str(extra.get("name") or "")
        if kind == "image":
            figure = f'<figure class="specqa-picture">{_image(extra, content, name or "picture", about)}</figure>'
            parts.append(Piece(name or "picture", figure))
        elif kind == "html":
            parts.append(Piece("", content))
        elif kind == "url":
            parts.append(Piece("", f"<p>{links.anchor(content, name or content)}</p>"))
        else:
            parts.append(Piece("", f'<pre class="specqa-log">{escape(content)}</pre>'))
    return parts


def _image(extra: Mapping[str, Any], content: str, name: str, about: str) -> str:
    alt = escape(f"{name.replace('_', ' ')}: {about}", quote=True)
    kind = str(extra.get("mime_type") or "image/png")
    size = _size(content) if kind == "image/png" else ""
    # What is folded away is not decoded before it is opened.
    return f'<img alt="{alt}" {size} loading="lazy" decoding="async" src="data:{escape(kind, quote=True)};base64,{content}">'


def _size(content: str) -> str:
    """Width and height of a PNG, so that the page keeps its place for it and a link leads where it should."""
    header = base64.b64decode(content[:32])
    return f'width="{int.from_bytes(header[16:20])}" height="{int.from_bytes(header[20:24])}"'
