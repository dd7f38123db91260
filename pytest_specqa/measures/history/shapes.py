"""What an interval looks like: one-off, step, drift or intermittent; its first and last exposure; its size."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.history.ranges import best_range
from pytest_specqa.measures.statistics import Floats

ONE_OFF = 2
"""Nights of the longest one-off."""
GAIN = 12.0
"""By how much 2 ln(likelihood) of a drift or a mixture must be better than that of a step: both have a parameter more, which alone
gains 12 in less than 1 of 1,000 steps."""
MOST_OFF = 0.9
"""Part of the exposures that are off, from which on a change is not intermittent."""
MIN_DRIFT = 10
"""Nights of the shortest drift."""
BROAD, WILD = 0.02, 10.0
"""Part of the exposures of any series that is wild, and the sigmas over which those spread."""


class Mixture(NamedTuple):
    """Part of some values that are off.

    Attributes
    ----------
    fraction : float
        Part of the values that is off.
    size : float
        By how much, in units of the noise.
    gain : float
        2 ln(likelihood) over that of one shift of all values.
    """

    fraction: float
    size: float
    gain: float


def mixture(values: Floats) -> Mixture:
    """Split values into those that are as usual, at zero, and those that are off by one amount.

    Parameters
    ----------
    values : array, shape (n,)
        In units of their noise; those that are not finite are left out.

    Returns
    -------
    Mixture
        Found by expectation-maximisation with the noise held at 1 and a broad part for wild values.
    """
    known = values[np.isfinite(values)].astype(float)
    if len(known) < 4:
        return Mixture(1.0, float(known.mean()) if len(known) else 0.0, 0.0)
    shift = float(np.median(known))
    base = 2 * float(np.log(_density(known - shift)).sum())
    # One shift of all also has the scatter that is seen.
    width = max(1.0, float(np.std(known - shift)))
    base = max(base, 2 * float(np.log((1 - BROAD) * _density((known - shift) / width) / width + BROAD * _density(known)).sum()))
    best = Mixture(1.0, shift, 0.0)
    sign = math.copysign(1.0, float(known.mean()))
    for quantile in (50, 80, 95):
        size, fraction = sign * max(1.0, float(np.percentile(sign * known, quantile))), 0.5
        for _ in range(30):
            off = fraction * _density(known - size)
            part = off / (off + (1 - fraction) * _density(known))
            fraction = float(np.clip(part.mean(), 1e-3, 1 - 1e-3))
            size = float(np.sum(part * known) / max(np.sum(part), 1e-9))
        likelihood = 2 * float(np.log(fraction * _density(known - size) + (1 - fraction) * _density(known)).sum())
        if likelihood - base > best.gain:
            best = Mixture(fraction, size, likelihood - base)
    return best


def _density(values: Floats) -> Floats:
    narrow = np.exp(-0.5 * values**2) / math.sqrt(2 * math.pi)
    wide = np.exp(-0.5 * (values / WILD) ** 2) / (WILD * math.sqrt(2 * math.pi))
    return np.asarray((1 - BROAD) * narrow + BROAD * wide)


def drift_start(values: Floats, *, first: int, last: int) -> int | None:
    """Where a slope that ends with the range began, if a slope is what the series shows, rather than a step.

    Parameters
    ----------
    values : array, shape (nights,)
        Standardised series; NaN where a night is not known.
    first, last : int
        The range that was found.

    Returns
    -------
    int or None
        Night of the last value before the slope; None for a step.
    """
    nights = np.flatnonzero(np.isfinite(values))
    known = np.clip(values[nights].astype(float), -30, 30)
    if not last - first + 1 >= MIN_DRIFT // 2 or len(known) < 2 * MIN_DRIFT:
        return None
    # The step that fits best, which need not be the very range that was found.
    _, begin, end = best_range(known, spread=np.ones(len(known) + 1))
    boxes = [(nights >= first) & (nights <= last), (np.arange(len(known)) >= begin) & (np.arange(len(known)) <= end)]
    step = min(_misfit(known, box.astype(float)) for box in boxes)
    scatter = max(1.0, step / len(known))
    best, start = math.inf, None
    for place in np.unique(nights[np.linspace(0, len(nights) - 1, 60).astype(int)]):
        if last - place + 1 < MIN_DRIFT:
            break
        ramp = np.where((nights >= place) & (nights <= last), nights - place, 0).astype(float)
        misfit = _misfit(known, ramp)
        if misfit < best:
            best, start = misfit, int(place)
    return start if step - best > GAIN * scatter else None


def _misfit(values: Floats, shape: Floats) -> float:
    """Sum of squares that is left by a level and a shape."""
    centred, moved = shape - shape.mean(), values - values.mean()
    height = float(centred @ moved) / max(float(centred @ centred), 1e-9)
    return float(np.sum((moved - height * centred) ** 2))


def boundary(deviations: Floats, *, size: float) -> int:
    """Return the first of some values in time order that is off, for a shift of known size that lasts to their end.

    Parameters
    ----------
    deviations : array, shape (n,)
        From the usual value; those that are not finite tell nothing.
    size : float
        Of the shift, with sign.

    Returns
    -------
    int
        Of largest likelihood: n if none is off. For the last value that is off, turn the order around.
    """
    gains = np.nan_to_num(np.sign(size) * deviations - abs(size) / 2)
    total = np.concatenate([np.cumsum(gains[::-1])[::-1], [0.0]])
    return int(np.argmax(total))
