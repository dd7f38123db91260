"""How a check shows in pytest's reports: its category, its first line, its pictures."""

from __future__ import annotations

import dataclasses
import re

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.checks.check import Check
from pytest_specqa.checks.outcome import reduce
from pytest_specqa.printable import printable, printable_lines
from pytest_specqa.report.detail import NOTES
from pytest_specqa.report.gather import KNOWN, WAIVED, records_of
from pytest_specqa.run.calls import CHECK, TAKEN
from pytest_specqa.values import PROPERTY, Outcome

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Which pytest puts into the captured log."""
LETTERS = {
    WAIVED: ("W", "yellow"),
    KNOWN: ("k", "yellow"),
    str(Outcome.WARNED): ("w", "yellow"),
    str(Outcome.UNREACHABLE): ("u", "blue"),
    str(Outcome.NOT_MEASURED): ("n", "cyan"),
}
"""Letter and colour of what pytest has no word for."""


def complete(item: pytest.Item, report: pytest.TestReport) -> None:
    """Finish the report of one phase of a test; after the last phase, let its arrays go."""
    check = item.stash.get(CHECK, None)
    if check is None:
        if TAKEN in item.stash and report.when == "teardown":
            report.user_properties = [_brief(name, value) for name, value in report.user_properties]
        return
    if report.when == "call":
        _name_crash(check, report)
        _clean(report)
        report.sections += [(NOTES, note) for note in check.notes]
        if check.extras:
            report.extras = [*getattr(report, "extras", []), *check.extras]  # type: ignore[attr-defined]
        check.pictures.clear()
        check.extras.clear()
    if report.when == "teardown":
        report.user_properties = [_brief(name, value) for name, value in report.user_properties]
        del item.stash[CHECK]


def _brief(name: str, value: object) -> tuple[str, object]:
    """Shorten a record to what a JUnit property can say; the full one has travelled with the call."""
    if name != PROPERTY or not isinstance(value, dict):
        return name, value
    return printable(f"specqa.{value['measure']}"), printable(f"{value['outcome']}: {value['message']}")


def _clean(report: pytest.TestReport) -> None:
    """Let nothing that an exception or a captured warning says steer the terminal; pytest's own colours come later."""
    for traceback, crash, _ in getattr(report.longrepr, "chain", []):
        for entry in traceback.reprentries:
            entry.lines[:] = map(printable_lines, entry.lines)
        if crash is not None:
            crash.message = printable_lines(crash.message)
    report.sections = [(name, printable_lines(COLOURS.sub("", text))) for name, text in report.sections]


def _name_crash(check: Check, report: pytest.TestReport) -> None:
    """Put unit and exception in front of the traceback of a crash."""
    chain = getattr(report.longrepr, "chain", None)
    if not check.crashed or not chain:
        return
    text = f"{wording.place(check.unit)}: {check.measurements[-1].message} | rerun: {check.rerun}"
    first, crash, _ = chain[0]
    entry = first.reprentries[0]
    plain = {"reprfuncargs": None, "reprlocals": None, "reprfileloc": None, "style": "value"}
    opening = dataclasses.replace(first, reprentries=[dataclasses.replace(entry, lines=[text], **plain)], extraline=None)
    report.longrepr.chain.insert(0, (opening, crash, None))  # type: ignore[union-attr]


def status(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Return category, letter and word of a report that warned, or that could not be measured or reached."""
    if not isinstance(report, pytest.TestReport) or report.when != "call" or report.failed:
        return None
    found = records_of(report)
    if not found:
        return None
    result = reduce(found)
    word = WAIVED if result.waived else KNOWN if result.known else str(result.outcome)
    if word not in LETTERS:
        return None
    letter, colour = LETTERS[word]
    return word, letter, (word.upper(), {colour: True})
