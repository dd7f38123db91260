"""From single verdicts to findings: what belongs together, where it began, how far it reaches, what it is and what to do.

The words are here. What does the work is imported by name where it is needed (`triage.findings`, `triage.telling`,
`triage.looking`): its rules are no business of a start of pytest.
"""

from __future__ import annotations

from pytest_specqa.triage.finding import Finding, Reach, Suspect
from pytest_specqa.triage.stages import STAGES, first_bad_stage, stage_of
from pytest_specqa.triage.weight import excess, lead, worst_first

__all__ = ["STAGES", "Finding", "Reach", "Suspect", "excess", "first_bad_stage", "lead", "stage_of", "worst_first"]
