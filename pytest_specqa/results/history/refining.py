"""The exposures of a change: where it begins and ends, how large it is, and what shape it has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_specqa.measures.history import shapes
from pytest_specqa.measures.statistics import Floats, Ints, mad_scale, nan_median
from pytest_specqa.results.history.explaining import Cluster
from pytest_specqa.results.history.exposures import Exposures


@dataclass(frozen=True)
class Refined:
    """What the exposures tell of a change.

    Attributes
    ----------
    first, last : tuple of (int, int or None)
        Place of the night, and exposure, of the first and the last one that is off.
    ongoing : bool
        No later exposure is as usual.
    shape : str
        One of `pytest_specqa.results.history.changes.SHAPES`.
    size, error, level : float
        Deviation, its standard error, and what is usual.
    bad, seen : int
        Exposures that are off, of those inside.
    """

    first: tuple[int, int | None]
    last: tuple[int, int | None]
    ongoing: bool
    shape: str
    size: float
    error: float
    level: float
    bad: int
    seen: int


def refine(cluster: Cluster, exposures: Exposures) -> Refined:
    """Tell first and last exposure, shape and size.

    Parameters
    ----------
    cluster : Cluster
        What was found, in nights.
    exposures : Exposures
        Its series.

    Returns
    -------
    Refined
        In the unit of the series. Boundaries are those of largest likelihood for a shift of the size that the nights have.
    """
    head = cluster.head
    start = shapes.drift_start(head.series, first=head.first, last=head.last)
    first_night = head.first if start is None else start
    night, values = exposures.night, exposures.values
    inside = (night >= first_night) & (night <= head.last) & np.isfinite(values)
    outside = ~inside & np.isfinite(values)
    level = float(nan_median(values[outside])) if outside.any() else 0.0
    noise = float(mad_scale(values[outside])) if outside.sum() > 2 else 0.0
    noise = noise if noise > 0 else float(np.nanstd(values)) or 1.0
    core = (night >= head.first) & (night <= head.last) & np.isfinite(values)
    part = shapes.mixture((values[core] - level) / noise)
    size = float(np.mean(values[core])) - level if core.any() else 0.0
    shape = "step" if head.nights > shapes.ONE_OFF else "one-off"
    if start is not None:
        shape, size = "drift", _end_of_slope(head.series, start, head.last, size)
    elif shape == "step" and part.gain > shapes.GAIN and part.fraction < shapes.MOST_OFF:
        shape, size = "intermittent", part.size * noise
    begin, end = _bounds(exposures, head.first, head.last, size=size, level=level)
    if start is not None:
        begin = int(np.argmax(inside)) if inside.any() else begin
    within = np.zeros(len(values), dtype=bool)
    within[begin : end + 1] = True
    seen = within & np.isfinite(values)
    bad = seen & (np.sign(size) * (values - level) > abs(size) / 2)
    error = head.spread * _scatter_of_nights(night[outside], values[outside], noise) / max(1, head.nights) ** 0.5
    later = np.isfinite(values[end + 1 :]).any()
    moments = [(int(night[place]), int(exposures.number[place]) or None) for place in (begin, end)]
    return Refined(moments[0], moments[1], not later, shape, size, error, level + exposures.usual, int(bad.sum()), int(seen.sum()))


def _scatter_of_nights(night: Ints, values: Floats, noise: float) -> float:
    """Scatter of the means of nights; that of exposures where there are few nights."""
    if len(np.unique(night)) < shapes.MIN_DRIFT:
        return noise
    counts = np.bincount(night)
    return float(mad_scale(np.bincount(night, weights=values)[counts > 0] / counts[counts > 0])) or noise


def _end_of_slope(series: Floats, start: int, last: int, size: float) -> float:
    """Size at the end of a slope, from the mean size of its later part: the slope is that of the nights."""
    known = np.flatnonzero(np.isfinite(series))
    ramp = np.where((known >= start) & (known <= last), known - start, 0).astype(float)
    upper = ramp[ramp >= 0.5 * ramp.max()]
    return size * float(ramp.max() / max(upper.mean(), 1e-9)) if upper.size else size


def _bounds(exposures: Exposures, first: int, last: int, *, size: float, level: float) -> tuple[int, int]:
    """Places of the first and the last exposure that is off, within a night of the nights that were found."""
    deviations = exposures.values - level
    night = exposures.night
    middle = (first + last) // 2
    known = np.flatnonzero(np.isfinite(deviations))
    early = known[(night[known] >= _before(night[known], first)) & (night[known] <= middle)]
    late = known[(night[known] <= _after(night[known], last)) & (night[known] >= middle)]
    inside = known[(night[known] >= first) & (night[known] <= last)]
    begin, end = (int(inside[0]), int(inside[-1])) if len(inside) else (0, len(deviations) - 1)
    if len(early):
        begin = int(early[min(shapes.boundary(deviations[early], size=size), len(early) - 1)])
    if len(late):
        end = int(late[::-1][min(shapes.boundary(deviations[late][::-1], size=size), len(late) - 1)])
    return (begin, end) if begin <= end else (int(inside[0]), int(inside[-1]))


def _before(nights: Ints, first: int) -> int:
    earlier = nights[nights < first]
    return int(earlier.max()) if len(earlier) else first


def _after(nights: Ints, last: int) -> int:
    later = nights[nights > last]
    return int(later.min()) if len(later) else last
