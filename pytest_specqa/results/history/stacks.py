"""Residuals of the fibers of a camera added up over nights, and how rare one place is among all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.statistics import mad_scale, nan_median

if TYPE_CHECKING:
    from pytest_specqa.results.storing.dataset import Store

CLIP = 6.0
"""Sigmas beyond which one exposure counts no more: a fault over many nights is in all of them."""
FEWEST = 3
"""Exposures from which on a stack says something."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Stacked residuals of one camera.

    Attributes
    ----------
    first : int
        FIBER of row 0.
    waves : ndarray, shape (n_bin + 1,)
        Edges of the bins in Angstrom.
    sigma : ndarray, shape (n_fiber, n_bin)
        Stack over its own scatter among the fibers, bin by bin; NaN where there is none.
    exposures : int
        How many went in.
    """

    first: int
    waves: NDArray[np.float64]
    sigma: NDArray[np.float64]
    exposures: int

    def rarity(self, fiber: int, waves: tuple[float, float]) -> tuple[float, float, int]:
        """Say how rare the residual of a fiber is at a wavelength.

        Parameters
        ----------
        fiber : int
            FIBER.
        waves : tuple of float
            Range in Angstrom.

        Returns
        -------
        tuple
            Its chance: the part of all places of the camera that deviate as much or more, times the bins that were looked at; the
            largest deviation in sigmas; and the number of bins. A chance of 1 where there is nothing to look at.
        """
        row = fiber - self.first
        if not 0 <= row < len(self.sigma):
            return 1.0, 0.0, 0
        bins = np.flatnonzero((self.waves[1:] > waves[0]) & (self.waves[:-1] < waves[1]))
        here = self.sigma[row, bins]
        here = here[np.isfinite(here)]
        if not len(here):
            return 1.0, 0.0, 0
        strongest = float(here[np.argmax(np.abs(here))])
        every = np.abs(self.sigma[np.isfinite(self.sigma)])
        chance = len(here) * (1.0 + np.count_nonzero(every >= abs(strongest))) / (1.0 + len(every))
        return float(min(chance, 1.0)), strongest, len(here)


Stacked = Callable[[str, int, int], Stack | None]
"""Gives the stack of a camera from one night to another."""


def stacker(store: Store, nights: Iterable[int]) -> Stacked:
    """Return a function that stacks the residuals of a camera from one night to another; it remembers what it has done."""
    chosen = tuple(nights)

    @cache
    def stacked(camera: str, first: int, last: int) -> Stack | None:
        """Stack the nights from the first to the last."""
        return stack(store, camera, [night for night in chosen if first <= night <= last])

    return stacked


def stack(store: Store, camera: str, nights: Iterable[int]) -> Stack | None:
    """Stack the residuals of a camera.

    Parameters
    ----------
    store : Store
        With vectors `residual`, in units of their errors.
    camera : str
        Such as ``r6``.
    nights : iterable of int
        Which nights.

    Returns
    -------
    Stack or None
        None for fewer than three exposures. Exposures with other bins or fibers than the first are left out.
    """
    total: NDArray[np.float64] | None = None
    for kept in store.vectors("residual", camera=camera, nights=nights):
        vector = kept.vector
        values = np.asarray(vector.values, dtype=float)
        if total is None:
            first, waves, exposures = vector.first, np.asarray(vector.waves), 0
            total, number = np.zeros(values.shape), np.zeros(values.shape)
        if values.ndim != 2 or values.shape != total.shape or vector.first != first or not np.array_equal(vector.waves, waves):
            continue
        known = np.isfinite(values)
        total[known] += np.clip(values[known], -CLIP, CLIP)
        number += known
        exposures += 1
    if total is None or exposures < FEWEST:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(number >= FEWEST, total / np.sqrt(number), np.nan)
    away = score - nan_median(score, axis=0)
    scale = mad_scale(away, center=np.zeros(away.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(scale > 0, away / scale, np.nan)
    return Stack(first, waves, sigma, exposures)
