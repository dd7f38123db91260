"""How a check shows in pytest's reports: its category, its first line, its pictures."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pytest_specqa.checks import wording
from pytest_specqa.checks.check import CHECK, Check
from pytest_specqa.values import Outcome

PROPERTY = "specqa"
EXCUSED = (("waived", "waiver", "W"), ("known", "known", "k"))
"""Failures that do not count, by the field of the record that says so."""


def records(report: pytest.TestReport) -> list[dict[str, Any]]:
    """Return the records that a report carries."""
    return [value for name, value in report.user_properties if name == PROPERTY and isinstance(value, dict)]


def complete(item: pytest.Item, report: pytest.TestReport) -> None:
    """Finish the report of one phase of a test; after the last phase, let its arrays go."""
    check = item.stash.get(CHECK, None)
    if check is None:
        return
    if report.when == "call":
        _name_crash(check, report)
        report.sections += [("specqa", note) for note in check.notes]
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
    return f"specqa.{value['measure']}", f"{value['outcome']}: {value['message']}"


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
    """Return category, letter and word of a report that warned or could not be measured."""
    if not isinstance(report, pytest.TestReport) or report.when != "call" or report.failed:
        return None
    found = records(report)
    if not found:
        return None
    for category, field, letter in EXCUSED:
        if report.skipped and any(record.get(field) for record in found):
            return category, letter, (category.upper(), {"yellow": True})
    outcome = wording.worst(found)
    if outcome is Outcome.WARNED:
        return "warned", "w", ("WARNED", {"yellow": True})
    if outcome is Outcome.NOT_MEASURED:
        return "not measured", "n", ("NOT MEASURED", {"cyan": True})
    return None
