"""Were the fibers where they should be, on the targets that they are said to be on, with standard stars among them?"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.statistics import Bools, Floats, Ints
from pytest_specqa.measures.where import fiber_ranges, live_fraction
from pytest_specqa.values import Measured

NAMED = 50
"""Ranges of fibers that are listed; their number is in the detail."""


class Columns(Protocol):
    """Anything that holds named columns: a fibermap, a structured array in a mapping, a dict."""

    def __contains__(self, name: object, /) -> bool:
        """Tell whether there is such a column."""

    def __getitem__(self, name: str, /) -> NDArray[Any]:
        """Return a column."""


_SHARED = sum(1 << bit for bit in (0, 1, 2, *range(32, 38), 60, 61, 62))
"""LRG, ELG, QSO, sky and standards, BGS_ANY, MWS_ANY and SCND_ANY: the same in the main survey and in survey validation."""
_CMX = {1: 33, 2: 35, 33: 33, 35: 35}
"""SV0_STD_FAINT, SV0_STD_BRIGHT, STD_FAINT and STD_BRIGHT of CMX_TARGET, and what they are in DESI_TARGET."""


def desi_targets(fibermap: Columns, *, rows: int) -> Ints:
    """DESI_TARGET of each fiber, in whatever survey, as far as its bits mean what they mean in the main survey.

    Parameters
    ----------
    fibermap : Columns
        DESI_TARGET, SV1_, SV2_ and SV3_DESI_TARGET, or CMX_TARGET, as far as they are there.
    rows : int
        Number of fibers.

    Returns
    -------
    ndarray of int, shape (n_fiber,)
        Bits of all columns together: those of the main survey as they are, of survey validation the shared ones, of commissioning
        the standard stars. 0 where no column tells, as in special surveys.

    References
    ----------
    desitarget, ``targetmask.yaml``, ``sv1_targetmask.yaml`` to ``sv3_targetmask.yaml`` and ``cmx_targetmask.yaml``.
    """
    found = np.zeros(rows, dtype=np.int64)
    if "DESI_TARGET" in fibermap:
        found |= np.asarray(fibermap["DESI_TARGET"], dtype=np.int64)
    for name in ("SV1_DESI_TARGET", "SV2_DESI_TARGET", "SV3_DESI_TARGET"):
        if name in fibermap:
            found |= np.asarray(fibermap[name], dtype=np.int64) & _SHARED
    if "CMX_TARGET" in fibermap:
        bits = np.asarray(fibermap["CMX_TARGET"], dtype=np.int64)
        for theirs, ours in _CMX.items():
            found |= (bits >> theirs & 1) << ours
    return found


def on_target(fibermap: Columns, *, band: str, instrument: Instrument = DESI) -> Bools:
    """Tell which fibers are on a science target or standard star and not flagged.

    Parameters
    ----------
    fibermap : Columns
        OBJTYPE and FIBERSTATUS.
    band : str
        Letter of the band.
    instrument : Instrument
        Knows the fatal bits of its bands.

    Returns
    -------
    ndarray of bool, shape (n_fiber,)
        True on targets.
    """
    return np.asarray((fibermap["OBJTYPE"] == "TGT") & ~flagged_fibers(fibermap["FIBERSTATUS"], band=band, instrument=instrument))


def flagged_fibers(fiberstatus: Ints, *, band: str, instrument: Instrument = DESI) -> Bools:
    """Tell which fibers are flagged as useless in a band.

    Parameters
    ----------
    fiberstatus : ndarray of int, shape (n_fiber,)
        FIBERSTATUS.
    band : str
        Letter of the band.
    instrument : Instrument
        Knows the fatal bits of its bands.

    Returns
    -------
    ndarray of bool, shape (n_fiber,)
        True for flagged fibers.
    """
    return np.asarray((np.asarray(fiberstatus, dtype=np.int64) & instrument.fatal[band]) != 0)


def misplaced_fibers(delta_x: Floats, delta_y: Floats, *, fiber: Ints, tolerance: float) -> Measured:
    """Fraction of fibers farther from their target than a tolerance.

    Parameters
    ----------
    delta_x, delta_y : ndarray, shape (n_fiber,)
        Requested minus actual place in mm; NaN or (0, 0) means that nobody measured it.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    tolerance : float
        Distance in mm.

    Returns
    -------
    Measured
        Fraction of the measured fibers; *not measured* if fewer than half of them have a measured place.

    References
    ----------
    desispec, qa-params.yaml (30 and 100 micron), desispec #1229, #1648.
    """
    distance = np.hypot(delta_x, delta_y)
    known = np.isfinite(distance) & (distance > 0)
    if known.sum() < 0.5 * len(distance):
        return Measured.impossible(f"only {int(known.sum())} of {len(distance)} fibers have a measured place")
    with np.errstate(invalid="ignore"):
        off = known & (distance > tolerance)
    return Measured(
        value=float(off.sum() / known.sum()),
        error=0.0,
        fibers=fiber_ranges(fiber, off)[:NAMED],
        detail=f"{int(off.sum())} of {int(known.sum())} fibers are more than {1000 * tolerance:.0f} micron off",
    )


def misplaced_cassette(
    delta_x: Floats, delta_y: Floats, *, fiber: Ints, tolerance: float, instrument: Instrument = DESI
) -> Measured:
    """Fraction of fibers off their target in the worst patch of the focal plane.

    Parameters
    ----------
    delta_x, delta_y : ndarray, shape (n_fiber,)
        Requested minus actual place in mm; NaN or (0, 0) means that nobody measured it.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    tolerance : float
        Distance in mm.
    instrument : Instrument
        Knows the patches.

    Returns
    -------
    Measured
        Largest fraction over the patches, which at DESI mostly share a control bus.

    References
    ----------
    desispec #1650, #1651 (positioners of one bus failed).
    """
    patch = fiber // instrument.patch
    groups = [patch == number for number in np.unique(patch)]
    found = [misplaced_fibers(delta_x[rows], delta_y[rows], fiber=fiber[rows], tolerance=tolerance) for rows in groups]
    found = [item for item in found if not item.reason]
    if not found:
        return Measured.impossible("no patch of fibers has measured places")
    return max(found, key=lambda item: item.value)


def standard_stars(desi_target: Ints, ivar: Floats, *, fiber: Ints, flagged: Bools, instrument: Instrument = DESI) -> Measured:
    """Number of standard stars with data.

    Parameters
    ----------
    desi_target : ndarray of int, shape (n_fiber,)
        DESI_TARGET of the main survey.
    ivar : ndarray, shape (n_fiber, n_wave)
        Inverse variance in any unit; 0 marks bad pixels.
    fiber : ndarray of int, shape (n_fiber,)
        FIBER of each row.
    flagged : ndarray of bool, shape (n_fiber,)
        Fibers that calibration must not use.
    instrument : Instrument
        Knows the bits of standard stars.

    Returns
    -------
    Measured
        Standards that are unflagged and have at least half of their pixels; *not measured* if no target is marked as standard.

    References
    ----------
    desispec, qa-params.yaml; desispec #2718, #1653.
    """
    chosen = (np.asarray(desi_target, dtype=np.int64) & instrument.standards) != 0
    if not chosen.any():
        return Measured.impossible("no target of this petal is marked as a standard star")
    usable = chosen & ~flagged & (live_fraction(ivar) >= 0.5)
    return Measured(
        value=float(usable.sum()),
        error=0.0,
        fibers=fiber_ranges(fiber, chosen & ~usable),
        detail=f"of {int(chosen.sum())} standard stars {int(usable.sum())} can be used",
    )


def identity_conflicts(fiber: Ints, location: Ints, targetid: Ints, *, petal: int, instrument: Instrument = DESI) -> Measured:
    """Number of fibers whose identity contradicts itself.

    Parameters
    ----------
    fiber, location : ndarray of int, shape (n_fiber,)
        FIBER (0-4999) and LOCATION (1000 times petal plus device).
    targetid : ndarray of int, shape (n_fiber,)
        TARGETID; values that are not positive belong to no target.
    petal : int
        Petal that the file belongs to.
    instrument : Instrument
        Knows the fibers of a petal.

    Returns
    -------
    Measured
        Fibers of another petal, out of order, that share a FIBER, LOCATION or TARGETID, or whose LOCATION is of another petal.

    References
    ----------
    desispec #1380, #1202, desitarget #892.
    """
    wrong = fiber // instrument.fibers != petal
    wrong |= np.concatenate([[False], np.diff(fiber) <= 0])
    wrong |= location // 1000 != petal
    for values in (fiber, location, np.where(targetid > 0, targetid, -1 - np.arange(len(targetid)))):
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        wrong |= counts[inverse] > 1
    return Measured(
        value=float(wrong.sum()),
        error=0.0,
        fibers=fiber_ranges(fiber, wrong)[:NAMED],
        detail=f"{int(wrong.sum())} fibers share an identity or are of another petal" if wrong.any() else "",
    )
