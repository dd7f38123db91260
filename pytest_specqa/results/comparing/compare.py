"""Two runs of the suite side by side: findings, verdict flips, changed measures, and what broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_specqa.checks import wording
from pytest_specqa.checks.whole import extent
from pytest_specqa.printable import joined
from pytest_specqa.results.comparing.changes import RATE, Distribution, MeasureChange, distributions, measure_changes
from pytest_specqa.results.comparing.findings import Change, FindingChange, by_finding, finding_changes
from pytest_specqa.results.comparing.flips import Cell, Flip, VerdictChange, cells, tally, verdict_changes
from pytest_specqa.results.comparing.trends import with_trends_of_both
from pytest_specqa.results.telling import check_of, data_flow, limits_of
from pytest_specqa.values import Outcome, Record

SHOWN = 10


@dataclass(frozen=True)
class Comparison:
    """What changed between two runs.

    Attributes
    ----------
    verdicts : tuple of VerdictChange
        Every check, a unit and an expectation each, that can be compared.
    changes : tuple of MeasureChange
        Every measure that both have, largest change first.
    spread : tuple of Distribution
        Each measure over its units.
    left_out : tuple of str
        What only one of the runs holds, and that a run is not whole.
    reused : int
        Measurements taken over from before because their inputs are identical.
    rate : float
        False-discovery rate of the significant changes.
    findings : tuple of FindingChange
        What belongs together, and what became of it; what fails first.
    """

    verdicts: tuple[VerdictChange, ...]
    changes: tuple[MeasureChange, ...]
    spread: tuple[Distribution, ...]
    left_out: tuple[str, ...]
    reused: int
    rate: float
    findings: tuple[FindingChange, ...] = ()

    @cached_property
    def flips(self) -> tuple[VerdictChange, ...]:
        """Checks that are not the same: what breaks first, then by finding, by stage of the data flow, and by size."""
        place, order = by_finding(self.findings), list(Flip)

        found = [change for change in self.verdicts if change.flip is not Flip.SAME]
        found.sort(key=lambda change: (order.index(change.flip), data_flow(change.record), change.expectation))
        # The sort is stable: what is alike in the next keeps the order of before.
        found.sort(key=lambda change: (not change.breaks, place.get((change.unit, change.expectation), len(self.findings))))
        return tuple(found)

    @cached_property
    def loose(self) -> tuple[VerdictChange, ...]:
        """Those of them that no finding speaks of: missing, lost, waived, better."""
        place = by_finding(self.findings)
        return tuple(change for change in self.flips if (change.unit, change.expectation) not in place)

    @cached_property
    def claims(self) -> tuple[tuple[VerdictChange, int], ...]:
        """The same with each claim once in each finding: the check that tells most, and how many changed alike."""
        place = by_finding(self.findings)
        found: dict[tuple[Flip, str, int | None], list[VerdictChange]] = {}
        for change in self.flips:
            key = change.flip, change.expectation, place.get((change.unit, change.expectation))
            found.setdefault(key, []).append(change)
        return tuple((changes[0], len(changes)) for changes in found.values())

    def breaks(self, finding: FindingChange) -> bool:
        """Whether a check of this finding is among `broken`."""
        return any((change.unit, change.expectation) in finding.checks for change in self.broken)

    @property
    def broken(self) -> tuple[VerdictChange, ...]:
        """What makes the comparison fail."""
        return tuple(change for change in self.verdicts if change.breaks)

    @property
    def significant(self) -> tuple[MeasureChange, ...]:
        """Measures that changed by more than noise."""
        return tuple(change for change in self.changes if change.significant)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        counts = tally(self.verdicts)
        broke = f"{len(self.broken)} broke" if self.broken else "Nothing broke"
        others = [
            f"{counts[kind]} {kind}"
            for kind in (Flip.FIXED, Flip.STILL_FAILING, Flip.WAIVED, Flip.WORSE, Flip.UNPROVED)
            if counts[kind]
        ]
        judged = sum(bool(change.sigma) for change in self.changes)
        told = Counter(str(one.change) for one in self.findings if one.outcome is Outcome.FAILED)
        kinds = ", ".join(f"{told[str(kind)]} {kind}" for kind in Change if told[str(kind)])
        findings = f"; findings: {kinds}" if kinds else ""
        return (
            f"{', '.join([broke, *others])}, of {wording.count(len(self.verdicts), 'check')}{findings}; "
            f"{len(self.significant)} of {wording.count(judged, 'measurement')} changed by more than noise "
            f"(false-discovery rate {self.rate:g})."
        )


def compare(before: Sequence[Record], after: Sequence[Record], *, rate: float = RATE, partial: bool = False) -> Comparison:
    """Compare two runs.

    Parameters
    ----------
    before, after : sequence of dict
        Measurements of the two runs; they are matched by unit, expectation and measure.
    rate : float
        See `pytest_specqa.results.comparing.changes.measure_changes`.
    partial : bool
        See `pytest_specqa.results.comparing.flips.verdict_changes`.

    Returns
    -------
    Comparison
        Without any matching verdict it is empty: see `Comparison.left_out`.
    """
    before, after = with_trends_of_both(before, after)
    verdicts, left_out = verdict_changes(before, after, partial=partial)
    changes = measure_changes(before, after, rate=rate)
    compared = {(change.unit, change.expectation) for change in verdicts}
    old, new = ([record for record in run if check_of(record) in compared] for run in (before, after))
    return Comparison(
        verdicts=tuple(verdicts),
        changes=tuple(changes),
        spread=tuple(distributions(changes, rate=rate)),
        left_out=(*left_out, *_not_judged(before, after)),
        reused=sum(bool(record.get("reused")) for record in after),
        rate=rate,
        findings=tuple(finding_changes(old, new, changes=changes)),
    )


def _not_judged(before: Sequence[Record], after: Sequence[Record]) -> list[str]:
    sides = (("before", extent(before).told), ("after", extent(after).told))
    return [f"the rest of {side}, which is not whole: {told}" for side, told in sides if told]


def against_baseline(records: Sequence[Record], baseline: Sequence[Record]) -> Comparison:
    """Compare a run that may cover less than its baseline: what it did not select is not missing.

    Parameters
    ----------
    records, baseline : sequence of dict
        Measurements of now and of the baseline.

    Returns
    -------
    Comparison
        Restricted to the units and expectations of `records`.
    """
    return compare(baseline, records, partial=True)


def known_failures(baseline: Iterable[Record]) -> frozenset[tuple[str, str, str]]:
    """Units, expectations and measures that fail in the baseline, so that failing again is no regression."""
    return frozenset((*key, name) for key, cell in cells(baseline).items() for name in cell.failures)


def summary(comparison: Comparison, *, shown: int = SHOWN, sentence: str = "") -> str:
    """Plain text for a terminal: the findings, the checks and measurements that changed, and the verdict last.

    Parameters
    ----------
    comparison : Comparison
        What to tell.
    shown : int
        Most findings, checks and measurements to list.
    sentence : str
        The verdict, where it speaks of more than this comparison.

    Returns
    -------
    str
        Without a line break at its end.
    """
    lines = [f"not compared: {text}" for text in comparison.left_out]
    if comparison.reused:
        lines.append(f"{comparison.reused} measurements taken over: their inputs are identical in both")
    for change in comparison.findings[:shown]:
        lines += ["", f"{change.change.upper()} ({change.outcome}): {change.finding.headline}", f"  {numbers(change)}"]
        lines += [f"  where: {change.finding.scope}"] if change.finding.scope else []
        worse = change.change in (Change.NEW, Change.LARGER)
        lines += [f"  next: {change.finding.advice}"] if worse and change.finding.advice else []
    if len(comparison.findings) > shown:
        lines += ["", f"... and {len(comparison.findings) - shown} more findings"]
    flips = [
        [str(c.flip), f"{count}", wording.claim(c.expectation), outcome_of(c.before), outcome_of(c.after), describe(c), c.unit]
        for c, count in comparison.claims
    ]
    head = ["", "checks", "claim", "before", "after", "measure", "unit"]
    lines += _table(f"Checks that changed or fail ({len(comparison.flips)})", head, flips, shown=shown)
    changes = [
        [
            c.after["unit"],
            c.after["measure"],
            wording.number(c.values[0]),
            wording.number(c.values[1]),
            f"{c.significance or 0:+.1f} sigma",
        ]
        for c in comparison.significant
    ]
    lines += _table(
        f"Measurements beyond noise ({len(changes)})", ["unit", "measure", "before", "after", "change"], changes, shown=shown
    )
    return joined([*lines, "", sentence or comparison.sentence])


def numbers(change: FindingChange) -> str:
    """The measure that shows a finding best, before and after, with its limit, and how much fails or warns in both runs.

    Such as ``sky_chromatic_block 0.211 -> 0.0013 (at most 0.01) on 20211014-00104284-r6; failed: 28 checks (56 measurements) -> 0
    checks``.
    """
    record = change.record
    old, new = ("-" if value is None else wording.number(value) for value in change.values)
    limits = limits_of(record)
    places = f" on {record['unit']}"
    extents = " -> ".join(map(str, change.extents))
    return f"{record['measure']} {old} -> {new}{f' ({limits})' if limits else ''}{places}; {change.outcome}: {extents}"


def outcome_of(cell: Cell | None) -> str:
    """Outcome in words; a dash where the run holds none."""
    if cell is None:
        return "-"
    return f"{cell.outcome} (waived)" if cell.waived else str(cell.outcome)


def describe(change: VerdictChange) -> str:
    """The deciding measure with its values in both runs."""
    record = change.record
    name = record["measure"]
    found = [cell.values.get(name) if cell else None for cell in (change.before, change.after)]
    old, new = ("-" if value is None else f"{value:.4g}" for value in found)
    return f"{name} {old} -> {new}"


def _table(title: str, head: list[str], rows: list[list[str]], *, shown: int) -> list[str]:
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(head, *rows[:shown], strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows[:shown]]
    ]
    more = [f"... and {len(rows) - shown} more"] if len(rows) > shown else []
    return ["", title, *lines, *more]
