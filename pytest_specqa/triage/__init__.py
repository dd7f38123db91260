"""From single verdicts to one finding: where it began, how far it reaches, what it suggests."""

from __future__ import annotations

from pytest_specqa.triage.cause import likely_cause
from pytest_specqa.triage.scope import scope
from pytest_specqa.triage.stages import STAGES, first_bad_stage, stage_of
from pytest_specqa.triage.story import story

__all__ = ["STAGES", "first_bad_stage", "likely_cause", "scope", "stage_of", "story"]
