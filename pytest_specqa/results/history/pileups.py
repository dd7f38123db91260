"""Redshifts of one fiber over many tiles: outliers, pile-ups, and what the stacked residuals of the fiber say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.chances import log_product, sigma_of
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
from pytest_specqa.measures.redshifts.clues import BREAK, GALAXY_LINES, QUASAR_LINES, clue
from pytest_specqa.results.history.changes import Change
from pytest_specqa.results.history.outliers import LOG_TOLD, SERIES, Usual, find_outliers
from pytest_specqa.results.history.stacks import Stack, stacker
from pytest_specqa.results.history.tiles import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_specqa.results.storing.dataset import Store

RATE = 0.02
"""Chance of one or more false findings of all searches of redshifts, over all fibers and dates of a store."""
PILEUP = "redshift pile-up"
SEARCHES = 1 + len(TRACERS)
"""Searches of each fiber for pile-ups: redshifts of each tracer, and lines of all of them."""
LOOKED_UP = 1e-3
"""Chance of a fiber's pile-up from which on its stacked residuals are looked at."""
EDGE = 30.0
"""Angstrom around the 4000 Angstrom break in which what moves it may lie."""
SHARES = {"outliers": 0.4, "pile-ups": 0.4, "joined": 0.2}
"""How the rate is shared among the searches."""


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


def find(store: Store, *, rate: float = RATE) -> list[Change]:
    """Search the redshifts of every fiber of a store for outliers and pile-ups, over all ranges of dates.

    *Outliers* are objects of a class and redshift that together hold the least likely 0.2 % of their tracer, and fits with a
    warning, each against the rate of all fibers on the same tile and how much sound fibers differ. *Pile-ups* are objects at one
    redshift, or with lines at one observed wavelength, in excess of what all fibers have there. A pile-up that is not significant
    alone is looked up in the stacked residuals of its fiber over the same nights, at the wavelengths that would cause it: the two
    chances are independent where there is no fault, and their product is held against its own distribution.

    Parameters
    ----------
    store : Store
        With vectors `redshift`, `spectype`, `zwarn` and `target`; for the join, `residual`.
    rate : float
        Chance of any false finding: 40 % of it for outliers, 40 % for pile-ups, 20 % for the two together, each divided by the
        number of fibers and searches.

    Returns
    -------
    list of Change
        The most significant first; none for a store without redshifts.

    Raises
    ------
    ResultsError
        If vectors are damaged.

    References
    ----------
    desispec issues 1935, 2283, 2295, 2660, 2748-2750, and etc/redshiftqa in its repository.
    """
    petals = load(store)
    fibers = sum(int((objects.tracer >= 0).any(axis=0).sum()) for objects in petals)
    if not fibers:
        return []
    limits = {name: float(np.log(rate * share / fibers)) for name, share in SHARES.items()}
    outliers = find_outliers(petals, Usual.of(petals), log_limit=limits["outliers"] - float(np.log(SERIES)))
    suspects = find_suspects(petals)
    log_alone, log_joined = (limits[name] - float(np.log(SEARCHES)) for name in ("pile-ups", "joined"))
    stacked = stacker(store)
    piles = [_judged(suspect, stacked, log_alone=log_alone, log_joined=log_joined) for suspect in suspects]
    found = _without_doubles([change for change in piles if change is not None])
    return sorted(_crossed([*outliers, *found]), key=lambda change: -change.significance)


def find_suspects(petals: list[Objects]) -> list[Suspect]:
    """Find pile-ups whose chance in their own fiber is at most `LOOKED_UP`."""
    number = np.sum([[np.count_nonzero(o.tracer == each) for each in range(len(TRACERS))] for o in petals], axis=0)
    at_z = np.sum([redshift_counts(objects) for objects in petals], axis=0)
    at_wave = Density.of(first_wave(), np.sum([wave_counts(objects) for objects in petals], axis=0), number)
    found: list[Suspect] = []
    for objects in petals:
        for tracer in range(len(TRACERS)):
            density = Density.of(0.0, at_z[tracer : tracer + 1], number[tracer : tracer + 1])
            found += _suspects(objects, find_clumps(redshift_places(objects, tracer), density), tracer)
        found += _suspects(objects, find_clumps(wave_places(objects), at_wave), -1)
    return found


def _suspects(objects: Objects, clumps: list[Clump | None], tracer: int) -> list[Suspect]:
    number = objects.tracer
    found = []
    for column, clump in enumerate(clumps):
        if clump is None or clump.log_number > np.log(LOOKED_UP):
            continue
        own = np.flatnonzero(number[:, column] >= 0 if tracer < 0 else number[:, column] == tracer)
        rows = own[clump.first : clump.last + 1]
        quasar = objects.spectype[rows, column] == QSO
        if tracer < 0:
            inside = rows
        else:
            x = np.log1p(np.nan_to_num(objects.z[rows, column].astype(float)))
            inside = rows[(x >= clump.low - 1e-6) & (x <= clump.high + 1e-6)]
            quasar = objects.spectype[inside, column] == QSO
        nights = (int(objects.night[rows[0]]), int(objects.night[rows[-1]]))
        tiles = tuple(f"tile {objects.tile[row]} of {objects.night[row]}" for row in inside[:3]) if tracer >= 0 else ()
        later = len(own) - 1 - clump.last
        ongoing = bool(later * clump.objects / clump.seen < 3)
        found.append(Suspect(objects.first + column, clump, tracer, nights, tiles, bool(np.mean(quasar) > 0.5), ongoing))
    return found


def _judged(
    suspect: Suspect, stacked: Callable[[str, int, int], Stack | None], *, log_alone: float, log_joined: float
) -> Change | None:
    """Judge a pile-up alone, and together with the stacked residuals of its fiber."""
    alone = suspect.clump.log_number - log_alone
    log_chance, where = beside(suspect, stacked)
    joined = log_product(suspect.clump.log_number, log_chance, most=LOOKED_UP) - log_joined
    if min(alone, joined) > 0.0:
        return None
    agree = where is not None and (joined <= 0.0 or log_chance <= np.log(0.01))
    return _told(suspect, sigma_of(min(alone, joined) + LOG_TOLD), where if agree else None)


@dataclass(frozen=True)
class Beside:
    """A residual where a pile-up has its line."""

    camera: str
    waves: tuple[float, float]
    line: str
    sigma: float
    exposures: int


def beside(suspect: Suspect, stacked: Callable[[str, int, int], Stack | None]) -> tuple[float, Beside | None]:
    """Look up the stacked residuals of a fiber where they would cause its pile-up.

    Parameters
    ----------
    suspect : Suspect
        The pile-up.
    stacked : callable
        Gives the stack of a camera from one night to another, or None.

    Returns
    -------
    float
        Log of the chance of the rarest residual after all places that were looked at; 0 where there is none.
    Beside or None
        Where it is.
    """
    petal = suspect.fiber // DESI.fibers
    best, where, places = 1.0, None, 0
    for line, waves in suspect.places.items():
        for band, each in DESI.bands.items():
            if waves[1] < each.first or waves[0] > each.last:
                continue
            stack = stacked(f"{band}{petal}", *suspect.nights)
            if stack is None:
                continue
            chance, sigma, bins = stack.rarity(suspect.fiber, waves)
            places += bins > 0
            if bins and chance < best:
                best, where = chance, Beside(f"{band}{petal}", waves, line, sigma, stack.exposures)
    return float(np.log(min(best * max(places, 1), 1.0))), where


def _told(suspect: Suspect, significance: float, where: Beside | None) -> Change:
    """Say what a pile-up is."""
    clump, tracer = suspect.clump, "" if suspect.tracer < 0 else list(TRACERS)[suspect.tracer]
    low, high = float(np.exp(clump.low)), float(np.exp(clump.high))
    if tracer:
        hint, waves = clue(low - 1.0, high - 1.0, quasars=suspect.quasars)
        digits = 2 if high - low > 0.05 else 3 if high - low > 0.002 else 4
        place = f"{tracer} at {low - 1:.{digits}f} < z < {high - 1:.{digits}f}"
    else:
        hint, waves = "", (low, high)
        place = f"objects with a line at {low:.0f}-{high:.0f} A"
    camera = next((band for band, each in DESI.bands.items() if waves and each.first <= np.mean(waves) <= each.last), "")
    part, usual = clump.objects / clump.seen, clump.expected / clump.seen
    examples = f", e.g. {', '.join(suspect.tiles)}" if suspect.tiles else ""
    # A residual at the place says more than a list of lines that do not fit.
    hint = "" if where is not None or hint.startswith("cannot tell") else hint
    detail = f"{clump.objects} of {clump.seen} {place} ({clump.expected:.2f} expected), one object per tile{examples}"
    told = Change(
        what=PILEUP,
        scope="fiber",
        shape="one-off" if suspect.nights[0] == suspect.nights[1] else "step",
        camera=f"{camera}{suspect.fiber // DESI.fibers}" if camera else "",
        fibers=(suspect.fiber, suspect.fiber),
        waves=waves,
        first=(suspect.nights[0], None),
        last=(suspect.nights[1], None),
        ongoing=suspect.ongoing,
        size=100.0 * (part - usual),
        error=100.0 * float(np.sqrt(max(part * (1.0 - part), 1.0 / clump.seen) / clump.seen)),
        unit="%",
        level=100.0 * usual,
        significance=significance,
        bad=clump.objects,
        seen=clump.seen,
        detail=f"{detail}; {hint}" if hint else detail,
        cause="a defect of the detector that fits take for a line",
    )
    if where is None:
        return told
    middle = 0.5 * (where.waves[0] + where.waves[1])
    said = f"residual of {where.sigma:+.1f} sigma at {middle:.0f} A in {where.camera} ({where.line}), {where.exposures} exposures"
    cause = f"a feature of {where.camera} at {middle:.0f} A that fits take for {where.line}"
    return replace(told, camera=where.camera, waves=where.waves, joined=(said,), cause=cause)


def _without_doubles(piles: list[Change]) -> list[Change]:
    """Keep the most significant of pile-ups of one fiber over the same dates: one line makes several."""
    kept: list[Change] = []
    for change in sorted(piles, key=lambda change: -change.significance):
        others = [other for other in kept if other.fibers == change.fibers]
        if all(change.first > other.last or change.last < other.first for other in others):
            kept.append(change)
    return kept


def _crossed(changes: list[Change]) -> list[Change]:
    """Name beside each finding what else the redshifts of the same fiber show over the same dates."""
    return [
        replace(
            change,
            joined=(
                *change.joined,
                *(
                    f"{other.what} {other.first[0]}-{other.last[0]}"
                    for other in changes
                    if other.what != change.what and other.fibers == change.fibers and _overlap(change, other)
                ),
            ),
        )
        for change in changes
    ]


def _overlap(one: Change, other: Change) -> bool:
    return one.first[0] <= other.last[0] and other.first[0] <= one.last[0]
