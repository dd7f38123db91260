"""What the redshifts of a fiber say of a change of its residuals: whether lines of its objects crowd where that lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from scipy.special import pdtrc

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.clumps import Density, Places, expected_share
from pytest_specqa.measures.history.objects import Objects, wave_places
from pytest_specqa.measures.redshifts.scan import SHAPE_ERROR
from pytest_specqa.results.history.changes import Change

AGREED = 0.01
"""Chance, after all fibers that were looked up, from which on redshifts are named beside a change of residuals: that is known
already, and a hundredth of those without effect may be named in vain."""
MOST_FIBERS = 25
"""Fibers of a change that are looked up one by one."""
WHAT = "residual"


def with_redshifts(changes: Iterable[Change], petals: list[Objects], lines: Density) -> list[Change]:
    """Name beside changes of residuals how many objects of the same fiber have a line there over the same nights.

    Parameters
    ----------
    changes : iterable of Change
        Any; only those of residuals of up to `MOST_FIBERS` fibers, at known wavelengths, are looked up.
    petals : list of Objects
        Redshifts of the same nights.
    lines : Density
        How often lines lie at each wavelength, over all fibers.

    Returns
    -------
    list of Change
        The same changes in the same order.
    """
    listed = list(changes)
    looked_up = {number: _fibers(change) for number, change in enumerate(listed) if _is_looked_up(change)}
    trials = max(sum(map(len, looked_up.values())), 1)
    for objects in petals:
        own = range(objects.first, objects.first + objects.z.shape[1])
        those = {number: [fiber for fiber in fibers if fiber in own] for number, fibers in looked_up.items()}
        if not any(those.values()):
            continue
        places = wave_places(objects)
        for number, fibers in those.items():
            said = [
                phrase
                for fiber in fibers
                if (phrase := _phrase(listed[number], objects, places, lines, fiber=fiber, trials=trials))
            ]
            if said:
                listed[number] = replace(listed[number], joined=(*listed[number].joined, *said))
    return listed


def _is_looked_up(change: Change) -> bool:
    return change.what == WHAT and change.waves is not None and 0 < len(_fibers(change)) <= MOST_FIBERS


def _fibers(change: Change) -> range:
    return range(0) if change.fibers is None else range(change.fibers[0], min(change.fibers[1] + 1, DESI.all_fibers))


def _phrase(change: Change, objects: Objects, places: Places, lines: Density, *, fiber: int, trials: int) -> str:
    """Say how many objects have a line in the range of a change, if those are too many for chance; else nothing."""
    column = fiber - objects.first
    # Objects of this fiber by date: those that the places are numbered by.
    nights = objects.night[objects.tracer[:, column] >= 0]
    begin, end = np.searchsorted(nights, change.first[0]), np.searchsorted(nights, change.last[0], side="right")
    low, high = np.log(change.waves or (1.0, 1.0))
    rows = slice(int(places.starts[column]), int(places.starts[column + 1]))
    inside = (places.place[rows] >= low) & (places.place[rows] < high) & (places.order[rows] >= begin) & (places.order[rows] < end)
    count, base = int(np.count_nonzero(inside)), int(places.seen_starts[column])
    if count < 2:
        return ""
    seen = places.seen[base + end] - places.seen[base + begin]
    shares = [expected_share(kind, low, high - low, 0.0, lines.first, lines.reached, lines.objects) for kind in range(len(seen))]
    expected = float(seen @ np.array(shares))
    if trials * pdtrc(count - 1, expected * (1.0 + SHAPE_ERROR)) > AGREED:
        return ""
    where = f"{np.exp(low):.0f}-{np.exp(high):.0f} A"
    return f"{count} of {int(end - begin)} objects of fiber {fiber} with a line at {where} ({expected:.1f} expected)"
