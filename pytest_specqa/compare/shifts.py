"""Whether the redshifts of a class moved together: a median shift with its error, against what the survey asks of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import Instrument
from pytest_specqa.results.comparing.changes import RATE, false_discovery_threshold

LIGHT = 299792.458
"""Speed of light in km/s."""
ROUNDING = 1e-9
"""Errors below this are those of arithmetic: every redshift moved by the same amount."""
ENOUGH = 3.0
"""A shift of the size of the limit must be this many errors, or the class is too small to tell."""


class Moved(StrEnum):
    """What a median shift amounts to."""

    BROKEN = "broken"
    WARNED = "warned"
    STILL = "no shift"
    UNKNOWN = "too few to tell"


@dataclass(frozen=True)
class Allowance:
    """How far the redshifts of a class may move together.

    Attributes
    ----------
    broken, warned : float
        Smallest \\|dz\\| / (1 + z) that breaks, and that is worth a word.
    source : str
        Who says so.
    """

    broken: float
    warned: float
    source: str


GALAXY = Allowance(
    60 / LIGHT,
    10 / LIGHT,
    "DESI science requirement L2.2.3: mean redshifts of LRGs are right to 0.0002 (1 + z), 60 km/s; redrock#103: 10 km/s are seen",
)
QUASAR = Allowance(
    120 / LIGHT,
    10 / LIGHT,
    "DESI science requirements: 0.0004 (1 + z) for quasars, 120 km/s; desispec#2549: 100-150 km/s were an issue of their own",
)
STAR = Allowance(
    18 / LIGHT,
    1 / LIGHT,
    "desisim quickcat: one star is good to 18 km/s; Cooper et al. 2023 (ApJ 947, 37), desispec#2113: velocities are to 1 km/s",
)
ALLOWED: Mapping[str, Allowance] = {"QSO": QUASAR, "STAR": STAR, "MWS": STAR}
"""By SPECTYPE or class of targets; all others as galaxies, BGS too, of which less is asked."""
CLASSES = ("LRG", "ELG", "QSO", "BGS", "MWS")


@dataclass(frozen=True)
class Shift:
    """How the redshifts of one class moved between two productions.

    Attributes
    ----------
    name : str
        SPECTYPE, class of targets or number of the petal.
    kind : str
        ``SPECTYPE`` (the same in both productions), ``targets``, or ``petal`` (its spectra of type GALAXY).
    objects : int
        Those with ZWARN = 0 in both, sky fibers left out.
    moved : int
        Those of them whose redshift is not exactly the same.
    shift, error : float
        Median of dz / (1 + z), after minus before, and its standard error; NaN error with fewer than 3 objects.
    p_value : float
        Chance that as many of the `moved` go one way if both ways are alike.
    significant : bool
        Beyond chance after allowing for the number of classes.
    allowance : Allowance
        What it is held against.
    """

    name: str
    kind: str
    objects: int
    moved: int
    shift: float
    error: float
    p_value: float
    allowance: Allowance
    significant: bool = False

    @property
    def state(self) -> Moved:
        """Broken beyond what is required, warned if it is worth a word, unknown where a shift that breaks could not be seen."""
        size = abs(self.shift)
        if self.significant and size > self.allowance.broken:
            return Moved.BROKEN
        if not ENOUGH * self.error <= self.allowance.broken:
            return Moved.UNKNOWN
        return Moved.WARNED if self.significant and size > self.allowance.warned else Moved.STILL

    @property
    def title(self) -> str:
        """The class in words: ``spectra of type QSO``, ``LRG targets``."""
        words = {
            "SPECTYPE": f"spectra of type {self.name}",
            "targets": f"{self.name} targets",
            "petal": f"galaxies of petal {self.name}",
        }
        return words[self.kind]

    @property
    def change(self) -> str:
        """Shift and error for people: ``+0.0005 ± 1e-05``; an error that is rounding only is none."""
        return f"{self.shift + 0.0:+.2g}" + (f" ± {self.error:.1g}" if self.error > ROUNDING else "")

    @property
    def velocity(self) -> str:
        """The same in km/s: ``+150 ± 3 km/s``."""
        error = f" ± {self.error * LIGHT:.2g}" if self.error > ROUNDING else ""
        return f"{self.shift * LIGHT + 0.0:+.3g}{error} km/s"

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        found = f"{self.title}: median dz/(1+z) {self.change} ({self.velocity}) of {self.objects:,}"
        limit = self.allowance.broken if self.state is Moved.BROKEN else self.allowance.warned
        return f"{found}, beyond {limit:.1g} ({limit * LIGHT:.3g} km/s)" if self.state in (Moved.BROKEN, Moved.WARNED) else found


def median_shifts(columns: Mapping[str, NDArray[Any]], instrument: Instrument, *, rate: float = RATE) -> tuple[Shift, ...]:
    """Find redshifts that moved together, by SPECTYPE, by class of targets and by petal.

    Parameters
    ----------
    columns : mapping of str to array
        ``z_before``, ``z_after``, ``type_before``, ``type_after``, ``clean`` (ZWARN = 0 in both), ``is_sky``, ``fiber`` and
        ``bits`` (DESI_TARGET) of every matched spectrum; rows without a finite redshift count nowhere.
    instrument : Instrument
        Tells the bit of each class of targets, and the fibers of a petal.
    rate : float
        Accepted fraction of false entries among the shifts called significant.

    Returns
    -------
    tuple of Shift
        Those that break first, then those that warn; a class without objects is left out.

    Notes
    -----
    A median, because a few redshifts that jump to another line say nothing of the rest; they are counted elsewhere. Its error is
    half the interval that holds it with a probability of 68 %, from the order statistics of dz / (1 + z), whatever their
    distribution. The chance is that of a sign test over the redshifts that are not the same, with the look-elsewhere effect over
    the classes by the procedure of Benjamini and Hochberg.

    References
    ----------
    Conover, W. J. 1999, Practical Nonparametric Statistics, 3rd ed., sections 3.2 and 3.4.
    """
    old, new = columns["z_before"], columns["z_after"]
    change = (new - old) / (1 + old)
    found = [_shift(name, kind, change[rows]) for (kind, name), rows in _groups(columns, instrument).items() if rows.any()]
    threshold = false_discovery_threshold([one.p_value for one in found], rate=rate)
    found = [replace(one, significant=one.p_value <= threshold) for one in found]
    order = list(Moved)
    return tuple(sorted(found, key=lambda one: (order.index(one.state), one.kind, -abs(one.shift) / one.allowance.broken)))


def _groups(columns: Mapping[str, NDArray[Any]], instrument: Instrument) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Rows of each class; petals by their galaxies, whose redshifts are the surest."""
    finite = np.isfinite(columns["z_before"]) & np.isfinite(columns["z_after"])
    usable = columns["clean"] & ~columns["is_sky"] & finite
    alike = np.where(columns["type_before"] == columns["type_after"], columns["type_before"], "")
    petal = columns["fiber"] // instrument.fibers
    groups = {("SPECTYPE", str(name)): usable & (alike == name) for name in np.unique(alike) if name}
    for name in CLASSES:
        if (bit := instrument.targets.get(name)) is not None:
            groups["targets", name] = usable & ((columns["bits"] >> bit) & 1 > 0)
    for number in np.unique(petal):
        groups["petal", str(number)] = usable & (alike == "GALAXY") & (petal == number)
    return groups


def _shift(name: str, kind: str, change: NDArray[Any]) -> Shift:
    from scipy.stats import binomtest  # noqa: PLC0415

    up, down = int((change > 0).sum()), int((change < 0).sum())
    return Shift(
        name,
        kind,
        objects=len(change),
        moved=up + down,
        shift=float(np.median(change)),
        error=_error_of_median(np.sort(change)),
        p_value=float(binomtest(up, up + down).pvalue) if up + down else 1.0,
        allowance=ALLOWED.get(name, GALAXY),
    )


def _error_of_median(ordered: Sequence[float] | NDArray[Any]) -> float:
    """Half the distance of the order statistics that lie one standard deviation of a binomial count around the middle."""
    count = len(ordered)
    if count < 3:
        return math.nan
    middle, spread = (count - 1) / 2, math.sqrt(count) / 2
    low, high = np.interp([middle - spread, middle + spread], np.arange(count), ordered)
    return float(high - low) / 2
