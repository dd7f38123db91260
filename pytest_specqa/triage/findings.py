"""From failures to findings: what belongs together, where it began, how far it reaches, what it is and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_specqa.triage.evidence import ORDER, Evidence
from pytest_specqa.triage.finding import Finding
from pytest_specqa.triage.group import LAST, Group
from pytest_specqa.triage.grouping import follows, grouped, judged_again
from pytest_specqa.triage.ranking import suspects
from pytest_specqa.triage.reach import reach_of, scope_of
from pytest_specqa.triage.rules import RULES
from pytest_specqa.triage.run import Run
from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.triage.unusable import unusable
from pytest_specqa.triage.weight import excess, worst_first
from pytest_specqa.values import NoValue, Outcome, Record, judged_as

VALUELESS = frozenset(map(str, (NoValue.CRASH, NoValue.PRODUCT, NoValue.NOTHING)))
LIKELY = 0.5
"""Confidence from which on the first suspect says where a finding began."""
PLAIN_ADVICE = "Look at the products of the first bad stage in the units that are named, and at the log of the step that made them."


def findings(records: Iterable[Record]) -> list[Finding]:
    """Group what failed into findings, and what warned into findings of its own.

    Parameters
    ----------
    records : iterable of Record
        Measurement records of one run, good ones included: what passes bounds a fault. Leave out what a waiver or the baseline
        excuses.

    Returns
    -------
    list of Finding
        Those that fail first, most telling first. Each failed record is in one of them, as what shows it or as what follows; each
        record that warns is so, or is `Finding.weaker` of one.
    """
    run = Run(records)
    failed = [record for record in run.records if record["outcome"] == str(Outcome.FAILED)]
    warned = [record for record in run.records if record["outcome"] == str(Outcome.WARNED)]
    valued = [record for record in failed if record["measure"] not in VALUELESS]
    groups = grouped(valued, run, beside=warned)
    rest = _shared_out(warned, groups, run)
    made = [_finding(group, run) for group in judged_again(groups, run)]
    made += unusable([record for record in failed if record["measure"] in VALUELESS], run)
    made += [_finding(group, run) for group in judged_again(grouped(rest, run), run)]
    return sorted(made, key=_telling)


def _shared_out(warned: Sequence[Record], groups: Sequence[Group], run: Run) -> list[Record]:
    """Give warnings to the groups that they follow from, then to those whose measures they share, and return the rest."""
    rest = []
    for record in warned:
        if (group := next((group for group in groups if _warns_with(record, group, run)), None)) is not None:
            group.attached.append(record)
        elif (group := next((group for group in groups if judged_as(record) in group.shown), None)) is not None:
            group.weaker.append(record)
        else:
            rest.append(record)
    return rest


def _warns_with(record: Record, group: Group, run: Run) -> bool:
    """Tell whether a warning follows from a group; emission of the Galaxy follows from nothing, though it sets much off."""
    natural = judged_as(record) in RULES["nebular"].shows and (group.rule is None or group.rule.name not in _SHOWS_NO_GALAXY)
    return not natural and follows(record, group, run)


_SHOWS_NO_GALAXY = ("barycenter", "sky_subtraction", "extraction", "wavelengths")
"""Causes that move all lines, those of the Galaxy or of the sky beside them too."""


def _finding(group: Group, run: Run) -> Finding:
    evidence = Evidence([*group.records, *group.attached], run)
    named, unclear = suspects(evidence)
    rule = RULES[named[0].name] if named and not unclear else None
    likely = rule is not None and named[0].confidence >= LIKELY
    stage = _stage([record for record in group.records if judged_as(record) in group.shown] if likely else group.records)
    shown, after = _parted(group, stage)
    reach = reach_of(shown, after, run, weaker=group.weaker)
    return Finding(
        stage=stage,
        scope=scope_of(reach, shown, run, weaker=group.weaker),
        suspects=named,
        unclear=unclear,
        advice=rule.advice if rule else PLAIN_ADVICE,
        records=tuple(shown),
        follows=tuple(worst_first([*after, *group.attached])),
        weaker=tuple(worst_first(group.weaker)),
        reach=reach,
        origin=(rule.stage if rule and likely else "") or stage,
    )


def _stage(records: Iterable[Record]) -> str:
    found = {stage_of(record) for record in records}
    return next((stage for stage in STAGES if stage in found), "")


def _parted(group: Group, stage: str) -> tuple[list[Record], list[Record]]:
    """What shows a finding, that of its stage first, and what follows from it."""
    shown = [record for record in group.records if judged_as(record) in group.shown or stage_of(record) == stage]
    own = {id(record) for record in shown}
    ordered = worst_first(shown)
    ordered.sort(key=lambda record: stage_of(record) != stage)
    return ordered, [record for record in group.records if id(record) not in own]


def _telling(finding: Finding) -> tuple[int, bool, bool, int, float, str]:
    """Failures before warnings, data before checks that broke and before what is no fault, then by number and by size."""
    harmless = bool(finding.suspects) and RULES[finding.suspects[0].name].harmless and not finding.unclear
    valueless = finding.lead["measure"] in VALUELESS
    place = f"{ORDER.get(finding.stage, LAST)} {finding.lead['unit']}"
    return -finding.outcome.rank, valueless, harmless, -len(finding.checks), -excess(finding.lead), place
