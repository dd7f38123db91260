"""What the search finds in the series of a store, before it is explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.chance import chance_of_maximum
from pytest_specqa.measures.history.search import Hit, Searched, search
from pytest_specqa.measures.history.sides import Home, homes, parts_off
from pytest_specqa.measures.statistics import Floats, nan_median
from pytest_specqa.results.history.cubes import VectorCube, without_suspects
from pytest_specqa.results.history.nightly import PETALS, MeasurePanel

CAMERAS, GROUPS, FIBERS = "cameras", "groups", "fibers"
KINDS = (CAMERAS, GROUPS, FIBERS)
"""Each has the same share of the allowed false alarms: series of fibers are far more than of groups, and those than of cameras."""
MOST = {CAMERAS: 8.0, GROUPS: 6.0, FIBERS: 6.0}
"""Sigmas beyond which a night counts for no more: so many fibers are searched that no tail is known as far as one night needs."""
CLIP = 3.0
"""Sigmas beyond which a fiber counts for no more in the mean of its group."""
FEW = 0.1
"""Part of the fibers of a group, on either side, without which it must still be off."""
STRETCH = 8
"""Bins that are taken together: some 200 Angstrom."""
LEFT = 0.5
"""Part of the sum over a group that must be left without those; 0.8 is, where all fibers are alike."""


@dataclass(frozen=True, eq=False)
class Found:
    """A range of nights in which one series is off.

    Attributes
    ----------
    what, expectation : str
        Measure with its expectation, or vector with none.
    scope, camera : str
        Of the change; `camera` is empty for petals.
    fibers : tuple of int
        First and last FIBER.
    bins : tuple of int or None
        First and last bin of a vector.
    waves : tuple of float or None
        Their edges in Angstrom.
    first, last : int
        Nights, as places in the nights that were searched.
    statistic : float
        With sign, in sigmas before the search.
    chance : float
        That one clean series as long reaches this.
    kind : str
        Of `KINDS`.
    series : array, shape (nights,)
        Standardised.
    spread : float
        Of the sum over as many nights, over that of independent ones.
    unit : str
        Of the measure or vector.
    """

    what: str
    expectation: str
    scope: str
    camera: str
    fibers: tuple[int, int]
    bins: tuple[int, int] | None
    waves: tuple[float, float] | None
    first: int
    last: int
    statistic: float
    chance: float
    kind: str
    series: Floats
    spread: float
    unit: str

    @property
    def nights(self) -> int:
        """Nights of the range that are known."""
        return int(np.isfinite(self.series[self.first : self.last + 1]).sum())


@dataclass
class Tally:
    """What was searched.

    Attributes
    ----------
    series : dict
        Number of series by kind.
    ranges : int
        Ranges of dates that they have.
    """

    series: dict[str, int]
    ranges: int = 0

    def add(self, kind: str, *, series: int, ranges: int) -> None:
        """Count series of a kind and their ranges."""
        self.series[kind] = self.series.get(kind, 0) + series
        self.ranges += ranges


@dataclass(frozen=True)
class Bars:
    """Chance of a hit that one clean series of each kind may have.

    Attributes
    ----------
    chances : dict
        By kind.
    """

    chances: dict[str, float]

    def search(self, panel: Floats, kind: str, *, bins: int = 1) -> Searched:
        """Search a panel of a kind, in which the bins of each place follow each other."""
        return search(panel, chance=self.chances[kind], most=MOST[kind], kinds=bins)


def in_measures(panel: MeasurePanel, bars: Bars, tally: Tally) -> Iterator[Found]:
    """Search one measure of all cameras of a band, or of all petals."""
    searched = bars.search(panel.values, CAMERAS)
    tally.add(CAMERAS, series=searched.searched, ranges=searched.ranges)
    # What is usual of each camera was taken off: its two sides are told by time alone.
    for hit in [part for one in searched.hits for part in parts_off(one, panel.values[one.series], Home())]:
        name = panel.cameras[hit.series]
        petal = int(name) if panel.band == PETALS else int(name[1:])
        scope, camera = ("petal", "") if panel.band == PETALS else ("camera", name)
        place = (petal * DESI.fibers, (petal + 1) * DESI.fibers - 1)
        yield _found(hit, searched, kind=CAMERAS, what=panel.measure, expectation=panel.expectation, scope=scope, camera=camera,
                     fibers=place, unit=panel.unit)  # fmt: skip


def in_shared(
    cubes: dict[str, Floats], shared: dict[str, Floats], like: VectorCube, *, bars: Bars, tally: Tally
) -> Iterator[Found]:
    """Search what the fibers of each half of a camera have in common, by bin, in the cameras of a band.

    Parameters
    ----------
    cubes : dict
        `VectorCube.shared` by camera, less what the band has in common; where it has too few cameras for that, the first half less
        the second, with NaN for the second: what happened to all cameras cancels in it.
    shared : dict
        The same with nothing taken off.
    like : VectorCube
        One of them, for the name and the bins.
    bars, tally
        What may be found, and what was searched.

    Yields
    ------
    Found
        Of scope amplifier; it is the camera that changed where both halves do.
    """
    names = list(cubes)
    bins, nights = like.shared.shape[1:]
    panel = np.concatenate([cubes[name].reshape(-1, nights) for name in names])
    searched = bars.search(panel, CAMERAS, bins=bins)
    tally.add(CAMERAS, series=searched.searched, ranges=searched.ranges)
    for hit in [part for one in searched.hits for part in parts_off(one, panel[one.series], Home())]:
        camera, half, at = names[hit.series // (2 * bins)], hit.series // bins % 2, hit.series % bins
        if np.isnan(cubes[camera][1, at]).all():
            half = _moved(shared[camera][:, at], hit)
        low = int(camera[1:]) * DESI.fibers + half * (DESI.fibers // 2)
        yield _found(hit, searched, kind=CAMERAS, what=like.name, scope="amplifier", camera=camera, unit=like.unit,
                     fibers=(low, low + DESI.fibers // 2 - 1), bins=(at, at), waves=like.waves)  # fmt: skip


def _moved(halves: Floats, hit: Hit) -> int:
    """Which of two halves has moved more."""
    inside = np.zeros(halves.shape[1], dtype=bool)
    inside[hit.first : hit.last + 1] = True
    moved = [abs(float(nan_median(half[inside]) - nan_median(half[~inside]))) for half in halves]
    return int(np.nanargmax(np.nan_to_num(moved)))


def in_cube(cube: VectorCube, bars: Bars, tally: Tally) -> Iterator[Found]:
    """Search the fibers of a camera, ranges of their bins, and groups of fibers."""
    fibers, bins, nights = cube.values.shape
    searched = bars.search(cube.values.reshape(-1, nights), FIBERS, bins=bins)
    if without_suspects(cube, searched.suspects.reshape(fibers, bins)):
        searched = bars.search(cube.values.reshape(-1, nights), FIBERS, bins=bins)
    tally.add(FIBERS, series=searched.searched, ranges=searched.ranges)
    home = homes(searched.level.reshape(fibers, bins))
    singles = [(fiber, fiber + 1, at, at + 1) for fiber in range(fibers) for at in range(bins)]
    for hit in [part for one in searched.hits for part in _parts(one, cube, singles[one.series], home)]:
        at, fiber = hit.series % bins, cube.first + hit.series // bins
        yield _found(hit, searched, kind=FIBERS, what=cube.name, scope="fiber", camera=cube.camera, fibers=(fiber, fiber),
                     unit=cube.unit, bins=(at, at), waves=cube.waves)  # fmt: skip
    scores = np.clip(searched.values, -CLIP, CLIP, out=searched.values).reshape(fibers, bins, nights)
    for kind, places in ((FIBERS, _stretches(fibers, bins)), (GROUPS, _groups(fibers, bins))):
        if not places:
            continue
        turn = len({place[2:] for place in places})
        searched = bars.search(np.stack([_mean(scores, place) for place in places]), kind, bins=turn)
        tally.add(kind, series=searched.searched, ranges=searched.ranges)
        for hit in [part for one in searched.hits for part in _parts(one, cube, places[one.series], home)]:
            low, high, left, right = places[hit.series]
            if kind == GROUPS and _is_of_few(scores[low:high, left:right], hit):
                continue
            yield _found(hit, searched, kind=kind, what=cube.name, scope="group" if kind == GROUPS else "fiber",
                         camera=cube.camera, unit=cube.unit, fibers=(cube.first + low, cube.first + high - 1),
                         bins=(left, right - 1), waves=cube.waves)  # fmt: skip


def _parts(hit: Hit, cube: VectorCube, place: Place, home: Sequence[Home]) -> list[Hit]:
    """Which side of a change at a place is off, by what is usual of all fibers."""
    low, high, left, right = place
    chosen = cube.values[low:high, left:right].reshape(-1, cube.values.shape[2])
    known = np.isfinite(chosen).sum(axis=0)
    values = np.where(known > 0, np.nansum(chosen, axis=0) / np.maximum(known, 1), np.nan)
    usual = home[left:right]
    mean = Home(float(np.mean([each.middle for each in usual])), float(np.mean([each.scatter for each in usual])))
    return parts_off(hit, values, mean)


Place = tuple[int, int, int, int]
"""Fibers and bins, each from the first to one after the last."""


def _stretches(fibers: int, bins: int) -> list[Place]:
    """Some neighbouring bins of each fiber, overlapping, and all of them: what is broad shows there first."""
    if bins < 2 * STRETCH:
        return []
    starts = [(left, left + STRETCH) for left in range(0, bins - STRETCH + 1, STRETCH // 2)]
    return [(fiber, fiber + 1, left, right) for fiber in range(fibers) for left, right in (*starts, (0, bins))]


def _groups(fibers: int, bins: int) -> list[Place]:
    """Slit blocks and patches of fibers in each bin."""
    lows = [(low, size) for size in (DESI.block, DESI.patch) for low in range(0, fibers - size + 1, size)]
    return [(low, low + size, at, at + 1) for low, size in lows for at in range(bins)]


def _mean(scores: Floats, place: Place) -> Floats:
    """Mean of the scores of a group by night, with unit variance where they are independent."""
    low, high, left, right = place
    chosen = scores[low:high, left:right].reshape(-1, scores.shape[2])
    known = np.isfinite(chosen).sum(axis=0)
    total = np.nansum(chosen, axis=0) / np.sqrt(np.maximum(known, 1))
    return np.where(known >= len(chosen) / 3, total, np.nan).astype(np.float32)


def _is_of_few(scores: Floats, hit: Hit) -> bool:
    """Whether a tenth of the fibers make what a group shows: then it is theirs."""
    inside, sign = scores[:, :, hit.first : hit.last + 1], np.sign(hit.statistic)
    sums = np.sort(sign * np.nansum(inside, axis=(1, 2)))
    few = max(2, round(FEW * len(sums)))
    return bool(sums[few:-few].sum() < LEFT * sums.sum())


def edges_of(bins: tuple[int, int] | None, waves: tuple[float, ...]) -> tuple[float, float] | None:
    """Edges in Angstrom of the first to the last of some bins; None where there are none."""
    return (float(waves[bins[0]]), float(waves[bins[1] + 1])) if bins is not None and len(waves) > bins[1] + 1 else None


def _found(
    hit: Hit,
    searched: Searched,
    *,
    kind: str,
    what: str,
    scope: str,
    camera: str,
    fibers: tuple[int, int],
    unit: str,
    expectation: str = "",
    bins: tuple[int, int] | None = None,
    waves: tuple[float, ...] = (),
) -> Found:
    series = searched.values[hit.series].copy()
    spread = float(searched.spread[max(1, hit.last - hit.first + 1)])
    chance = chance_of_maximum(abs(hit.statistic), hit.nights)
    edges = edges_of(bins, waves)
    return Found(what, expectation, scope, camera, fibers, bins, edges, hit.first, hit.last, hit.statistic, chance, kind, series,
                 spread, unit)  # fmt: skip
