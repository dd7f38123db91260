"""Values over the nights as small SVG pictures: median and range of each night, limits, what fails, and when something changed."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.printable import escape
from pytest_specqa.report.words import number
from pytest_specqa.values import Outcome

Floats = NDArray[np.float64]

LEFT, RIGHT, TOP, FOOT = 60, 6, 6, 16
MOST_MARKS = 60
"""Nights with something bad that are marked and lead to their page; the worst and latest where there are more."""
REACH = 6.0
"""Ranges from the 5th to the 95th percentile, beyond the median, that the picture shows; what lies beyond stands at its edge."""
LINES = ("t-fail", "t-fail", "t-warn", "t-warn")
NEAR = 1.0
"""Heights of what is shown by which a limit may lie away and still be drawn."""


@dataclass(frozen=True)
class Points:
    """A series.

    Attributes
    ----------
    x : ndarray, shape (n,)
        Places, rising: days, or numbers of exposures.
    middle, least, largest : ndarray, shape (n,)
        NaN where there is no value.
    rank : ndarray of int, shape (n,)
        Worst outcome, as `Outcome.rank`.
    names : sequence of str
        What each is called, n of them.
    link : callable
        Gives where the one with a number leads; empty for nowhere.
    """

    x: Floats
    middle: Floats
    least: Floats
    largest: Floats
    rank: NDArray[np.int8]
    names: Sequence[str]
    link: Callable[[int], str]


class Limits(NamedTuple):
    """What a measure may be, and from where on it warns; None where there is no limit."""

    low: float | None = None
    high: float | None = None
    warn_low: float | None = None
    warn_high: float | None = None

    def beyond(self, least: float, largest: float) -> float | None:
        """Whichever end of a range lies beyond a limit; None where neither does."""
        if any(limit is not None and largest > limit for limit in (self.high, self.warn_high)):
            return largest
        return least if any(limit is not None and least < limit for limit in (self.low, self.warn_low)) else None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Span:
    """A range of places that is shaded, and why."""

    first: float
    last: float
    told: str


@dataclass(frozen=True)
class Box:
    """Size of a picture, and the places and names of the marks of its axis."""

    width: int
    height: int
    first: float
    last: float
    ticks: Sequence[tuple[float, str]] = ()

    def across(self, x: float) -> float:
        """Pixel of a place."""
        return LEFT + (self.width - LEFT - RIGHT) * (x - self.first) / max(self.last - self.first, 1e-9)


@cache
def day(night: int) -> float:
    """Number the days; a night that is no date counts as the first of its month."""
    year, month, of_month = night // 10000, night // 100 % 100, night % 100
    try:
        return float(datetime.date(year, month, of_month).toordinal())
    except ValueError:
        return float(datetime.date(min(max(year, 1), 9999), min(max(month, 1), 12), 1).toordinal())


def box_of_nights(nights: Sequence[int], *, width: int, height: int) -> Box:
    """Lay out an axis of nights with marks at years, or at months where there are few."""
    first, last = day(nights[0]), day(nights[-1])
    margin = max((last - first) * 0.01, 0.5)
    return Box(width, height, first - margin, last + margin, _calendar(first, last))


def _calendar(first: float, last: float) -> list[tuple[float, str]]:
    start, end = datetime.date.fromordinal(int(first)), datetime.date.fromordinal(int(last))
    months = (end.year - start.year) * 12 + end.month - start.month
    if months < 1:
        step = max(1, int(last - first) // 4)
        return [(float(one), f"{datetime.date.fromordinal(one):%m-%d}") for one in range(int(first), int(last) + 1, step)]
    every = next((step for step in (1, 2, 3, 6, 12, 24, 60) if months / step <= 5), 120)
    firsts = (datetime.date(start.year + k // 12, k % 12 + 1, 1) for k in range(start.month - 1, start.month + months))
    marks = [one for one in firsts if ((one.year * 12 + one.month - 1) % every == 0 or not months) and one >= start]
    return [(float(one.toordinal()), f"{one:%Y}" if every >= 12 else f"{one:%Y-%m}") for one in marks]


def picture(
    points: Points,
    box: Box,
    *,
    limits: Limits = NO_LIMITS,
    spans: Sequence[Span] = (),
    about: str = "",
    most: int = MOST_MARKS,
) -> str:
    """Draw a series.

    Parameters
    ----------
    points : Points
        What is shown; more than one of a pixel are joined, with their whole range.
    box : Box
        Size and axis.
    limits : Limits
        Lines across.
    spans : sequence of Span
        Ranges that are shaded.
    about : str
        What it shows, for readers that cannot see it.
    most : int
        Places with something bad that are marked: failures before warnings, late before early.

    Returns
    -------
    str
        An ``svg`` element.
    """
    low, high = _reach(points, [limit for limit in limits if limit is not None])
    floor = box.height - FOOT

    def down(value: Any) -> Any:
        """Pixels of values."""
        return TOP + (floor - TOP) * (1 - (np.clip(value, low, high) - low) / (high - low))

    parts = [f'<rect class="t-frame" x="{LEFT}" y="{TOP}" width="{box.width - LEFT - RIGHT}" height="{floor - TOP}"/>']
    parts += [shaded(span, box) for span in spans]
    parts += [
        f'<line class="{kind}" x1="{LEFT}" x2="{box.width - RIGHT}" y1="{down(limit):.1f}" y2="{down(limit):.1f}"/>'
        for limit, kind in zip(limits, LINES, strict=True)
        if limit is not None and low <= limit <= high
    ]
    parts += _body(points, box, down)
    parts += [_mark(points, k, box, down, limits) for k in _marked(points.rank, most)]
    parts += _axes(box, floor, low, high)
    return svg(parts, box, about)


def svg(parts: Sequence[str], box: Box, about: str) -> str:
    """Put the parts of a picture together; `about` is for readers that cannot see it."""
    size = f'width="{box.width}" height="{box.height}" viewBox="0 0 {box.width} {box.height}"'
    return f'<svg class="timeline" {size} role="img" aria-label="{escape(about)}">{"".join(parts)}</svg>'


def _reach(points: Points, limits: Sequence[float]) -> tuple[float, float]:
    """Range of values that is shown: that of the data without what lies far out, and limits that are near."""
    values = np.concatenate([points.least, points.largest])
    ordered = np.sort(values[np.isfinite(values)])
    if not ordered.size:
        return 0.0, 1.0
    # One sort gives all that two calls for quantiles of the same few values would take ten times as long for.
    least, middle, largest = np.interp(np.array([0.05, 0.5, 0.95]) * (len(ordered) - 1), np.arange(len(ordered)), ordered).tolist()
    spread = (largest - least) or abs(middle) * 0.1 or 1.0
    low, high = max(float(ordered[0]), middle - REACH * spread), min(float(ordered[-1]), middle + REACH * spread)
    size = (high - low) or spread
    near = [limit for limit in limits if low - NEAR * size <= limit <= high + NEAR * size]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.06 * ((high - low) or spread)
    return low - margin, high + margin


def _body(points: Points, box: Box, down: Callable[[Any], Any]) -> list[str]:
    """Range and median, joined by pixel; a gap where there is no value."""
    known = np.isfinite(points.middle)
    if not known.any():
        return []
    scale = (box.width - LEFT - RIGHT) / max(box.last - box.first, 1e-9)
    x = LEFT + scale * (points.x[known] - box.first)
    column = np.floor(x / 1.5).astype(int)
    starts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    least, largest = (
        np.minimum.reduceat(points.least[known], starts),
        np.maximum.reduceat(points.largest[known], starts),
    )
    count = np.diff([*starts, len(column)])
    middle = np.add.reduceat(points.middle[known], starts) / count
    places = np.add.reduceat(x, starts) / count
    bars = _drawn("M%.1f,%.1fV%.1f", places, down(largest), down(least))
    dots = _drawn("M%.1f,%.1fh0", places, down(middle))
    return [f'<path class="t-range" d="{bars}"/><path class="t-middle" d="{dots}"/>']


def _drawn(shape: str, *columns: Floats) -> str:
    """Write a shape at many places, with one format for all, in a tenth of the time of one for each."""
    return shape * len(columns[0]) % tuple(np.column_stack(columns).ravel().tolist())


def _marked(rank: NDArray[np.int8], most: int) -> list[int]:
    """Places of what is marked: failures before warnings, late before early, in the order in which they are drawn."""
    bad = np.flatnonzero(rank >= Outcome.WARNED.rank)
    order = bad[np.lexsort((-bad, -rank[bad]))][:most]
    return [int(one) for one in order[::-1]]


def _mark(points: Points, k: int, box: Box, down: Callable[[float], float], limits: Limits) -> str:
    """Mark what fails (a filled triangle) or warns (a ring) at its worse end; it leads there."""
    failed = points.rank[k] == Outcome.FAILED.rank
    least, largest = float(points.least[k]), float(points.largest[k])
    found = limits.beyond(least, largest)
    value = float(points.middle[k]) if found is None else found
    x, y = box.across(points.x[k]), down(value) if math.isfinite(value) else TOP + 5
    word = Outcome.FAILED if failed else Outcome.WARNED
    told = f"{points.names[k]}: {number(value) if math.isfinite(value) else 'no value'}, {word}"
    shape = f"M{x - 4:.1f},{y + 4:.1f}h8l-4,-8z" if failed else f"M{x - 3:.1f},{y:.1f}a3,3 0 1,0 6,0a3,3 0 1,0 -6,0"
    drawn = f'<path class="t-{word}" d="{shape}"><title>{escape(told)}</title></path>'
    address = points.link(k)
    return f'<a href="{address}" aria-label="{escape(told)}">{drawn}</a>' if address else drawn


def shaded(span: Span, box: Box) -> str:
    """Shade a range of places."""
    floor = box.height - FOOT
    left, right = (min(max(box.across(end), LEFT), box.width - RIGHT) for end in (span.first, span.last))
    left, right = (left, right) if right - left >= 3 else (left - 1.5, left + 1.5)
    return (
        f'<rect class="t-span" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{floor - TOP}">'
        f"<title>{escape(span.told)}</title></rect>"
    )


def _axes(box: Box, floor: int, low: float, high: float) -> list[str]:
    size = high - low
    ends = (low + 0.06 * size, high - 0.06 * size)
    digits = max(2, min(6, 1 + math.ceil(math.log10(max(abs(end) for end in ends) / size)) + 1)) if any(ends) else 2
    texts = [
        f'<text class="t-value" x="{LEFT - 4}" y="{y}">{f"{value:.{digits}g}".replace("-", "−")}</text>'
        for value, y in ((ends[1], TOP + 9), (ends[0], floor - 1))
    ]
    return [*texts, *ticks(box)]


def ticks(box: Box) -> list[str]:
    """Draw and name the marks of the axis."""
    floor = box.height - FOOT
    return [
        f'<path class="t-tick" d="M{box.across(x):.1f},{floor}v3"/>'
        f'<text class="t-when" x="{box.across(x):.1f}" y="{floor + 13}">{escape(name)}</text>'
        for x, name in box.ticks
    ]
