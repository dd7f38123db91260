"""Do the petals of a tile yield redshifts alike?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.statistics import Found, strongest
from pytest_specqa.values import Measured, Peer

FEWEST_TARGETS = 10
"""Fewest targets of a petal that say something about it."""


def petal_shortfall(
    zwarn: ArrayLike,
    *,
    fiber: ArrayLike,
    is_target: ArrayLike,
    fiberstatus: ArrayLike | None = None,
    instrument: Instrument = DESI,
) -> Measured:
    """Measure how much rarer sure redshifts are in a petal than in the others of its tile.

    *Statistic*: share of targets with ZWARN = 0 in the median of the other petals less that in the petal, for the worst petal,
    as far as it is proved. *Null distribution*: binomial; a tile has the same kinds of targets and the same depth in all petals.
    *Blind to*: what all petals share.

    Parameters
    ----------
    zwarn : array_like of int, shape (n,)
        ZWARN of the spectra of a tile.
    fiber : array_like of int, shape (n,)
        FIBER 0-4999.
    is_target : array_like of bool, shape (n,)
        Targets; sky fibers do not count.
    fiberstatus : array_like of int, shape (n,), optional
        COADD_FIBERSTATUS; spectra that it calls bad do not count.
    instrument : Instrument
        Knows the petals, and which bits make a spectrum useless.

    Returns
    -------
    Measured
        Share of targets, with the petal; *not measured* with fewer than three petals that have targets.
    """
    number = np.asarray(fiber).astype(np.int64)
    keep = np.asarray(is_target, dtype=bool).copy()
    if fiberstatus is not None:
        keep &= (np.asarray(fiberstatus).astype(np.int64) & instrument.unusable) == 0
    petal = (number // instrument.fibers)[keep]
    total = np.bincount(petal, minlength=instrument.spectrographs)
    sure = np.bincount(petal, weights=np.asarray(zwarn)[keep] == 0, minlength=instrument.spectrographs)
    there = np.flatnonzero(total >= FEWEST_TARGETS)
    if len(there) < 3:
        return Measured.impossible(f"{len(there)} petals with {FEWEST_TARGETS} targets: at least 3 are needed")
    # One success and one failure more: a share of 0 or 1 has an error too.
    share = (sure[there] + 1.0) / (total[there] + 2.0)
    own = share * (1.0 - share) / total[there]
    others = [np.delete(np.arange(len(there)), k) for k in range(len(there))]
    expected = np.array([np.median(share[rest]) for rest in others])
    error = np.sqrt(own + np.array([1.57 * np.mean(own[rest]) / len(rest) for rest in others]))

    def describe(k: int) -> Found:
        """Say which petal lacks redshifts."""
        fibers = instrument.petal_range(int(there[k]))
        percent = 100.0 * np.array([share[k], expected[k]])
        detail = (
            f"petal {there[k]}: {percent[0]:.0f} % of {total[there[k]]} targets have a sure redshift (ZWARN = 0), "
            f"{percent[1]:.0f} % in the other petals: fibers off their targets, or spectra that are bad and not flagged"
        )
        return Found(fibers, detail, kind="petal", label=f"petal {there[k]}")

    found = strongest(np.maximum(expected - share, 0.0), error)
    peers = tuple(
        Peer(int(there[k]), "share of targets with ZWARN = 0", float(share[k]), float(np.sqrt(own[k])), chosen=k == found.place)
        for k in range(len(there))
    )
    return replace(found.measured(describe, nothing="no petal with targets"), peers=peers)
