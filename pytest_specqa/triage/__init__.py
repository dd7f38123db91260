"""From single verdicts to findings: what belongs together, where it began, how far it reaches, what it is and what to do."""

from __future__ import annotations

from pytest_specqa.triage.findings import Finding, Reach, Suspect, findings
from pytest_specqa.triage.looking import look_at
from pytest_specqa.triage.stages import STAGES, first_bad_stage, stage_of
from pytest_specqa.triage.telling import as_json, report, story, told
from pytest_specqa.triage.weight import excess, lead, worst_first

__all__ = [
    "STAGES",
    "Finding",
    "Reach",
    "Suspect",
    "as_json",
    "excess",
    "findings",
    "first_bad_stage",
    "lead",
    "look_at",
    "report",
    "stage_of",
    "story",
    "told",
    "worst_first",
]
