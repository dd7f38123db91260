"""Do the cameras of a petal agree in the wavelengths that they share?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.focal.petals import BRIGHT, mean_ratio, peers_of, percent
from pytest_specqa.measures.models.light import FiberLight
from pytest_specqa.measures.statistics import Found, strongest
from pytest_specqa.values import Measured

MIN_FIBERS = 5
"""Bright fibers of a petal from which on two of its cameras can be compared."""


def camera_joins(lights: Iterable[FiberLight], *, instrument: Instrument = DESI) -> Measured:
    """Compare the light of the same fibers in neighbouring cameras, where their bands overlap.

    Parameters
    ----------
    lights : iterable of FiberLight
        Of the cameras of one exposure.
    instrument : Instrument
        Knows the overlaps.

    Returns
    -------
    Measured
        Largest proved logarithm of the ratio, over petals and pairs of bands; *not measured* without two neighbouring cameras of a
        petal and bright fibers in both.

    References
    ----------
    desispec #2193, redrock #286 (breaks between cameras read as redshifts), desispec #1249 (one camera above its neighbours).
    """
    cameras = {(light.band, light.petal): light for light in lights}
    rows = []
    for pair in instrument.overlaps:
        blue, red = pair.split(" and ")
        for petal in instrument.petals:
            if (blue, petal) in cameras and (red, petal) in cameras:
                found = _break(cameras[blue, petal], cameras[red, petal], pair)
                rows += [] if found is None else [(pair, petal, *found)]
    if not rows:
        return Measured.impossible("no petal has two neighbouring cameras with bright targets in both")
    size, error = np.array([row[2:] for row in rows]).T

    def worst(place: int) -> Found:
        """Petal and bands."""
        pair, petal = rows[place][:2]
        blue, red = pair.split(" and ")
        detail = f"{blue} of petal {petal} is {percent(size[place])} than {red} where they overlap: one calibration is off"
        return Found(instrument.petal_range(petal), detail, kind="level", waves=instrument.overlaps[pair], label=f"{pair} join")

    worst_break = strongest(size, error)
    pair, petal = rows[worst_break.place][:2]
    return replace(
        worst_break.measured(worst, nothing="no petal has two neighbouring cameras with bright targets in both"),
        camera=f"{pair[0]}{petal}" if worst_break.place >= 0 else "",
        peers=peers_of([(row[1], row[0], *row[2:]) for row in rows], worst_break.place),
    )


def _break(blue: FiberLight, red: FiberLight, pair: str) -> tuple[float, float] | None:
    """Mean logarithm of blue over red of the bright targets of a petal, and its error; None with too few."""
    known, place, its = np.intersect1d(blue.fiber, red.fiber, assume_unique=True, return_indices=True)
    if not known.size:
        return None
    (flux, noise), (other, its_noise) = (
        (light.joins[pair][0][rows], light.with_sky_scatter(*light.joins[pair])[rows])
        for light, rows in ((blue, place), (red, its))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        usable = (blue.target[place] & red.target[its]) & (flux > BRIGHT * noise) & (other > BRIGHT * its_noise)
        part = np.hypot(noise / flux, its_noise / other)
    if usable.sum() < MIN_FIBERS:
        return None
    return mean_ratio(flux[usable] / other[usable], part[usable])
