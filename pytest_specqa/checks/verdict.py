"""The verdict of a run in one sentence, from its records alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_specqa.checks import wording
from pytest_specqa.values import Outcome, Record


@dataclass(frozen=True)
class Verdict:
    """What became of a run.

    Attributes
    ----------
    outcomes : mapping of (str, str) to Outcome
        The worst outcome of each check that is not waived; a check is one expectation on one unit.
    waived : int
        Checks of which waivers cover all that failed.
    """

    outcomes: Mapping[tuple[str, str], Outcome]
    waived: int = 0

    @classmethod
    def of(cls, records: Iterable[Record]) -> Verdict:
        """Reduce records to one outcome per check."""
        outcomes: dict[tuple[str, str], Outcome] = {}
        waived = set()
        for record in records:
            key, outcome = (record["unit"], record["expectation"]), Outcome(record["outcome"])
            if outcome is Outcome.FAILED and record.get("waiver"):
                waived.add(key)
            elif key not in outcomes or outcome.rank > outcomes[key].rank:
                outcomes[key] = outcome
        waived = {key for key in waived if outcomes.get(key) is not Outcome.FAILED}
        return cls({key: outcome for key, outcome in outcomes.items() if key not in waived}, len(waived))

    @property
    def counts(self) -> Counter[str]:
        """Number of checks by outcome."""
        return Counter(map(str, self.outcomes.values()))

    @property
    def outcome(self) -> Outcome:
        """The outcome of the run: failed or warned if a check is, passed if one is, else not measured."""
        order = (Outcome.FAILED, Outcome.WARNED, Outcome.PASSED)
        return next((one for one in order if self.counts[one]), Outcome.NOT_MEASURED)

    def units(self, outcome: Outcome) -> list[str]:
        """Return the units that have a check with this outcome."""
        return sorted({unit for (unit, _), found in self.outcomes.items() if found is outcome})

    @property
    def sentence(self) -> str:
        """The verdict for a person, such as ``FAILED: 2 of 120 checks fail, on 1 of 30 units``."""
        total, units = len(self.outcomes) + self.waived, len({unit for unit, _ in self.outcomes})
        checks = wording.count(total, "check")
        waived = f"; {self.waived} waived" if self.waived else ""
        if not self.outcomes and self.waived:
            return f"WAIVED: {self.waived} of {checks} failed and waived, none passed"
        if self.outcome is Outcome.NOT_MEASURED:
            return f"NOT MEASURED: none of {checks} could be made{waived}"
        if self.outcome in (Outcome.FAILED, Outcome.WARNED):
            word = {Outcome.FAILED: "fail", Outcome.WARNED: "warn"}[self.outcome]
            hit = len(self.units(self.outcome))
            number = self.counts[self.outcome]
            verb = f"{word}s" if number == 1 else word
            return f"{str(self.outcome).upper()}: {number} of {checks} {verb}, on {hit} of {wording.count(units, 'unit')}{waived}"
        missing = self.counts[Outcome.NOT_MEASURED]
        rest = f"; {missing} not measured" if missing else ""
        return f"PASSED: {self.counts[Outcome.PASSED]} of {checks} pass on {wording.count(units, 'unit')}{rest}{waived}"
