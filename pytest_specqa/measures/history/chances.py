"""Chances of counts that were looked for: the tail of a window that begins with an event, and what a search over all windows adds.

A window that holds more events than any other begins with one and ends with one. The expected number of events after which a
window of too many begins is, by Mecke's formula, the number of events times the chance of so many others after one; that bounds
the chance of a scan over all windows, whatever their overlap, and needs no list of windows to look at.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv, gammaln, ndtri_exp

from pytest_specqa.measures.compiled import compiled
from pytest_specqa.measures.statistics import Floats

MOST = 4096
"""Largest count whose chance is told apart; more events than that count as so many."""
ENOUGH = 64
"""Events up to which the crossing of the boundary is followed; later ones add nothing."""


def log_weights(spread: float) -> Floats:
    """Logarithms that `log_tail` needs for each count.

    Parameters
    ----------
    spread : float
        Relative variance of the rate between series that have no fault.

    Returns
    -------
    ndarray, shape (MOST + 1,)
        ``ln [Gamma(k + r + 1) / (Gamma(r + 1) k!)]`` with ``r = 1 / spread``; ``-ln k!`` where the rate is known.
    """
    count = np.arange(MOST + 1.0)
    shape = 1.0 / spread + 1.0 if spread > 0 else np.inf
    if not np.isfinite(shape) or shape > 1.0e8:
        return np.asarray(-gammaln(count + 1.0), dtype=float)
    return np.asarray(gammaln(count + shape) - gammaln(shape) - gammaln(count + 1.0), dtype=float)


def _log_tail(count: int, mean: float, spread: float, weights: Floats) -> float:
    """Bound the log chance of at least so many others after an event; see `log_tail`."""
    count = min(count, MOST)
    if count <= 0 or mean <= 0.0:
        return 0.0
    if spread * 1.0e8 < 1.0:
        ratio = mean / (count + 1.0)
        log_first = weights[count] + count * np.log(mean) - mean
    else:
        shape = 1.0 / spread
        odds = mean / (shape + mean)
        ratio = odds * (count + shape + 1.0) / (count + 1.0)
        log_first = weights[count] + count * np.log(odds) - (shape + 1.0) * np.log1p(mean / shape)
    if ratio >= 1.0:
        return 0.0
    return float(min(log_first - np.log(1.0 - ratio), 0.0))


log_tail = compiled(_log_tail)
"""Natural logarithm of an upper bound of the chance of at least `count` events, besides one that is given, where `mean` are
expected of a series whose rate has the relative variance `spread` (0: Poisson). The rate of a series in which an event was seen is
weighted by itself, so its gamma distribution has one more in its shape. The sum of the tail is bounded by a geometric series."""


@lru_cache(maxsize=4096)
def _crossing(tenths: int, quarters: int) -> float:
    """Chance that a Poisson process up to ``exp(quarters / 4)`` crosses the boundary ``10**(-tenths / 10)``, in units of that."""
    alpha, total = 10.0 ** (-0.1 * tenths), float(np.exp(0.25 * quarters))
    edges = gammaincinv(np.arange(1.0, ENOUGH), alpha)
    alive, crossed, before = np.zeros(ENOUGH + 1), 0.0, 0.0
    alive[0] = 1.0
    count = np.arange(ENOUGH + 1.0)
    for number, edge in enumerate(edges[edges < total], start=1):
        # So many or more events before this edge are as unlikely as the boundary says; the others go on to the next.
        step = np.exp(count * np.log(edge - before) - (edge - before) - gammaln(count + 1.0))
        alive = np.convolve(alive, step)[: ENOUGH + 1]
        crossed += alive[number:].sum()
        alive[number:] = 0.0
        before = edge
    return max(float(crossed / alpha), 1.0)


def crossing(log_p: float, total: float) -> float:
    """How many times likelier a boundary of tails is crossed anywhere than at its likeliest place.

    Parameters
    ----------
    log_p : float
        Natural logarithm of the tail at which the boundary lies.
    total : float
        Events that the whole series should hold.

    Returns
    -------
    float
        At least 1. Exact for a Poisson process, followed from one edge of the boundary to the next.
    """
    tenths = int(np.clip(np.ceil(-log_p / np.log(10.0) * 10.0), 10, 300))
    return _crossing(tenths, int(np.ceil(4.0 * np.log(max(total, 1e-6)))))


def log_any(log_p: float, *, total: float, spread: float = 0.0) -> float:
    """Log of the expected number of events of one series without fault after which a window is as unlikely as this.

    Parameters
    ----------
    log_p : float
        `log_tail` of the least likely window.
    total : float
        Events that the whole series should hold.
    spread : float
        Relative variance of the rate.

    Returns
    -------
    float
        Natural logarithm; an upper bound of that of the chance of the search over all windows of the series.
    """
    return float(log_p + np.log(crossing(log_p, total * (1.0 + 3.0 * np.sqrt(spread)))) + np.log(max(total, 1e-300)))


def sigma_of(log_number: float) -> float:
    """Gaussian sigmas of the chance that at least one of so many expected events happens."""
    log_p = np.log(-np.expm1(-np.exp(min(log_number, 3.0)))) if log_number > -30.0 else log_number
    return float(-ndtri_exp(min(log_p, -1e-16)))


def log_product(log_first: float, log_second: float, *, most: float) -> float:
    """Log of the chance that two independent chances multiply to as little, where the first was at most `most`.

    Parameters
    ----------
    log_first, log_second : float
        Logarithms of the two chances, each after its own search.
    most : float
        The second was looked up only where the first was at most this.

    Returns
    -------
    float
        ``ln [c (1 + ln(most / c))]`` with c the product: the integral of ``min(1, c / x)`` over x from 0 to `most`; for
        ``most = 1`` Fisher's way to combine two tests.

    References
    ----------
    Fisher 1932, Statistical Methods for Research Workers, sec. 21.1; Zaykin et al. 2002, Genet. Epidemiol. 22, 170 (truncated
    product).
    """
    log_c = min(log_first + log_second, float(np.log(most)))
    return float(log_c + np.log1p(np.log(most) - log_c))
