"""Known faults that people answer for: what a waiver covers, and what it must never hide."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_specqa.instrument import DESI
from pytest_specqa.values import UNJUDGED, Outcome, Record

BAD = (str(Outcome.FAILED), str(Outcome.WARNED))
Range = tuple[int, int]


@dataclass(frozen=True)
class Scope:
    """Units and measures that a waiver speaks of; an empty field does not restrict.

    Attributes
    ----------
    expectation : str
        Name of the test.
    measures : tuple of str
        Names in the limits file.
    nights : tuple of int or None
        First and last night, both included.
    expids, tiles, cameras, petals, pixels : frozenset
        Allowed values; `petals` also admits the cameras of these petals, `pixels` are pixels of the sky SURVEY-PROGRAM-PIXEL.
    """

    expectation: str
    measures: tuple[str, ...]
    nights: Range | None = None
    expids: frozenset[int] = frozenset()
    tiles: frozenset[int] = frozenset()
    cameras: frozenset[str] = frozenset()
    petals: frozenset[int] = frozenset()
    pixels: frozenset[str] = frozenset()

    def holds(self, record: Record) -> bool:
        """Tell whether the record is about these units and measures."""
        if record["expectation"] != self.expectation or record["measure"] not in self.measures:
            return False
        if self.nights and not (record["night"] is not None and self.nights[0] <= record["night"] <= self.nights[1]):
            return False
        chosen = (
            (self.expids, record["expid"]),
            (self.tiles, record["tile"]),
            (self.cameras, record["camera"]),
            (self.petals, petal_of(record)),
            (self._units, record["unit"]),
        )
        return all(value in allowed for allowed, value in chosen if allowed)

    @property
    def _units(self) -> frozenset[str]:
        return frozenset(f"healpix-{pixel}" for pixel in self.pixels)

    def sql(self) -> tuple[str, list[Any]]:
        """The same question as a SQL condition with its parameters."""
        clauses: list[tuple[str, list[Any]]] = [("expectation = ?", [self.expectation]), _one_of("measure", self.measures)]
        if self.nights:
            clauses.append(("night BETWEEN ? AND ?", list(self.nights)))
        petal = "coalesce(petal, try_cast(camera[2:2] AS INTEGER))"
        of_unit = (("expid", self.expids), ("tile", self.tiles), ("camera", self.cameras), (petal, self.petals))
        for column, allowed in (*of_unit, ("unit", self._units)):
            if allowed:
                clauses.append(_one_of(column, sorted(allowed)))
        return " AND ".join(text for text, _ in clauses), [value for _, values in clauses for value in values]


def _one_of(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    return f"{column} IN ({', '.join('?' * len(values))})", list(values)


def petal_of(record: Record) -> int | None:
    """Petal of a record, from its camera where it names no petal itself."""
    petal, camera = record.get("petal"), record.get("camera")
    return petal if petal is not None else int(camera[1]) if camera else None


def pixel_of(record: Record) -> str:
    """Pixel of the sky that a record is about, SURVEY-PROGRAM-PIXEL; empty for other units."""
    return record["unit"].removeprefix("healpix-") if record["kind"] == "healpix" else ""


@dataclass(frozen=True)
class Waiver:
    """One fault that may pass until a day, up to a size.

    Attributes
    ----------
    covers : mapping of str to float or None
        Largest value per measure that is accepted, beyond the limit on the side where it lies; ``None`` accepts a failure
        without a value whose message contains `message`.
    fibers : tuple of (int, int)
        The fault must lie within these inclusive ranges of FIBER (0-4999), where given.
    waves : tuple of float or None
        The fault must lie within this wavelength range in Angstrom, where given.
    reason, issue, owner : str
        Why it may pass, where it is followed up, and who answers for it.
    expires : datetime.date
        Last day on which it holds.
    where : str
        File and line.
    """

    id: str
    scope: Scope
    covers: Mapping[str, float | None]
    reason: str
    issue: str
    owner: str
    expires: datetime.date
    where: str
    message: str = ""
    fibers: tuple[Range, ...] = ()
    waves: tuple[float, float] | None = None

    def refuses(self, record: Record) -> str:
        """Say why a bad record in scope is another or a larger fault; empty if it is covered."""
        covered, value = self.covers[record["measure"]], record["value"]
        if covered is None:
            return (
                ""
                if value is None and self.message in record["message"]
                else "it covers only a failure without a value: " + self.message
            )
        if value is None:
            return "the failure has no value"
        side = side_of(record)
        if not side:
            return f"the value {value:.4g} is within its limit: something else failed"
        if side * (value - covered) > 0:
            return f"{value:.4g} is beyond the {covered:.4g} that it covers"
        return self._misplaced(record)

    def _misplaced(self, record: Record) -> str:
        if self.fibers:
            outside = [pair for pair in _fibers(record) if not any(low <= pair[0] and pair[1] <= high for low, high in self.fibers)]
            if outside or not _fibers(record):
                return f"fibers {_ranges(outside) or '(not stated)'} are not those that it covers ({_ranges(self.fibers)})"
        if self.waves:
            waves = record.get("waves")
            if not waves or not self.waves[0] <= min(waves) <= max(waves) <= self.waves[1]:
                found = f"{waves[0]:g}-{waves[1]:g}" if waves else "(not stated)"
                return f"wavelengths {found} are not within the {self.waves[0]:g}-{self.waves[1]:g} that it covers"
        return ""

    def expired(self, today: datetime.date) -> bool:
        """Tell whether its last day has passed."""
        return today > self.expires

    @property
    def expiry_message(self) -> str:
        """What to say when it has expired."""
        lapsed = f"{self.where}: waiver {self.id!r} expired on {self.expires}"
        return f"{lapsed}; mend the fault or ask {self.owner} to renew it, see {self.issue}"


def side_of(record: Record) -> int:
    """+1 if the value is above its limits, -1 if below, 0 if inside."""
    value = record["value"]
    if value is None:
        return 0
    if any(bound is not None and value > bound for bound in (record.get("high"), record.get("warn_high"))):
        return 1
    return -1 if any(bound is not None and value < bound for bound in (record.get("low"), record.get("warn_low"))) else 0


def _fibers(record: Record) -> list[Range]:
    """Fibers of the fault; those of the whole petal where the record names none."""
    if record.get("fibers"):
        return [(first, last) for first, last in record["fibers"]]
    petal = petal_of(record)
    return [] if petal is None else [(petal * DESI.fibers, (petal + 1) * DESI.fibers - 1)]


def _ranges(pairs: Iterable[Range]) -> str:
    return ", ".join(f"{first}-{last}" for first, last in pairs)


class State(StrEnum):
    """What became of a waiver in a run."""

    USED = "used"
    STALE = "stale"
    EXCEEDED = "exceeded"
    EXPIRED = "expired"
    IDLE = "not exercised"


@dataclass
class Ledger:
    """What the waivers of one file met in one run; feed it records, then ask `states`."""

    waivers: Sequence[Waiver]
    today: datetime.date
    covered: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    measured: dict[str, int] = field(default_factory=dict)

    def judge(self, record: Record) -> Record:
        """Mark a failed or warned record with the first waiver that covers it; others come back unmarked.

        The outcome stays as it is: a waived failure is not a pass.
        """
        clean: Record = {**record, "waiver": ""}
        clean.pop("waiver_reason", None)
        if record["outcome"] not in BAD:
            return clean
        for waiver in self.waivers:
            if waiver.scope.holds(record) and not waiver.expired(self.today):
                if why := waiver.refuses(record):
                    self.refused.setdefault(waiver.id, f"{record['unit']}: {why}")
                else:
                    self.covered[waiver.id] = self.covered.get(waiver.id, 0) + 1
                    return {**clean, "waiver": waiver.id, "waiver_reason": waiver.reason}
        return clean

    def see(self, record: Record) -> None:
        """Count a record towards the scope of each waiver; what was not measured proves nothing."""
        if record["outcome"] not in UNJUDGED:
            for waiver in self.waivers:
                if waiver.scope.holds(record):
                    self.measured[waiver.id] = self.measured.get(waiver.id, 0) + 1

    def states(self) -> list[tuple[Waiver, State, str]]:
        """Each waiver with what became of it and one line that says what to do."""
        return [(waiver, *self._state(waiver)) for waiver in self.waivers]

    def _state(self, waiver: Waiver) -> tuple[State, str]:
        if waiver.expired(self.today):
            return State.EXPIRED, waiver.expiry_message
        if why := self.refused.get(waiver.id):
            return State.EXCEEDED, f"{waiver.where}: waiver {waiver.id!r} does not cover what failed at {why}"
        if count := self.covered.get(waiver.id):
            return State.USED, f"{waiver.where}: waiver {waiver.id!r} covers {count} until {waiver.expires}: {waiver.reason}"
        if count := self.measured.get(waiver.id):
            return (
                State.STALE,
                f"{waiver.where}: waiver {waiver.id!r} is stale: {count} measured in its scope and nothing failed; remove it",
            )
        return State.IDLE, f"{waiver.where}: waiver {waiver.id!r} was not exercised: nothing in its scope was measured"


def apply(records: Iterable[Record], waivers: Sequence[Waiver], *, today: datetime.date) -> tuple[list[Record], Ledger]:
    """Mark what is waived and take stock of the waivers.

    Parameters
    ----------
    records : iterable of dict
        Measurements; a ``waiver`` that they already carry is judged anew.
    waivers : sequence of Waiver
        As `pytest_specqa.rules.waiver_file.load` reads them.
    today : datetime.date
        Day of the judgement.

    Returns
    -------
    list of dict, Ledger
        The records, failed and warned ones with ``waiver`` and ``waiver_reason`` where they are covered, and the ledger, whose
        `Ledger.states` tells which waivers are expired, stale or exceeded.
    """
    ledger = Ledger(waivers, today)
    marked = []
    for record in records:
        ledger.see(record)
        marked.append(ledger.judge(record))
    return marked, ledger
