"""The verdict of a run in one sentence, from its records alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pytest_specqa.checks import outcome, whole, wording
from pytest_specqa.checks.outcome import Key
from pytest_specqa.values import Outcome, Record


@dataclass(frozen=True)
class Circumstances:
    """What the verdict on a run depends on besides its records.

    Attributes
    ----------
    lost : int
        Checks that the baseline of the run could make and this run could not.
    planned : int
        Checks that the run had planned, for a run that has judged none of them; records tell it of themselves.
    beside : str
        What else fails the run, such as a test that judges no unit; empty if nothing does.
    """

    lost: int = 0
    planned: int = 0
    beside: str = ""


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
    partial : str
        How much was judged, such as ``47 of 240 checks judged``, where the run is not whole: it has proved nothing of the rest.
    beside : str
        What else fails the run.
    """

    outcomes: Mapping[Key, Outcome]
    waived: int = 0
    known: int = 0
    lost: int = 0
    partial: str = ""
    beside: str = ""

    @classmethod
    def of(cls, records: Iterable[Record], told: Circumstances | None = None) -> Verdict:
        """Reduce records to one outcome per check."""
        told, records = told or Circumstances(), list(records)
        partial = whole.extent(records).told
        if not records and told.planned:
            partial = f"0 of {wording.count(told.planned, 'check')} judged"
        found = outcome.outcomes(records)
        counted = {key: one.outcome for key, one in found.items() if not one.excused}
        excused = sum(one.waived for one in found.values()), sum(one.known for one in found.values())
        return cls(counted, *excused, told.lost, partial, told.beside)

    @property
    def counts(self) -> Counter[str]:
        """Number of checks by outcome."""
        return Counter(map(str, self.outcomes.values()))

    @property
    def outcome(self) -> Outcome:
        """The outcome of the run: failed, warned or unreachable if a check is, passed if one is, else not measured.

        Failed if a check is lost, if the run is not whole, or if something beside the checks fails it.
        """
        if self.lost or self.partial or self.beside:
            return Outcome.FAILED
        order = (Outcome.FAILED, Outcome.WARNED, Outcome.UNREACHABLE, Outcome.PASSED)
        return next((one for one in order if self.counts[one]), Outcome.NOT_MEASURED)

    def units(self, outcome: Outcome) -> list[str]:
        """Return the units that have a check with this outcome."""
        return sorted({unit for (unit, _), found in self.outcomes.items() if found is outcome})

    @property
    def sentence(self) -> str:
        """The verdict for a person, such as ``FAILED: 2 of 120 checks fail, on 1 of 30 units``."""
        if not self.partial and not self.beside:
            return self._of_checks()
        plain = replace(self, partial="", beside="")
        word, _, rest = plain._of_checks().partition(": ")
        only = f"only {self.partial}" if self.partial else ""
        if plain.outcome is Outcome.FAILED:
            return "; ".join(part for part in (f"{word}: {rest}", only, self.beside) if part)
        if self.partial:
            return "; ".join(
                part for part in (f"INCOMPLETE: {self.partial}, none of them fails", self.beside, *self.excused) if part
            )
        return f"FAILED: {self.beside}; {rest}"

    def _of_checks(self) -> str:
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
            unread = f"; {self.counts[Outcome.UNREACHABLE]} unreachable" if self.counts[Outcome.UNREACHABLE] else ""
            return f"{str(self.outcome).upper()}: {number} of {checks} {verb}, {places}{unread}{lost}{excused}"
        if self.outcome is Outcome.UNREACHABLE:
            return self._unreachable(checks, units) + excused
        missing = self.counts[Outcome.NOT_MEASURED]
        rest = f"; {missing} not measured" if missing else ""
        return f"PASSED: {self.counts[Outcome.PASSED]} of {checks} pass on {wording.count(units, 'unit')}{rest}{excused}"

    def _unreachable(self, checks: str, units: int) -> str:
        hit, passed = len(self.units(Outcome.UNREACHABLE)), self.counts[Outcome.PASSED]
        places = f"on {hit} of {wording.count(units, 'unit')}"
        rest = f"; {passed} pass{'es' * (passed == 1)}" if passed else "; nothing was judged"
        return f"UNREACHABLE: {self.counts[Outcome.UNREACHABLE]} of {checks} had no data from the server, {places}{rest}"

    def _nothing_counts(self, checks: str) -> str:
        if not self.known:
            return f"WAIVED: {self.waived} of {checks} failed and waived, none passed"
        waived = f", {self.waived} waived" if self.waived else ""
        return f"KNOWN: {self.known} of {checks} failed as in the baseline{waived}, none passed"

    @property
    def excused(self) -> list[str]:
        """How many checks failed and do not count, such as ``2 waived``; empty where there are none."""
        return [f"{number} {word}" for number, word in ((self.waived, "waived"), (self.known, "known")) if number]
