"""What the sky of one camera looked like: its level and the place and width of its lines, to compare exposures and petals by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.sframes.wavelength import isolated_lines
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import Floats, nan_median
from pytest_specqa.values import Measured

MIN_PETALS = 5
"""Petals from which on the median petal is the exposure's: the half of DESI."""


@dataclass(frozen=True)
class SkyState:
    """The sky of one camera.

    Attributes
    ----------
    camera, band, petal, expid
        Which one.
    level : float
        Natural logarithm of the median sky continuum, electron/Angstrom; NaN where it is not positive.
    offset, width : ndarray, shape (n_line,)
        Place of each known sky line against its wavelength, and full width at half maximum, Angstrom; NaN where not measured.
    heliocor : float
        Factor from observed to barycentric wavelength.
    """

    camera: str
    band: str
    petal: int
    expid: int
    level: float
    offset: Floats
    width: Floats
    heliocor: float


def sky_state(spectra: CameraSpectra, *, camera: str, expid: int) -> SkyState:
    """Reduce the sky model of a camera to a few numbers.

    Parameters
    ----------
    spectra : CameraSpectra
        With their sky model.
    camera : str
        Name of the camera.
    expid : int
        Exposure.

    Returns
    -------
    SkyState
        See there.
    """
    offset, width = isolated_lines(spectra).T
    level = float(nan_median(spectra.sky_spectrum))
    named = spectra.instrument.camera(camera)
    return SkyState(
        camera=camera,
        band=named.band,
        petal=named.petal,
        expid=expid,
        level=float(np.log(level)) if level > 0 else np.nan,
        offset=offset,
        width=width,
        heliocor=spectra.heliocor,
    )


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
    known = [state for state in states if np.isfinite(state.level)]
    found = []
    for band in dict.fromkeys(state.band for state in known):
        these = [state for state in known if state.band == band]
        if len(these) >= MIN_PETALS:
            middle = float(np.median([state.level for state in these]))
            found += [(state.level - middle, state) for state in these]
    if not found:
        return Measured.impossible(f"the sky of petals can be compared from {MIN_PETALS} petals of a band on")
    size, state = max(found, key=lambda one: abs(one[0]))
    percent = 100.0 * abs(float(np.expm1(size)))
    word = "more" if size > 0 else "less"
    return Measured(
        value=abs(size),
        error=0.0,
        fibers=(instrument.petal_range(state.petal),),
        detail=(
            f"petal {state.petal} saw {percent:.0f} % {word} sky in {state.band} than the median petal: light that leaks in, its "
            "flat or its gain"
        ),
    )


@dataclass(frozen=True)
class LineChanges:
    """What `line_changes` found, in Angstrom.

    Attributes
    ----------
    offset : Measured
        Largest change of the place of the sky lines of a camera between the exposures of a tile.
    width : Measured
        The same for their full width at half maximum.
    """

    offset: Measured
    width: Measured


def line_changes(states: Iterable[SkyState], *, instrument: Instrument = DESI) -> LineChanges:
    """Compare the sky lines of each camera with those of its other exposures.

    Parameters
    ----------
    states : iterable of SkyState
        Of all cameras of the exposures of one tile.
    instrument : Instrument
        Knows the fibers of a petal.

    Returns
    -------
    LineChanges
        Largest differences from the median of the other exposures; *not measured* with one exposure, or without lines.

    References
    ----------
    desispec #953, #2113, #2670 (trace shifts that fail in one exposure), #947 (line spread).
    """
    cameras: dict[str, list[SkyState]] = {}
    for state in states:
        cameras.setdefault(state.camera, []).append(state)
    return LineChanges(*(_change(cameras, name, instrument) for name in ("offset", "width")))


def _change(cameras: dict[str, list[SkyState]], name: str, instrument: Instrument) -> Measured:
    found = []
    for these in cameras.values():
        for state in these:
            others = [getattr(one, name) for one in these if one.expid != state.expid]
            # A line that is too faint in one exposure must not shift the mean of the others.
            changes = getattr(state, name) - nan_median(others) if others else np.array([np.nan])
            if np.isfinite(changes).any():
                found.append((float(nan_median(changes)), state))
    if not found:
        return Measured.impossible("no camera has sky lines in two exposures of the tile")
    size, state = max(found, key=lambda one: abs(one[0]))
    what = "lie" if name == "offset" else "are"
    word = ("redward" if size > 0 else "blueward") if name == "offset" else ("wider" if size > 0 else "narrower")
    return Measured(
        value=abs(size),
        error=0.0,
        fibers=(instrument.petal_range(state.petal),),
        detail=(
            f"sky lines of {state.camera} {what} {abs(size):.3f} A {word} in exposure {state.expid} than in the tile's "
            "others: its trace shifts or line spread"
        ),
    )
