"""Findings in words: lines for a terminal, and a run in one sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from textwrap import wrap

from pytest_specqa.printable import joined
from pytest_specqa.triage.evidence import ORDER
from pytest_specqa.triage.finding import CLOSE, Finding
from pytest_specqa.triage.findings import VALUELESS, findings
from pytest_specqa.triage.group import LAST
from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.triage.wording import MANY, count, listed, shortened
from pytest_specqa.values import Outcome, Record, called

LINES = 15
"""Lines of a finding at most."""
WIDTH = 160
"""Characters of a line at most."""
PART = 3
"""Lines of one part of it at most."""
SURE = 0.99
"""Confidence that is told at most: rules know what they know."""
REASONS = 4
"""Reasons that are told."""


def told(finding: Finding) -> list[str]:
    """Tell a finding to a person.

    Parameters
    ----------
    finding : Finding
        Any.

    Returns
    -------
    list of str
        At most 15 lines of at most 160 characters: the headline, where it is, the cause with its reasons, what follows from it,
        what warns elsewhere, and what to do.
    """
    parts = [("where", finding.scope), ("cause", _cause_of(finding) + _sure(finding))]
    parts += [("", f"- {reason}") for reason in (finding.suspects[0].reasons if finding.suspects else ())[:REASONS]]
    parts += [("follows", _by_stage(finding.follows)), ("elsewhere", _elsewhere(finding.weaker)), ("next", finding.advice)]
    return [finding.headline, *(line for name, text in parts if text for line in _wrapped(name, text))][:LINES]


def _wrapped(name: str, text: str) -> list[str]:
    start = f"  {name + ':' if name else '':<11}"
    lines = wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_long_words=False)
    return lines if len(lines) <= PART else [*lines[: PART - 1], shortened(f"{lines[PART - 1]} {lines[PART].strip()}", WIDTH)]


def report(made: Sequence[Finding]) -> str:
    """Write findings one below the other, numbered, those that fail first.

    Parameters
    ----------
    made : sequence of Finding
        As `findings` gives them.

    Returns
    -------
    str
        Text with an empty line between findings; says so where there are none.
    """
    if not made:
        return "nothing fails and nothing warns"
    numbered = ((f"{number}. {finding.outcome}: ", told(finding)) for number, finding in enumerate(made, start=1))
    return "\n\n".join(joined([start + lines[0], *lines[1:]]) for start, lines in numbered)


def as_json(made: Sequence[Finding]) -> str:
    """Write findings for other programs.

    Parameters
    ----------
    made : sequence of Finding
        As `findings` gives them.

    Returns
    -------
    str
        A JSON list. Of the records that show a finding, follow from it or are the same thing smaller, it has unit, expectation,
        measure, value and outcome.
    """
    return json.dumps([_as_mapping(finding) for finding in made], indent=2)


def _as_mapping(finding: Finding) -> dict[str, object]:
    named = ("stage", "origin", "scope", "headline", "unclear", "advice")
    return {
        **{name: getattr(finding, name) for name in named},
        "outcome": str(finding.outcome),
        "reach": asdict(finding.reach),
        "suspects": [asdict(suspect) for suspect in finding.suspects],
        "records": [_brief(record) for record in finding.records],
        "follows": [_brief(record) for record in finding.follows],
        "weaker": [_brief(record) for record in finding.weaker],
    }


def _brief(record: Record) -> dict[str, object]:
    return {name: record.get(name) for name in ("unit", "expectation", "measure", "value", "value_unit", "outcome")}


def story(records: Iterable[Record]) -> str:
    """Say in one sentence what a run found.

    Parameters
    ----------
    records : iterable of Record
        Measurement records of one run, good ones included and those left out that a waiver or the baseline excuses.

    Returns
    -------
    str
        All findings that fail, most telling first, each with its stage, cause and scope; those that warn where nothing fails;
        empty for a good run.
    """
    made = findings(records)
    failing = [finding for finding in made if finding.outcome is Outcome.FAILED]
    chosen = failing or made
    if not chosen:
        return ""
    parts = [_in_short(finding, alone=len(chosen) == 1 and bool(failing)) for finding in chosen[:MANY]]
    if len(chosen) > MANY:
        parts.append(f"and {len(chosen) - MANY} more")
    kind = "finding" if failing else "warning"
    return f"{count(len(chosen), kind)}: {'; '.join(parts)}"


def _cause_of(finding: Finding) -> str:
    """Name the cause in full, and a second one where it is about as likely."""
    if finding.unclear:
        return finding.unclear
    first, *others = finding.suspects
    close = [other for other in others[:1] if other.confidence >= CLOSE * first.confidence]
    return f"{first.phrase}{f', or {close[0].phrase}' if close else ''}"


def _in_short(finding: Finding, *, alone: bool) -> str:
    if finding.lead["measure"] in VALUELESS:
        return finding.headline
    where = f" ({finding.scope})" if finding.scope else ""
    stage = STAGES.get(finding.stage, "")
    start = f"{'first bad stage ' if alone else ''}{stage}: " if stage else ""
    return f"{start}{finding.cause}{where}"


def _sure(finding: Finding) -> str:
    return "" if finding.unclear or not finding.suspects else f" (confidence {min(finding.suspects[0].confidence, SURE):.2f})"


def _by_stage(records: Iterable[Record]) -> str:
    """Count what follows by stage, checks and not values."""
    checks = {(record["unit"], record["expectation"]): stage_of(record) for record in records}
    counts = Counter(checks.values())
    ordered = sorted(counts, key=lambda stage: ORDER.get(stage, LAST))
    return listed([f"{count(counts[stage], 'check')} of {STAGES.get(stage, 'no stage')}" for stage in ordered])


def _elsewhere(weaker: Iterable[Record]) -> str:
    """Count what warns by measure."""
    names = Counter(called(record) for record in weaker)
    said = listed([f"{name} in {count(number, 'unit')}" for name, number in names.most_common(MANY)])
    return f"warns of {said}" if said else ""
