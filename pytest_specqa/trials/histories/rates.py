"""How many observations of a fiber it takes to see that its redshifts go astray: the binomial limit, and what a search needs."""

from __future__ import annotations

from scipy.stats import binom

FAMILY = 0.05
FIBERS, RANGES = 5000, 100
"""Fibers of the instrument, and independent ranges of dates, that a search goes over."""
POWER = 0.9
REPORTED = (0.022, 0.043, 0.255)
"""Rates of the worst fibers of a production (desispec#2295)."""


def fewest(rate: float, *, clean: float, chance: float = FAMILY / (FIBERS * RANGES), power: float = POWER) -> int:
    """Return the observations with which a binomial test sees a rate.

    Parameters
    ----------
    rate : float
        Part of the redshifts of the fiber that are wrong.
    clean : float
        The same of a sound fiber.
    chance : float
        False-alarm rate of one test; by default 0.05 is shared by 5,000 fibers and 100 ranges of dates.
    power : float
        How often it is to be seen.

    Returns
    -------
    int
        Fewest observations from which on the power is kept: a count of outliers is a whole number, so the power rises in a saw.
    """
    low, high = 1, 1
    while not _kept(high, rate, clean=clean, chance=chance, power=power):
        low, high = high, 2 * high
    return next(number for number in range(low, high + 1) if _kept(number, rate, clean=clean, chance=chance, power=power))


def _kept(number: int, rate: float, *, clean: float, chance: float, power: float) -> bool:
    needed = int(binom.isf(chance, number, clean)) + 1
    return bool(binom.sf(needed - 1, number, rate) >= power)
