"""Nights with planted faults: what the triage is tried on, one tile with its neighbours, judged as a run would judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_specqa.demo.faults import FAULTS, Fault
from pytest_specqa.demo.story import EXPOSURES, exposures_of
from pytest_specqa.instrument import DESI
from pytest_specqa.trials.fixtures import TILE
from pytest_specqa.trials.scenes import WHOLE_EXPOSURES
from pytest_specqa.values import Record

EXPIDS = tuple(exposure.expid for exposure in EXPOSURES)
OF_TILE = tuple(exposure.expid for exposure in exposures_of(TILE))
"""Exposures of the tile whose redshifts are judged; the others are its neighbours on the night."""
_ONE_PATCH = ("scattered_light",)
"""Faults of whole exposures that are planted in one petal: a bright star lights one patch of the focal plane."""


@dataclass(frozen=True)
class Plant:
    """One fault of a night.

    Attributes
    ----------
    fault : str
        Name in the library.
    size : float
        In units of the reported size.
    petals : tuple of int
        Petals that it strikes.
    expids : tuple of int
        Exposures whose cameras it strikes; empty for one that acts on redshifts only.
    redshifts : bool
        Whether it acts on the redshifts of its petals too.
    """

    fault: str
    size: float
    petals: tuple[int, ...]
    expids: tuple[int, ...] = ()
    redshifts: bool = False

    @property
    def amplitude(self) -> float:
        """In the unit of the fault."""
        return self.size * FAULTS[self.fault].amplitude

    @property
    def key(self) -> str:
        """Identity in a results file."""
        return f"{self.fault}*{self.size:g}@{'.'.join(map(str, self.petals))}"


@dataclass(frozen=True)
class Night:
    """A night of one band: four exposures of ten cameras, and the redshifts of one tile.

    Attributes
    ----------
    seed : int
        Makes sky, targets and instrument what they are; nights of one seed differ by their faults only.
    band : str
        ``b``, ``r`` or ``z``.
    plants : tuple of Plant
        What is wrong; nothing in a clean night.
    """

    seed: int
    band: str
    plants: tuple[Plant, ...] = ()

    @property
    def key(self) -> str:
        """Identity in a results file."""
        return "/".join([f"{self.seed}", self.band, *(plant.key for plant in self.plants)])


@dataclass(frozen=True)
class Planted:
    """Where a fault acted on one camera or petal: its name, FIBER ranges, and wavelengths in Angstrom (none for redshifts)."""

    fault: str
    unit: str
    fibers: tuple[tuple[int, int], ...]
    waves: tuple[float, float] | None = None


@dataclass(frozen=True)
class Judged:
    """What became of the units of a night that a fault strikes, or of all units of a clean night.

    Attributes
    ----------
    night : Night
        What was simulated.
    records : list of Record
        Everything that was judged; what passed without its texts.
    planted : tuple of Planted
        Where the faults acted.
    """

    night: Night
    records: list[Record]
    planted: tuple[Planted, ...] = ()

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Judged:
        """Make it of a line of a results file."""
        night = line["night"]
        plants = tuple(
            Plant(**{**plant, "petals": tuple(plant["petals"]), "expids": tuple(plant["expids"])}) for plant in night["plants"]
        )
        planted = tuple(
            Planted(
                **{
                    **place,
                    "fibers": tuple((low, high) for low, high in place["fibers"]),
                    "waves": place["waves"] and (*place["waves"],),
                }
            )
            for place in line["planted"]
        )
        return cls(Night(night["seed"], night["band"], plants), line["records"], planted)


def planted_in(fault: Fault, *, size: float, seed: int, petal: int | None = None) -> Plant:
    """Draw where a fault strikes a night.

    Parameters
    ----------
    fault : Fault
        Of the library.
    size : float
        In units of the reported size.
    seed : int
        Of the night.
    petal : int, optional
        The petal that it strikes; drawn if not given.

    Returns
    -------
    Plant
        What lasts strikes every exposure of the night, as do flats; what acts on redshifts too strikes the exposures of the tile;
        else one exposure is struck. `WHOLE_EXPOSURES` strike all petals, others one.
    """
    rng = np.random.default_rng([seed, *fault.name.encode()])
    drawn, one = int(rng.integers(DESI.spectrographs)), int(rng.choice(EXPIDS))
    whole = fault.name in WHOLE_EXPOSURES and fault.name not in _ONE_PATCH
    expids = EXPIDS if _lasts(fault) else OF_TILE if fault.redshifts else (one,)
    return Plant(
        fault.name,
        size,
        petals=tuple(DESI.petals) if whole else (drawn if petal is None else petal,),
        expids=expids if fault.camera else (),
        redshifts=fault.redshifts is not None,
    )


def _lasts(fault: Fault) -> bool:
    return fault.persistent or fault.product == "fiberflat"


def together(night: Judged, clean: Mapping[str, Judged]) -> list[Record]:
    """Put the units that a fault strikes among the clean units of the same night.

    Parameters
    ----------
    night : Judged
        With faults.
    clean : mapping of str to Judged
        Clean nights of the same seed by band. Of the other bands the cameras count: exposures and tile are judged in one band.

    Returns
    -------
    list of Record
        Every unit of the night once.
    """
    struck = {(record["unit"], record["expectation"]) for record in night.records}
    own, beside = clean[night.night.band], [each for band, each in clean.items() if band != night.night.band]
    others = [record for each in beside for record in each.records if record["kind"] == "camera"]
    kept = [record for record in own.records if (record["unit"], record["expectation"]) not in struck]
    return [*kept, *others, *night.records]
