"""Rates and detection curves with their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta, norm

CONFIDENCE = 0.95
BOOTSTRAPS = 60


@dataclass(frozen=True)
class Rate:
    """A rate with its one-sided 95 % upper limit."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """Hits over trials; NaN without trials."""
        return self.hits / self.trials if self.trials else float("nan")

    @property
    def upper(self) -> float:
        """Clopper-Pearson upper limit; 1 without trials."""
        if self.hits >= self.trials:
            return 1.0
        return float(beta.ppf(CONFIDENCE, self.hits + 1, self.trials - self.hits))

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper-Pearson interval, two-sided, 95 %; 0 to 1 without trials."""
        rest, tail = self.trials - self.hits, (1 - CONFIDENCE) / 2
        low = float(beta.ppf(tail, self.hits, rest + 1)) if self.hits else 0.0
        return low, float(beta.ppf(1 - tail, self.hits + 1, rest)) if rest else 1.0


@dataclass(frozen=True)
class Power:
    """Amplitudes at which a fault is found half of the time and nearly always; NaN where the curve was not reached.

    Attributes
    ----------
    half, half_error : float
        Amplitude at 50 % and its standard error.
    most, most_error : float
        The same at 95 %.
    reached : float
        Largest fraction found at any amplitude.
    bound : bool
        Whether `half` and `most` are only upper bounds: more than half was found at the smallest amplitude that was tried.
    """

    half: float
    half_error: float
    most: float
    most_error: float
    reached: float
    bound: bool = False


def detection_curve(amplitudes: Sequence[float], found: Sequence[int], trials: Sequence[int], *, seed: int = 0) -> Power:
    """Fit a cumulative Gaussian in the logarithm of the amplitude.

    Parameters
    ----------
    amplitudes : sequence of float
        Positive.
    found, trials : sequence of int
        Detections and trials at each amplitude.
    seed : int
        Of the bootstrap that gives the errors.

    Returns
    -------
    Power
        NaN amplitudes unless half of the trials were found somewhere.
    """
    size, hits, tried = np.log(np.asarray(amplitudes, float)), np.asarray(found, float), np.asarray(trials, float)
    reached = float(np.max(hits / np.maximum(tried, 1), initial=0.0))
    if reached < 0.5:
        nan = float("nan")
        return Power(nan, nan, nan, nan, reached)
    if hits[0] > 0.5 * tried[0]:
        above = np.flatnonzero(hits >= 0.95 * tried)
        return Power(float(np.exp(size[0])), float("nan"), float(np.exp(size[above[0]])), float("nan"), reached, bound=True)
    middle, width = _fit(size, hits, tried)
    rng = np.random.default_rng(seed)
    chances = _smooth(hits, tried)
    drawn = [rng.binomial(tried.astype(int), chances).astype(float) for _ in range(BOOTSTRAPS)]
    again = np.array([_fit(size, each, tried) for each in drawn])
    high = again[:, 0] + norm.ppf(CONFIDENCE) * again[:, 1]
    half, most = np.exp(middle), np.exp(middle + norm.ppf(CONFIDENCE) * width)
    return Power(float(half), float(half * again[:, 0].std()), float(most), float(most * high.std()), reached)


def _smooth(hits: NDArray[np.float64], tried: NDArray[np.float64]) -> NDArray[np.float64]:
    """Detection rates that are not certain, so that a bootstrap varies."""
    return (hits + 0.25) / (tried + 0.5)


def _fit(size: NDArray[np.float64], hits: NDArray[np.float64], tried: NDArray[np.float64]) -> tuple[float, float]:
    def cost(parameters: NDArray[np.float64]) -> float:
        """Minus the log-likelihood, with a weak pull to a width of 0.3."""
        z = (size - parameters[0]) / np.exp(parameters[1])
        likelihood = hits * norm.logcdf(z) + (tried - hits) * norm.logsf(z)
        return float(-likelihood.sum() + 0.5 * ((parameters[1] - np.log(0.3)) / 0.7) ** 2)

    rate = hits / np.maximum(tried, 1)
    above = np.flatnonzero(rate >= 0.5)
    start = size[above[0]] if len(above) else size[-1]
    best = minimize(cost, np.array([start - 0.1, np.log(0.3)]), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3})
    return float(best.x[0]), float(np.exp(best.x[1]))
