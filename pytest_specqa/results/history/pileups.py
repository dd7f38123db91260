"""Redshifts of one fiber over many tiles: outliers, pile-ups, and what the stacked residuals of the fiber say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.chances import log_product
from pytest_specqa.measures.history.objects import TRACERS, Objects
from pytest_specqa.measures.redshifts.clues import clue
from pytest_specqa.results.history.agreeing import with_redshifts
from pytest_specqa.results.history.changes import Change, apart, overlap
from pytest_specqa.results.history.found import Tally
from pytest_specqa.results.history.outliers import SERIES, Bar, Usual, find_outliers
from pytest_specqa.results.history.stacks import Stacked, stacker
from pytest_specqa.results.history.suspects import LOOKED_UP, SEARCHES, Suspect, find_suspects, line_density
from pytest_specqa.results.history.tiles import load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_specqa.results.storing.dataset import Store

RATE = 0.02
"""Chance of any false finding of all searches of redshifts, over all fibers and dates of `PER` clean nights."""
PER = 1000
PILEUP = "redshift pile-up"
SHARES = {"outliers": 0.4, "pile-ups": 0.4, "joined": 0.2}
"""How the rate is shared among the searches."""


def find(
    store: Store,
    *,
    nights: Iterable[int] | None = None,
    camera: str | None = None,
    rate: float = RATE,
    residuals: Iterable[Change] = (),
    tally: Tally | None = None,
) -> list[Change]:
    """Search the redshifts of every fiber of a store for outliers and pile-ups, over all ranges of dates.

    *Outliers* are objects of a class and redshift that their tracer hardly has, and fits with a warning, each against the rate
    of all fibers on the same tile and how much sound fibers differ. *Pile-ups* are objects at one redshift, or with lines at
    one observed wavelength, in excess of what all fibers have there. A pile-up that is not significant alone is looked up in
    the stacked residuals of its fiber over the same nights, at the wavelengths that would cause it: the two chances are
    independent where there is no fault, and their product is held against its own distribution.

    Parameters
    ----------
    store : Store
        With vectors `redshift`, `spectype`, `zwarn` and `target`; for the join, `residual`.
    nights : iterable of int, optional
        Nights to search, each YYYYMMDD; by default all.
    camera : str, optional
        Search the petal of this camera only.
    rate : float
        Chance of any false finding in 1,000 clean nights, and in proportion for fewer: 40 % of it for outliers, 40 % for
        pile-ups, 20 % for pile-ups together with residuals, each divided by the number of fibers and searches.
    residuals : iterable of Change
        What else is known of the same nights, such as changes of the stacked residuals.
    tally : Tally, optional
        Gets what was searched: series, and the ranges of dates that the objects of each have.

    Returns
    -------
    list of Change
        The most significant first: what was found, and `residuals`, those named beside which redshifts show the same.

    Raises
    ------
    ResultsError
        If vectors are damaged.

    References
    ----------
    desispec issues 1935, 2283, 2295, 2660, 2748-2750, and etc/redshiftqa in its repository.
    """
    chosen = store.nights if nights is None else sorted(nights)
    petals = load(store, chosen, petal=None if camera is None else DESI.camera(camera).petal)
    fibers = sum(int((objects.tracer >= 0).any(axis=0).sum()) for objects in petals)
    if not fibers:
        return list(residuals)
    if tally is not None:
        tally.add("redshifts", series=fibers * (SERIES + SEARCHES), ranges=_ranges(petals))
    whole = float(np.log(rate * len(chosen) / PER))
    searches = {"outliers": SERIES, "pile-ups": SEARCHES, "joined": SEARCHES}
    bars = {name: Bar(whole + float(np.log(share / searches[name] / fibers)), whole) for name, share in SHARES.items()}
    outliers = find_outliers(petals, Usual.of(petals), bar=bars["outliers"])
    stacked = stacker(store, chosen)
    lines = line_density(petals)
    piles = [_judged(suspect, stacked, alone=bars["pile-ups"], joined=bars["joined"]) for suspect in find_suspects(petals, lines)]
    # One line makes several pile-ups of a fiber.
    found = apart(change for change in piles if change is not None)
    known = with_redshifts(residuals, petals, lines)
    return sorted([*_crossed([*outliers, *found]), *known], key=lambda change: -change.significance)


def _ranges(petals: list[Objects]) -> int:
    """Count the ranges of dates of all searches: each is of all objects of a fiber, and of those of each tracer."""
    searches = (SERIES + SEARCHES) // (1 + len(TRACERS))
    every = [(objects.tracer == number).sum(axis=0) for objects in petals for number in range(len(TRACERS))]
    every += [(objects.tracer >= 0).sum(axis=0) for objects in petals]
    return searches * int(sum((of * (of - 1) // 2).sum() for of in every))


def _judged(suspect: Suspect, stacked: Stacked, *, alone: Bar, joined: Bar) -> Change | None:
    """Judge a pile-up alone, and together with the stacked residuals of its fiber."""
    log_number = suspect.clump.log_number
    log_chance, where = beside(suspect, stacked)
    log_both = log_product(log_number, log_chance, most=LOOKED_UP)
    if log_number > alone.one and log_both > joined.one:
        return None
    significance = max(alone.sigma(log_number), joined.sigma(log_both))
    return _told(suspect, significance, where if log_both <= joined.one or log_chance <= np.log(0.01) else None)


@dataclass(frozen=True)
class Beside:
    """A residual where a pile-up has its line."""

    camera: str
    waves: tuple[float, float]
    line: str
    sigma: float
    exposures: int


def beside(suspect: Suspect, stacked: Stacked) -> tuple[float, Beside | None]:
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
                    if other.what != change.what and other.fibers == change.fibers and overlap(change, other)
                ),
            ),
        )
        for change in changes
    ]
