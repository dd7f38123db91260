"""Do the petals of an exposure see one sky, and keep nothing of it?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.focal.petals import MIN_PETALS, by_band, peers_of, percent
from pytest_specqa.measures.sframes.sky_state import SkyState
from pytest_specqa.measures.statistics import MEDIAN_EFFICIENCY, Found, mad_scale, strongest
from pytest_specqa.values import Measured, Peer

FITTED = 0.3
"""Least part of the noise in what sky fibers keep of the sky that was fitted to them: the fit of desispec leaves 0.01-0.4."""


def petals_see_one_sky(states: Iterable[SkyState], *, instrument: Instrument = DESI) -> Measured:
    """Largest difference of the sky level of a petal from the median petal's.

    Parameters
    ----------
    states : iterable of SkyState
        Of the cameras of one exposure.
    instrument : Instrument
        Knows the fibers of a petal.

    Returns
    -------
    Measured
        Absolute logarithm of the ratio; *not measured* with fewer than five petals of a band.

    References
    ----------
    desispec, qa-params.yaml (TSNR2 of petals 0.7-1.3).
    """
    found = []
    for these in by_band((state for state in states if np.isfinite(state.level)), least=MIN_PETALS).values():
        middle = float(np.median([state.level for state in these]))
        found += [(state.level - middle, state) for state in these]
    if not found:
        return Measured.impossible(f"the sky of petals can be compared from {MIN_PETALS} petals of a band on")
    place = max(range(len(found)), key=lambda number: abs(found[number][0]))
    size, state = found[place]
    return Measured(
        value=abs(size),
        error=0.0,
        fibers=(instrument.petal_range(state.petal),),
        detail=(
            f"petal {state.petal} saw {percent(size, 'more', 'less', digits=0)} sky in {state.band} than the median petal: light "
            "that leaks in, its flat or its gain"
        ),
        camera=state.camera,
        peers=peers_of([(one.petal, one.band, its, 0.0) for its, one in found], place),
    )


def sky_left(states: Iterable[SkyState], *, instrument: Instrument = DESI) -> Measured:
    """Part of the sky that all petals keep alike after subtraction.

    The sky model is fitted to the sky fibers, so that its own shape is nearly absent from their sum; what is common to all petals
    came after the fit, or is no part of it, and does not average down in deep stacks.

    Parameters
    ----------
    states : iterable of SkyState
        Of the cameras of one exposure.
    instrument : Instrument
        Knows the fibers of a petal.

    Returns
    -------
    Measured
        Largest proved median over the petals of a band, as a part of the sky; *not measured* with fewer than five petals of a band.

    References
    ----------
    desispec #1238 (residuals that remain in stacks of hours), #1895 (a part of the sky subtracted twice).
    """
    bands = by_band((state for state in states if np.isfinite(state.left)), least=MIN_PETALS)
    names = list(bands)
    sizes = np.array([np.median([one.left for one in bands[band]]) for band in names])
    errors = np.array([_error(bands[band]) for band in names])

    def worst(place: int) -> Found:
        """Band."""
        band = names[place]
        ranges = [instrument.petal_range(one.petal) for one in bands[band]]
        word = "keep" if sizes[place] > 0 else "lack"
        much = f"{100 * abs(sizes[place]):.2f} % of the sky in {band}"
        detail = f"sky fibers of all petals {word} {much}: it will not average down in stacks"
        edges = instrument.bands[band]
        return Found((min(ranges)[0], max(ranges)[1]), detail, kind="sky", waves=(edges.first, edges.last), label="sky left")

    nothing = f"what all petals keep of the sky is known from {MIN_PETALS} petals of a band on"
    found = strongest(sizes, errors)
    return replace(
        found.measured(worst, nothing=nothing),
        camera=bands[names[found.place]][0].camera if found.place >= 0 else "",
        peers=tuple(
            Peer(one.petal, band, one.left, one.left_error, chosen=number == found.place)
            for number, band in enumerate(names)
            for one in bands[band]
        ),
    )


def _error(states: list[SkyState]) -> float:
    """Error of the median over petals: from their scatter, which the fit makes smaller than the noise of the fibers."""
    scatter = float(mad_scale([one.left for one in states]))
    least = FITTED * float(np.median([one.left_error for one in states]))
    return MEDIAN_EFFICIENCY * max(scatter, least) / float(np.sqrt(len(states)))
