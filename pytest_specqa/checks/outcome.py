"""What became of a check: the one reduction of its records to an outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_specqa.values import Outcome, Record

Key = tuple[str, str]
"""Unit and expectation: what makes a check."""
EXCUSED = Outcome.WARNED
"""What a failure weighs that somebody answers for: it fails no run, and it is not good either."""


@dataclass(frozen=True)
class CheckOutcome:
    """What became of one check: one expectation on one unit.

    Attributes
    ----------
    outcome : Outcome
        The worst that was found, whoever answers for it.
    waived : bool
        It failed, and waivers cover all that failed.
    known : bool
        It failed, and all that failed and is not waived fails in the baseline of the run too.
    """

    outcome: Outcome
    waived: bool = False
    known: bool = False

    @property
    def excused(self) -> bool:
        """Whether it failed and that does not count."""
        return self.waived or self.known

    @property
    def fails(self) -> bool:
        """Whether it failed and nobody answers for it."""
        return self.outcome is Outcome.FAILED and not self.excused

    @property
    def weight(self) -> Outcome:
        """How much it weighs among other checks: as its outcome, or as `EXCUSED`."""
        return EXCUSED if self.excused else self.outcome


def reduce(records: Iterable[Record]) -> CheckOutcome:
    """Reduce the records of one check to its outcome.

    Parameters
    ----------
    records : iterable of Record
        All records of one expectation on one unit, in any order.

    Returns
    -------
    CheckOutcome
        - No records: failed. What measured nothing has proved nothing.
        - Nothing failed: the worst outcome, from passed over not measured and unreachable to warned; a waiver of a warning changes
          nothing.
        - Something failed: failed, whatever else was found.
        - Every failed record has a waiver: failed and waived.
        - Every failed record has a waiver or is known, and at least one is known only: failed and known.
        - A single failed record without either: failed, neither waived nor known; what the others have excuses nothing.
    """
    return reduce_values((Outcome(record["outcome"]), bool(record.get("waiver")), is_excused(record)) for record in records)


def reduce_values(values: Iterable[tuple[Outcome, bool, bool]]) -> CheckOutcome:
    """Reduce what became of the values of one check, as `reduce` does with their records.

    Parameters
    ----------
    values : iterable of (Outcome, bool, bool)
        Outcome of each value, whether a waiver covers it, and whether anybody answers for it, a waiver or the baseline.

    Returns
    -------
    CheckOutcome
        As `reduce` says.
    """
    outcome, failed, waived, excused = Outcome.PASSED, 0, 0, 0
    empty = True
    for found, has_waiver, has_excuse in values:
        empty = False
        outcome = max(outcome, found, key=lambda one: one.rank)
        if found is Outcome.FAILED:
            failed += 1
            waived += has_waiver
            excused += has_excuse
    if empty or not failed:
        return CheckOutcome(Outcome.FAILED if empty else outcome)
    return CheckOutcome(outcome, waived=waived == failed, known=waived < excused == failed)


def is_excused(record: Record) -> bool:
    """Tell whether somebody answers for what this record found: a waiver, or the baseline."""
    return bool(record.get("waiver") or record.get("known"))


def by_check(records: Iterable[Record]) -> dict[Key, list[Record]]:
    """Sort records by check, in the order in which the checks first appear."""
    found: dict[Key, list[Record]] = defaultdict(list)
    for record in records:
        found[record["unit"], record["expectation"]].append(record)
    return dict(found)


def outcomes(records: Iterable[Record]) -> dict[Key, CheckOutcome]:
    """Reduce the records of a run to one outcome for each check."""
    return {key: reduce(found) for key, found in by_check(records).items()}
