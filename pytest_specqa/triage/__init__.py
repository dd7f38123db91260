"""From single verdicts to one finding: where it began, how far it reaches, what it suggests."""

from __future__ import annotations

from pytest_specqa.triage.cause import likely_cause
from pytest_specqa.triage.findings import Finding, Suspect, findings
from pytest_specqa.triage.scope import scope
from pytest_specqa.triage.stages import STAGES, first_bad_stage, stage_of
from pytest_specqa.triage.story import story
from pytest_specqa.triage.weight import excess, lead, worst_first

__all__ = [
    "STAGES",
    "Finding",
    "Suspect",
    "excess",
    "findings",
    "first_bad_stage",
    "lead",
    "likely_cause",
    "scope",
    "stage_of",
    "story",
    "worst_first",
]
