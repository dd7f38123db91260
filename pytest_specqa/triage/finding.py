"""What a finding is: a group of failures, or of warnings, with one cause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pytest_specqa.triage.stages import STAGES
from pytest_specqa.triage.weight import excess
from pytest_specqa.triage.wording import quantity, shortened
from pytest_specqa.values import TREND, Outcome, Record, called

HEADLINE = 160
"""Characters of a headline at most."""
TWICE, MANY_TIMES = 1.5, 1e4
"""Times of a limit that are worth telling; far beyond, the limit is no scale."""
CLOSE = 0.5
"""Part of the confidence of the first suspect from which on the second is named too."""


@dataclass(frozen=True)
class Suspect:
    """One cause that the measurements allow.

    Attributes
    ----------
    name : str
        Key of the rule that names it.
    phrase : str
        What it is, as a clause: ``the sky model was given more freedom between fibers than a sky has``.
    confidence : float
        0-1; those of one finding sum to at most 1.
    reasons : tuple of str
        The measurements that speak for it, each a short clause.
    """

    name: str
    phrase: str
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """How far a finding reaches, as values; what is empty does not apply or was not told.

    Attributes
    ----------
    exposures, tiles, petals : tuple of int
        Exposures, tiles and petals that have it, ascending. No exposures where only redshifts show it.
    cameras, bands : tuple of str
        Cameras and bands that have it.
    fibers : tuple of (int, int)
        Inclusive ranges of FIBER.
    waves : tuple of (float, float)
        Ranges in Angstrom.
    strongest : tuple of str
        Units where it is by far the largest; empty where it is as large everywhere.
    spared : tuple of int
        Exposures in which the same was measured and is sound.
    core : str
        Where to look first, in a few words: where it is strongest, or all of it.
    """

    exposures: tuple[int, ...] = ()
    cameras: tuple[str, ...] = ()
    petals: tuple[int, ...] = ()
    bands: tuple[str, ...] = ()
    tiles: tuple[int, ...] = ()
    fibers: tuple[tuple[int, int], ...] = ()
    waves: tuple[tuple[float, float], ...] = ()
    strongest: tuple[str, ...] = ()
    spared: tuple[int, ...] = ()
    core: str = ""


@dataclass(frozen=True)
class Finding:
    """A group of failures, or of warnings, with one cause.

    Attributes
    ----------
    stage : str
        The stage of the reduction at which it began, a key of `STAGES`: that of the first suspect where something shows at that
        stage, else the earliest at which something shows. Empty where none is declared.
    scope : str
        Cameras, fibers, wavelengths, exposures and tiles that have it, and those that do not.
    suspects : tuple of Suspect
        What it may be, most likely first; empty where `unclear` says why it cannot be told.
    unclear : str
        Why no cause can be named; empty where one is.
    advice : str
        What to look at next, and whether to hold the tile, mask or rerun.
    records : tuple of Record
        What shows it, worst first and those of `stage` before the others.
    follows : tuple of Record
        What fails, or warns, because of it.
    weaker : tuple of Record
        Warnings of the same measures in other units: the same thing, smaller.
    reach : Reach
        `scope` as values.
    origin : str
        Stage at which the first suspect acts, where it is more likely than not; it may lie before `stage`: light that falls on
        sky fibers is in the frames already, and shows first where the sky is subtracted.
    """

    stage: str
    scope: str
    suspects: tuple[Suspect, ...]
    records: tuple[Record, ...]
    unclear: str = ""
    advice: str = ""
    follows: tuple[Record, ...] = ()
    weaker: tuple[Record, ...] = ()
    reach: Reach = Reach()
    origin: str = ""

    @property
    def lead(self) -> Record:
        """The record that shows it best."""
        return self.records[0]

    @property
    def outcome(self) -> Outcome:
        """Whether it fails or only warns."""
        return Outcome(self.lead["outcome"])

    @cached_property
    def checks(self) -> frozenset[tuple[str, str]]:
        """Unit and expectation of everything that shows it or follows from it."""
        return frozenset((record["unit"], record["expectation"]) for record in (*self.records, *self.follows))

    @property
    def headline(self) -> str:
        """Stage, place, number and cause in one sentence of at most 160 characters."""
        where = ", ".join(part for part in (STAGES.get(self.stage, ""), self.reach.core) if part)
        return shortened(": ".join(part for part in (where, f"{self._number}; {self.cause}") if part), HEADLINE)

    @property
    def cause(self) -> str:
        """What it is, in a few words, with a second cause where that is about as likely; or that it cannot be told."""
        if self.unclear:
            return self.unclear
        first, *others = self.suspects
        close = [_brief(other) for other in others[:1] if other.confidence >= CLOSE * first.confidence]
        return " or ".join([_brief(first), *close])

    @property
    def _number(self) -> str:
        if self.lead["value"] is None:
            return self.suspects[0].reasons[0] if self.suspects and self.suspects[0].reasons else called(self.lead)
        if self.lead["measure"].endswith(TREND):
            return f"{called(self.lead)}: {quantity(self.lead)}, off against its own past"
        times = excess(self.lead)
        beyond = f" ({times:.2g} times its limit)" if TWICE <= times < MANY_TIMES else ""
        return f"{called(self.lead)}: {quantity(self.lead)}{beyond}"


def _brief(suspect: Suspect) -> str:
    """The phrase of a suspect without what explains it."""
    return suspect.phrase.partition(" (")[0].partition(": ")[0]
