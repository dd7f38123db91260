"""Which causes there are, and how each is told from the others: rules as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_specqa.triage.rules import calibration, detector, fibers, sky, tables
from pytest_specqa.triage.rules.rule import Ask, Extent, Rule

RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.name: rule for part in (detector, fibers, sky, calibration, tables) for rule in part.RULES}
)
"""All rules by the name of their cause."""

__all__ = ["RULES", "Ask", "Extent", "Rule"]
