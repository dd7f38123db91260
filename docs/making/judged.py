"""What the judgement measured of each expectation, and what the fault catalogue says of its faults."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from making.facts import ROOT, Facts
from pytest_specqa.demo.faults import FAULTS, Fault
from pytest_specqa.demo.quiet import QUIET

DOCS = ROOT / "docs"
TOLD = DOCS / "making" / "told.toml"
LEVELS = {"camera": "camera", "petal": "tile", "tile": "tile"}
"""Level of the must-not-trigger cases that a kind of unit is tried on."""


class Found(NamedTuple):
    """How well an expectation finds a fault.

    Attributes
    ----------
    fault : Fault
        Of the library.
    kind : str
        Kind of unit that it was planted in.
    share : float
        Part of the units of the default size in which the expectation fails.
    smallest : float
        Smallest amplitude tried at which it fails in at least half of the units.
    """

    fault: Fault
    kind: str
    share: float
    smallest: float


@dataclass(frozen=True)
class Told:
    """What people wrote of an expectation; `told.toml` explains its keys, which are the attributes."""

    library: str = ""
    fault: str = ""
    look_alike: str = ""
    tests: str = ""


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a table of the judgement."""
    with (DOCS / "judgement" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@cache
def false_alarms() -> Mapping[str, dict[str, str]]:
    """Row of ``false_alarms.csv`` of each expectation that trials judge."""
    return {row["expectation"]: row for row in rows("false_alarms")}


@cache
def _found() -> Mapping[str, list[Found]]:
    share = {(row["kind"], row["fault"], row["expectation"]): float(row["found"]) for row in rows("cross_talk")}
    smallest: dict[tuple[str, str, str], float] = {}
    for row in rows("curves"):
        if int(row["trials"]) and 2 * int(row["found"]) >= int(row["trials"]):
            key = (row["kind"], row["fault"], row["expectation"])
            smallest[key] = min(float(row["amplitude"]), smallest.get(key, float("inf")))
    found = defaultdict(list)
    for key, amplitude in smallest.items():
        kind, fault, expectation = key
        found[expectation].append(Found(FAULTS[fault], kind, share.get(key, 0.0), amplitude))
    return found


def faults_of(facts: Facts) -> list[Found]:
    """Faults of the library that an expectation finds, the one that is its own first."""
    library = told().get(facts.name, Told()).library
    own = {(row["fault"], row["planted in"]) for row in rows("power") if row["fails"] == facts.name}
    best = {(row["fault"], row["planted in"]) for row in rows("reported") if row["first by"] == facts.name}

    def order(one: Found) -> tuple[bool, bool, bool, bool, float]:
        key = (one.fault.name, one.kind)
        return one.fault.name != library, one.share < 0.5, key not in own, key not in best, one.smallest / one.fault.amplitude

    return sorted(_found().get(facts.name, ()), key=order)


@cache
def told() -> Mapping[str, Told]:
    """What is written down, by expectation."""
    return {name: Told(**given) for name, given in tomllib.loads(TOLD.read_text(encoding="utf-8")).items()}


@cache
def look_alikes() -> Mapping[str, str]:
    """What must not set a check off, by number of the fault: the part *Not* of the catalogue."""
    text = (DOCS / "faults.md").read_text(encoding="utf-8").split("\n## 2.")[1].split("\n## 3.")[0]
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=\*\*F)", text):
        head = re.match(r"\s*\*\*(.+?)\*\*", entry)
        words = re.search(r"\*Not:\*\s*(.+?)(?=\s*\*Sim|\s*\*Check|\Z)", entry, re.DOTALL)
        if head and words:
            found |= dict.fromkeys(re.findall(r"F\d{2}", head[1]), " ".join(words[1].split()))
    return found


def look_alike(facts: Facts) -> str:
    """What must not set an expectation off: as it is written for it, or else for its own fault in the catalogue."""
    written = told().get(facts.name, Told()).look_alike
    found = faults_of(facts)
    return written or (look_alikes().get(found[0].fault.id, "") if found else "")


def quiet_cases(kind: str) -> list[str]:
    """Must-not-trigger cases that units of a kind are tried on, in words."""
    level = LEVELS.get(kind, "")
    return [case.doc for case in QUIET.values() if case.level == level]
