"""Findings in words: lines for a terminal, and a run in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_specqa.triage.evidence import ORDER
from pytest_specqa.triage.finding import Finding, Suspect
from pytest_specqa.triage.findings import VALUELESS, findings
from pytest_specqa.triage.grouping import LAST
from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.triage.wording import MANY, count, listed, shortened
from pytest_specqa.values import Outcome, Record

LINES = 15
"""Lines of a finding at most."""
WIDTH = 160
"""Characters of a line at most."""
CLOSE = 0.5
"""Part of the confidence of the first suspect from which on the second is named too."""
REASONS = 4


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
    lines = [finding.headline]
    if finding.scope:
        lines.append(f"  where: {finding.scope}")
    lines += _cause(finding)
    if finding.follows:
        lines.append(f"  follows: {_by_stage(finding.follows)}")
    if finding.weaker:
        names = Counter(record["measure"] for record in finding.weaker)
        lines.append(f"  warns elsewhere: {', '.join(f'{name} in {number}' for name, number in names.most_common(MANY))}")
    if finding.advice:
        lines.append(f"  next: {finding.advice}")
    return [shortened(line, WIDTH) for line in lines[:LINES]]


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
    parts = [_in_short(finding, alone=len(chosen) == 1) for finding in chosen[:MANY]]
    if len(chosen) > MANY:
        parts.append(f"and {len(chosen) - MANY} more")
    kind = "finding" if failing else "warning"
    return f"{count(len(chosen), kind)}: {'; '.join(parts)}"


def cause_of(finding: Finding) -> str:
    """Name the cause of a finding, and a second one where it is about as likely.

    Parameters
    ----------
    finding : Finding
        Any.

    Returns
    -------
    str
        A clause; why none can be named where none can.
    """
    if finding.unclear:
        return finding.unclear
    first, *others = finding.suspects
    close = [other for other in others[:1] if other.confidence >= CLOSE * first.confidence]
    return f"{first.phrase}{f', or {close[0].phrase}' if close else ''}"


def _in_short(finding: Finding, *, alone: bool) -> str:
    stage = STAGES.get(finding.stage, "")
    valueless = finding.lead["measure"] in VALUELESS
    start = f"{'first bad stage ' if alone and not valueless else ''}{stage}: " if stage else ""
    file = f" ({finding.suspects[0].reasons[0]})" if valueless and finding.suspects else ""
    where = f" ({finding.scope})" if finding.scope and not file else ""
    return f"{start}{cause_of(finding)}{file}{where}"


def _cause(finding: Finding) -> list[str]:
    lines = [f"  cause: {cause_of(finding)}{_sure(finding.suspects) if not finding.unclear else ''}"]
    if finding.suspects:
        lines += [f"    - {reason}" for reason in finding.suspects[0].reasons[:REASONS]]
    return lines


def _sure(suspects: tuple[Suspect, ...]) -> str:
    return f" ({suspects[0].confidence:.0%})" if suspects else ""


def _by_stage(records: Iterable[Record]) -> str:
    counts: Counter[str] = Counter()
    for record in records:
        counts[stage_of(record)] += 1
    ordered = sorted(counts, key=lambda stage: ORDER.get(stage, LAST))
    return listed([f"{counts[stage]} of {STAGES.get(stage, 'no stage')}" for stage in ordered])
