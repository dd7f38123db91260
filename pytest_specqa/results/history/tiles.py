"""Redshifts that a store holds, petal by petal, one object for each tile and fiber."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.objects import Objects, state_of, without_repeats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_specqa.results.storing.dataset import Store

NAMES = ("redshift", "spectype", "zwarn", "target")
Packed = tuple[int, NDArray[np.float32], NDArray[np.uint8]]


def load(store: Store, nights: Iterable[int], *, petal: int | None = None) -> list[Objects]:
    """Read the redshifts of petals.

    Parameters
    ----------
    store : Store
        With the vectors `NAMES`; a petal that lacks one of them on a tile has no objects there.

    Returns
    -------
    list of Objects
        A petal each, of those that have any. Of reductions of a tile up to several nights the last counts, and objects that deep
        fields put on the same fiber again count once.

    Raises
    ------
    ResultsError
        If vectors are damaged.
    """
    petals: dict[int, dict[int, Packed]] = {}
    for night in nights:
        for (own, tile), vectors in _of_night(store, night, petal).items():
            if len(vectors) == len(NAMES):
                z, spectype, zwarn, target = (vectors[name] for name in NAMES)
                state = state_of(z, spectype=spectype, zwarn=zwarn, target=target)
                petals.setdefault(own, {})[tile] = night, z.astype(np.float32), state
    return [without_repeats(_stacked(own, tiles)) for own, tiles in sorted(petals.items())]


def _of_night(store: Store, night: int, petal: int | None) -> dict[tuple[int, int], dict[str, NDArray[np.float64]]]:
    """Return the vectors of one night by petal and tile, each as long as a petal."""
    found: dict[tuple[int, int], dict[str, NDArray[np.float64]]] = {}
    for name in NAMES:
        for kept in store.vectors(name, petal=petal, nights=[night]):
            if kept.petal is None or kept.tile is None or kept.vector.values.ndim != 1:
                continue
            own = kept.vector.first + np.arange(len(kept.vector.values)) - kept.petal * DESI.fibers
            inside = (own >= 0) & (own < DESI.fibers)
            row = np.full(DESI.fibers, np.nan)
            row[own[inside]] = kept.vector.values[inside]
            found.setdefault((kept.petal, kept.tile), {})[name] = row
    return found


def _stacked(petal: int, tiles: dict[int, Packed]) -> Objects:
    """Put the tiles of a petal in the order of their last night."""
    order = sorted(tiles, key=lambda tile: (tiles[tile][0], tile))
    nights, z, state = zip(*(tiles[tile] for tile in order), strict=True)
    return Objects(np.array(nights), np.array(order), petal * DESI.fibers, np.stack(z), np.stack(state))
