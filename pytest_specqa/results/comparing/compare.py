"""Two runs of the suite side by side: verdict flips, changed measures, and what broke."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_specqa.results.comparing.changes import RATE, Distribution, MeasureChange, distributions, measure_changes
from pytest_specqa.results.comparing.flips import Cell, Flip, VerdictChange, cells, tally, verdict_changes
from pytest_specqa.values import Record

SHOWN = 20


@dataclass(frozen=True)
class Comparison:
    """What changed between two runs.

    Attributes
    ----------
    verdicts : tuple of VerdictChange
        Every unit and expectation that can be compared.
    changes : tuple of MeasureChange
        Every measure that both have, largest change first.
    spread : tuple of Distribution
        Each measure over its units.
    left_out : tuple of str
        What only one of the runs holds.
    reused : int
        Measurements taken over from before because their inputs are identical.
    rate : float
        False-discovery rate of the significant changes.
    """

    verdicts: tuple[VerdictChange, ...]
    changes: tuple[MeasureChange, ...]
    spread: tuple[Distribution, ...]
    left_out: tuple[str, ...]
    reused: int
    rate: float

    @property
    def flips(self) -> tuple[VerdictChange, ...]:
        """Verdicts that are not the same."""
        return tuple(change for change in self.verdicts if change.flip is not Flip.SAME)

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
        return (
            f"{', '.join([broke, *others])}, of {len(self.verdicts)} verdicts; "
            f"{len(self.significant)} of {judged} measures changed by more than noise (false-discovery rate {self.rate:g})."
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
    verdicts, left_out = verdict_changes(before, after, partial=partial)
    changes = measure_changes(before, after, rate=rate)
    return Comparison(
        verdicts=tuple(verdicts),
        changes=tuple(changes),
        spread=tuple(distributions(changes, rate=rate)),
        left_out=tuple(left_out),
        reused=sum(bool(record.get("reused")) for record in after),
        rate=rate,
    )


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


def summary(comparison: Comparison, *, shown: int = SHOWN) -> str:
    """Plain text for a terminal: the flips, the largest changes, and the verdict last."""
    lines = [f"not compared: {text}" for text in comparison.left_out]
    if comparison.reused:
        lines.append(f"{comparison.reused} measurements taken over: their inputs are identical in both")
    flips = [[str(c.flip), c.unit, c.expectation, outcome_of(c.before), outcome_of(c.after), describe(c)] for c in comparison.flips]
    lines += _table("Verdicts", ["", "unit", "expectation", "before", "after", "measure"], flips, shown=shown)
    changes = [
        [
            c.after["unit"],
            c.after["measure"],
            f"{c.before['value']:.4g}",
            f"{c.after['value']:.4g}",
            f"{c.significance or 0:+.1f} sigma",
        ]
        for c in comparison.significant
    ]
    lines += _table("Measures beyond noise", ["unit", "measure", "before", "after", "change"], changes, shown=shown)
    return "\n".join([*lines, "", comparison.sentence])


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
    return ["", f"{title} ({len(rows)})", *lines, *more]
