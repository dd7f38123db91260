"""Verdicts of two runs side by side: what was fixed, what broke, what is no longer known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_specqa.checks.outcome import Key, by_check, reduce
from pytest_specqa.results.telling import data_flow
from pytest_specqa.triage import lead
from pytest_specqa.values import Outcome, Record


class Flip(StrEnum):
    """How the verdict on one unit and expectation changed; in the order in which a person wants to read them."""

    BROKEN = "broken"
    MISSING = "missing"
    LOST = "lost"
    FIXED = "fixed"
    STILL_FAILING = "still failing"
    WAIVED = "waived"
    WORSE = "worse"
    UNPROVED = "unproved"
    UNSEEN = "beyond sensitivity"
    UNREAD = "unreachable"
    BETTER = "better"
    NEW = "new"
    SAME = "same"


BREAKS = frozenset({Flip.BROKEN, Flip.MISSING, Flip.LOST, Flip.UNREAD})
MENDED = frozenset({Flip.FIXED, Flip.BETTER, Flip.UNPROVED})
MEANING = {
    Flip.BROKEN: "fails now and did not fail before",
    Flip.MISSING: "was judged before and is absent now",
    Flip.LOST: "was judged before and cannot be measured now, not for want of sensitivity",
    Flip.FIXED: "failed before and is proved good now",
    Flip.STILL_FAILING: "fails in both",
    Flip.WAIVED: "fails now, and a waiver covers it",
    Flip.WORSE: "passed before and warns now",
    Flip.UNPROVED: "failed before and is not measured now, so not proved good",
    Flip.UNSEEN: "was judged before and the data of now cannot reach the sensitivity",
    Flip.UNREAD: "was judged before, and its server did not give the files now, so nothing is proved: judge it again",
    Flip.BETTER: "warned or was not measured before and passes now",
    Flip.NEW: "was absent before and does not fail now",
    Flip.SAME: "same verdict",
}


@dataclass(frozen=True)
class Cell:
    """The worst that one run found for one unit and expectation.

    Attributes
    ----------
    outcome : Outcome
        Worst outcome of its measures.
    waived : bool
        It failed, and every failed measure is waived.
    record : dict
        The measure that decides.
    values : mapping of str to float or None
        Value of every measure.
    failures : frozenset of str
        Measures that failed and are not waived.
    """

    outcome: Outcome
    waived: bool
    record: Record
    values: Mapping[str, float | None]
    failures: frozenset[str]

    @property
    def fails(self) -> bool:
        """Failed, and nobody answers for it."""
        return self.outcome is Outcome.FAILED and not self.waived

    def excuses(self, later: Cell) -> bool:
        """Whether all that fails in `later` failed here; a failure without a value may have hidden anything."""
        return later.failures <= self.failures or any(self.values[name] is None for name in self.failures)

    @property
    def insensitive(self) -> bool:
        """Not measured because the data cannot reach the sensitivity that the limit needs."""
        reached, needs = self.record.get("sensitivity"), self.record.get("needs")
        return self.outcome is Outcome.NOT_MEASURED and reached is not None and needs is not None and reached > needs


@dataclass(frozen=True)
class VerdictChange:
    """One unit and expectation in both runs; a side is ``None`` where the run does not hold it."""

    unit: str
    expectation: str
    flip: Flip
    before: Cell | None
    after: Cell | None

    @property
    def breaks(self) -> bool:
        """Whether this alone makes the comparison fail."""
        return self.flip in BREAKS

    @property
    def record(self) -> Record:
        """The record that says most: of the worse side, else of now."""
        cell = self.before if self.after is None or self.flip in MENDED else self.after
        if cell is None:
            raise ValueError(f"{self.unit} {self.expectation}: neither run holds this check")
        return cell.record


def cells(records: Iterable[Record]) -> dict[Key, Cell]:
    """Reduce measurements to one verdict per unit and expectation.

    What a run took as known by its own baseline excuses nothing here: this comparison is the judge of that.
    """
    return {key: _cell(found) for key, found in by_check(records).items()}


def _cell(records: list[Record]) -> Cell:
    failures = [record for record in records if record["outcome"] == Outcome.FAILED and not record.get("waiver")]
    result = reduce(records)
    return Cell(
        outcome=result.outcome,
        waived=result.waived,
        record=lead(failures or records),
        values={record["measure"]: record["value"] for record in records},
        failures=frozenset(record["measure"] for record in failures),
    )


def flip(before: Cell | None, after: Cell | None) -> Flip:  # noqa: PLR0911
    """Name the change of one verdict.

    What fails now and did not fail before is broken, whether it was absent, not measured, warned or passed; so is a check that
    failed before if now another of its measures fails.
    """
    if after is None:
        return Flip.MISSING
    if after.fails:
        return Flip.STILL_FAILING if before and before.fails and before.excuses(after) else Flip.BROKEN
    if after.waived:
        return Flip.WAIVED
    if before is None:
        return Flip.NEW
    if not after.outcome.judged:
        if before.fails:
            return Flip.UNPROVED
        if not before.outcome.judged:
            return Flip.SAME
        if after.outcome is Outcome.UNREACHABLE:
            return Flip.UNREAD
        return Flip.UNSEEN if after.insensitive else Flip.LOST
    if before.fails:
        return Flip.FIXED
    if after.outcome is before.outcome:
        return Flip.SAME
    return Flip.BETTER if after.outcome is Outcome.PASSED else Flip.WORSE


def verdict_changes(
    before: Iterable[Record], after: Iterable[Record], *, partial: bool = False
) -> tuple[list[VerdictChange], list[str]]:
    """Match two runs by unit and expectation.

    Parameters
    ----------
    before, after : iterable of dict
        Measurements of the two runs.
    partial : bool
        The runs may have been asked different questions: judge what `after` holds, and only that.

    Returns
    -------
    list of VerdictChange
        Everything that can be compared, unchanged verdicts too, in the order of `Flip`, then of the data flow, largest first.
    list of str
        What cannot: nights and expectations that only one of the runs holds; choosing them is the user's affair, while a hole
        in a night and expectation that both hold is a loss.
    """
    before, after = list(before), list(after)
    old, new = cells(before), cells(after)
    left_out = []
    if partial:
        old = {key: cell for key, cell in old.items() if key in new}
    else:
        for field in ("night", "expectation"):
            sides = [{record[field] for record in records} for records in (before, after)]
            for only, side in ((sides[0] - sides[1], "before"), (sides[1] - sides[0], "after")):
                left_out += [f"{field} {value} is only in {side}" for value in sorted(only, key=str)]
                old, new = ({key: cell for key, cell in found.items() if cell.record[field] not in only} for found in (old, new))
    changes = [VerdictChange(*key, flip(old.get(key), new.get(key)), old.get(key), new.get(key)) for key in old.keys() | new.keys()]
    order = list(Flip)
    return sorted(changes, key=lambda change: (order.index(change.flip), data_flow(change.record), change.expectation)), left_out


def tally(changes: Iterable[VerdictChange]) -> dict[Flip, int]:
    """Count the changes, zeros included, in the order of `Flip`."""
    counts = Counter(change.flip for change in changes)
    return {kind: counts[kind] for kind in Flip}
