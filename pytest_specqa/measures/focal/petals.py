"""What comparisons of petals, cameras and exposures share: groups by band, the mean of a ratio, and how a ratio is put in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import numpy as np

from pytest_specqa.measures.statistics import MEDIAN_EFFICIENCY, Floats, clipped_mean
from pytest_specqa.values import Peer

MIN_PETALS = 5
"""Petals from which on the median petal is the exposure's: the half of DESI."""
BRIGHT = 10.0
"""Signal to noise, measured or expected, from which on a fiber can be compared."""
SCATTER = 0.03
"""Least scatter of ln(measured / imaging) from target to target: positioning, seeing and photometry."""
SHARED = 0.3
"""Error of the sky that the fibers of a petal share, over its scatter from fiber to fiber."""


class Banded(Protocol):
    """What was reduced from a camera."""

    @property
    def band(self) -> str:
        """Letter of its band."""


T = TypeVar("T", bound=Banded)


def by_band(cameras: Iterable[T], *, least: int = 1) -> dict[str, list[T]]:
    """Group cameras by band, in order; bands with fewer than `least` are left out."""
    bands: dict[str, list[T]] = {}
    for camera in cameras:
        bands.setdefault(camera.band, []).append(camera)
    return {band: these for band, these in bands.items() if len(these) >= least}


def against_median(values: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Differences from the median of the values, and their errors; the median is less certain than their mean."""
    return values - np.median(values), np.hypot(errors, MEDIAN_EFFICIENCY * np.median(errors) / np.sqrt(len(values)))


def mean_ratio(ratio: Floats, part: Floats) -> tuple[float, float]:
    """Mean of the logarithm of a ratio of two brightnesses of the same fibers, without outliers, and its error.

    Parameters
    ----------
    ratio, part : ndarray, shape (n,)
        Ratio of each fiber, and its relative noise.

    Returns
    -------
    tuple of float
        The error allows for the sky that the fibers share.
    """
    error = np.hypot(SCATTER, part)
    mean, sigma = clipped_mean(np.log(ratio), error)
    return float(mean), float(np.hypot(sigma, SHARED * np.average(part, weights=error**-2)))


def peers_of(rows: Iterable[tuple[int, str, float, float]], place: int) -> tuple[Peer, ...]:
    """Tell a picture among which petals a value was found.

    Parameters
    ----------
    rows : iterable of (int, str, float, float)
        Petal, series, value and error of each.
    place : int
        Row that the value speaks of; none where it is negative.

    Returns
    -------
    tuple of Peer
        One for each row.
    """
    return tuple(
        Peer(petal, series, float(value), float(error), chosen=number == place)
        for number, (petal, series, value, error) in enumerate(rows)
    )


def percent(size: float, more: str = "brighter", less: str = "fainter", *, digits: int = 1) -> str:
    """Put the natural logarithm of a ratio in words, such as ``3.1 % brighter``."""
    return f"{100.0 * abs(float(np.expm1(size))):.{digits}f} % {more if size > 0 else less}"
