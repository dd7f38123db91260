"""From failures to findings: what belongs together, where it began, how far it reaches, what it is and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pytest_specqa.triage.cause import likely_cause
from pytest_specqa.triage.scope import scope
from pytest_specqa.triage.stages import STAGES, first_bad_stage, stage_of, telling
from pytest_specqa.triage.weight import worst_first
from pytest_specqa.values import Outcome, Record


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
class Finding:
    """A group of failures, or of warnings, with one cause.

    Attributes
    ----------
    stage : str
        The earliest stage of the reduction at which it shows, a key of `STAGES`; empty where none is declared.
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
    """

    stage: str
    scope: str
    suspects: tuple[Suspect, ...]
    records: tuple[Record, ...]
    unclear: str = ""
    advice: str = ""
    follows: tuple[Record, ...] = ()
    weaker: tuple[Record, ...] = ()

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
        """Stage, scope and cause in one sentence."""
        cause = self.suspects[0].phrase if self.suspects else self.unclear
        return ": ".join(part for part in (STAGES.get(self.stage, ""), self.scope, cause) if part)


def findings(records: Iterable[Record]) -> list[Finding]:
    """Group what failed into findings, and what warned into findings of its own.

    Parameters
    ----------
    records : iterable of Record
        Measurement records of one run, good ones included: what passes bounds a fault. Leave out what a waiver or the baseline
        excuses.

    Returns
    -------
    list of Finding
        Those that fail first, most telling first. Each failed record is in one of them, as what shows it or as what follows.
    """
    everything = list(records)
    bad = telling(everything)
    if not bad:
        return []
    stage = first_bad_stage(everything) or ""
    shown = [record for record in bad if stage_of(record) == stage]
    follows = [record for record in bad if stage_of(record) != stage]
    cause = likely_cause(everything)
    return [
        Finding(
            stage=stage,
            scope=scope(everything),
            suspects=(Suspect("stage", cause),) if cause else (),
            unclear="" if cause else "cannot tell, because no rule speaks",
            records=tuple(worst_first(shown)),
            follows=tuple(worst_first(follows)),
        )
    ]
