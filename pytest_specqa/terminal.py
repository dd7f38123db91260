"""What the terminal says about a run: who was judged, the verdict, the worst units and where things fail."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_specqa import wording
from pytest_specqa.selection import Selection
from pytest_specqa.values import Outcome
from pytest_specqa.verdict import Verdict

WORST, SCOPES, NAMED = 8, 6, 6
COLOURS: Mapping[Outcome, dict[str, bool]] = {
    Outcome.FAILED: {"red": True, "bold": True},
    Outcome.WARNED: {"yellow": True, "bold": True},
    Outcome.NOT_MEASURED: {"cyan": True, "bold": True},
    Outcome.PASSED: {"green": True, "bold": True},
}

Record = Mapping[str, Any]
Line = tuple[str, dict[str, bool]]


def header(root: Path, selection: Selection) -> str:
    """Name the production, its nights and the number of units."""
    nights = selection.nights
    span = str(nights[0]) if len(nights) == 1 else f"{nights[0]}-{nights[-1]} ({len(nights)} nights)"
    parts = [
        wording.count(len(selection.units[kind]), kind) for kind in ("exposure", "camera", "tile", "petal") if selection.units[kind]
    ]
    return f"specqa: production {root}, night {span}, {', '.join(parts)}"


def summary(records: Sequence[Record]) -> list[Line]:
    """Return the closing lines with their markup: verdict, counts, worst units, and what each failing expectation shares."""
    verdict = Verdict.of(records)
    lines: list[Line] = [(verdict.sentence, COLOURS[verdict.outcome]), (wording.counts(verdict.counts) + " checks", {})]
    if verdict.waived:
        lines.append((f"{wording.count(verdict.waived, 'failed measurement')} waived", {}))
    return lines + _worst_units(verdict) + _scopes(records)


def _worst_units(verdict: Verdict) -> list[Line]:
    by_unit: dict[str, dict[Outcome, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (unit, expectation), outcome in verdict.outcomes.items():
        if outcome in (Outcome.FAILED, Outcome.WARNED):
            by_unit[unit][outcome].append(expectation)

    def badness(unit: str) -> tuple[int, int, str]:
        return -len(by_unit[unit][Outcome.FAILED]), -len(by_unit[unit][Outcome.WARNED]), unit

    ordered = sorted(by_unit, key=badness)
    lines = []
    for unit in ordered[:WORST]:
        parts = [
            f"{outcome}: {_few(sorted(by_unit[unit][outcome]))}"
            for outcome in (Outcome.FAILED, Outcome.WARNED)
            if by_unit[unit][outcome]
        ]
        colour = "red" if by_unit[unit][Outcome.FAILED] else "yellow"
        lines.append((f"  {unit}  {'; '.join(parts)}", {colour: True}))
    if len(ordered) > WORST:
        lines.append((f"  and {wording.count(len(ordered) - WORST, 'more unit')}", {}))
    return [("worst units:", {}), *lines] if lines else []


def _scopes(records: Iterable[Record]) -> list[Line]:
    failed: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record["outcome"] == Outcome.FAILED:
            failed[record["expectation"]].append(record)
    ordered = sorted(failed, key=lambda name: (-len(failed[name]), name))
    common = [name for name in ordered if len({record["unit"] for record in failed[name]}) > 1]
    lines: list[Line] = [(f"  {name}: {_scope(failed[name])}", {}) for name in common[:SCOPES]]
    return [("where:", {}), *lines] if lines else []


def _scope(found: Sequence[Record]) -> str:
    """Say which cameras, exposures, tiles and petals share a failure."""
    shares = []
    for key, noun in (("camera", "camera"), ("petal", "petal"), ("expid", "exposure"), ("tile", "tile"), ("night", "night")):
        values = Counter(record[key] for record in found if record[key] is not None)
        if values:
            names = [f"{value:08d}" if key == "expid" else str(value) for value in sorted(values)]
            shares.append(f"{wording.count(len(values), noun)} {_few(names)}")
    return ", ".join(shares)


def _few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return " ".join(names[:NAMED]) + rest
