"""What the vectors of a night come to in each camera: residuals of its exposures stacked, and a few numbers of every fiber."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.results.storing.dataset import Kept, Store
from pytest_specqa.vectors import Vector

Floats = NDArray[np.floating[Any]]

RESIDUAL = "residual"
CLIP = 4.0
"""Sigmas that a value of one exposure counts for at most: 0.2 to 0.7 % of them are features of objects, tens of sigmas tall."""
LEVELS = ("line_scale", "line_shift", "flux_over_imaging")
"""Vectors of one number a fiber whose median over a night is shown."""


@dataclass(frozen=True)
class Stack:
    """A camera in one night, or some of its fibers.

    Attributes
    ----------
    night : int
        YYYYMMDD.
    first : int
        FIBER of row 0.
    residual : ndarray, shape (n_fiber, n_bin)
        Sum over the exposures, each value clipped at `CLIP`, by the root of their number: in units of the error of the night's
        mean. NaN where not known.
    waves : tuple of float
        The n_bin + 1 edges in Angstrom.
    levels : mapping of str to ndarray, shape (n_fiber,)
        Medians over the exposures; names of `LEVELS`.
    """

    night: int
    first: int
    residual: Floats
    waves: tuple[float, ...]
    levels: Mapping[str, Floats]

    @property
    def end(self) -> int:
        """FIBER after the last one."""
        return self.first + max([len(self.residual), *map(len, self.levels.values())])

    def rows(self, first: int, last: int) -> Stack:
        """Return the fibers of an inclusive range, as far as they are there."""
        low, high = max(first - self.first, 0), last - self.first + 1
        levels = {name: values[low:high] for name, values in self.levels.items()}
        return Stack(self.night, self.first + low, self.residual[low:high], self.waves, levels)


def stacked(night: int, vectors: Mapping[str, Sequence[Vector]]) -> Stack | None:
    """Stack the vectors of one camera in one night.

    Parameters
    ----------
    night : int
        YYYYMMDD.
    vectors : mapping of str to sequence of Vector
        By name, one for each exposure.

    Returns
    -------
    Stack or None
        Vectors that begin with another fiber, or have other bins, than the first residual are left out; nothing without any vector.
    """
    residuals = vectors.get(RESIDUAL, ())
    whole = [*residuals, *(vector for name in LEVELS for vector in vectors.get(name, ()))]
    if not whole:
        return None
    model = whole[0]
    alike = [
        one.values
        for one in residuals
        if (one.first, one.waves, one.values.shape) == (model.first, model.waves, model.values.shape)
    ]
    values = (
        np.asarray(alike, dtype=np.float32) if alike and alike[0].ndim == 2 else np.zeros((0, len(model.values), 0), np.float32)
    )
    known = np.isfinite(values)
    count = known.sum(axis=0)
    # Features of one object reach far: what is of the fiber is in exposure after exposure.
    np.clip(values, -CLIP, CLIP, out=values)
    values[~known] = 0
    summed = values.sum(axis=0) / np.sqrt(np.maximum(count, 1))
    levels = {}
    for name in LEVELS:
        same = [
            one.values for one in vectors.get(name, ()) if one.first == model.first and one.values.shape == (len(model.values),)
        ]
        if same:
            levels[name] = median(np.asarray(same, dtype=np.float32))
    return Stack(night, model.first, np.where(count > 0, summed, np.nan), model.waves if values.shape[2] else (), levels)


def median(values: Floats) -> Floats:
    """Median over the first axis of what is known; NaN where nothing is, without a warning."""
    ordered = np.sort(values, axis=0)
    count = np.isfinite(values).sum(axis=0)
    last = np.maximum(count - 1, 0)
    low, high = (np.take_along_axis(ordered, place[None], axis=0)[0] for place in (last // 2, (last + 1) // 2))
    return np.where(count > 0, 0.5 * (low + high), np.nan)


def from_store(store: Store, camera: str, *, ranges: Sequence[tuple[int, int]], nights: Iterable[int]) -> Iterator[list[Stack]]:
    """Stack the nights of one camera, of which each part of the slit that is wanted is kept.

    Parameters
    ----------
    store : Store
        With vectors.
    camera : str
        Its name.
    ranges : sequence of (int, int)
        Inclusive ranges of FIBER.
    nights : iterable of int
        Nights to read.

    Yields
    ------
    list of Stack
        For each night that has vectors, a stack for each range.
    """
    for night in nights:
        vectors = {
            name: [kept.vector for kept in store.vectors(name, camera=camera, nights=[night])] for name in (RESIDUAL, *LEVELS)
        }
        if (stack := stacked(night, vectors)) is not None:
            yield [stack.rows(*one) for one in ranges]


@dataclass(frozen=True)
class Redshifts:
    """Redshifts that one fiber gave.

    Attributes
    ----------
    nights : list of int
        Night of each.
    z : list of float
        Redshifts.
    good : list of bool
        Of an assigned target, without a warning.
    """

    nights: list[int]
    z: list[float]
    good: list[bool]


def redshifts(store: Store, petal: int, *, fibers: Sequence[int], nights: Sequence[int]) -> dict[int, Redshifts]:
    """Read the redshifts of some fibers of a petal; a fiber without any has no entry."""
    wanted = ("redshift", "zwarn", "target")
    columns: dict[str, dict[tuple[int, int | None], Kept]] = {
        name: {(kept.night, kept.tile): kept for kept in store.vectors(name, petal=petal, nights=nights)} for name in wanted
    }
    found: dict[int, list[tuple[int, float, bool]]] = defaultdict(list)
    for key, kept in columns["redshift"].items():
        for fiber in fibers:
            z = value_of(kept.vector, fiber)
            zwarn, target = (value_of(one.vector, fiber) if (one := columns[name].get(key)) else np.nan for name in wanted[1:])
            if np.isfinite(z) and not (np.isfinite(target) and int(target) & 2):
                found[fiber].append((key[0], z, not (np.isfinite(zwarn) and int(zwarn))))
    return {fiber: Redshifts(*map(list, zip(*rows, strict=True))) for fiber, rows in found.items()}


def value_of(vector: Vector, fiber: int) -> float:
    """Value of a fiber in a vector of one number a fiber; NaN where it has none."""
    row = fiber - vector.first
    return float(vector.values[row]) if vector.values.ndim == 1 and 0 <= row < len(vector.values) else float("nan")
