"""Findings about files that cannot be used and checks that broke down: one for each file, and for each exception."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from pytest_specqa.triage.evidence import Evidence
from pytest_specqa.triage.finding import Finding
from pytest_specqa.triage.ranking import suspects
from pytest_specqa.triage.reach import reach_of, scope_of
from pytest_specqa.triage.rules import RULES
from pytest_specqa.triage.run import Run
from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.triage.weight import worst_first
from pytest_specqa.triage.wording import count
from pytest_specqa.values import NoValue, Record

FILES = RULES["missing_file"].stage


def unusable(records: Iterable[Record], run: Run) -> list[Finding]:
    """Make a finding of each file that cannot be used, and of each exception.

    Parameters
    ----------
    records : iterable of Record
        Failures without a value.
    run : Run
        Everything that was judged.

    Returns
    -------
    list of Finding
        In no order.
    """
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record["measure"], _subject(record)].append(record)
    return [_finding(subject, found, run) for (_, subject), found in groups.items()]


def _subject(record: Record) -> str:
    """The file that a message begins with, or the whole exception."""
    text = record["message"]
    return text.split(": ")[0] if record["measure"] == str(NoValue.PRODUCT) else text


def _finding(subject: str, records: list[Record], run: Run) -> Finding:
    named, unclear = suspects(Evidence(records, run))
    found = {stage_of(record) for record in records}
    # A file says of itself what is wrong with it; the checks that wanted it may belong to any stage.
    is_file = records[0]["measure"] == str(NoValue.PRODUCT)
    stage = FILES if is_file else next((stage for stage in STAGES if stage in found), "")
    reach = reach_of(records, [], run)
    reasons = [f"{subject}: {count(len(records), 'check')} cannot be made"]
    reasons += [records[0]["message"].removeprefix(f"{subject}: ")] if is_file else []
    first = replace(named[0], reasons=tuple(reasons)) if named else None
    return Finding(
        stage=stage,
        scope=scope_of(reach, records, run),
        suspects=(first,) if first else (),
        unclear="" if first else unclear,
        advice=RULES[first.name].advice if first else "",
        records=tuple(worst_first(records)),
        reach=reach,
        origin=stage,
    )
