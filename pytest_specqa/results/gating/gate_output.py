"""The verdict of the gate for people and for machines: text, Markdown, JUnit XML and JSON."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

from pytest_specqa.results.gating.gate import GateReport
from pytest_specqa.results.gating.gate_sql import WAIVED
from pytest_specqa.rules.waivers import State
from pytest_specqa.values import Outcome, Record

IN_TEXT, IN_MARKDOWN = 20, 50
COLUMNS = (str(Outcome.FAILED), str(Outcome.WARNED), WAIVED, str(Outcome.NOT_MEASURED), str(Outcome.PASSED))
ATTENTION = (State.EXPIRED, State.EXCEEDED, State.STALE)


def text(report: GateReport) -> str:
    """For a terminal: what is wrong first, the verdict last."""
    lines = [line for _, state, line in report.waivers if state in ATTENTION]
    if report.blocking:
        lines += ["", f"Blocking ({report.blocking_total:,})", *(f"  {_line(record)}" for record in report.blocking[:IN_TEXT])]
        lines += _more(report.blocking_total, IN_TEXT)
    if report.regressions and report.regressions.total:
        lines += ["", f"Regressions ({report.regressions.total:,})"]
        lines += [f"  {flip}: {unit} {name}" for flip, unit, name in report.regressions.examples[:IN_TEXT]]
        lines += _more(report.regressions.total, IN_TEXT)
    lines += ["", f"Policy {report.policy}"]
    lines += [f"  {'ok     ' if rule.passed else 'BLOCKED'}  {rule}" for rule in report.rules]
    return "\n".join([*lines, "", report.sentence]).lstrip("\n")


def _more(total: int, shown: int) -> list[str]:
    return [f"  ... and {total - shown:,} more"] if total > shown else []


def _line(record: Record) -> str:
    return f"{record['unit']}  {record['expectation']}  {_value(record)}"


def _value(record: Record) -> str:
    value = "no value" if record["value"] is None else f"{record['value']:.4g} {record.get('value_unit') or ''}".rstrip()
    sides = (("at least", record.get("low")), ("at most", record.get("high")))
    bounds = [f"{word} {bound:g}" for word, bound in sides if bound is not None]
    return f"{record['measure']} = {value}" + (f" (must be {' and '.join(bounds)})" if bounds else "")


def markdown(report: GateReport) -> str:
    """For a CI summary or a pull request."""
    mark = "✅" if report.passed else "❌"
    parts = [f"## {mark} Release gate", "", f"**{_md(report.sentence)}**", ""]
    rows = [
        ["✅" if rule.passed else "❌", rule.name, rule.found, rule.allowed]
        for rule in sorted(report.rules, key=lambda rule: rule.passed)
    ]
    parts += _md_table(["", "Policy", "Found", "Allowed"], rows)
    if report.blocking:
        shown = report.blocking[:IN_MARKDOWN]
        parts += ["", f"### Blocking: {report.blocking_total:,}", ""]
        parts += _md_table(["Unit", "Expectation", "Measure", "What was found"], [_md_row(record) for record in shown])
        parts += ["", *_more(report.blocking_total, len(shown))]
    if report.regressions and report.regressions.total:
        parts += ["", f"### Regressions: {report.regressions.total:,}", ""]
        parts += _md_table(
            ["Change", "Unit", "Expectation"], [[str(item) for item in row] for row in report.regressions.examples[:IN_MARKDOWN]]
        )
    if report.waivers:
        parts += ["", "### Waivers", ""]
        parts += _md_table(
            ["State", "Owner", "Waiver", "Issue"], [[str(state), w.owner, line, w.issue] for w, state, line in report.waivers]
        )
    parts += ["", f"<details><summary>{report.total:,} measurements by expectation</summary>", ""]
    names = sorted({expectation for expectation, _ in report.counts})
    table = [[name, *(f"{report.counts.get((name, column), 0):,}" for column in COLUMNS)] for name in names]
    parts += [*_md_table(["Expectation", *COLUMNS], table), "", "</details>", ""]
    return "\n".join(parts)


def _md_row(record: Record) -> list[str]:
    return [record["unit"], record["expectation"], _value(record), str(record.get("message") or "")[:300]]


def _md_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(_md(cell) for cell in row) + " |" for row in rows]


def _md(cell: str) -> str:
    """Headers and file names are data: nothing in them may become markup."""
    flat = re.sub(r"\s+", " ", cell).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#!@])", r"\\\1", flat)


def junit(report: GateReport) -> str:
    """JUnit XML: one case per rule and one per blocking measurement, at most 200 of these."""
    failures = sum(not rule.passed for rule in report.rules)
    root = ET.Element("testsuites", name="specqa gate")
    suite = ET.SubElement(
        root, "testsuite", name="policy", tests=str(len(report.rules)), failures=str(failures), errors="0", skipped="0"
    )
    for rule in report.rules:
        _case(suite, "policy", rule.name, problem="" if rule.passed else str(rule))
    listed = str(len(report.blocking))
    suite = ET.SubElement(root, "testsuite", name="blocking", tests=listed, failures=listed, errors="0", skipped="0")
    for record in report.blocking:
        _case(
            suite,
            record["expectation"],
            f"{record['measure']}[{record['unit']}]",
            problem=_value(record),
            detail=record.get("message") or "",
        )
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, group: str, name: str, *, problem: str, detail: str = "") -> None:
    case = ET.SubElement(suite, "testcase", classname=_xml(group), name=_xml(name), time="0")
    if problem:
        ET.SubElement(case, "failure", message=_xml(problem)).text = _xml(detail)


def _xml(words: str) -> str:
    """Drop the characters that XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", words)


def as_json(report: GateReport) -> str:
    """Everything, for other programs."""
    content = {
        "passed": report.passed,
        "verdict": report.sentence,
        "policy": report.policy,
        "measurements": report.total,
        "files": report.files,
        "nights": dict(zip(("first", "last", "count"), report.nights, strict=True)),
        "rules": [
            {"name": rule.name, "passed": rule.passed, "found": rule.found, "allowed": rule.allowed} for rule in report.rules
        ],
        "counts": [{"expectation": name, "outcome": outcome, "count": count} for (name, outcome), count in report.counts.items()],
        "blocking": {"total": report.blocking_total, "listed": [_plain(record) for record in report.blocking]},
        "regressions": _regressions(report),
        "waivers": [{"id": waiver.id, "state": str(state), "text": line} for waiver, state, line in report.waivers],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _plain(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("part", "waiver")}


def _regressions(report: GateReport) -> dict[str, Any] | None:
    if report.regressions is None:
        return None
    listed = [{"change": str(flip), "unit": unit, "expectation": name} for flip, unit, name in report.regressions.examples]
    return {
        "total": report.regressions.total,
        "counts": {str(flip): n for flip, n in report.regressions.counts.items()},
        "listed": listed,
    }
