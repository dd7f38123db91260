"""Findings of two runs side by side: which are new, larger, smaller, gone, and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_specqa.checks.outcome import Key
from pytest_specqa.results.comparing.changes import MeasureChange
from pytest_specqa.results.telling import Extent, check_of
from pytest_specqa.triage import Finding
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import Outcome, Record, judged_as, key_of


class Change(StrEnum):
    """What became of a finding, in the order in which a person wants to read them."""

    NEW = "new"
    LARGER = "larger"
    GONE = "gone"
    SMALLER = "smaller"
    SAME = "the same"


@dataclass(frozen=True)
class FindingChange:
    """One finding in both runs.

    Attributes
    ----------
    change : Change
        What became of it.
    before, after : Finding or None
        The finding of each run; ``None`` where the run has none like it.
    record : Record
        The measurement that shows it best, of the side where it is worse.
    values : tuple of float or None
        Value of this measure, on this unit, before and after; ``None`` where a run has none.
    """

    change: Change
    before: Finding | None
    after: Finding | None
    record: Record
    values: tuple[float | None, float | None]

    @property
    def finding(self) -> Finding:
        """The finding to tell of: of now, else of before."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a finding of neither run")
        return found

    @property
    def outcome(self) -> Outcome:
        """Whether it fails or only warns, where it is worse."""
        return max((side.outcome for side in (self.before, self.after) if side), key=lambda outcome: outcome.rank)

    @property
    def extents(self) -> tuple[Extent, Extent]:
        """What has this outcome before and after."""
        old, new = (Extent.of(_members(side), outcome=self.outcome) for side in (self.before, self.after))
        return old, new

    @property
    def checks(self) -> frozenset[Key]:
        """Every check that it speaks of."""
        return frozenset(check_of(record) for side in (self.before, self.after) for record in _members(side, weaker=True))


def finding_changes(
    before: Sequence[Record], after: Sequence[Record], *, changes: Iterable[MeasureChange] = ()
) -> list[FindingChange]:
    """Find what belongs together in each run, and what became of it.

    Parameters
    ----------
    before, after : sequence of Record
        Measurements of the two runs, of the same nights and expectations.
    changes : iterable of MeasureChange
        What is known of the noise: a finding of the same checks is larger or smaller if the measure that shows it best changed by
        more than noise, else it is the same.

    Returns
    -------
    list of FindingChange
        What fails before what only warns, in the order of `Change`, most telling first. What a waiver covers is in none.

    Notes
    -----
    Two findings are one if they share measurements (unit and measure); the same stage, and measurements that show it, weigh more
    than what only follows. What a run tells as one finding may be two in the other.
    """
    # What a run took as known by its own baseline excuses nothing here: this comparison is the judge of that.
    old, new = (findings([record for record in run if not record.get("waiver")]) for run in (before, after))
    values = [{key_of(record): record["value"] for record in run} for run in (before, after)]
    known = {key_of(change.after): change for change in changes}
    pairs: list[tuple[Finding | None, Finding | None]] = [(_alike(one, old), one) for one in new]
    chosen = {id(one) for one, _ in pairs if one is not None}
    pairs += [(one, _alike(one, new)) for one in old if id(one) not in chosen]
    found = []
    for one, other in pairs:
        change = _change(one, other, known)
        side = one if other is None or (one is not None and change in (Change.GONE, Change.SMALLER)) else other
        if side is not None:
            record = side.lead
            found.append(FindingChange(change, one, other, record, (values[0].get(key_of(record)), values[1].get(key_of(record)))))
    order = list(Change)
    # The sort is stable: within a kind, findings keep the order in which the run tells them.
    return sorted(found, key=lambda one: (-one.outcome.rank, order.index(one.change)))


def _members(finding: Finding | None, *, weaker: bool = False) -> tuple[Record, ...]:
    if finding is None:
        return ()
    return (*finding.records, *finding.follows, *(finding.weaker if weaker else ()))


def _alike(finding: Finding, others: Sequence[Finding]) -> Finding | None:
    """The finding of the other run that shares most with it."""
    mine, all_mine = ({key_of(record) for record in records} for records in (finding.records, _members(finding)))

    def shared(other: Finding) -> tuple[bool, int, int]:
        shown = len(mine & {key_of(record) for record in other.records})
        return other.stage == finding.stage and shown > 0, shown, len(all_mine & {key_of(record) for record in _members(other)})

    best = max(others, key=shared, default=None)
    return best if best is not None and shared(best)[2] else None


def _change(before: Finding | None, after: Finding | None, known: Mapping[tuple[str, str, str], MeasureChange]) -> Change:
    """Name what became of a finding: by outcome, then by its checks, then by the measure that shows it best."""
    if before is None or after is None:
        return Change.NEW if before is None else Change.GONE
    if before.outcome is not after.outcome:
        return Change.LARGER if after.outcome.rank > before.outcome.rank else Change.SMALLER
    old, new = (
        {check_of(record) for record in _members(side) if record["outcome"] == str(side.outcome)} for side in (before, after)
    )
    if len(old) != len(new):
        return Change.LARGER if len(new) > len(old) else Change.SMALLER
    lead = after.lead
    moved = known.get((lead["unit"], lead["expectation"], judged_as(lead)))
    if moved is None or not moved.significant or moved.worse is None:
        return Change.SAME
    return Change.LARGER if moved.worse else Change.SMALLER


def by_finding(changes: Sequence[FindingChange]) -> dict[Key, int]:
    """Number of the first finding that speaks of each check."""
    found: dict[Key, int] = {}
    for number, change in enumerate(changes):
        for key in change.checks:
            found.setdefault(key, number)
    return found
