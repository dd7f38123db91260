"""Small histograms as SVG: sharp at any size, and a hundredth of a picture's bytes."""

from __future__ import annotations

import math

from pytest_specqa.results.comparing.changes import Distribution

WIDTH, HEIGHT, FOOT = 300, 96, 16
BINS = 30


def histogram(spread: Distribution) -> str:
    """Draw one measure before (filled) and after (line), with its limits.

    Parameters
    ----------
    spread : Distribution
        Values of both runs over the same units.

    Returns
    -------
    str
        An ``svg`` element; limits far outside the values are not drawn.
    """
    values = sorted((*spread.before, *spread.after))
    low, high = values[0], values[-1]
    if high == low:
        low, high = low - (abs(low) or 1.0) * 0.05, high + (abs(high) or 1.0) * 0.05
    limits = [
        limit for limit in (spread.low, spread.high) if limit is not None and low - (high - low) <= limit <= high + (high - low)
    ]
    low, high = min(low, *limits, high), max(high, *limits, low)
    counts = [_count(side, low, high) for side in (spread.before, spread.after)]
    top = max(max(count) for count in counts)
    before, after = (_steps(count, top) for count in counts)
    places = [_x(limit, low, high) for limit in limits]
    marks = [f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT - FOOT}" class="limit"/>' for x in places]
    words = [
        f'<text x="0" y="{HEIGHT - 3}">{low:.3g}</text>',
        f'<text x="{WIDTH}" y="{HEIGHT - 3}" text-anchor="end">{high:.3g}</text>',
    ]
    shapes = [f'<path d="{before} Z" class="old"/>', f'<path d="{after}" class="new"/>']
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img">{"".join([*shapes, *marks, *words])}</svg>'


def _x(value: float, low: float, high: float) -> float:
    return WIDTH * (value - low) / (high - low)


def _count(values: tuple[float, ...], low: float, high: float) -> list[int]:
    counts = [0] * BINS
    for value in values:
        counts[min(math.floor(BINS * (value - low) / (high - low)), BINS - 1)] += 1
    return counts


def _steps(counts: list[int], top: int) -> str:
    floor = HEIGHT - FOOT
    points = [f"M0,{floor}"]
    for column, count in enumerate(counts):
        y = floor - (floor - 4) * count / top
        points.append(f"L{WIDTH * column / BINS:.1f},{y:.1f} L{WIDTH * (column + 1) / BINS:.1f},{y:.1f}")
    return " ".join([*points, f"L{WIDTH},{floor}"])
