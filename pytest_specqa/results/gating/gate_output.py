"""The verdict of the gate for people and for machines: text, Markdown, JUnit XML and JSON."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

from pytest_specqa.checks import wording
from pytest_specqa.checks.outcome import Key
from pytest_specqa.printable import joined, printable_lines
from pytest_specqa.results.gating.gate import GateReport
from pytest_specqa.results.gating.gate_sql import WAIVED
from pytest_specqa.results.markdown import clipped, escaped, folded, table
from pytest_specqa.results.telling import Extent, cause, check_of, data_flow, finding_dict, found_in, limits_of, stage_name
from pytest_specqa.rules.waivers import State
from pytest_specqa.triage import Finding, lead
from pytest_specqa.values import NO_NIGHT, Outcome, Record

SHOWN = 20
"""Findings, checks that block, and regressions that text and Markdown list."""
COLUMNS = (
    str(Outcome.FAILED),
    str(Outcome.WARNED),
    WAIVED,
    str(Outcome.UNREACHABLE),
    str(Outcome.NOT_MEASURED),
    str(Outcome.PASSED),
)
ATTENTION = (State.EXPIRED, State.EXCEEDED, State.STALE)


@dataclass(frozen=True)
class Row:
    """What blocks by one claim, within one finding.

    Attributes
    ----------
    record : Record
        The measurement that tells most.
    checks, measurements : int
        Checks of the claim that block, one for each unit, and their measurements that do.
    """

    record: Record
    checks: int
    measurements: int

    @property
    def unit(self) -> str:
        """The unit of the measurement, and how many others block: ``20211014-00104284-r8 and 3 others``."""
        others = self.checks - 1
        return self.record["unit"] + (f" and {wording.count(others, 'other')}" if others else "")

    @property
    def claim(self) -> str:
        """What does not hold."""
        return wording.claim(self.record["expectation"])


def rows(report: GateReport, *, shown: int = SHOWN) -> list[Row]:
    """Choose what tells most: each claim once in each finding, so that forty cameras with one fault do not hide another.

    Parameters
    ----------
    report : GateReport
        The verdict.
    shown : int
        Most rows to return.

    Returns
    -------
    list of Row
        By finding, then by stage of the data flow, then by size; the listed measurements that no finding speaks of come last.
    """
    seen: set[tuple[Key, str]] = set()
    found: list[Row] = []
    outcomes = {record["outcome"] for record in report.blocking}
    for group in [*((*finding.records, *finding.follows) for _, finding in report.findings), report.blocking]:
        new = [one for one in group if one["outcome"] in outcomes and (check_of(one), one["measure"]) not in seen]
        seen |= {(check_of(record), record["measure"]) for record in new}
        claims: dict[str, list[Record]] = {}
        for record in new:
            claims.setdefault(record["expectation"], []).append(record)
        told = [Row(lead(records), len({record["unit"] for record in records}), len(records)) for records in claims.values()]
        found += sorted(told, key=lambda row: data_flow(row.record))
    return found[:shown]


def text(report: GateReport) -> str:
    """For a terminal: findings first, then what blocks, the verdict first and last."""
    lines = [report.sentence]
    for night, finding in report.findings[:SHOWN]:
        lines += ["", f"{_when(night)}: {finding.headline}", f"  {_shown_by(finding)}"]
        lines += [f"  where: {finding.scope}"] if finding.scope else []
        lines += [f"  next: {finding.advice}"] if finding.advice else []
    lines += _more(len(report.findings), SHOWN, "findings")
    lines += ["", _nights(report)] if _nights(report) else []
    if report.blocking:
        told = rows(report)
        lines += ["", f"Blocking: {report.extent}", *(f"  {_line(row)}" for row in told)]
        lines += _more(report.blocking_checks, sum(row.checks for row in told), "checks")
    if report.regressions and report.regressions.total:
        lines += ["", f"Regressions ({report.regressions.total:,} checks)"]
        lines += [f"  {flip}: {unit} {wording.claim(name)}" for flip, unit, name in report.regressions.examples[:SHOWN]]
        lines += _more(report.regressions.total, SHOWN, "checks")
    attention = [line for _, state, line in report.waivers if state in ATTENTION]
    lines += ["", *attention] if attention else []
    lines += ["", f"Policy {report.policy}"]
    lines += [f"  {'ok     ' if rule.passed else 'BLOCKED'}  {rule}" for rule in report.rules]
    return joined([*lines, "", report.sentence])


def _more(total: int, shown: int, what: str) -> list[str]:
    return [f"  ... and {total - shown:,} more {what}"] if total > shown else []


def _nights(report: GateReport) -> str:
    """Which findings are not told; empty if all are."""
    if report.nights_told == report.nights_blocked:
        return ""
    return (
        f"Findings of {report.nights_told} of {wording.count(report.nights_blocked, 'night')} with something that blocks: "
        "those with most of it; specqa gate on the results of one night tells those of the others."
    )


def _shown_by(finding: Finding) -> str:
    """The measurement that shows a finding best, and how much fails or warns with it."""
    record = finding.lead
    extent = Extent.of((*finding.records, *finding.follows), outcome=finding.outcome)
    return f"{_value(record)} on {record['unit']}; {finding.outcome}: {extent}"


def _line(row: Row) -> str:
    return f"{row.claim}: {_value(row.record)} on {row.unit}"


def _value(record: Record) -> str:
    value = "no value" if record["value"] is None else f"{record['value']:.4g} {record.get('value_unit') or ''}".rstrip()
    limits = limits_of(record, unit=False)
    return f"{record['measure']} = {value}" + (f" (must be {limits})" if limits else "")


def markdown(report: GateReport) -> str:
    """For a CI summary or a pull request: findings, what blocks, then counts; nothing from the data becomes markup."""
    mark = "✅" if report.passed else "❌"
    parts = [f"## {mark} Release gate", "", f"**{escaped(report.sentence)}**", ""]
    parts += [_paragraph(night, finding) for night, finding in report.findings[:SHOWN]]
    parts += [*_more(len(report.findings), SHOWN, "findings"), ""] if report.findings else []
    parts += [escaped(_nights(report)), ""] if _nights(report) else []
    if report.blocking:
        told = rows(report)
        parts += [f"### Blocking: {report.extent}", ""]
        cells = [[row.claim, row.unit, _value(row.record), found_in(row.record)] for row in told]
        parts += [*table(["Claim", "Unit", "Measure", "What was found"], cells), ""]
        parts += _more(report.blocking_checks, sum(row.checks for row in told), "checks")
    if report.regressions and report.regressions.total:
        parts += ["", f"### Regressions: {report.regressions.total:,} checks", ""]
        examples = [[str(flip), unit, wording.claim(name)] for flip, unit, name in report.regressions.examples[:SHOWN]]
        parts += [*table(["Change", "Unit", "Claim"], examples), "", *_more(report.regressions.total, SHOWN, "checks")]
    cells = [
        ["✅" if rule.passed else "❌", rule.name, rule.found, rule.allowed]
        for rule in sorted(report.rules, key=lambda rule: rule.passed)
    ]
    parts += ["", "### Policy", "", *table(["", "Policy", "Found", "Allowed"], cells)]
    if report.waivers:
        cells = [[str(state), waiver.owner, line, waiver.issue] for waiver, state, line in report.waivers]
        parts += ["", "### Waivers", "", *table(["State", "Owner", "Waiver", "Issue"], cells)]
    names = sorted({expectation for expectation, _ in report.counts})
    cells = [[wording.claim(name), *(f"{report.counts.get((name, column), 0):,}" for column in COLUMNS)] for name in names]
    title = f"{wording.count(report.total, 'measurement')} by claim"
    return "\n".join([*parts, "", *folded(title, table(["Claim", *COLUMNS], cells)), ""])


def _when(night: int) -> str:
    return f"night {night}" if night != NO_NIGHT else "pixels of the sky"


def _paragraph(night: int, finding: Finding) -> str:
    """A finding in a list: scope, cause, advice, and the measurement that shows it best."""
    sign = "❌" if finding.outcome is Outcome.FAILED else "⚠️"
    advice = f" _{escaped(clipped(finding.advice))}_" if finding.advice else ""
    return (
        f"- {sign} **{escaped(stage_name(finding))}**, {_when(night)}, {escaped(clipped(finding.scope))}: "
        f"{escaped(clipped(cause(finding)))}.{advice}<br>{escaped(_shown_by(finding))}"
    )


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
    """Write out what cannot be shown, and drop the two characters that XML 1.0 cannot hold besides."""
    return re.sub("[\ufffe\uffff]", "?", printable_lines(words))


def as_json(report: GateReport) -> str:
    """Everything, for other programs."""
    content = {
        "passed": report.passed,
        "verdict": report.sentence,
        "policy": report.policy,
        "measurements": report.total,
        "files": report.files,
        "findings": {
            "nights_told": report.nights_told,
            "nights_blocked": report.nights_blocked,
            "listed": [_finding(night, finding) for night, finding in report.findings],
        },
        "nights": dict(zip(("first", "last", "count"), report.nights, strict=True)),
        "rules": [
            {"name": rule.name, "passed": rule.passed, "found": rule.found, "allowed": rule.allowed} for rule in report.rules
        ],
        "counts": [{"expectation": name, "outcome": outcome, "count": count} for (name, outcome), count in report.counts.items()],
        "blocking": {
            "total": report.blocking_total,
            "checks": report.blocking_checks,
            "listed": [_plain(record) for record in report.blocking],
        },
        "regressions": _regressions(report),
        "waivers": [{"id": waiver.id, "state": str(state), "text": line} for waiver, state, line in report.waivers],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _finding(night: int, finding: Finding) -> dict[str, Any]:
    extent = Extent.of((*finding.records, *finding.follows), outcome=finding.outcome)
    shown = {name: finding.lead.get(name) for name in ("unit", "expectation", "measure", "value", "error", "value_unit")}
    head = {"night": night, "outcome": str(finding.outcome)}
    return head | finding_dict(finding) | extent.as_dict() | {"shown_by": shown | {"limits": limits_of(finding.lead)}}


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
