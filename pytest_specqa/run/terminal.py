"""What the terminal says about a run: who was judged, the verdict, what the failures come to, and the worst units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_specqa.checks import wording
from pytest_specqa.checks.verdict import Circumstances, Verdict
from pytest_specqa.run.selection import Selection
from pytest_specqa.triage import Finding
from pytest_specqa.values import Outcome, Record

WORST, NAMED, FINDINGS, LINES = 8, 4, 6, 15
COLOURS: Mapping[Outcome, dict[str, bool]] = {
    Outcome.FAILED: {"red": True, "bold": True},
    Outcome.WARNED: {"yellow": True, "bold": True},
    Outcome.NOT_MEASURED: {"cyan": True, "bold": True},
    Outcome.PASSED: {"green": True, "bold": True},
}

Line = tuple[str, dict[str, bool]]


def header(root: Path, selection: Selection, *, cameras: bool = False) -> str:
    """Name the production, its nights and the number of units, and on request the cameras that were asked for."""
    nights = selection.nights
    span = str(nights[0]) if len(nights) == 1 else f"{nights[0]}-{nights[-1]} ({len(nights)} nights)"
    parts = [
        wording.count(len(selection.units[kind]), kind) for kind in ("exposure", "camera", "tile", "petal") if selection.units[kind]
    ]
    # r10 is no camera, and as a camword it is r0 and r1.
    named = sorted({str(unit.camera) for unit in selection.units["camera"]}) if cameras else []
    parts += [" ".join(named)] if named else []
    return f"specqa: production {root}, night {span}, {', '.join(parts)}"


def summary(
    records: Sequence[Record], findings: Sequence[Finding], *, root: str = "", told: Circumstances | None = None
) -> tuple[Line, list[Line]]:
    """Return the closing lines with their markup.

    Parameters
    ----------
    records : sequence of Record
        Of the run.
    findings : sequence of Finding
        What its failures and warnings come to, most telling first.
    root : str
        Folder or address of the production, for the command that opens the place of a finding.
    told : Circumstances or None
        What the verdict depends on besides the records.

    Returns
    -------
    Line
        The verdict, which comes first and last.
    list of Line
        What stands between: the findings, the number of checks, the worst units.
    """
    from pytest_specqa.triage.looking import look_at  # noqa: PLC0415
    from pytest_specqa.triage.telling import told as in_words  # noqa: PLC0415

    verdict = Verdict.of(records, told)
    lines: list[Line] = []
    for number, finding in enumerate(findings[:FINDINGS], start=1):
        first, *rest = in_words(finding)
        lines.append((f"finding {number}: {first}", COLOURS[finding.outcome]))
        command = look_at(finding, root) if root and finding.outcome is Outcome.FAILED else ""
        rest = [*rest[: LINES - 2], f"  look:      {command}"] if command else rest
        lines += [(line, {}) for line in rest]
    if len(findings) > FINDINGS:
        lines.append((f"and {wording.count(len(findings) - FINDINGS, 'more finding')}", {}))
    lines.append((f"checks: {', '.join([wording.counts(verdict.counts), *verdict.excused])}", {}))
    return (verdict.sentence, COLOURS[verdict.outcome]), lines + _worst_units(verdict.outcomes)


def _worst_units(outcomes: Mapping[tuple[str, str], Outcome]) -> list[Line]:
    by_unit: dict[str, dict[Outcome, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (unit, expectation), found in sorted(outcomes.items()):
        if found in (Outcome.FAILED, Outcome.WARNED):
            by_unit[unit][found].append(wording.claim(expectation))

    def badness(unit: str) -> tuple[int, int, str]:
        return -len(by_unit[unit][Outcome.FAILED]), -len(by_unit[unit][Outcome.WARNED]), unit

    ordered = sorted(by_unit, key=badness)
    lines: list[Line] = []
    for unit in ordered[:WORST]:
        parts = [f"{one}: {_few(names)}" for one in (Outcome.FAILED, Outcome.WARNED) if (names := by_unit[unit][one])]
        lines.append((f"  {unit}  {'; '.join(parts)}", {"red" if by_unit[unit][Outcome.FAILED] else "yellow": True}))
    if len(ordered) > WORST:
        lines.append((f"  and {wording.count(len(ordered) - WORST, 'more unit')}", {}))
    return [("worst units:", {}), *lines] if lines else []


def _few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
