"""Fibers that have more objects at one redshift or wavelength than chance explains well, before they are judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.clumps import Clump, Density, find_clumps
from pytest_specqa.measures.history.objects import (
    QSO,
    TRACERS,
    Objects,
    first_wave,
    redshift_counts,
    redshift_places,
    wave_counts,
    wave_places,
)
from pytest_specqa.measures.redshifts.clues import BREAK, GALAXY_LINES, QUASAR_LINES

SEARCHES = 1 + len(TRACERS)
"""Searches of each fiber for pile-ups: redshifts of each tracer, and lines of all of them."""
LOOKED_UP = 1e-3
"""Chance of a fiber's pile-up from which on its stacked residuals are looked at."""
EDGE = 30.0
"""Angstrom around the 4000 Angstrom break in which what moves it may lie."""


@dataclass(frozen=True)
class Suspect:
    """The least likely pile-up of one search of one fiber.

    Attributes
    ----------
    fiber : int
        FIBER.
    clump : Clump
        What was found.
    tracer : int
        Number of the tracer; -1 where lines of all were searched.
    nights : tuple of int
        Of the first and last object.
    tiles : tuple of str
        Where some of those inside were seen.
    quasars : bool
        Whether most are fitted as quasars.
    ongoing : bool
        Whether too few objects were seen since for it to be over.
    """

    fiber: int
    clump: Clump
    tracer: int
    nights: tuple[int, int]
    tiles: tuple[str, ...]
    quasars: bool
    ongoing: bool

    @property
    def places(self) -> dict[str, tuple[float, float]]:
        """Wavelengths in Angstrom at which something would make such a pile-up, by the line that it is taken for."""
        low, high = float(np.exp(self.clump.low)), float(np.exp(self.clump.high))
        if self.tracer < 0:
            return {"a line": (low, high)}
        first, *_, last = DESI.bands.values()
        found = {}
        for name, rest in (QUASAR_LINES if self.quasars else GALAXY_LINES).items():
            wide = EDGE if name == BREAK else 0.0
            waves = (rest * low - wide, rest * high + wide)
            if first.first <= waves[0] and waves[1] <= last.last:
                found[name] = waves
        return found


def line_density(petals: list[Objects]) -> Density:
    """How often lines of objects lie at each observed wavelength, over all fibers."""
    number = np.sum([[np.count_nonzero(o.tracer == each) for each in range(len(TRACERS))] for o in petals], axis=0)
    return Density.of(first_wave(), np.sum([wave_counts(objects) for objects in petals], axis=0), number)


def find_suspects(petals: list[Objects], lines: Density) -> list[Suspect]:
    """Find pile-ups whose chance in their own fiber is at most `LOOKED_UP`."""
    at_z = np.sum([redshift_counts(objects) for objects in petals], axis=0)
    found: list[Suspect] = []
    for objects in petals:
        for tracer in range(len(TRACERS)):
            density = Density.of(0.0, at_z[tracer : tracer + 1], lines.objects[tracer : tracer + 1])
            found += _suspects(objects, find_clumps(redshift_places(objects, tracer), density), tracer)
        found += _suspects(objects, find_clumps(wave_places(objects), lines), -1)
    return found


def _suspects(objects: Objects, clumps: list[Clump | None], tracer: int) -> list[Suspect]:
    number = objects.tracer
    found = []
    for column, clump in enumerate(clumps):
        if clump is None or clump.log_number > np.log(LOOKED_UP):
            continue
        own = np.flatnonzero(number[:, column] >= 0 if tracer < 0 else number[:, column] == tracer)
        rows = own[clump.first : clump.last + 1]
        inside = rows
        if tracer >= 0:
            x = np.log1p(np.nan_to_num(objects.z[rows, column].astype(float)))
            inside = rows[(x >= clump.low - 1e-6) & (x <= clump.high + 1e-6)]
        quasar = objects.spectype[inside, column] == QSO
        nights = (int(objects.night[rows[0]]), int(objects.night[rows[-1]]))
        tiles = tuple(f"tile {objects.tile[row]} of {objects.night[row]}" for row in inside[:3]) if tracer >= 0 else ()
        later = len(own) - 1 - clump.last
        ongoing = bool(later * clump.objects / clump.seen < 3)
        found.append(Suspect(objects.first + column, clump, tracer, nights, tiles, bool(np.mean(quasar) > 0.5), ongoing))
    return found
