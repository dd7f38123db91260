"""The hooks of pytest-html: what stands on top of the page, and what each row says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from pytest_specqa.checks.outcome import is_excused
from pytest_specqa.checks.verdict import Verdict
from pytest_specqa.report import gather, words
from pytest_specqa.report.detail import NOTES, as_html, detail, pictures
from pytest_specqa.report.gather import Entry
from pytest_specqa.report.grid import flow, grids
from pytest_specqa.triage import story
from pytest_specqa.values import NoValue, Outcome, Record

if TYPE_CHECKING:
    from pytest_html.report_data import ReportData

    from pytest_specqa.instrument import Instrument

FOLDED = ["passed", "skipped"]
"""pytest's words for the rows that open only on a click: what warned counts as passed, what was not measured as skipped."""


def configure(config: pytest.Config, *, announced: bool, show_passed: bool) -> None:
    """Make the page one file that can be mailed and put on a share; call it before pytest-html is configured.

    Parameters
    ----------
    config : pytest.Config
        The run.
    announced : bool
        Whether the command line shows that data units will be judged; other runs keep the page they know.
    show_passed : bool
        Whether passed tests get a row.
    """
    gather.of(config).show_passed = show_passed
    if announced and getattr(config.option, "htmlpath", None):
        config.option.self_contained_html = True


def title(config: pytest.Config, page: ReportData) -> None:
    """Keep hold of what pytest-html will write."""
    gather.of(config).page = page


def take(config: pytest.Config, report: pytest.TestReport) -> None:
    """Write what the row of a test opens to; call it when its records are gathered, and before pytest-html sees the report."""
    gathered = gather.of(config)
    entry = gathered.entries.get(report.nodeid)
    if entry is None or report.when != "call" or gathered.page is None:
        return
    extras: list[Mapping[str, Any]] = getattr(report, "extras", [])
    shown = _has_row(gathered.show_passed, entry)
    about = f"{entry.claim}, {entry.unit}"
    new = [as_html(detail(entry, report)), *pictures(extras, about=about, store=gathered.pictures)] if shown else []
    report.extras = new  # type: ignore[attr-defined]


def _has_row(show_passed: bool, entry: Entry) -> bool:
    return show_passed or entry.outcome is not Outcome.PASSED


def row(config: pytest.Config, report: pytest.TestReport, cells: list[str]) -> None:
    """Write the row of a test; those that passed are left out unless they are asked for."""
    gathered = gather.of(config)
    entry = gathered.entries.get(report.nodeid)
    if not gathered.entries or len(cells) < 4:
        return
    if entry is None or report.when != "call":
        word = "error" if report.failed and report.when != "call" else report.outcome
        alike = {"passed": Outcome.PASSED, "failed": Outcome.FAILED}.get(report.outcome, Outcome.NOT_MEASURED)
        _outcome(cells, words.badge(alike, word))
        cells[1] = f'<td class="col-testId" data-specqa="{_attribute(report.nodeid)}">{escape(report.nodeid)}</td>'
        return
    if not _has_row(gathered.show_passed, entry):
        del cells[:]
        return
    _outcome(cells, words.badge(entry.outcome, entry.word))
    worst = max(entry.records, key=lambda record: Outcome(record["outcome"]).rank)
    first = f"<b>{escape(entry.unit)}</b> {escape(entry.claim)}"
    second = f'<span class="specqa-line">{escape(str(worst["message"]))}</span>'
    cells[1] = f'<td class="col-testId" data-specqa="{_attribute(report.nodeid)}">{first}{second}</td>'


def _outcome(cells: list[str], badge: str) -> None:
    """Say our outcome beside pytest-html's own word, which its filters need and which stays in a hidden cell."""
    cells[0] = cells[0].replace('class="', 'class="specqa-hidden ', 1) + f'<td class="specqa-outcome">{badge}</td>'


def _attribute(nodeid: str) -> str:
    return escape(nodeid, quote=True)


def log(config: pytest.Config, report: pytest.TestReport, data: list[str]) -> None:
    """Keep the traceback of a crash and captured output; the message of a miss stands above the log already."""
    entry = gather.of(config).entries.get(report.nodeid)
    if entry is None or report.when != "call":
        return
    judged = {record["measure"] for record in entry.records if record["outcome"] == str(Outcome.FAILED)}
    if NoValue.CRASH in judged or (report.failed and not judged):
        return
    data[:] = [f"{escape(name)}\n{escape(text)}" for name, text in report.sections if name != NOTES]


def summary(config: pytest.Config, *, prefix: list[str], postfix: list[str], instrument: Instrument, lost: int = 0) -> None:
    """Write verdict, counts and grids on top, and sort the rows worst first."""
    gathered = gather.of(config)
    entries = list(gathered.entries.values())
    if not entries or gathered.page is None:
        return
    _name(gathered.page, gathered.records)
    _sort(gathered.page, gathered.entries)
    prefix.append(f"<style>{_asset('report.css')}</style>")
    prefix.append(_verdict(gathered.records, lost=lost))
    prefix.append(_chips(entries))
    prefix.append(grids(entries, linked=lambda entry: _has_row(gathered.show_passed, entry), instrument=instrument))
    prefix.append(_legend(entries, show_passed=gathered.show_passed))
    postfix.append(f'<script type="application/json" id="specqa-pictures">{_json(gathered.pictures)}</script>')
    postfix.append(f"<script>{_asset('report.js')}</script>")


def _json(values: list[str]) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(values).replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (files("pytest_specqa.report") / "assets" / name).read_text(encoding="utf-8")


def _name(page: ReportData, records: Iterable[Record]) -> None:
    every = list(records)
    nights = sorted({int(record["night"]) for record in every})
    names = sorted({str(record["versions"].get("production", "")) for record in every} - {""})
    span = f"night {nights[0]}" if len(nights) == 1 else f"nights {nights[0]}–{nights[-1]} ({len(nights)})"
    production = [f"production {name}" for name in names]
    page.title = f"Spectroscopic QA: {', '.join([*production, span])}"
    page.table_header = [cell.replace(">Result<", ">outcome<").replace(">Test<", ">unit and check<") for cell in page.table_header]


def _sort(page: ReportData, entries: Mapping[str, Entry]) -> None:
    """Put rows worst first, then in data-flow order; what is no check of ours (a broken test file) comes on top."""
    tests = page.data["tests"]
    for nodeid in [nodeid for nodeid, rows in tests.items() if not rows]:  # tests without a row leave their name behind
        del tests[nodeid]
    known = sorted((entries[nodeid] for nodeid in tests if nodeid in entries), key=flow)
    for nodeid in [entry.nodeid for entry in known]:
        tests[nodeid] = tests.pop(nodeid)
    page.set_data("initialSort", "original")
    page.set_data("renderCollapsed", FOLDED)


def _verdict(records: list[Record], *, lost: int) -> str:
    verdict = Verdict.of(records, lost=lost)
    word, _, rest = verdict.sentence.partition(":")
    tale = story([record for record in records if not is_excused(record)])
    sentence = f"<strong>{escape(word)}</strong>:{escape(rest)}" + (f"; {escape(tale)}" if tale else "")
    return f'<p class="specqa-verdict {words.css_class(verdict.outcome)}">{sentence}.</p>'


def _chips(entries: Iterable[Entry]) -> str:
    counts = Counter(entry.word for entry in entries)
    chips = "".join(
        words.badge(outcome, f"{counts[str(outcome)]} {outcome}", quiet=not counts[str(outcome)]) for outcome in reversed(Outcome)
    )
    for excuse in (gather.WAIVED, gather.KNOWN):
        if counts[excuse]:
            chips += words.badge(Outcome.WARNED, f"{counts[excuse]} {excuse}")
    return f'<p class="specqa-chips">{chips} <span class="specqa-faint">checks: one expectation on one unit each</span></p>'


def _legend(entries: Iterable[Entry], *, show_passed: bool) -> str:
    passed = sum(entry.outcome is Outcome.PASSED for entry in entries)
    left_out = ""
    if passed and not show_passed:
        left_out = f" {passed} passed checks have no row (<code>--specqa-show-passed</code> lists them)."
    return (
        '<p class="specqa-faint">A cell shows the worst outcome of its unit: <b>F</b> failed, <b>W</b> warned, <b>P</b> passed '
        "(underlined: some checks not measured), <b>–</b> not measured, blank: not there. Click a cell to open the row of its "
        f"worst check.{left_out}</p>"
    )
