"""The series of changes once more, exposure by exposure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_specqa.measures.history.nights import midmean
from pytest_specqa.measures.statistics import Floats, Ints, nan_median
from pytest_specqa.results.history.cubes import halves, in_scale
from pytest_specqa.results.history.explaining import Cluster
from pytest_specqa.results.history.found import CAMERAS, edges_of
from pytest_specqa.results.history.nightly import PETALS, less_shared

if TYPE_CHECKING:
    from pytest_specqa.results.storing.dataset import Store


@dataclass(frozen=True, eq=False)
class Exposures:
    """One series at its exposures.

    Attributes
    ----------
    night, number : array, shape (n,)
        Place of the night in the nights that were searched; exposure, or tile of a petal.
    values : array, shape (n,)
        In the unit of the measure or vector, less what the camera (of a fiber) or the band (of a camera) has in common.
    usual : float
        What was taken off, in the median: with it the values are those of the products.
    """

    night: Ints
    number: Ints
    values: Floats
    usual: float


def read_exposures(store: Store, clusters: Sequence[Cluster], nights: Sequence[int]) -> Iterator[tuple[Cluster, Exposures]]:
    """Read the series of changes again, exposure by exposure.

    Parameters
    ----------
    store : Store
        Where they are.
    clusters : sequence of Cluster
        Those of vectors are read camera by camera, each once.
    nights : sequence of int
        That were searched.

    Yields
    ------
    tuple of (Cluster, Exposures)
        In any order.
    """
    of_vectors: dict[tuple[str, str], list[Cluster]] = {}
    for cluster in clusters:
        if cluster.head.expectation:
            yield cluster, _of_measure(store, cluster, nights)
        else:
            of_vectors.setdefault((cluster.head.what, cluster.head.camera), []).append(cluster)
    for (what, camera), alike in of_vectors.items():
        yield from zip(alike, _of_vector(store, alike, nights, what=what, camera=camera), strict=True)


def _of_measure(store: Store, cluster: Cluster, nights: Sequence[int]) -> Exposures:
    import pyarrow.compute as pc  # noqa: PLC0415

    head = cluster.head
    of_petals = not head.camera
    label = str(head.fibers[0] // (head.fibers[1] - head.fibers[0] + 1)) if of_petals else head.camera
    kind, place, visit = (PETALS, "petal", "tile") if of_petals else ("camera", "camera", "expid")
    table = store.measures(head.what, nights=nights)
    mine = pc.and_(pc.equal(table["expectation"], head.expectation), pc.equal(table["kind"], kind))
    if not of_petals:
        mine = pc.and_(mine, pc.starts_with(table["camera"], label[0]))
    # A store of years has a million of them: only those of the band become numbers of Python.
    table = table.filter(pc.and_(mine, pc.is_valid(table["value"])))
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for night, number, of, value in zip(*(table[name].to_pylist() for name in ("night", visit, place, "value")), strict=True):
        rows.setdefault((night, number or 0), {})[str(of)] = value
    return _table(rows, label, nights)


def _of_vector(store: Store, clusters: Sequence[Cluster], nights: Sequence[int], *, what: str, camera: str) -> list[Exposures]:
    place_of = {night: place for place, night in enumerate(nights)}
    rows: list[list[tuple[int, int, float, float]]] = [[] for _ in clusters]
    for kept in store.vectors(what, camera=camera, nights=nights):
        values = in_scale(what, kept.vector.values)
        values = values if values.ndim > 1 else values[:, None]
        middles = [midmean(values[rows]) for rows in halves(len(values))]
        for cluster, own in zip(clusters, rows, strict=True):
            if edges_of(cluster.head.bins, kept.vector.waves) != cluster.head.waves:
                # The search left out what has other bins: the same number is another place.
                continue
            low, high = (fiber - kept.vector.first for fiber in cluster.head.fibers)
            left, right = cluster.head.bins or (0, values.shape[1] - 1)
            inside = values[max(0, low) : high + 1, left : right + 1]
            half = int(low >= len(values) // 2)
            common, other = (_mean(middles[one][left : right + 1]) for one in (half, 1 - half))
            # What half a camera changed by is what its fibers have in common; the other half has the same sky and the same code.
            of_half = cluster.head.kind == CAMERAS
            of_both = cluster.head.scope == "camera"
            value = common - (0.0 if of_both else other) if of_half else _mean(inside - middles[half][left : right + 1])
            own.append((place_of[kept.night], kept.expid or 0, value, (0.0 if of_both else other) if of_half else common))
    found = []
    for own in rows:
        night, number, deviations, usual = np.array(own, dtype=float).reshape(-1, 4).T
        found.append(Exposures(night.astype(int), number.astype(int), deviations, float(nan_median(usual)) if own else 0.0))
    return found


def _table(rows: dict[tuple[int, int], dict[str, float]], label: str, nights: Sequence[int]) -> Exposures:
    """One camera of the values of a band, less what the band has in common."""
    place_of = {night: place for place, night in enumerate(nights)}
    order = sorted(visit for visit, values in rows.items() if label in values)
    cameras = sorted({camera for values in rows.values() for camera in values})
    values = np.array([[rows[visit].get(camera, np.nan) for camera in cameras] for visit in order]).reshape(
        len(order), len(cameras)
    )
    own = values[:, cameras.index(label)] if label in cameras else np.zeros(len(order))
    rest = less_shared(values, [label[0]] * len(cameras))[:, cameras.index(label)] if label in cameras else own
    night, number = np.array([place_of[one] for one, _ in order], dtype=int), np.array([one for _, one in order], dtype=int)
    return Exposures(night, number, rest, float(nan_median(own - rest)) if order else 0.0)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan
