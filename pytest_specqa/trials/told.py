"""What the triage says of nights with planted faults, and whether it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.triage import Finding
from pytest_specqa.triage.findings import findings
from pytest_specqa.trials.nights import OF_TILE, Judged, Plant, Planted, together
from pytest_specqa.trials.reported import TOLERANCE, right_stages
from pytest_specqa.values import Outcome, Record, key_of

FAILED = str(Outcome.FAILED)
UNCLEAR = "cannot tell"
"""Stands in a confusion matrix where the triage names no cause."""


@dataclass(frozen=True)
class Told:
    """What is said of one planted fault.

    Attributes
    ----------
    plant : Plant
        The fault.
    seed : int
        Of the night.
    causes : tuple of str
        Names of the suspects, most likely first.
    stage, origin : str
        The stage at which the finding shows first, and the one at which its first suspect acts; empty where it does not say.
    scoped : bool
        Whether the scope is right.
    lead : str
        Measure that the finding shows first.
    wrong : str
        What is wrong with the scope; empty where it is right.
    findings : int
        Findings of the night that fail.
    """

    plant: Plant
    seed: int
    causes: tuple[str, ...]
    stage: str
    origin: str
    scoped: bool
    lead: str
    wrong: str
    findings: int

    @property
    def cause(self) -> str:
        """The true cause."""
        return FAULTS[self.plant.fault].cause

    @property
    def named(self) -> str:
        """The most likely cause; `UNCLEAR` where none is named."""
        return self.causes[0] if self.causes else UNCLEAR

    @property
    def staged(self) -> bool:
        """Whether it shows first at the stage at which the fault came into the data."""
        return self.stage in right_stages(FAULTS[self.plant.fault])

    @property
    def traced(self) -> bool:
        """Whether the stage at which it shows, or the one at which its first suspect acts, is where the fault came in."""
        return self.staged or self.origin in right_stages(FAULTS[self.plant.fault])

    @property
    def in_two(self) -> bool:
        """Whether the true cause is one of the first two."""
        return self.cause in self.causes[:2]


@dataclass(frozen=True)
class Pair:
    """What is said of two faults in one night.

    Attributes
    ----------
    one, other : Plant
        The faults; their causes differ.
    seed : int
        Of the night.
    same : bool
        Whether they strike a camera, or a petal, in common.
    found : int
        Largest number of the two that have a failing finding each of their own: one that rests on a unit that the fault strikes,
        and has its cause among the first two.
    findings : tuple of tuple of str
        Suspects of each finding that fails.
    """

    one: Plant
    other: Plant
    seed: int
    same: bool
    found: int
    findings: tuple[tuple[str, ...], ...]


def failing(night: Judged, clean: Mapping[str, Judged]) -> list[Record]:
    """List what fails in a night and not in the clean night of the same seed.

    Parameters
    ----------
    night : Judged
        With faults.
    clean : mapping of str to Judged
        Clean nights of the same seed, by band.

    Returns
    -------
    list of Record
        Failures that the faults made.
    """
    before = {key_of(record) for record in clean[night.night.band].records if record["outcome"] == FAILED}
    return [record for record in night.records if record["outcome"] == FAILED and key_of(record) not in before]


def told(night: Judged, clean: Mapping[str, Judged]) -> Told | None:
    """Ask the triage about a night with one fault.

    Parameters
    ----------
    night : Judged
        With one fault.
    clean : mapping of str to Judged
        Clean nights of the same seed, by band.

    Returns
    -------
    Told or None
        Of the first finding that fails; ``None`` where the fault made nothing fail.
    """
    bad = failing(night, clean)
    if not bad:
        return None
    (plant,) = night.night.plants
    said = [finding for finding in findings(together(night, clean)) if finding.outcome is Outcome.FAILED]
    if not said:
        return Told(plant, night.night.seed, (), "", "", scoped=False, lead="", wrong="no finding", findings=0)
    first = said[0]
    wrong = wrong_scope(first, plant, bad, night)
    return Told(
        plant,
        night.night.seed,
        tuple(suspect.name for suspect in first.suspects),
        first.stage,
        first.origin,
        scoped=not wrong,
        lead=first.lead["measure"],
        wrong=wrong,
        findings=len(said),
    )


def wrong_scope(finding: Finding, plant: Plant, bad: Sequence[Record], night: Judged) -> str:
    """Say what is wrong with how far a finding says that a fault reaches.

    Parameters
    ----------
    finding : Finding
        Of the triage.
    plant : Plant
        The fault, with the exposures and petals that it strikes.
    bad : sequence of Record
        Everything that fails because of it.
    night : Judged
        Its band, and where the fault acted.

    Returns
    -------
    str
        A phrase; empty where everything that is named was struck, everything that was struck and fails is named, and the fibers and
        wavelengths that are named overlap with those that were struck.
    """
    reach = finding.reach
    expids = {expid for record in bad if (expid := record["expid"]) is not None}
    cameras = {camera for record in bad if (camera := record["camera"])}
    petals = {int(camera[1:]) for camera in cameras} | {petal for record in bad if (petal := record["petal"]) is not None}
    struck = {f"{night.night.band}{petal}" for petal in plant.petals if plant.expids}
    # Redshifts, and checks of a tile, speak of all of its exposures.
    tile = set(OF_TILE) if plant.redshifts or not expids else set()
    for what, needed, named, allowed in (
        ("exposures", expids, {*reach.exposures}, {*plant.expids} | tile),
        ("cameras", cameras, {*reach.cameras}, struck),
        ("petals", petals, {*reach.petals}, {*plant.petals}),
    ):
        if extra := named - allowed:
            return f"{what} that are sound: {', '.join(map(str, sorted(extra)))}"
        if missing := needed - named:
            return f"{what} left out: {', '.join(map(str, sorted(missing)))}"
    places = [place for place in night.planted if place.fault == plant.fault]
    if reach.fibers and places and not any(_meets(finding, place) for place in places):
        return "no fiber or wavelength in common with the fault"
    return ""


def _meets(finding: Finding, place: Planted) -> bool:
    reach = finding.reach
    fibers = any(low <= last and high >= first for low, high in reach.fibers for first, last in place.fibers)
    if not reach.waves or place.waves is None:
        return fibers
    first, last = place.waves[0] - TOLERANCE, place.waves[1] + TOLERANCE
    return fibers and any(low <= last and high >= first for low, high in reach.waves)


def told_pair(night: Judged, clean: Mapping[str, Judged]) -> Pair:
    """Ask the triage about a night with two faults.

    Parameters
    ----------
    night : Judged
        With two faults.
    clean : mapping of str to Judged
        Clean nights of the same seed, by band.

    Returns
    -------
    Pair
        How many of the two are found.
    """
    one, other = night.night.plants
    said = [finding for finding in findings(together(night, clean)) if finding.outcome is Outcome.FAILED]
    own = [[_is_of(finding, plant) for finding in said] for plant in (one, other)]
    choices = permutations(range(len(said)), 2) if len(said) > 1 else ()
    found = max((own[0][first] + own[1][second] for first, second in choices), default=int(any(map(any, own))))
    causes = tuple(tuple(suspect.name for suspect in finding.suspects[:2]) for finding in said)
    return Pair(one, other, night.night.seed, bool(set(one.petals) & set(other.petals)), found, causes)


def _is_of(finding: Finding, plant: Plant) -> bool:
    """Whether a finding names the cause of a fault and rests on a unit that it strikes."""
    if FAULTS[plant.fault].cause not in [suspect.name for suspect in finding.suspects[:2]]:
        return False
    return any(_strikes(plant, record) for record in (*finding.records, *finding.follows))


def _strikes(plant: Plant, record: Record) -> bool:
    expid, camera, petal = record["expid"], record["camera"], record["petal"]
    if camera:
        return expid in plant.expids and int(camera[1:]) in plant.petals
    if expid is not None:
        return expid in plant.expids
    if petal is not None:
        return plant.redshifts and petal in plant.petals
    return plant.redshifts or bool(set(plant.expids) & set(OF_TILE))
