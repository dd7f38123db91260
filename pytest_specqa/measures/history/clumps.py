"""Objects of one fiber that share one redshift, or one wavelength of a line, over a range of dates.

Every tile puts another object on a fiber, at the redshift that it has. A defect of the detector that looks like a line gives some
of them the same one: one object per tile, so that no test of a tile can see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.history.chances import crossing, log_tail, log_weights
from pytest_specqa.measures.redshifts.scan import SHAPE_ERROR
from pytest_specqa.measures.statistics import Floats, Ints

BIN = 1e-4
"""Bin in which the places of all fibers are counted, in ln(1+z) or ln(wavelength): 30 km/s."""
WIDTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
"""Widths of the windows: from what the fit to one line of the detector scatters by, to a feature of 86 Angstrom at 8600."""
SMOOTH = 100
"""Bins on either side over which the smooth density is averaged."""
FEWEST = 4
"""Fewest objects that make a pile-up."""
OFFSETS = np.array(
    [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024]
)
"""How many objects before and after one a range of dates may begin and end, in the first pass."""
CLOSER = -2.0
"""Log of the expected number below which a window is searched again over all ranges of dates."""
OVERLAP = 0.3
"""Part of the bound that windows of five widths, one inside the other, come to: simulations of clean fibers with 20-1,500
objects gave 0.01-0.10 of it, at rates from 1 to 1e-3 per series."""
SIGMAS = 4.0
"""Excess in Poisson sigmas below which the chance of a window is not worked out."""


Ways = tuple[float, Floats]
"""Relative variance of what a sound fiber has, and the weights that `log_tail` needs for it."""


@dataclass(frozen=True, eq=False)
class Density:
    """How often places are taken, over all fibers.

    Attributes
    ----------
    first : float
        Lower end of the first bin.
    reached : ndarray, shape (n_kind, n_bin + 1)
        Places below each edge, by kind of object.
    objects : ndarray, shape (n_kind,)
        Number of objects of each kind, with or without a place.
    """

    first: float
    reached: Floats
    objects: Floats

    @classmethod
    def of(cls, first: float, counts: Floats, objects: Floats) -> Density:
        """Take it from counts, shape (n_kind, n_bin)."""
        reached = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
        return cls(first, reached, np.asarray(objects, dtype=float))


class Places(NamedTuple):
    """Places of the objects of some series, sorted by series and place.

    Attributes
    ----------
    starts : ndarray of int, shape (n_series + 1,)
        Where each series begins.
    place : ndarray, shape (n,)
        ln(1+z) or ln(wavelength).
    order : ndarray of int, shape (n,)
        Number of the object in its series, by date.
    seen_starts : ndarray of int, shape (n_series + 1,)
        Where each series begins in `seen`.
    seen : ndarray, shape (n_seen, n_kind)
        Objects of each kind in the series before this one: a row per object by date, and one more.
    """

    starts: Ints
    place: Floats
    order: Ints
    seen_starts: Ints
    seen: Floats


class Clump(NamedTuple):
    """The least likely window of one series.

    Attributes
    ----------
    low, high : float
        Range of places.
    first, last : int
        Numbers in the series, by date, of the first and last object.
    objects : int
        How many are inside.
    expected : float
        How many of the objects from first to last a fiber without fault has there.
    seen : int
        Objects of the series from the first to the last.
    log_number : float
        Natural logarithm of the expected number of such windows, or less likely ones, in this series without fault.
    """

    low: float
    high: float
    first: int
    last: int
    objects: int
    expected: float
    seen: int
    log_number: float


def expected_share(kind: int, low: float, width: float, own: float, first: float, reached: Floats, objects: Floats) -> float:
    """Part of the objects of a kind that lie in a window, as others have it: at the window itself, or around it if that is more."""
    bins = reached.shape[1] - 1
    here = int((low - first) / BIN)
    span = max(int(np.ceil(width / BIN)), 1)
    begin, end = max(here, 0), min(here + span + 1, bins)
    if objects[kind] <= 0 or begin >= bins or end <= 0:
        return 0.0
    wide_begin, wide_end = max(here - SMOOTH, 0), min(here + span + SMOOTH, bins)
    around = (reached[kind, wide_end] - reached[kind, wide_begin]) / (wide_end - wide_begin) * width / BIN
    inside = max((reached[kind, end] - reached[kind, begin]) * width / ((end - begin) * BIN) - own, 0.0)
    return float(max(inside + np.sqrt(inside), around) / objects[kind])


_share = compiled(expected_share)


def _sort_dates(members: Ints, order: Ints) -> None:
    """Copy the dates of a few objects in order; there are hundreds of millions of windows, of four or five objects each."""
    for k in range(len(order)):
        here, at = order[k], k
        while at > 0 and members[at - 1] > here:
            members[at] = members[at - 1]
            at -= 1
        members[at] = here


_sorted = compiled(_sort_dates)


def _count_usual(usual: Floats, members: Ints, share: Floats, seen: Floats) -> None:
    """Write how many objects a sound fiber has in a window before each member, and with it."""
    for k in range(len(members)):
        before, after = 0.0, 0.0
        for kind in range(len(share)):
            before += share[kind] * seen[members[k], kind]
            after += share[kind] * seen[members[k] + 1, kind]
        usual[0, k], usual[1, k] = before, after


_usual = compiled(_count_usual)


def _least_of_dates(
    best: Floats, members: Ints, usual: Floats, begin: tuple[int, float, float, float], offsets: Ints, ways: Ways
) -> None:
    """Try the ranges of dates of one window around its first object; `best` is replaced by what is less likely.

    `members` are the numbers of its objects by date, `usual` what `_count_usual` wrote, and `begin` the number of its first object,
    its place, its width, and how many objects a sound fiber has in it over all dates.
    """
    anchor, low, width, every = begin
    spread, weights = ways
    here = np.searchsorted(members, anchor)
    for back in offsets:
        i = here - back
        if i < 0:
            break
        # Where the first by place is not the first by date, both are given, and there are so many such pairs.
        given = 0 if back == 0 else 1
        for on in offsets:
            j = here + on
            if j >= len(members):
                break
            mean, others = usual[1, j] - usual[0, i], j - i - given
            if j - i + 1 < FEWEST or others <= mean or (others - mean) ** 2 < SIGMAS**2 * mean:
                continue
            chance = log_tail(others, mean, spread, weights) + (np.log(every + 1e-300) if given else 0.0)
            if chance < best[0]:
                best[0], best[1], best[2], best[3] = chance, low, width, members[i]
                best[4], best[5], best[6] = members[j], j - i + 1.0, mean


_dates = compiled(_least_of_dates)


def _least_clumps(places: Places, density: tuple[float, Floats, Floats], offsets: Ints, widths: Floats, ways: Ways) -> Floats:
    """Find the least likely window of each series; see `find_clumps`."""
    starts, place, order, seen_starts, seen = places
    first, reached, objects = density
    best, share = np.zeros((len(starts) - 1, 7)), np.zeros(len(objects))
    members, usual = np.zeros(len(order), np.int64), np.zeros((2, len(order)))
    for series in range(len(best)):
        end, own_seen = starts[series + 1], seen[seen_starts[series] : seen_starts[series + 1]]
        amount = own_seen[-1]
        for width in widths:
            high = starts[series]
            for a in range(starts[series], end):
                while high < end and place[high] < place[a] + width:
                    high += 1
                total, every = high - a, 0.0
                if total < FEWEST:
                    continue
                for kind in range(len(objects)):
                    own = total * amount[kind] / own_seen.shape[0]
                    share[kind] = _share(kind, place[a], width, own, first, reached, objects)
                    every += share[kind] * amount[kind]
                _sorted(members[:total], order[a:high])
                _usual(usual, members[:total], share, own_seen)
                _dates(best[series], members[:total], usual, (order[a], place[a], width, every), offsets, ways)
    return best


_least = compiled(_least_clumps)


def find_clumps(places: Places, density: Density) -> list[Clump | None]:
    """Find the window of places and dates of each series that holds more objects than any that chance explains.

    *Statistic*: the chance of so many others beside the object with the lowest place and the one with the first date, over windows
    of all `WIDTHS` that begin at an object and all ranges of dates that begin and end with one. *Null distribution*: negative
    binomial about the objects seen in these dates times the part that all other fibers have in the window, or around it where that
    is more, with a shape error of 20 %. The number of windows enters by the expected number of pairs that begin one, for every
    width, and the exact number of ends (`chances.crossing`).
    *Blind to*: fewer than four objects, features wider than 1 % of the wavelength, and what all fibers share.

    Parameters
    ----------
    places : Places
        What to search.
    density : Density
        What all fibers have.

    Returns
    -------
    list of Clump or None
        One for each series.

    References
    ----------
    desispec issues 1935, 2660, 2748-2750.
    """
    found = _found(places, density, OFFSETS)
    for series, clump in enumerate(found):
        if clump is not None and clump.log_number < CLOSER:
            one = _series(places, series)
            found[series] = _found(one, density, np.arange(len(one.place)))[0]
    return found


def _found(places: Places, density: Density, offsets: Ints) -> list[Clump | None]:
    spread = SHAPE_ERROR**2
    ways = spread, log_weights(spread)
    best = _least(places, (density.first, density.reached, density.objects), offsets, np.array(WIDTHS), ways)
    found: list[Clump | None] = []
    for series, (log_p, low, width, first, last, count, mean) in enumerate(best.tolist()):
        if log_p >= 0.0:
            found.append(None)
            continue
        number = float(places.starts[series + 1] - places.starts[series])
        trials = OVERLAP * 2.0 * len(WIDTHS) * number * crossing(log_p, max(5.0 * mean, 1.0))
        seen = int(last) - int(first) + 1
        high = _highest(places, series, low=low, width=width, first=int(first), last=int(last))
        found.append(Clump(low, high, int(first), int(last), int(count), mean, seen, float(log_p + np.log(trials))))
    return found


def _series(places: Places, series: int) -> Places:
    """Places of one series alone."""
    begin, end = places.starts[series], places.starts[series + 1]
    low, high = places.seen_starts[series], places.seen_starts[series + 1]
    starts, seen_starts = np.array([0, end - begin]), np.array([0, high - low])
    return Places(starts, places.place[begin:end], places.order[begin:end], seen_starts, places.seen[low:high])


def _highest(places: Places, series: int, *, low: float, width: float, first: int, last: int) -> float:
    """Place of the last object inside: the window may be wider than what it holds."""
    rows = slice(int(places.starts[series]), int(places.starts[series + 1]))
    place, order = places.place[rows], places.order[rows]
    inside = (place >= low) & (place < low + width) & (order >= first) & (order <= last)
    return float(place[inside].max())
