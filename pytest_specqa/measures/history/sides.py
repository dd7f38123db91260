"""Which part of a series is the one that is off: a change has two sides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pytest_specqa.measures.history.search import SCRAP, Hit
from pytest_specqa.measures.statistics import Floats, Ints, mad_scale, nan_median

MIN_ALIKE = 20
"""Series of a kind from which on it is known where their usual values lie."""
FARTHER = 2.0
"""How much farther from the usual values of its kind one side must be, in units of their scatter, to be the one that is off."""


@dataclass(frozen=True)
class Home:
    """Where the usual values of series of a kind lie.

    Attributes
    ----------
    middle, scatter : float
        Of the medians of the series; infinite scatter where they are too few to tell.
    """

    middle: float = 0.0
    scatter: float = np.inf


def homes(levels: Floats) -> list[Home]:
    """Tell where the usual values of kinds of series lie.

    Parameters
    ----------
    levels : array, shape (n_series, n_kind)
        Median of each series; NaN where it has none.

    Returns
    -------
    list of Home
        Of each kind.
    """
    enough = np.isfinite(levels).sum(axis=0) >= MIN_ALIKE
    middles, scatters = nan_median(levels, axis=0), mad_scale(levels, axis=0)
    found = zip(middles, scatters, enough, strict=True)
    return [Home(float(middle), float(scatter)) if known else Home() for middle, scatter, known in found]


def parts_off(hit: Hit, values: Floats, home: Home) -> list[Hit]:
    """Return the parts of a series that are off, of the range that was found and the rest.

    Parameters
    ----------
    hit : Hit
        Range in which the series differs from its other nights.
    values : array, shape (nights,)
        The series in its own unit, with nothing taken off that is its own; NaN where a night is not known.
    home : Home
        Of its kind.

    Returns
    -------
    list of Hit
        The side that is farther from what is usual of its kind. Where that cannot be told, a change that lasts to the end is what
        lies after it, so that nights before anything happened are never the ones that are off.
    """
    known = np.flatnonzero(np.isfinite(values))
    inside = (known >= hit.first) & (known <= hit.last)
    before, after = known[known < hit.first], known[known > hit.last]
    rest = len(before) + len(after)
    if not rest or not inside.any():
        return [hit]
    within, without = (abs(float(np.median(values[known[part]])) - home.middle) for part in (inside, ~inside))
    parts = [part for part in (before, after) if len(part) >= SCRAP * rest]
    if abs(within - without) > FARTHER * home.scatter:
        return [hit] if within > without else [_part(hit, part, int(inside.sum()), len(known)) for part in parts]
    # One change in time, at the end of this range: what was before it cannot have been the matter.
    return [_part(hit, after, int(inside.sum()), len(known))] if len(before) < SCRAP * rest else [hit]


def _part(hit: Hit, part: Ints, inside: int, known: int) -> Hit:
    """The same shift, seen in other nights."""
    weight = len(part) * (1 - len(part) / known) / max(inside * (1 - inside / known), 1e-9)
    return replace(hit, first=int(part[0]), last=int(part[-1]), statistic=-hit.statistic * min(1.0, weight) ** 0.5)
