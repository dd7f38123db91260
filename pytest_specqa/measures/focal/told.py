"""How what was found over the focal plane is put into a value: its size, place, words and camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pytest_specqa.measures.focal.shifts import ShiftMap
from pytest_specqa.measures.statistics import MARGIN, Strongest
from pytest_specqa.values import Feature, Measured

PERCENT = 100.0
"""Values are in percent of the sky."""


class Seen(NamedTuple):
    """Significance beyond what a sound sky leaves, in sigma after the search; of what, in which window and fibers."""

    sigma: float
    what: str
    one: ShiftMap | None = None
    fibers: tuple[tuple[int, int], ...] = ()
    size: float = 0.0


NOTHING = Seen(float("nan"), "")


def most_seen(searched: Sequence[tuple[Measured, Seen]]) -> Measured:
    """Return the significance of what stands out most in some searches, as a value."""
    known = [seen for _, seen in searched if np.isfinite(seen.sigma)]
    if not known:
        return Measured.impossible("no continuum window with enough good fibers")
    sigma, what, one, fibers, size = max(known, key=lambda seen: seen.sigma)
    detail = f"{what}: {sigma:.1f} sigma beyond what a sound sky leaves"
    if one is None or not sigma > 0:
        return Measured(sigma, error=1.0, detail=detail)
    window, electrons = one.window, size * one.level
    feature = Feature(
        "seen", fibers[0], window.core, electrons, 0.0, sigma, unit="electron/Angstrom", label=f"{window.name}: {what}"
    )
    camera = _camera(one, fibers)
    return Measured(sigma, error=1.0, fibers=fibers, waves=window.core, detail=detail, features=(feature,), camera=camera)


def measured_of(
    worst: Strongest, one: ShiftMap, *, size: float, kind: str, fibers: tuple[tuple[int, int], ...], where: str
) -> Measured:
    """Value of a search: the size that is proved, in percent; the detail has the size that was found."""
    window, error = one.window, PERCENT * worst.error
    needed = PERCENT * worst.sensitivity
    if worst.amplitude == 0.0:
        detail = f"nothing beyond noise; the largest is {worst.significance:.1f} sigma, {where} in {window.name}"
        return Measured(0.0, error=error, sensitivity=needed, detail=detail)
    electrons = size * one.level
    detail = (
        f"{PERCENT * size:+.2g} +- {error:.2g} % of the {'line' if window.kind == 'line' else 'sky'} "
        f"({electrons:+.2g} electron/Angstrom) at {window.name}, {where}, {worst.significance:.1f} sigma after the search"
    )
    feature = Feature(
        kind=kind,
        fibers=fibers[0],
        waves=window.core,
        amplitude=electrons,
        error=worst.error * one.level,
        significance=worst.significance,
        unit="electron/Angstrom",
        label=f"{window.name}: {where}",
    )
    return Measured(
        value=max(PERCENT * abs(size) - MARGIN * error, 0.0),
        error=error,
        sensitivity=needed,
        fibers=fibers,
        waves=window.core,
        detail=detail,
        features=(feature,),
        camera=_camera(one, fibers),
    )


def _camera(one: ShiftMap, fibers: tuple[tuple[int, int], ...]) -> str:
    """Camera of the first fibers of a place."""
    return f"{one.window.band}{fibers[0][0] // one.instrument.fibers}"


def worse(first: Measured, second: Measured) -> Measured:
    """The larger of two values, with the coarser sensitivity; one that could not be measured gives way."""
    known = [one for one in (first, second) if not one.reason]
    if not known:
        return first
    worst = max(known, key=lambda one: one.value)
    return replace(worst, sensitivity=max(one.sensitivity or 0.0 for one in known))
