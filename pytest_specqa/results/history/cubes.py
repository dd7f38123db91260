"""The vectors of one camera as series of nights, a night in memory at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from pytest_specqa.measures.history.nights import midmean, night_mean
from pytest_specqa.measures.statistics import Bools, Floats

if TYPE_CHECKING:
    from pytest_specqa.results.storing.dataset import Store

ERROR = "_error"
"""Ending of the vectors that hold the errors of another."""
NOISE = "residual_error"
"""The one of them that is searched: the noise of the spectra, in logarithms, so that longer exposures are alike in all fibers."""
RESIDUAL, CLIP = "residual", 5.0
"""Residuals are in sigmas: one exposure counts for no more than 5 of them, for breaks and lines of the object leave far values."""
MANY_OFF = 0.01
"""Part of the fibers that are off, from which on what fibers have in common is told from the others: a middle moves with them."""


@dataclass(frozen=True, eq=False)
class VectorCube:
    """One vector of one camera, a value a night.

    Attributes
    ----------
    name, camera, unit : str
        What it is.
    first : int
        FIBER of its first row.
    waves : tuple of float
        Edges of its bins in Angstrom; empty without bins.
    values : array, shape (n_fiber, n_bin, nights)
        Less the middle of the fibers of that half of the slit in that night; NaN where not known.
    shared : array, shape (2, n_bin, nights)
        The middle of the fibers of each half, which other amplifiers read.
    """

    name: str
    camera: str
    unit: str
    first: int
    waves: tuple[float, ...]
    values: Floats
    shared: Floats


def vector_names(store: Store, nights: Sequence[int]) -> dict[str, list[str]]:
    """Return the cameras of each vector of cameras that a store holds, without the errors of another but `NOISE`.

    Parameters
    ----------
    store : Store
        Where they are.
    nights : sequence of int
        Nights to look at.

    Returns
    -------
    dict
        Cameras by name of the vector, both sorted.
    """
    query = "SELECT DISTINCT name, camera FROM vectors WHERE camera IS NOT NULL ORDER BY ALL"
    pairs = store.ask(lambda connection: connection.sql(query).fetchall(), nights=nights)
    found: dict[str, list[str]] = {}
    for name, camera in pairs:
        if not name.endswith(ERROR) or name == NOISE:
            found.setdefault(name, []).append(camera)
    return found


def halves(fibers: int) -> tuple[slice, slice]:
    """Rows of the two halves of a slit, which other amplifiers read."""
    return slice(0, fibers // 2), slice(fibers // 2, fibers)


def in_scale(name: str, values: Floats) -> Floats:
    """Return the values of a vector as they are searched: noise as its logarithm, NaN where there is none."""
    if name != NOISE:
        return values
    return np.log(np.where(values > 0, values, np.nan))


def read_cube(store: Store, name: str, *, camera: str, nights: Sequence[int]) -> VectorCube | None:
    """Read a vector of a camera as one value a night.

    Parameters
    ----------
    store : Store
        Where it is.
    name, camera : str
        Which.
    nights : sequence of int
        Columns of the cube.

    Returns
    -------
    VectorCube or None
        None where there is none. Vectors of another shape than the first are left out: other bins are another series.
    """
    place_of = {night: place for place, night in enumerate(nights)}
    cube: VectorCube | None = None
    for night, kept in groupby(store.vectors(name, camera=camera, nights=nights), lambda one: one.night):
        exposures = list(kept)
        if cube is None:
            vector = exposures[0].vector
            bins = 1 if vector.values.ndim == 1 else vector.values.shape[1]
            shape = (len(vector.values), bins, len(nights))
            values, shared = np.full(shape, np.nan, np.float32), np.full((2, *shape[1:]), np.nan, np.float32)
            unit = f"ln({vector.unit})" if name == NOISE else vector.unit
            cube = VectorCube(name, camera, unit, vector.first, vector.waves, values, shared)
        alike = [one for one in exposures if one.vector.first == cube.first and one.vector.waves == cube.waves]
        alike = [one for one in alike if len(one.vector.values) == len(cube.values)]
        if alike:
            stacked = np.stack([in_scale(name, one.vector.values) for one in alike])
            if name == RESIDUAL:
                np.clip(stacked, -CLIP, CLIP, out=stacked)
            mean = night_mean(stacked.reshape(len(alike), *cube.values.shape[:2]))
            for half, rows in enumerate(halves(len(mean))):
                middle = midmean(mean[rows])
                cube.values[rows, :, place_of[night]] = mean[rows] - middle
                cube.shared[half, :, place_of[night]] = middle
    return cube


def without_suspects(cube: VectorCube, suspects: Bools) -> bool:
    """Take what fibers have in common from those that are not off, in place.

    Parameters
    ----------
    cube : VectorCube
        Changed where many fibers are off: the middle of the others is not that of all.
    suspects : array, shape (n_fiber, n_bin)
        Fibers that may be off.

    Returns
    -------
    bool
        Whether anything changed.
    """
    changed = False
    for half, rows in enumerate(halves(len(cube.values))):
        part = suspects[rows].mean(axis=0)
        for at in np.flatnonzero((part > MANY_OFF) & (part < 0.5)):
            middle = midmean(cube.values[rows, at][~suspects[rows, at]])
            cube.values[rows, at] -= middle
            cube.shared[half, at] += middle
            changed = True
    return changed
