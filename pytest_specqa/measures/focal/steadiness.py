"""Do the exposures of a tile have the same sky lines in the same places, and corrections that fit their times?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI, SPEED_OF_LIGHT, Instrument
from pytest_specqa.measures.focal.petals import peers_of
from pytest_specqa.measures.sframes.sky_state import SkyState
from pytest_specqa.measures.sframes.wavelength import PLACE_ERROR, STRAY
from pytest_specqa.measures.statistics import MARGIN, nan_median
from pytest_specqa.values import Measured, Peer

STEADY = 0.01
"""Angstrom to which the place of a line on the same bins repeats."""
TYPICAL_WAVE = 6700.0
"""Angstrom, to turn a velocity into a shift."""


@dataclass(frozen=True)
class LineChanges:
    """What `line_changes` found, in Angstrom.

    Attributes
    ----------
    offset : Measured
        Largest proved change of the place of the sky lines of a camera between the exposures of a tile.
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
        Largest differences from the median of the other exposures, less three errors; *not measured* with one exposure, or without
        lines.

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
            others = [one for one in these if one.expid != state.expid]
            # A line that is too faint in one exposure must not shift the mean of the others.
            changes = getattr(state, name) - nan_median([getattr(one, name) for one in others]) if others else np.array([np.nan])
            changes = changes[np.isfinite(changes)]
            changes = changes[np.abs(changes - np.median(changes)) < STRAY] if changes.size else changes
            if changes.size:
                found.append((float(np.mean(changes)), _misplaced(state, others) / np.sqrt(changes.size), state))
    if not found:
        return Measured.impossible("no camera has sky lines in two exposures of the tile")
    place = max(range(len(found)), key=lambda number: abs(found[number][0]) - MARGIN * found[number][1])
    size, error, state = found[place]
    what = "lie" if name == "offset" else "are"
    word = ("redward" if size > 0 else "blueward") if name == "offset" else ("wider" if size > 0 else "narrower")
    return Measured(
        value=max(abs(size) - MARGIN * error, 0.0),
        error=error,
        sensitivity=MARGIN * float(np.median([one[1] for one in found])),
        fibers=(instrument.petal_range(state.petal),),
        detail=(
            f"sky lines of {state.camera} {what} {abs(size):.3f} +- {error:.3f} A {word} in exposure {state.expid} than in its "
            "others of the tile: trace shifts or line spread"
        ),
        camera=state.camera,
        peers=peers_of([(one.petal, f"{one.band}, exposure {one.expid}", its, sigma) for its, sigma, one in found], place),
    )


def _misplaced(state: SkyState, others: list[SkyState]) -> float:
    """Error of the change of one line: extraction draws lines to the bins, which another velocity moves past them."""
    moved = TYPICAL_WAVE / SPEED_OF_LIGHT * max(abs(state.velocity - one.velocity) for one in others)
    most = np.sqrt(2.0) * PLACE_ERROR
    return float(np.hypot(STEADY, min(moved, most) if np.isfinite(moved) else most))


@dataclass(frozen=True)
class Barycenters:
    """What `barycentric_corrections` found, in km/s.

    Attributes
    ----------
    spread : Measured
        Largest difference between the cameras of an exposure.
    change : Measured
        Largest difference of an exposure, beyond what position and time say, from the other exposures of the tile.
    """

    spread: Measured
    change: Measured


def barycentric_corrections(states: Iterable[SkyState]) -> Barycenters:
    """Compare the barycentric corrections that the headers of a tile's exposures name.

    Parameters
    ----------
    states : iterable of SkyState
        Of all cameras of the exposures of one tile.

    Returns
    -------
    Barycenters
        *Not measured* without the keyword; the change, without position and time or with one exposure.

    References
    ----------
    desispec #2182, #950 (one correction for a tile), #941 (applied more than once).
    """
    exposures: dict[int, list[SkyState]] = {}
    for state in states:
        if np.isfinite(state.velocity):
            exposures.setdefault(state.expid, []).append(state)
    if not exposures:
        nothing = Measured.impossible("no header names a barycentric correction")
        return Barycenters(nothing, nothing)
    spreads = {expid: np.ptp([one.velocity for one in these]) for expid, these in exposures.items()}
    widest = max(spreads, key=lambda expid: spreads[expid])
    detail = f"the cameras of exposure {widest} have barycentric corrections that differ by {spreads[widest]:.2f} km/s"
    spread = Measured(
        float(spreads[widest]), error=0.0, detail=detail, peers=_peers(exposures, lambda one: one.velocity, widest=widest)
    )
    beyond = {expid: float(np.median([one.velocity - one.expected for one in these])) for expid, these in exposures.items()}
    beyond = {expid: value for expid, value in beyond.items() if np.isfinite(value)}
    if len(beyond) < 2:
        return Barycenters(
            spread, Measured.impossible("no two exposures of the tile whose headers tell position, time and correction")
        )
    changes = {
        expid: value - float(np.median([beyond[other] for other in beyond if other != expid])) for expid, value in beyond.items()
    }
    odd = max(changes, key=lambda expid: abs(changes[expid]))
    told = f"the barycentric correction of exposure {odd} is {changes[odd]:+.2f} km/s off for its position and time"
    peers = _peers({expid: exposures[expid] for expid in changes}, lambda one: one.velocity - one.expected, widest=odd)
    return Barycenters(spread, Measured(abs(changes[odd]), error=0.0, detail=told, peers=peers))


def _peers(exposures: dict[int, list[SkyState]], value: Callable[[SkyState], float], *, widest: int) -> tuple[Peer, ...]:
    """Values of all cameras less their common median."""
    middle = float(np.median([value(one) for these in exposures.values() for one in these]))
    return tuple(
        Peer(one.petal, f"exposure {expid}", value(one) - middle, chosen=expid == widest)
        for expid, these in exposures.items()
        for one in these
    )
