"""Redshifts of a petal by fiber, as the history of nights keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.redshifts.reference import CLASSES, target_classes
from pytest_specqa.measures.statistics import Bools, Floats, Ints

TYPES = ("GALAXY", "QSO", "STAR")
"""Spectral types in the order of their codes, from 1."""
TARGET, SKY, STANDARD = 1, 2, 4
"""Bits of what a fiber was on."""
CLASS_BITS = {name: 8 << place for place, name in enumerate(CLASSES)}
"""Bits of the class of a target: BGS 8, LRG 16, ELG 32, QSO 64."""
OTHER = 128
"""Bit of a target of no such class, as those of the Milky Way."""


@dataclass(frozen=True)
class ByFiber:
    """What `by_fiber` found; a row for each fiber of the petal, NaN where it has no spectrum.

    Attributes
    ----------
    redshift, quality : ndarray, shape (n_fiber,)
        Z and DELTACHI2.
    spectype : ndarray, shape (n_fiber,)
        0 for none that is known, 1 GALAXY, 2 QSO, 3 STAR.
    zwarn : ndarray, shape (n_fiber,)
        Bits of ZWARN.
    target : ndarray, shape (n_fiber,)
        Sum of 1 target, 2 sky, 4 standard star, and of the class of the target: 8 BGS, 16 LRG, 32 ELG, 64 QSO, 128 any other.
    """

    redshift: Floats
    quality: Floats
    spectype: Floats
    zwarn: Floats
    target: Floats


def by_fiber(
    z: ArrayLike,
    *,
    spectype: ArrayLike,
    zwarn: ArrayLike,
    deltachi2: ArrayLike,
    fiber: Ints,
    is_sky: Bools,
    is_target: Bools,
    desi_target: ArrayLike | None = None,
    petal: int,
    instrument: Instrument = DESI,
) -> ByFiber:
    """Put the redshifts of a petal in the order of its fibers.

    Parameters
    ----------
    z, spectype, zwarn, deltachi2 : array_like, shape (n,)
        Columns of the redshift table.
    fiber : ndarray of int, shape (n,)
        FIBER of each row. Of several rows of a fiber, as of the skies of a positioner that is stuck, the first of a target counts,
        else the first.
    is_sky, is_target : ndarray of bool, shape (n,)
        What each fiber was on.
    desi_target : array_like of int, shape (n,), or None
        Bits of the main survey, where they are known.
    petal : int
        Number of the petal.
    instrument : Instrument
        Knows the fibers of a petal, and the bits.

    Returns
    -------
    ByFiber
        Numbers as floats.
    """
    fiber = np.asarray(fiber)
    order = np.argsort(~np.asarray(is_target), kind="stable")
    slots, first = np.unique(fiber[order] - petal * instrument.fibers, return_index=True)
    inside = (slots >= 0) & (slots < instrument.fibers)
    slots, rows = slots[inside], order[first[inside]]
    target = np.where(is_target, TARGET, 0) | np.where(is_sky, SKY, 0) | _of_class(desi_target, is_target, instrument)

    def placed(values: ArrayLike) -> Floats:
        """Rows at the places of their fibers."""
        found = np.full(instrument.fibers, np.nan)
        found[slots] = np.asarray(values, dtype=float)[rows]
        return found

    names = np.char.strip(np.asarray(spectype).astype(str))
    codes = sum((np.where(names == name, code, 0) for code, name in enumerate(TYPES, start=1)), np.zeros(len(fiber)))
    return ByFiber(placed(z), placed(deltachi2), placed(codes), placed(zwarn), placed(target))


def _of_class(desi_target: ArrayLike | None, is_target: Bools, instrument: Instrument) -> NDArray[np.int64]:
    """Bits of standard and class; of both kinds where a star is a target too."""
    found = np.zeros(len(is_target), dtype=np.int64)
    if desi_target is None:
        return found
    bits = np.asarray(desi_target).astype(np.int64)
    classes = target_classes(bits, instrument)
    for name, bit in CLASS_BITS.items():
        found[is_target & (classes == name)] = bit
    standard = is_target & ((bits & instrument.standards) != 0)
    found[is_target & (found == 0)] = OTHER
    found[standard] |= STANDARD
    return found
