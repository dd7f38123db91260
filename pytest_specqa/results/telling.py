"""Findings and measurements in words and as plain values: the same for a comparison and for a gate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_specqa.checks.outcome import Key
from pytest_specqa.triage import STAGES, Finding, excess, stage_of
from pytest_specqa.values import Outcome, Record

REASONS = 3
"""Measurements that are named for a cause."""


@dataclass(frozen=True)
class Extent:
    """How much fails, or warns: two numbers that differ, each with its name.

    Attributes
    ----------
    checks : int
        Checks: an expectation on a unit each.
    measurements : int
        Measurements of these checks.
    """

    checks: int
    measurements: int

    @classmethod
    def of(cls, records: Iterable[Record], *, outcome: Outcome) -> Extent:
        """Count the records that have this outcome, and their checks."""
        keys = [check_of(record) for record in records if record["outcome"] == str(outcome)]
        return cls(len(set(keys)), len(keys))

    def __str__(self) -> str:
        """Both numbers, named as such: ``28 checks (56 measurements)``."""
        checks = f"{self.checks:,} check{'s' * (self.checks != 1)}"
        return checks if not self.checks else f"{checks} ({self.measurements:,} measurement{'s' * (self.measurements != 1)})"

    def as_dict(self) -> dict[str, int]:
        """Both numbers by name."""
        return {"checks": self.checks, "measurements": self.measurements}


def check_of(record: Record) -> Key:
    """Unit and expectation of a record."""
    return record["unit"], record["expectation"]


def data_flow(record: Record) -> tuple[int, float, str, str]:
    """Key that sorts records by stage, then by how far they lie beyond their limit, largest first.

    Parameters
    ----------
    record : Record
        A measurement record.

    Returns
    -------
    tuple
        Place of the stage in the data flow (last where none is declared), minus the excess, unit and measure.
    """
    stages = list(STAGES)
    stage = stage_of(record)
    return stages.index(stage) if stage else len(stages), -excess(record), record["unit"], record["measure"]


def limits_of(record: Record, *, unit: bool = True) -> str:
    """What the limit allows that the record is judged by, with its unit or without: ``at most 0.01 fraction``."""
    failed = record["outcome"] == str(Outcome.FAILED)
    low, high = (record.get("low"), record.get("high")) if failed else (record.get("warn_low"), record.get("warn_high"))
    sides = [f"{word} {bound:g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None]
    return " and ".join(sides) + (f" {record['value_unit']}" if unit and sides and record.get("value_unit") else "")


def found_in(record: Record) -> str:
    """What was found, without the value and the limit that stand beside it; older results tell it in their message only."""
    return str(record["detail"] if "detail" in record else record.get("message") or "")


def stage_name(finding: Finding) -> str:
    """What the stage of a finding is called; where it has none, that of the measurement that shows it best."""
    return STAGES.get(finding.stage, STAGES.get(stage_of(finding.lead), "no stage declared"))


def cause(finding: Finding) -> str:
    """The likeliest cause with the measurements that speak for it, or why none can be told."""
    reasons = finding.suspects[0].reasons[:REASONS] if finding.suspects and not finding.unclear else ()
    return finding.cause + (f" ({'; '.join(reasons)})" if reasons else "")


def finding_dict(finding: Finding) -> dict[str, Any]:
    """A finding for other programs: stage, scope, suspects, advice."""
    return {
        "stage": finding.stage,
        "headline": finding.headline,
        "scope": finding.scope,
        "suspects": [
            {"name": one.name, "phrase": one.phrase, "confidence": one.confidence, "reasons": list(one.reasons)}
            for one in finding.suspects
        ],
        "unclear": finding.unclear,
        "advice": finding.advice,
    }
