"""The hooks of pytest-html: it writes the page, and its table gives way to one whose rows can be found, shared and folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from pytest_specqa.checks.verdict import Circumstances, Verdict
from pytest_specqa.printable import escape, printable, printable_lines
from pytest_specqa.report import bar, gather, rows, top, words
from pytest_specqa.report.detail import detail, log, shown
from pytest_specqa.report.gather import Entry
from pytest_specqa.report.grid import grids
from pytest_specqa.report.places import placed
from pytest_specqa.report.quota import kept
from pytest_specqa.values import NO_NIGHT, Outcome, Record

if TYPE_CHECKING:
    from pytest_html.report_data import ReportData

    from pytest_specqa.instrument import Instrument

PLAIN_HEAD = "<html>\n  <head>\n"
HEAD = '<html lang="en">\n  <head>\n    <meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
"""What pytest-html's template lacks: the language, and that a telephone need not pretend to be a desk."""


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
    if entry is None or not _tells(report) or gathered.page is None:
        return
    extras: list[Mapping[str, Any]] = getattr(report, "extras", [])
    report.extras = []  # type: ignore[attr-defined]
    if not gathered.has_row(entry):
        return
    if report.when == "teardown":
        gathered.shown.setdefault(report.nodeid, [])
    else:
        gathered.shown[report.nodeid] = shown(extras, about=f"{entry.claim}, {entry.unit}")
    gathered.details[report.nodeid] = detail(entry, report, root=gathered.root), log(report, entry)


def row(config: pytest.Config, report: pytest.TestReport, cells: list[str]) -> None:
    """Take a check out of pytest-html's table; whatever judges nothing stays in it until the page is put together."""
    entry = gather.of(config).entries.get(report.nodeid)
    if entry is not None and _tells(report):
        del cells[:]


def _tells(report: pytest.TestReport) -> bool:
    """Tell whether the outcome of a check is in this report of it: of its call, or of what broke before or after it."""
    return report.when not in ("setup", "teardown") or not report.passed


def summary(
    config: pytest.Config, *, prefix: list[str], instrument: Instrument, quota: int, told: Circumstances | None = None
) -> None:
    """Write verdict, findings, grids and rows, in the place of pytest-html's own table; `quota` is that of pictures."""
    gathered = gather.of(config)
    entries = list(gathered.entries.values())
    if not entries and gathered.page is not None and Verdict.of([], told).partial:
        prefix += [f"<style>{_asset('report.css')}</style>", top.verdict([], [], told)]
    if not entries or gathered.page is None:
        return
    records, findings = gathered.records, gathered.findings
    others = _others(gathered.page)
    _name(gathered.page, records)
    rowed = [entry for entry in entries if gathered.has_row(entry)]
    linked = {entry.check for entry in rowed}
    pieces = kept([(entry, gathered.shown.get(entry.nodeid, [])) for entry in rowed], quota=quota)
    pictured = {entry.check for entry in rowed if any("<img " in piece for piece in pieces[entry.nodeid])}

    def opened(entry: Entry) -> str:
        """HTML of what a row opens to."""
        before, after = gathered.details.get(entry.nodeid, ("", ""))
        return "".join([before, *pieces[entry.nodeid], after])

    prefix += [
        f"<style>{_asset('report.css')}</style>",
        top.verdict(records, findings, told),
        _broken(others),
        top.cards(findings, pictured=pictured, linked=linked.__contains__, root=gathered.root),
        grids(entries, linked=gathered.has_row, places=placed(findings), instrument=instrument),
        _legend(entries, findings=len(findings), show_passed=gathered.show_passed),
        bar.bar(entries, rowed),
        rows.rows(rowed, findings, detail=opened, others=others),
        top.glossary(records),
        f"<script>{_asset('report.js')}</script>",
    ]


def finished(config: pytest.Config, text: str) -> str:
    """Return the page that pytest-html is about to write, with its language and the width of the window.

    Parameters
    ----------
    config : pytest.Config
        The run.
    text : str
        The page of pytest-html.

    Returns
    -------
    str
        The same where no data were judged. Nothing in it hides or turns a line.
    """
    return printable_lines(text).replace(PLAIN_HEAD, HEAD, 1) if gather.of(config).entries else text


def _asset(name: str) -> str:
    return (files("pytest_specqa.report") / "assets" / name).read_text(encoding="utf-8")


def _name(page: ReportData, records: Iterable[Record]) -> None:
    every = list(records)
    nights = sorted({int(record["night"]) for record in every} - {NO_NIGHT})
    names = sorted({str(record["versions"].get("production", "")) for record in every} - {""})
    span = f"nights {nights[0]}–{nights[-1]} ({len(nights)})" if len(nights) > 1 else "".join(f"night {one}" for one in nights)
    production = [f"production {name}" for name in names]
    pixels = len({record["unit"] for record in every if record["kind"] == "healpix"})
    judged = [span, f"{pixels} healpix pixel{'s' * (pixels > 1)}" if pixels else ""]
    page.title = printable(f"Spectroscopic QA: {', '.join([*production, *filter(None, judged)])}")


def _others(page: ReportData) -> dict[str, str]:
    """Rows of what is no check of ours (a broken test file, a test that judges nothing), taken out of pytest-html's table."""
    made = {}
    for nodeid, tests in page.data["tests"].items():
        for number, test in enumerate(tests):
            word = "broken" if test["result"] == "Error" else str(test["result"]).lower()
            outcome = {"passed": Outcome.PASSED, "failed": Outcome.FAILED, "broken": Outcome.FAILED}.get(word, Outcome.NOT_MEASURED)
            made[f"{nodeid}~{number}" if number else nodeid] = rows.row(
                f"{nodeid}~{number}" if number else nodeid,
                badge=words.badge(outcome, word),
                name=escape(nodeid),
                line="",
                tag="",
                # pytest-html has escaped the log.
                detail=f'<pre class="specqa-log">{test["log"]}</pre>',
                marks={"outcome": word, "places": "", "check": ""},
                opened=outcome is Outcome.FAILED,
            )
    page.data["tests"].clear()
    return made


def _broken(others: Mapping[str, str]) -> str:
    number = sum('data-outcome="broken"' in row for row in others.values())
    if not number:
        return ""
    what = "1 test is broken and judged" if number == 1 else f"{number} tests are broken and judged"
    return f'<p class="specqa-broken">{what} nothing: <a href="#specqa-rows">see the first rows</a>.</p>'


def _legend(entries: Sequence[Entry], *, findings: int, show_passed: bool) -> str:
    passed = sum(entry.outcome is Outcome.PASSED for entry in entries)
    left_out = ""
    if passed and not show_passed:
        left_out = f" {passed} passed checks have no row (<code>--specqa-show-passed</code> lists them)."
    unread = ", <b>?</b> unreachable" if any(entry.outcome is Outcome.UNREACHABLE for entry in entries) else ""
    numbers = " A small number is that of its finding." if findings > 1 else ""
    return (
        '<p class="specqa-faint specqa-legend">A cell shows the worst outcome of its unit: <b>F</b> failed, <b>W</b> warned (both '
        "the deeper, the farther beyond the limit), <b>P</b> passed (underlined: some checks not measured), <b>–</b> not "
        f"measured{unread}, blank: not there. It leads to the row of its worst check.{numbers}{left_out}</p>"
    )
