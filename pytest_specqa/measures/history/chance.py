"""How often does a clean series reach a statistic somewhere, over all ranges of its nights?"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm

from pytest_specqa.measures.statistics import Floats

HIGHEST = 37.0
"""Sigmas beyond which a chance is no longer a number of double precision."""


def overshoot(x: Floats) -> Floats:
    """Siegmund's function nu, which turns the maximum of a continuous walk into that of one in steps.

    Parameters
    ----------
    x : array
        Drift of the walk in units of its step, at least 0.

    Returns
    -------
    array
        Between 0 and 1.

    References
    ----------
    D. Siegmund & B. Yakir, The Statistics of Gene Mapping (2007), eq. 5.4: accurate to about a per cent.
    """
    half = np.maximum(x, 1e-9) / 2
    return np.asarray((ndtr(half) - 0.5) / half / (half * ndtr(half) + norm.pdf(half)))


def chance_of_maximum(statistic: float, nights: int) -> float:
    """Chance that a clean series of Gaussian nights reaches a statistic over any range of dates, up or down.

    Parameters
    ----------
    statistic : float
        |sum over the range, less its share of the total| / sqrt(n (1 - n/N)), with unit variance of a night.
    nights : int
        Nights N that the series has.

    Returns
    -------
    float
        At most 1. An approximation of the far tail: from chances of about 0.1 on it is too high.

    References
    ----------
    D. Siegmund, "Tail approximations for maxima of random fields", in Probability Theory (1992); N. R. Zhang & D. O. Siegmund,
    Biometrics 63, 22 (2007); A. B. Olshen et al., Biostatistics 5, 557 (2004) for this statistic. With both ends free each end
    gives the factor (b^2 / 2m) nu(b / sqrt(m)), m = n (1 - n/N), and there are N - n + 1 ranges of n nights.
    """
    if not statistic > 1 or nights < 2:
        return 1.0
    lengths = np.arange(1, nights)
    effective = lengths * (1 - lengths / nights)
    ends = (statistic**2 / (2 * effective) * overshoot(statistic / np.sqrt(effective))) ** 2
    ranges = float(np.sum((nights - lengths + 1) * np.minimum(ends, 1)))
    return min(1.0, 2 * ranges * float(np.exp(norm.logpdf(min(statistic, HIGHEST)))) / statistic)


@lru_cache(maxsize=4096)
def threshold(chance: float, nights: int) -> float:
    """Return the statistic that a clean series reaches with this chance; see `chance_of_maximum`."""
    if not 0 < chance < 0.5:
        raise ValueError(f"a chance of {chance} has no threshold; expected one between 0 and 0.5")
    # Below 2 the approximation is no longer one.
    return float(brentq(lambda b: math.log(chance_of_maximum(b, nights) / chance), 2.0, HIGHEST))


def sigmas(chance: float) -> float:
    """Gaussian sigmas, one-sided, of a chance; no more than 37."""
    return float(min(HIGHEST, norm.isf(min(max(chance, 1e-300), 1.0)))) if chance < 1 else 0.0
