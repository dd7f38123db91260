"""The comparison for a pull request as Markdown, and for programs as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from pytest_specqa.checks import wording
from pytest_specqa.compare.redshifts import RedshiftChanges, verdict
from pytest_specqa.compare.shifts import Shift
from pytest_specqa.results.comparing.compare import Comparison, describe, outcome_of
from pytest_specqa.results.comparing.findings import Change, FindingChange
from pytest_specqa.results.comparing.flips import MEANING, VerdictChange, tally
from pytest_specqa.results.markdown import clipped, escaped, fitting, folded, table
from pytest_specqa.results.telling import finding_dict, limits_of, stage_name
from pytest_specqa.values import Outcome, Record

LARGEST = 60_000
"""Bytes of a comment: GitHub takes 65,536 characters."""
SIZES = (30, 15, 8, 4, 2, 1, 0)
LISTED = 200
SIGNS = {"broken": "❌", "failed": "❌", "warned": "⚠️", "mended": "✅"}


def markdown(comparison: Comparison, *, sides: Sequence[str], redshifts: RedshiftChanges) -> str:
    """Write the comparison as a comment of a pull request.

    Parameters
    ----------
    comparison : Comparison
        Findings, checks and measurements.
    sides : sequence of str
        What was compared: before, after.
    redshifts : RedshiftChanges
        Empty where no redshifts were compared.

    Returns
    -------
    str
        At most 60 kB: the longest tables that fit. Nothing that comes from the data becomes markup.
    """
    return fitting(lambda rows: _comment(comparison, sides, redshifts, rows=rows), sizes=SIZES, largest=LARGEST)


def _comment(comparison: Comparison, sides: Sequence[str], redshifts: RedshiftChanges, *, rows: int) -> str:
    bad = comparison.broken or redshifts.broken
    before, after = (escaped(clipped(side)) for side in sides)
    parts = [f"## {'❌' if bad else '✅'} Before and after", ""]
    parts += [f"**{escaped(clipped(verdict(comparison, redshifts), longest=1000))}**", "", f"before: {before}, after: {after}", ""]
    parts += _findings(comparison, redshifts, rows=rows)
    counts = [f"{count:,} {kind}" for kind, count in tally(comparison.verdicts).items() if count]
    parts += [f"Checks: {', '.join(counts)}.", ""]
    parts += _flips(comparison, rows=rows)
    parts += _redshifts(redshifts, rows=rows)
    parts += _measurements(comparison, rows=rows)
    notes = [*comparison.left_out, *redshifts.notes]
    parts += [f"- not compared: {escaped(clipped(note))}" for note in notes[:rows]] + _more(len(notes), rows)
    return "\n".join(parts).rstrip() + "\n"


def _more(total: int, shown: int) -> list[str]:
    return ["", f"… and {total - shown:,} more", ""] if total > shown else []


def _findings(comparison: Comparison, redshifts: RedshiftChanges, *, rows: int) -> list[str]:
    """One paragraph for each finding; those that only warn, and warn alike in both, are folded."""
    quiet = [one for one in comparison.findings if one.outcome is Outcome.WARNED and one.change is Change.SAME]
    loud = [one for one in comparison.findings if one not in quiet]
    told = [f"- ❌ **redshifts shifted**: {escaped(one.sentence)}" for one in redshifts.broken]
    told += [_paragraph(one, breaks=comparison.breaks(one)) for one in loud]
    told += [f"- ⚠️ **redshifts shifted**: {escaped(one.sentence)}" for one in redshifts.warned]
    parts = [*told[: max(rows, 1)], *_more(len(told), max(rows, 1)), ""] if told else []
    if quiet and rows:
        title = f"{wording.count(len(quiet), 'finding')} that warn, the same in both"
        parts += [*folded(title, [_paragraph(one, breaks=False) for one in quiet[:rows]] + _more(len(quiet), rows)), ""]
    return parts


def _paragraph(change: FindingChange, *, breaks: bool) -> str:
    finding = change.finding
    mended = change.change in (Change.GONE, Change.SMALLER)
    sign = SIGNS["mended" if mended else "broken" if breaks else str(change.outcome)]
    old, new = ("–" if value is None else wording.number(value) for value in change.values)
    limits = limits_of(change.record)
    before, after = change.extents
    measure = f"{change.record['measure'].replace('_', ' ')} {old} → {new}" + (f" ({limits})" if limits else "")
    fails = {Outcome.FAILED: "fail", Outcome.WARNED: "warn"}[change.outcome]
    advice = f" _{escaped(clipped(finding.advice))}_" if change.after and finding.advice else ""
    return (
        f"- {sign} **{change.change}: {escaped(stage_name(finding))}** {escaped(clipped(finding.scope))}: "
        f"{escaped(clipped(finding.cause))}.{advice}<br>"
        f"{escaped(measure)} on {escaped(change.record['unit'])}; before, {before} {fails}; after, {after}"
    )


def _flips(comparison: Comparison, *, rows: int) -> list[str]:
    claims = comparison.claims
    if not claims or not rows:
        return []
    cells = [
        [
            str(one.flip),
            f"{count:,}",
            wording.claim(one.expectation),
            outcome_of(one.before),
            outcome_of(one.after),
            describe(one),
            one.unit,
        ]
        for one, count in claims[:rows]
    ]
    lines = table(("change", "checks", "claim", "before", "after", "measure", "unit"), cells)
    title = f"{wording.count(len(comparison.flips), 'check')} that changed or fail"
    return [*folded(title, [*lines, *_more(len(claims), rows)]), ""]


def _redshifts(redshifts: RedshiftChanges, *, rows: int) -> list[str]:
    if not redshifts.classes or not rows:
        return []
    classes = [
        [one.name, f"{one.good_after}/{one.good_before}", f"{one.moved} of {one.targets}", f"{one.moved_good} of {one.good_both}"]
        for one in redshifts.classes
    ]
    lines = table(("class", "good after/before", "moved", "of those good in both"), classes)
    shifts = [[one.title, f"{one.objects:,}", one.velocity, str(one.state)] for one in redshifts.shifts]
    lines += ["", *table(("class", "ZWARN = 0 in both", "median shift", ""), shifts[:rows])] if shifts else []
    return [*folded(f"Redshifts of {wording.count(redshifts.petals, 'tile petal')}", lines), ""]


def _measurements(comparison: Comparison, *, rows: int) -> list[str]:
    found = comparison.significant
    if not found or not rows:
        return []
    cells = [
        [one.after["unit"], one.after["measure"], *map(wording.number, one.values), f"{one.significance or 0:+.1f}"]
        for one in found[:rows]
    ]
    lines = table(("unit", "measure", "before", "after", "change / error"), cells)
    return [
        *folded(f"{wording.count(len(found), 'measurement')} changed by more than noise", [*lines, *_more(len(found), rows)]),
        "",
    ]


def as_json(comparison: Comparison, *, sides: Sequence[str], redshifts: RedshiftChanges) -> str:
    """Write the comparison for other programs.

    Parameters
    ----------
    comparison, sides, redshifts
        As for `markdown`.

    Returns
    -------
    str
        One JSON object; lists of checks and measurements hold at most 200, and their totals.
    """
    content = {
        "broken": bool(comparison.broken or redshifts.broken),
        "verdict": verdict(comparison, redshifts),
        "before": sides[0],
        "after": sides[1],
        "findings": [_finding(one, breaks=comparison.breaks(one)) for one in comparison.findings],
        "checks": {
            "total": len(comparison.verdicts),
            "counts": {str(kind): count for kind, count in tally(comparison.verdicts).items()},
            "meaning": {str(kind): text for kind, text in MEANING.items()},
            "changed": len(comparison.flips),
            "listed": [_flip(one) for one in comparison.flips[:LISTED]],
        },
        "measurements": {
            "total": len(comparison.changes),
            "changed": len(comparison.significant),
            "rate": comparison.rate,
            "reused": comparison.reused,
            "listed": [_measurement(one.after, one.values, one.significance) for one in comparison.significant[:LISTED]],
        },
        "redshifts": _redshifts_json(redshifts),
        "not_compared": list(comparison.left_out),
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _finding(change: FindingChange, *, breaks: bool) -> dict[str, Any]:
    finding, record = change.finding, change.record
    extents = {name: one.as_dict() for name, one in zip(("before", "after"), change.extents, strict=True)}
    return {
        "change": str(change.change),
        "outcome": str(change.outcome),
        "breaks": breaks,
        **finding_dict(finding),
        "shown_by": _measurement(record, change.values, None),
        "limits": limits_of(record),
        **extents,
    }


def _flip(change: VerdictChange) -> dict[str, Any]:
    sides = {name: outcome_of(cell) if cell else None for name, cell in (("before", change.before), ("after", change.after))}
    return {
        "change": str(change.flip),
        "unit": change.unit,
        "expectation": change.expectation,
        **sides,
        "measure": change.record["measure"],
        "found": describe(change),
    }


def _measurement(record: Record, values: tuple[float | None, float | None], significance: float | None) -> dict[str, Any]:
    place = {"unit": record["unit"], "expectation": record["expectation"], "measure": record["measure"]}
    found = {**place, "before": values[0], "after": values[1], "value_unit": record["value_unit"]}
    return found if significance is None else found | {"sigmas": _finite(significance)}


def _redshifts_json(redshifts: RedshiftChanges) -> dict[str, Any]:
    classes = [
        {
            "name": one.name,
            "targets": one.targets,
            "good_before": one.good_before,
            "good_after": one.good_after,
            "good_both": one.good_both,
            "moved": one.moved,
            "moved_good": one.moved_good,
        }
        for one in redshifts.classes
    ]
    moves = [
        {
            "place": one.place,
            "tile": one.tile,
            "fiber": one.fiber,
            "targetid": one.targetid,
            "before": one.before,
            "after": one.after,
        }
        for one in redshifts.moves
    ]
    return {
        "petals": redshifts.petals,
        "classes": classes,
        "shifts": [_shift(one) for one in redshifts.shifts],
        "moves": {"total": len(moves), "listed": moves[:LISTED]},
        "notes": list(redshifts.notes),
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        "name": shift.name,
        "kind": shift.kind,
        "state": str(shift.state),
        "objects": shift.objects,
        "moved": shift.moved,
        "shift": shift.shift,
        "error": _finite(shift.error),
        "p_value": shift.p_value,
        "broken_beyond": shift.allowance.broken,
        "warned_beyond": shift.allowance.warned,
        "source": shift.allowance.source,
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
