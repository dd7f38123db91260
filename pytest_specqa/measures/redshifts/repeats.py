"""Does each target have a redshift of its own?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pytest_specqa.values import Measured

NO_FIT = 1 << 5 | 1 << 9 | 1 << 10
"""ZWARN bits of redshifts that were not fitted: the limit of the templates, no data, no minimum (redrock's zwarning)."""

NAMED = 20
"""Ranges of fibers that a value names."""


def repeated_redshifts(z: ArrayLike, *, zwarn: ArrayLike, targetid: ArrayLike, fiber: ArrayLike) -> Measured:
    """Count redshifts that are those of another target to all digits.

    *Statistic*: rows beyond the first of each set of equal redshifts. *Null distribution*: a fit gives some twelve digits that
    noise decides, so that none repeats. *Blind to*: copies that were rounded, and redshifts without a fit.

    Parameters
    ----------
    z : array_like, shape (n,)
        Redshifts as they are in the file; those that are not finite do not count.
    zwarn : array_like of int, shape (n,)
        ZWARN; rows without data, without a minimum and at the limit of the templates share their redshift rightly.
    targetid : array_like of int, shape (n,)
        TARGETID; one target may be there twice.
    fiber : array_like of int, shape (n,)
        FIBER 0-4999.

    Returns
    -------
    Measured
        Number of rows, with the first few pairs of fibers; *not measured* without two rows.

    References
    ----------
    desispec issue 1474 (the second half of a table repeats the first).
    """
    redshift, target, number = np.asarray(z, dtype=float), np.asarray(targetid), np.asarray(fiber).astype(np.int64)
    rows = np.flatnonzero((np.asarray(zwarn).astype(np.int64) & NO_FIT == 0) & np.isfinite(redshift))
    if len(rows) < 2:
        return Measured.impossible(f"only {len(rows)} redshifts were fitted: at least 2 are needed")
    rows = rows[np.lexsort((target[rows], redshift[rows]))]
    repeats = (np.diff(redshift[rows]) == 0) & (np.diff(target[rows]) != 0)
    count = int(np.count_nonzero(repeats))
    if not count:
        return Measured(0.0, sensitivity=1.0)
    first, second = number[rows[:-1][repeats]], number[rows[1:][repeats]]
    both = np.unique(np.concatenate([first, second]))
    runs = np.split(both, np.flatnonzero(np.diff(both) > 1) + 1)
    pairs = ", ".join(f"{one} and {other}" for one, other in sorted(zip(first.tolist(), second.tolist(), strict=True))[:4])
    return Measured(
        float(count),
        sensitivity=1.0,
        fibers=tuple((int(run[0]), int(run[-1])) for run in runs)[:NAMED],
        detail=f"{count} of {len(rows)} redshifts are those of another target to all digits (fibers {pairs}): rows were copied",
    )
