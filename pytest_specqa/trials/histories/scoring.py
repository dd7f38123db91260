"""What a search over nights found of what was planted, and what it found besides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.results.history.changes import Change
from pytest_specqa.trials.histories.plants import OUTLIERS, REDSHIFT, Plant
from pytest_specqa.trials.histories.survey import Exposure

_CALLED = {REDSHIFT: ("redshift pile-up", "redshift outliers"), OUTLIERS: ("redshift outliers", "redshift pile-up")}


@dataclass(frozen=True)
class Found:
    """One planted fault, and what was found of it.

    Attributes
    ----------
    plant : Plant
        The fault.
    first, last : int
        Night (YYYYMMDD) of the first and last exposure that it strikes.
    struck : int
        Exposures that it strikes.
    changes : tuple of Change
        What was found there then, the most significant first; empty for a fault that is missed.
    early, late : int or None
        Nights with exposures by which the start and the end of the most significant one come after the true ones (negative:
        before); none for a fault that is missed.
    """

    plant: Plant
    first: int
    last: int
    struck: int
    changes: tuple[Change, ...]
    early: int | None = None
    late: int | None = None


def score(
    plants: Iterable[Plant], changes: Sequence[Change], exposures: Sequence[Exposure], *, seed: int
) -> tuple[list[Found], list[Change]]:
    """Compare what was found with what was planted.

    Parameters
    ----------
    plants : iterable of Plant
        What was planted.
    changes : sequence of Change
        What was found.
    exposures : sequence of Exposure
        All exposures of the survey.
    seed : int
        Of the survey.

    Returns
    -------
    tuple of (list of Found, list of Change)
        Every planted fault with what was found of it; and what was found where nothing was planted: the false alarms.
    """
    nights = sorted({exposure.night for exposure in exposures})
    taken: set[int] = set()
    rows = []
    for plant in plants:
        strength = plant.strength(exposures, seed)
        struck = [exposure.night for exposure, size in zip(exposures, strength, strict=True) if size]
        first, last = (struck[0], struck[-1]) if struck else (0, 0)
        mine = [k for k, change in enumerate(changes) if struck and is_of(change, plant, first, last)]
        taken.update(mine)
        own = tuple(sorted((changes[k] for k in mine), key=lambda change: -change.significance))
        early = late = None
        if own:
            early, late = (
                _place(nights, found) - _place(nights, true) for found, true in ((own[0].first[0], first), (own[0].last[0], last))
            )
        rows.append(Found(plant, first, last, len(struck), own, early, late))
    return rows, [change for k, change in enumerate(changes) if k not in taken]


def _place(nights: Sequence[int], night: int) -> int:
    return int(np.searchsorted(nights, night))


def is_of(change: Change, plant: Plant, first: int, last: int) -> bool:
    """Tell whether a change is what a planted fault shows: the same quantity, place and dates, as far as it names them.

    Parameters
    ----------
    change : Change
        What was found.
    plant : Plant
        What was planted.
    first, last : int
        Nights of the first and last exposure that it strikes.

    Returns
    -------
    bool
        Dates and fibers have to overlap; wavelengths to within a bin of the residual.
    """
    if change.what not in _CALLED.get(plant.what, (plant.what,)) or not (change.first[0] <= last and change.last[0] >= first):
        return False
    if change.camera and plant.what not in (REDSHIFT, OUTLIERS) and change.camera != plant.camera:
        return False
    fibers = plant.fibers or (plant.petal * DESI.fibers, (plant.petal + 1) * DESI.fibers - 1)
    if change.fibers and not (change.fibers[0] <= fibers[1] and change.fibers[1] >= fibers[0]):
        return False
    if plant.what == "residual" and plant.waves and change.waves:
        return change.waves[0] - 70 <= plant.waves[1] and change.waves[1] + 70 >= plant.waves[0]
    return True
