"""What changed over the nights of a store: the search, what explains what, and each change at its exposures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_specqa.checks.wording import count
from pytest_specqa.errors import UsageError
from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.chance import sigmas
from pytest_specqa.measures.history.search import MIN_NIGHTS
from pytest_specqa.measures.statistics import Floats
from pytest_specqa.results.history import pileups
from pytest_specqa.results.history.changes import Change
from pytest_specqa.results.history.cubes import VectorCube, read_cube, vector_names
from pytest_specqa.results.history.explaining import Cluster, explained
from pytest_specqa.results.history.exposures import read_exposures
from pytest_specqa.results.history.found import CAMERAS, FIBERS, GROUPS, KINDS, Bars, Found, Tally, in_cube, in_measures, in_shared
from pytest_specqa.results.history.nightly import PEERS, PETALS, band_of, less_shared, measure_panels
from pytest_specqa.results.history.refining import Refined, refine
from pytest_specqa.results.history.wording import detail, others

if TYPE_CHECKING:
    from pytest_specqa.results.storing.dataset import Store

RATE = 0.03
"""False alarms that 1,000 clean nights may give here; redshifts spend the other 0.02 of the 0.05 (`pileups`)."""
PER = 1000
"""Nights that the rate is told for."""
Progress = Callable[[str], None]


@dataclass
class Extent:
    """What was searched.

    Attributes
    ----------
    nights : tuple of int
        All of them.
    tally : Tally
        Series by kind, and ranges.
    few : dict
        Number of cameras, or petals, by band, of the bands that have fewer than `PEERS`: what they have in common is not known.
    """

    nights: tuple[int, ...]
    tally: Tally = field(default_factory=lambda: Tally({}))
    few: dict[str, int] = field(default_factory=dict)


def find(
    store: Store,
    *,
    nights: Sequence[int] | None = None,
    camera: str | None = None,
    rate: float = RATE,
    progress: Progress | None = None,
) -> tuple[list[Change], Extent]:
    """Search every measure and vector of a store for ranges of dates in which it is off.

    Parameters
    ----------
    store : Store
        Of one production.
    nights : sequence of int or None
        Nights to search, each YYYYMMDD; by default all.
    camera : str or None
        The only camera to be searched.
    rate : float
        Chance of a false alarm anywhere, for 1,000 clean nights.
    progress : callable or None
        Told what is read.

    Returns
    -------
    changes : list of Change
        Most certain first.
    extent : Extent
        What was searched.

    Raises
    ------
    UsageError
        If there are fewer than 20 nights.
    ResultsError
        If the store is damaged.
    """
    chosen = tuple(store.nights if nights is None else nights)
    if len(chosen) < MIN_NIGHTS:
        held = f"it holds {store.nights[0]} to {store.nights[-1]}" if store.nights else "it is empty"
        raise UsageError(
            f"{store.root}: found {count(len(chosen), 'night')} to search, expected {MIN_NIGHTS} or more; {held}: "
            "add the results of more, or ask for others"
        )
    places = _places(store, chosen)
    if camera is not None and camera not in places:
        there = ", ".join(name for name in places if band_of(name) != PETALS) or "none"
        raise UsageError(f"{store.root}: found no camera {camera} in these nights, expected one of {there}")
    told = progress or (lambda _: None)
    bands = Counter(map(band_of, places))
    few = {band: number for band, number in bands.items() if number < PEERS and (camera is None or band == camera[0])}
    extent = Extent(chosen, few=few)
    share = rate * len(chosen) / PER / len(KINDS)
    cameras = vector_names(store, chosen)
    found: list[Found] = []
    told(f"measures of {len(chosen)} nights")
    panels = measure_panels(store, chosen)
    bars = _bars(share, cameras, measures=sum(len(panel.cameras) for panel in panels))
    for panel in panels:
        found += [one for one in in_measures(panel, bars, extent.tally) if camera in (None, one.camera)]
    for name, of in cameras.items():
        alike = [one for one in of if camera is None or one[0] == camera[0]]
        found += _in_vector(store, name, alike, bars, extent=extent, told=told, only=camera)
    told("exposures of what was found")
    return _told_at_exposures(store, found, extent, share), extent


def find_all(
    store: Store,
    *,
    nights: Sequence[int] | None = None,
    camera: str | None = None,
    rate: float = 0.05,
    progress: Progress | None = None,
) -> tuple[list[Change], Extent]:
    """Return what every finder of the history finds in a store; parameters and errors are those of `find`.

    Returns
    -------
    changes : list of Change
        Most certain first.
    extent : Extent
        What was searched.
    """
    of_series = rate * RATE / (RATE + pileups.RATE)
    found, extent = find(store, nights=nights, camera=camera, rate=of_series, progress=progress)
    (progress or (lambda _: None))("redshifts of every fiber")
    return pileups.find(
        store, nights=extent.nights, camera=camera, rate=rate - of_series, residuals=found, tally=extent.tally
    ), extent


def _places(store: Store, nights: Sequence[int]) -> list[str]:
    """Name the cameras of some nights, and their petals as the panels of measures do."""
    query = (
        f"SELECT DISTINCT coalesce(camera, '{PETALS} ' || petal) AS place FROM records "
        f"WHERE camera IS NOT NULL OR (kind = '{PETALS}' AND petal IS NOT NULL) ORDER BY ALL"
    )
    return [name for (name,) in store.ask(lambda connection: connection.sql(query).fetchall(), nights=nights)]


def _bars(share: float, cameras: dict[str, list[str]], *, measures: int) -> Bars:
    """Chances of one series: before the search, for the most series that there may be; after it, for those that there were."""
    bins = {name: 40 if name == "residual" else 1 for name in cameras}
    columns = sum(len(of) * bins[name] for name, of in cameras.items())
    most = {CAMERAS: measures + columns, GROUPS: columns * (DESI.fibers // DESI.block), FIBERS: columns * DESI.fibers}
    # A little lenient, since it is the number of series in the end that counts.
    return Bars({kind: min(0.1, 2 * share / max(1, number)) for kind, number in most.items()})


def _in_vector(
    store: Store, name: str, cameras: Sequence[str], bars: Bars, *, extent: Extent, told: Progress, only: str | None
) -> list[Found]:
    """Search one vector camera by camera, then what the fibers of each camera have in common."""
    found: list[Found] = []
    shared: dict[str, VectorCube] = {}
    for camera in cameras:
        told(f"{name} of {camera}")
        cube = read_cube(store, name, camera=camera, nights=extent.nights)
        if cube is None:
            continue
        if only in (None, camera):
            found += in_cube(cube, bars, extent.tally)
        # The cube of the fibers is let go.
        shared[camera] = replace(cube, values=np.empty((0, 0, 0), np.float32))
    for band in sorted({camera[0] for camera in shared}):
        alike: dict[tuple[float, ...], list[VectorCube]] = {}
        for camera, cube in shared.items():
            if camera[0] == band:
                alike.setdefault(cube.waves, []).append(cube)
        for cubes in alike.values():
            given = {cube.camera: cube.shared for cube in cubes}
            changed = in_shared(_less_band(cubes), given, cubes[0], bars=bars, tally=extent.tally)
            found += [one for one in changed if only in (None, one.camera)]
    return found


def _less_band(cubes: Sequence[VectorCube]) -> dict[str, Floats]:
    """What the halves of each camera have in common, less what the band has; see `in_shared` for a band of few cameras."""
    if len(cubes) < PEERS:
        none = np.full_like(cubes[0].shared[0], np.nan)
        return {cube.camera: np.stack([cube.shared[0] - cube.shared[1], none]) for cube in cubes}
    stacked = np.stack([cube.shared for cube in cubes], axis=-1)
    rest = less_shared(stacked, [cube.camera[0] for cube in cubes])
    return {cube.camera: np.ascontiguousarray(rest[..., place]) for place, cube in enumerate(cubes)}


def _told_at_exposures(store: Store, found: Sequence[Found], extent: Extent, share: float) -> list[Change]:
    certain = [one for one in found if one.chance * extent.tally.series.get(one.kind, 1) <= share]
    clusters = explained(certain)
    changes = [
        _change(cluster, refine(cluster, exposures), extent)
        for cluster, exposures in read_exposures(store, clusters, extent.nights)
    ]
    return sorted(changes, key=lambda change: (-change.significance, change.camera, change.what))


def _change(cluster: Cluster, refined: Refined, extent: Extent) -> Change:
    head = cluster.head
    chance = head.chance * extent.tally.series[head.kind] * len(KINDS)
    first, last = (_moment(moment, extent) for moment in (refined.first, refined.last))
    joined = others(cluster)
    return Change(
        what=head.what, scope=head.scope, shape=refined.shape, camera=head.camera, fibers=cluster.fibers, waves=cluster.waves,
        first=first, last=last, ongoing=refined.ongoing, size=refined.size, error=refined.error, unit=head.unit,
        level=refined.level, significance=sigmas(chance), bad=refined.bad, seen=refined.seen,
        detail=detail(cluster, refined, first=first, last=last), joined=joined,
    )  # fmt: skip


def _moment(moment: tuple[int, int | None], extent: Extent) -> tuple[int, int | None]:
    return extent.nights[moment[0]], moment[1]
