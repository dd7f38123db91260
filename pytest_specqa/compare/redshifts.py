"""Redshifts of the same targets in two productions: who moved, and how many good ones there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.archive import Archive
from pytest_specqa.compare.shifts import Moved, Shift, median_shifts
from pytest_specqa.errors import ProductError
from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.production import Redshifts
from pytest_specqa.production.layout import HEALPIX
from pytest_specqa.production.redshifts import ANY_PETAL
from pytest_specqa.results.comparing.changes import RATE
from pytest_specqa.results.comparing.compare import Comparison
from pytest_specqa.values import NO_NIGHT, Tile

MOVED = 0.003
"""Smallest \\|dz\\| / (1 + z) that counts as another redshift: 1000 km/s rounded down, as DESI compares productions."""

GOOD: Mapping[str, float] = {"LRG": 15.0, "ELG": 25.0, "QSO": 25.0, "BGS": 40.0, "MWS": 25.0}
"""Smallest DELTACHI2 of a good redshift, by class of target.

LRG after Zhou et al. 2023 (AJ 165, 58), BGS after Hahn et al. 2023 (AJ 165, 253); elsewhere 25, as the nightly pages use, because
the [O II] fluxes and afterburners that ELG and QSO catalogues ask for are not in redrock files. QSO also need SPECTYPE QSO.
"""
OTHER = 25.0


class Place(NamedTuple):
    """One petal of a reduction of a tile, of a night or of one exposure of it, or a pixel of the sky."""

    tile: int
    night: int
    petal: int
    expid: int = 0
    pixel: str = ""

    @property
    def called(self) -> str:
        """What its spectra are of."""
        return f"pixel {self.pixel}" if self.pixel else f"tile {self.tile}"

    def __str__(self) -> str:
        exposure = f", exposure {self.expid}" if self.expid else ""
        return self.called if self.pixel else f"{self.called}, night {self.night}{exposure}, petal {self.petal}"


@dataclass(frozen=True)
class ClassChange:
    """One class of targets in both productions.

    Attributes
    ----------
    targets : int
        Spectra in both.
    good_before, good_after : int
        Good redshifts: ZWARN = 0 and DELTACHI2 above the threshold of the class.
    moved : int
        Spectra with \\|dz\\| / (1 + z) > 0.003, good or not.
    moved_good : int
        The same among spectra that are good in both: catastrophic.
    good_both : int
        Good in both.
    """

    name: str
    targets: int
    good_before: int
    good_after: int
    moved: int
    moved_good: int
    good_both: int

    @property
    def ratio(self) -> float:
        """Ratio n(new) / n(old) of good redshifts; NaN if there were none."""
        return self.good_after / self.good_before if self.good_before else float("nan")

    @property
    def moved_fraction(self) -> float:
        """Fraction of spectra that moved."""
        return self.moved / self.targets if self.targets else float("nan")


@dataclass(frozen=True)
class Move:
    """A redshift that is good in both productions and another one."""

    place: str
    fiber: int
    targetid: int
    before: float
    after: float
    spectype_before: str
    spectype_after: str

    @property
    def tile(self) -> int | None:
        """Number of the tile; ``None`` of a pixel."""
        kind, _, name = self.place.partition(" ")
        return int(name) if kind == "tile" else None


@dataclass(frozen=True)
class RedshiftChanges:
    """All targets of the tile petals and pixels of the sky that both productions have.

    Attributes
    ----------
    classes : tuple of ClassChange
        ``all targets`` first; a target counts in each class it belongs to; sky fibers last and nowhere else.
    moves : tuple of Move
        Catastrophic moves, largest first.
    columns : dict of str to array
        ``place`` (``tile 7951`` or ``pixel main-dark-27247``), ``z_before``, ``z_after``, ``fiber``, ``is_sky``, ``good_before``,
        ``good_after`` of every matched spectrum.
    petals : int
        Number of tile petals or pixels.
    notes : tuple of str
        What could not be compared.
    shifts : tuple of Shift
        How the redshifts of each class moved together, those that break first.
    """

    classes: tuple[ClassChange, ...] = ()
    moves: tuple[Move, ...] = ()
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    petals: int = 0
    notes: tuple[str, ...] = ()
    shifts: tuple[Shift, ...] = ()

    @property
    def broken(self) -> tuple[Shift, ...]:
        """Classes whose redshifts moved by more than the survey allows."""
        return tuple(one for one in self.shifts if one.state is Moved.BROKEN)

    @property
    def warned(self) -> tuple[Shift, ...]:
        """Classes whose redshifts moved by less than that, and by more than chance."""
        return tuple(one for one in self.shifts if one.state is Moved.WARNED)

    @property
    def lines(self) -> list[str]:
        """The numbers as people paste them."""
        found = [
            f"{one.name}: n(new)/n(old) = {one.good_after}/{one.good_before} = {one.ratio:.3f}; "
            f"|dz|/(1+z) > {MOVED}: {one.moved} of {one.targets} ({one.moved_fraction:.2%}), "
            f"{one.moved_good} of the {one.good_both} good in both"
            for one in self.classes
        ]
        told = [f"{one.state}: {one.sentence}" for one in (*self.broken, *self.warned)]
        return [*found, *told, *self.notes]


def verdict(comparison: Comparison, redshifts: RedshiftChanges) -> str:
    """The verdict of the comparison in one sentence; redshifts that moved together break, whatever the checks say."""
    if not redshifts.broken:
        return comparison.sentence
    first, *others = redshifts.broken
    more = f", and {len(others)} other class{'es' * (len(others) > 1)}" if others else ""
    return f"Redshifts shifted: {first.sentence}{more}. Checks: {comparison.sentence[0].lower()}{comparison.sentence[1:]}"


def redshift_changes(
    before: Archive, after: Archive, *, petals: Iterable[Place], group: str, rate: float = RATE
) -> RedshiftChanges:
    """Compare the redshifts of tile petals, or of pixels of the sky.

    Parameters
    ----------
    before, after : Archive
        The two productions.
    petals : iterable of Place
        Which.
    group : str
        Their group; empty for what each production has.
    rate : float
        See `pytest_specqa.compare.shifts.median_shifts`.

    Returns
    -------
    RedshiftChanges
        Empty if there are no common petals; a petal that cannot be read is named in its notes.
    """
    tiles = [{_key(tile): tile for tile in (side.tiles(group=group) if group else side.tiles())} for side in (before, after)]
    parts: list[dict[str, NDArray[Any]]] = []
    notes = []
    for place in sorted(set(petals)):
        key = place._replace(petal=0)
        try:
            old, new = (side.read_redshifts(found[key], place.petal) for side, found in zip((before, after), tiles, strict=True))
        except (ProductError, KeyError) as error:
            notes.append(f"{place}: redshifts not compared: {error}")
            continue
        rows, left_over = _matched(old, new)
        parts.append(rows | {"place": np.full(len(rows["fiber"]), place.called)})
        if left_over:
            notes.append(f"{place}: {left_over} targets are in one production only")
    if not parts:
        return RedshiftChanges(notes=tuple(notes))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return RedshiftChanges(
        classes=tuple(_by_class(columns, after.instrument)),
        moves=tuple(_moves(columns)),
        columns=columns,
        petals=len(parts),
        notes=tuple(notes),
        shifts=median_shifts(columns, after.instrument, rate=rate),
    )


def _key(tile: Tile) -> Place:
    if tile.group == HEALPIX:
        return Place(0, NO_NIGHT, 0, pixel=tile.suffix)
    return Place(tile.tile, tile.night, 0, expid=tile.expid or 0)


def _matched(old: Redshifts, new: Redshifts) -> tuple[dict[str, NDArray[Any]], int]:
    """Columns of the targets in both, matched by TARGETID and FIBER, and the number of those in one only.

    A target of a pixel is on many fibers, of which another may be that of most exposures in another production.
    """
    fibers = [one.fiber.astype("i8") * (one.petal != ANY_PETAL) for one in (old, new)]
    keys = [np.rec.fromarrays([one["TARGETID"].astype("i8"), fiber]) for one, fiber in zip((old, new), fibers, strict=True)]
    _, first, second = np.intersect1d(keys[0], keys[1], assume_unique=False, return_indices=True)
    bits = _targets(new)[second]
    columns = {"fiber": new.fiber[second], "is_sky": new.is_sky[second], "bits": bits, "targetid": new["TARGETID"][second]}
    columns["clean"] = (old["ZWARN"][first] == 0) & (new["ZWARN"][second] == 0)
    for name, side, rows in (("before", old, first), ("after", new, second)):
        columns[f"z_{name}"] = side["Z"][rows]
        columns[f"type_{name}"] = np.char.strip(side["SPECTYPE"][rows].astype("U16"))
        columns[f"good_{name}"] = good(
            side["ZWARN"][rows],
            side["DELTACHI2"][rows],
            spectype=columns[f"type_{name}"],
            bits=bits,
            instrument=side.instrument,
        )
    return columns, len(old) + len(new) - 2 * len(first)


def _targets(side: Redshifts) -> NDArray[Any]:
    """DESI_TARGET of each row, from survey validation's columns where the main one says nothing."""
    names = [name for name in side.fibermap.columns if name.endswith("DESI_TARGET")]
    found: NDArray[Any] = np.zeros(len(side), dtype="i8")
    for name in sorted(names, key=len):
        found = np.where(found == 0, side.fibermap[name].astype("i8"), found)
    return found


def good(
    zwarn: NDArray[Any], deltachi2: NDArray[Any], *, spectype: NDArray[Any], bits: NDArray[Any], instrument: Instrument = DESI
) -> NDArray[np.bool_]:
    """Tell which redshifts are good by the criterion of their class; a target of several classes by any of them."""
    chosen = np.zeros(len(zwarn), dtype=bool)
    classed = np.zeros(len(zwarn), dtype=bool)
    for name, threshold in GOOD.items():
        member = _member(bits, name, instrument)
        classed |= member
        chosen |= member & (deltachi2 > threshold) & ((spectype == "QSO") | (name != "QSO"))
    chosen |= ~classed & (deltachi2 > OTHER)
    return np.asarray(chosen & (zwarn == 0))


def _member(bits: NDArray[Any], name: str, instrument: Instrument) -> NDArray[np.bool_]:
    """Tell which targets are of a class; none where the survey has no such class."""
    bit = instrument.targets.get(name)
    return np.zeros(len(bits), dtype=bool) if bit is None else np.asarray((bits >> bit) & 1 > 0)


def moved(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which redshifts differ by more than `MOVED` in units of 1 + z."""
    return np.asarray(np.abs(after - before) / (1 + before) > MOVED)


def _by_class(columns: Mapping[str, NDArray[Any]], instrument: Instrument) -> list[ClassChange]:
    target = ~columns["is_sky"]
    members = {"all targets": target}
    members |= {name: target & _member(columns["bits"], name, instrument) for name in GOOD}
    members["sky fibers"] = columns["is_sky"]
    both = columns["good_before"] & columns["good_after"]
    changed = moved(columns["z_before"], columns["z_after"])
    return [
        ClassChange(
            name,
            targets=int(own.sum()),
            good_before=int((own & columns["good_before"]).sum()),
            good_after=int((own & columns["good_after"]).sum()),
            moved=int((own & changed).sum()),
            moved_good=int((own & changed & both).sum()),
            good_both=int((own & both).sum()),
        )
        for name, own in members.items()
        if own.any()
    ]


def _moves(columns: Mapping[str, NDArray[Any]]) -> list[Move]:
    rows = np.flatnonzero(
        moved(columns["z_before"], columns["z_after"]) & columns["good_before"] & columns["good_after"] & ~columns["is_sky"]
    )
    size = np.abs(columns["z_after"] - columns["z_before"])[rows]
    return [
        Move(
            place=str(columns["place"][row]),
            fiber=int(columns["fiber"][row]),
            targetid=int(columns["targetid"][row]),
            before=float(columns["z_before"][row]),
            after=float(columns["z_after"][row]),
            spectype_before=str(columns["type_before"][row]),
            spectype_after=str(columns["type_after"][row]),
        )
        for row in rows[np.argsort(-size)]
    ]
