"""Which finding each check belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_specqa.checks.outcome import Key
from pytest_specqa.triage import Finding

HUES = 6
"""Colours that findings have in turn."""


@dataclass(frozen=True)
class Place:
    """Which finding a check belongs to.

    Attributes
    ----------
    number : int
        Of the finding, from 1 on.
    relation : str
        ``shows``, ``follows`` or ``weaker``.
    """

    number: int
    relation: str


def placed(findings: Sequence[Finding]) -> dict[Key, Place]:
    """Give each check its finding: the one that it shows rather than one that it follows from, and the first of several."""
    found: dict[Key, Place] = {}
    for relation in ("shows", "follows", "weaker"):
        for number, finding in enumerate(findings, start=1):
            records = {"shows": finding.records, "follows": finding.follows, "weaker": finding.weaker}[relation]
            for record in records:
                found.setdefault((record["unit"], record["expectation"]), Place(number, relation))
    return found


def hue(number: int) -> str:
    """Class that gives a finding its colour."""
    return f"specqa-hue-{(number - 1) % HUES + 1}"
