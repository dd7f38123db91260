"""What a finding is: a group of failures, or of warnings, with one cause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.triage.wording import quantity, shortened
from pytest_specqa.values import Outcome, Record

HEADLINE = 160
"""Characters of a headline at most."""


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
        Exposures, tiles and petals that have it, ascending.
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
        """Stage, cause, place and number in one sentence of at most 160 characters."""
        cause = self.suspects[0].phrase if self.suspects else self.unclear
        stage = STAGES.get(self.stage, STAGES.get(stage_of(self.lead), ""))
        number = f" ({quantity(self.lead)})" if self.lead["value"] is not None else ""
        start = f"{stage}: {cause}{number}" if stage else f"{cause}{number}"
        return shortened(f"{start}; {self.scope}" if self.scope else start, HEADLINE)
