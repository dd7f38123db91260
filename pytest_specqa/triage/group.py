"""A group of bad records with the cause that explains them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from pytest_specqa.triage.evidence import ORDER
from pytest_specqa.triage.places import Place
from pytest_specqa.triage.rules import Rule
from pytest_specqa.triage.run import Run
from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.values import Record, judged_as

SHOWS = 1.0
"""Weight in a rule from which on a measure shows the cause itself."""
LAST = len(STAGES)


@dataclass
class Group:
    """Bad records with one cause.

    Attributes
    ----------
    rule : Rule or None
        What explains them best; ``None`` where no rule speaks.
    records : list of Record
        All of them.
    attached : list of Record
        Warnings that follow from it.
    weaker : list of Record
        Warnings of the same measures elsewhere.
    """

    rule: Rule | None
    records: list[Record]
    attached: list[Record] = field(default_factory=list)
    weaker: list[Record] = field(default_factory=list)
    _told: dict[int, frozenset[str]] = field(default_factory=dict, repr=False)
    _counted: int = field(default=0, repr=False)
    _parts: dict[int, dict[int | None, Place]] = field(default_factory=dict, repr=False)

    def take(self, other: Group) -> None:
        """Take over all that another group has."""
        self.records.extend(other.records)
        self.attached.extend(other.attached)
        self.weaker.extend(other.weaker)

    @property
    def first(self) -> int:
        """Number of the earliest stage at which something is bad."""
        return min((ORDER.get(stage_of(record), LAST) for record in self.records), default=LAST)

    @property
    def shown(self) -> frozenset[str]:
        """Measures by which the cause shows itself, and not only what it leads to."""
        return self._telling(self.records)

    @property
    def signs(self) -> frozenset[str]:
        """The same, with what only warns."""
        return self._telling([*self.records, *self.attached])

    def near(self, where: Place, run: Run) -> Place | None:
        """Its place in the exposures (tiles, where those are unknown) and petals of another place; None if it has none there."""
        if self._counted != len(self.records):
            self._counted, self._parts = len(self.records), self._by_exposure(run)
        times = where.exposures or where.tiles
        parts = [
            part
            for time in times
            for petal, part in self._parts.get(time, {}).items()
            if petal is None or not where.petals or petal in where.petals
        ]
        return reduce(or_, parts) if parts else None

    def _by_exposure(self, run: Run) -> dict[int, dict[int | None, Place]]:
        """Place by exposure, or by tile where that is all that is known, and by petal."""
        found: dict[int, dict[int | None, Place]] = defaultdict(dict)
        for record in self.records:
            place = run.place(record)
            for time in place.exposures or place.tiles:
                for petal in place.petals or (None,):
                    parts = found[time]
                    parts[petal] = parts[petal] | place if petal in parts else place
        return found

    def _telling(self, records: Sequence[Record]) -> frozenset[str]:
        if len(records) not in self._told:
            # Groups only grow, so that their number of records tells whether they did.
            self._told = {**self._told, len(records): frozenset({judged_as(record) for record in records})}
        measures = self._told[len(records)]
        if self.rule is None:
            return measures
        strong = max((self.rule.shows.get(measure, 0.0) for measure in measures), default=0.0)
        return frozenset(measure for measure in measures if self.rule.shows.get(measure, 0.0) >= min(SHOWS, strong))
