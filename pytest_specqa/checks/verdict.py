"""The verdict of a run in one sentence, from its records alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_specqa.checks import outcome, wording
from pytest_specqa.checks.outcome import Key
from pytest_specqa.values import Outcome, Record


@dataclass(frozen=True)
class Verdict:
    """What became of a run.

    Attributes
    ----------
    outcomes : mapping of (str, str) to Outcome
        The outcome of each check whose failure, if it failed, counts; a check is one expectation on one unit.
    waived, known : int
        Checks that failed and do not count, as `pytest_specqa.checks.outcome.reduce` tells them.
    lost : int
        Checks that the baseline of the run could make and this run could not: they fail it, as what is not measured proves nothing.
    """

    outcomes: Mapping[Key, Outcome]
    waived: int = 0
    known: int = 0
    lost: int = 0

    @classmethod
    def of(cls, records: Iterable[Record], *, lost: int = 0) -> Verdict:
        """Reduce records to one outcome per check."""
        found = outcome.outcomes(records)
        counted = {key: one.outcome for key, one in found.items() if not one.excused}
        return cls(counted, sum(one.waived for one in found.values()), sum(one.known for one in found.values()), lost)

    @property
    def counts(self) -> Counter[str]:
        """Number of checks by outcome."""
        return Counter(map(str, self.outcomes.values()))

    @property
    def outcome(self) -> Outcome:
        """The outcome of the run: failed or warned if a check is, passed if one is, else not measured; failed if one is lost."""
        if self.lost:
            return Outcome.FAILED
        order = (Outcome.FAILED, Outcome.WARNED, Outcome.PASSED)
        return next((one for one in order if self.counts[one]), Outcome.NOT_MEASURED)

    def units(self, outcome: Outcome) -> list[str]:
        """Return the units that have a check with this outcome."""
        return sorted({unit for (unit, _), found in self.outcomes.items() if found is outcome})

    @property
    def sentence(self) -> str:
        """The verdict for a person, such as ``FAILED: 2 of 120 checks fail, on 1 of 30 units``."""
        total, units = len(self.outcomes) + self.waived + self.known, len({unit for unit, _ in self.outcomes})
        checks = wording.count(total, "check")
        if not self.outcomes and total and not self.lost:
            return self._nothing_counts(checks)
        excused = "".join(f"; {text}" for text in self.excused)
        if self.lost and not self.counts[Outcome.FAILED]:
            return f"FAILED: {wording.count(self.lost, 'check')} of the baseline lost, which proves nothing any more{excused}"
        if self.outcome is Outcome.NOT_MEASURED:
            return f"NOT MEASURED: none of {checks} could be made{excused}"
        if self.outcome in (Outcome.FAILED, Outcome.WARNED):
            word = {Outcome.FAILED: "fail", Outcome.WARNED: "warn"}[self.outcome]
            hit = len(self.units(self.outcome))
            number = self.counts[self.outcome]
            verb = f"{word}s" if number == 1 else word
            lost = f"; {self.lost} of the baseline lost" if self.lost else ""
            places = f"on {hit} of {wording.count(units, 'unit')}"
            return f"{str(self.outcome).upper()}: {number} of {checks} {verb}, {places}{lost}{excused}"
        missing = self.counts[Outcome.NOT_MEASURED]
        rest = f"; {missing} not measured" if missing else ""
        return f"PASSED: {self.counts[Outcome.PASSED]} of {checks} pass on {wording.count(units, 'unit')}{rest}{excused}"

    def _nothing_counts(self, checks: str) -> str:
        if not self.known:
            return f"WAIVED: {self.waived} of {checks} failed and waived, none passed"
        waived = f", {self.waived} waived" if self.waived else ""
        return f"KNOWN: {self.known} of {checks} failed as in the baseline{waived}, none passed"

    @property
    def excused(self) -> list[str]:
        """How many checks failed and do not count, such as ``2 waived``; empty where there are none."""
        return [f"{number} {word}" for number, word in ((self.waived, "waived"), (self.known, "known")) if number]
