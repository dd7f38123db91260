"""Do the exposures of a tile agree? They saw the same targets through the same fibers, and calibration takes the weather out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.focal.levels import MIN_FIBERS, MIN_STARS
from pytest_specqa.measures.focal.petals import BRIGHT, against_median, by_band, mean_ratio, peers_of, percent
from pytest_specqa.measures.models.light import FiberLight
from pytest_specqa.measures.statistics import MEDIAN_EFFICIENCY, Floats, Found, nan_median, strongest
from pytest_specqa.values import Measured, Peer

FEWEST_PETALS = 3
"""Petals from which on a median petal means something."""


@dataclass(frozen=True)
class Visits:
    """What `compare_visits` found: logarithms of ratios.

    Attributes
    ----------
    petal : Measured
        Largest proved change of the light of a petal against its other exposures, beyond what all petals share.
    exposure : Measured
        Largest proved change that all petals share.
    vector : Measured
        Largest change of the calibration vectors of a petal against those of the median petal; they have no noise.
    """

    petal: Measured
    exposure: Measured
    vector: Measured


def compare_visits(lights: Iterable[FiberLight], *, instrument: Instrument = DESI) -> Visits:
    """Compare the exposures of a tile.

    Parameters
    ----------
    lights : iterable of FiberLight
        Of all cameras of the exposures of one tile.
    instrument : Instrument
        Knows the fibers of a petal.

    Returns
    -------
    Visits
        *Not measured* with one exposure, or fewer than three petals of a band in two exposures.

    References
    ----------
    desispec PR #1109 (zero point), #1249 (one camera), #2718 (standards chosen anew in each exposure).
    """
    seen = list(lights)
    if len({light.expid for light in seen}) < 2:
        alone = Measured.impossible("the tile has one exposure only")
        return Visits(alone, alone, alone)
    few = Measured.impossible(f"exposures can be compared from {FEWEST_PETALS} petals of a band that two of them share on")
    changes = [(light, *found) for light in seen if (found := _change(light, _others(light, seen))) is not None]
    groups: dict[tuple[str, int], list[tuple[FiberLight, float, float]]] = {}
    for one in changes:
        groups.setdefault((one[0].band, one[0].expid), []).append(one)
    groups = {key: these for key, these in groups.items() if len(these) >= FEWEST_PETALS}
    vector = _vectors(seen, instrument)
    if not groups:
        return Visits(few, few, vector or few)
    return Visits(_petals(groups, instrument), _exposures(groups, instrument), vector or few)


def _others(light: FiberLight, seen: list[FiberLight]) -> list[FiberLight]:
    """The same camera in the other exposures."""
    return [one for one in seen if one.camera == light.camera and one.expid != light.expid and len(one.fiber) == len(light.fiber)]


def _change(light: FiberLight, others: list[FiberLight]) -> tuple[float, float] | None:
    """Mean logarithm of the light of bright targets over that of the other exposures, and its error; stars where there are some."""
    if not others:
        return None
    mean = np.mean([one.flux for one in others], axis=0)
    noise = np.sqrt(np.sum([one.noise**2 for one in others], axis=0)) / len(others)
    with np.errstate(invalid="ignore", divide="ignore"):
        usable = light.target & (mean > BRIGHT * noise) & (light.flux > light.noise)
        part = np.hypot(light.noise / light.flux, noise / mean)
    stars = usable & light.star
    rows, least = (stars, MIN_STARS) if stars.sum() >= MIN_STARS else (usable, MIN_FIBERS)
    if rows.sum() < least:
        return None
    return mean_ratio(light.flux[rows] / mean[rows], part[rows])


Groups = dict[tuple[str, int], list[tuple[FiberLight, float, float]]]


def _petals(groups: Groups, instrument: Instrument) -> Measured:
    """Change of each petal beyond the median petal's."""
    rows, sizes, errors = [], [], []
    for these in groups.values():
        apart, sigmas = against_median(*np.array([one[1:] for one in these]).T)
        rows += [one[0] for one in these]
        sizes += list(apart)
        errors += list(sigmas)

    def worst(place: int) -> Found:
        """Camera and exposure."""
        light = rows[place]
        detail = (
            f"stars of petal {light.petal} are {percent(sizes[place])} in {light.band} in exposure {light.expid} than in the "
            "tile's others, against the other petals: its calibration changed"
        )
        return Found(instrument.petal_range(light.petal), detail, kind="level", label=f"{light.camera} level")

    found = strongest(np.array(sizes), np.array(errors))
    return replace(
        found.measured(worst, nothing="no petal was seen twice"),
        camera=rows[found.place].camera if found.place >= 0 else "",
        peers=peers_of(
            [(one.petal, _series(one.band, one.expid), size, error) for one, size, error in zip(rows, sizes, errors, strict=True)],
            found.place,
        ),
    )


def _series(band: str, expid: int) -> str:
    return f"{band}, exposure {expid}"


def _exposures(groups: Groups, instrument: Instrument) -> Measured:
    """Change that the petals share."""
    keys = list(groups)
    sizes = np.array([np.median([size for _, size, _ in groups[key]]) for key in keys])
    errors = np.array(
        [MEDIAN_EFFICIENCY * np.median([error for *_, error in groups[key]]) / np.sqrt(len(groups[key])) for key in keys]
    )

    def worst(place: int) -> Found:
        """Band and exposure."""
        band, expid = keys[place]
        petals = sorted(light.petal for light, *_ in groups[keys[place]])
        detail = (
            f"all {len(petals)} petals are {percent(sizes[place])} in {band} in exposure {expid} than in the tile's other "
            "exposures: the zero point of its calibration"
        )
        edges = instrument.petal_range(petals[0])[0], instrument.petal_range(petals[-1])[1]
        return Found(edges, detail, kind="level", label=f"{band} level")

    found = strongest(sizes, errors)
    return replace(
        found.measured(worst, nothing="no band was seen twice"),
        camera=groups[keys[found.place]][0][0].camera if found.place >= 0 else "",
        peers=tuple(
            Peer(light.petal, _series(*key), size, error, chosen=number == found.place)
            for number, key in enumerate(keys)
            for light, size, error in groups[key]
        ),
    )


def _vectors(seen: list[FiberLight], instrument: Instrument) -> Measured | None:
    """Change of the vectors of a petal, less the median petal's of each exposure; None with too few petals."""
    worst: tuple[float, FiberLight] | None = None
    changes: list[tuple[FiberLight, float]] = []
    for these in by_band(light for light in seen if np.isfinite(light.vector).all()).values():
        expids, petals = sorted({light.expid for light in these}), sorted({light.petal for light in these})
        if len(expids) < 2 or len(petals) < FEWEST_PETALS:
            continue
        levels = np.full((len(expids), len(petals)), np.nan)
        for light in these:
            levels[expids.index(light.expid), petals.index(light.petal)] = light.vector.mean()
        levels -= nan_median(levels, axis=1)[:, None]
        change = np.array([row - _others_median(levels, k) for k, row in enumerate(levels)])
        if not np.isfinite(change).any():
            continue
        changes += [(light, float(change[expids.index(light.expid), petals.index(light.petal)])) for light in these]
        row, column = np.unravel_index(int(np.nanargmax(np.abs(change))), change.shape)
        size = float(change[row, column])
        light = next(one for one in these if (one.expid, one.petal) == (expids[row], petals[column]))
        worst = (size, light) if worst is None or abs(size) > abs(worst[0]) else worst
    if worst is None:
        return None
    size, light = worst
    return Measured(
        value=abs(size),
        error=0.0,
        fibers=(instrument.petal_range(light.petal),),
        detail=(
            f"the calibration of {light.camera} in exposure {light.expid} counts {percent(size, 'more', 'fewer')} electrons than "
            "in the tile's other exposures, against the other petals"
        ),
        camera=light.camera,
        peers=tuple(Peer(one.petal, _series(one.band, one.expid), its, chosen=one is light) for one, its in changes),
    )


def _others_median(levels: Floats, row: int) -> Floats:
    return nan_median(np.delete(levels, row, axis=0), axis=0)
