"""Series of nights from a store: the measures of all cameras, and the vectors of one camera, a night in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_specqa.measures.history.nights import night_mean
from pytest_specqa.measures.statistics import Bools, Floats, mad_scale, nan_median
from pytest_specqa.values import NoValue

if TYPE_CHECKING:
    from pytest_specqa.results.storing.dataset import Store

PEERS = 4
"""Cameras of a band (or petals) from which on what they have in common is known, and is taken off."""
PER_PROGRAM = 10
"""Nights of a program that a camera needs for a usual value in it."""
ERROR = "_error"
"""Ending of the vectors that hold the errors of another."""
NOISE = "residual_error"
"""The one of them that is searched: the noise of the spectra, in logarithms, so that longer exposures are alike in all fibers."""
RESIDUAL, CLIP = "residual", 5.0
"""Residuals are in sigmas: one exposure counts for no more than 5 of them, for breaks and lines of the object leave far values."""
MANY_OFF = 0.01
"""Part of the fibers that are off, from which on what fibers have in common is told from the others: a median moves with them."""
PETALS = "petal"
"""Stands for the band of petals."""


@dataclass(frozen=True, eq=False)
class MeasurePanel:
    """One measure in all cameras of a band, or in all petals.

    Attributes
    ----------
    expectation, measure, band : str
        What it is; `band` is ``petal`` for the measures of petals.
    cameras : tuple of str
        Rows: cameras, or petals by number.
    values : array, shape (n_camera, nights)
        Less what all have in common in an exposure and what is usual of the camera in that program, in units of the scatter.
    unit : str
        Of the measure.
    """

    expectation: str
    measure: str
    band: str
    cameras: tuple[str, ...]
    values: Floats
    unit: str = ""


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
        Less the median fiber of that half of the slit in that night; NaN where not known.
    shared : array, shape (2, n_bin, nights)
        The median fiber of each half, which other amplifiers read.
    exposures : int
        Exposures that were read.
    """

    name: str
    camera: str
    unit: str
    first: int
    waves: tuple[float, ...]
    values: Floats
    shared: Floats
    exposures: int


def less_shared(values: Floats, bands: Sequence[str]) -> Floats:
    """Take off what the cameras of a band have in common.

    Parameters
    ----------
    values : array, shape (..., n_camera)
        NaN where not known.
    bands : sequence of str
        Of each camera.

    Returns
    -------
    array, shape (..., n_camera)
        Less the median of the band; NaN where fewer than `PEERS` cameras are known, so that what happened to all, such as a
        new version of the code, is not taken for what happened to one.
    """
    out, of = values.copy(), np.array(bands)
    for band in sorted(set(bands)):
        members = of == band
        chosen = values[..., members]
        known = np.isfinite(chosen).sum(axis=-1)
        shared = nan_median(chosen.reshape(-1, int(members.sum())), axis=1).reshape(known.shape)
        out[..., members] = chosen - np.where(known >= PEERS, shared, np.nan)[..., None]
    return out


class _Cells:
    """Nightly means by night and program, of every measure and camera."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, str, str], int] = {}
        self.cameras: dict[str, int] = {}
        self.units: dict[tuple[str, str, str], str] = {}
        self.cells: list[tuple[int, str, Floats]] = []

    def add(self, night: int, rows: dict[str, Any]) -> None:
        """Reduce the rows of one night."""
        keys = [*zip(rows["band"], rows["expectation"], rows["measure"], strict=True)]
        key = np.array([self.keys.setdefault(one, len(self.keys)) for one in keys], dtype=int)
        camera = np.array([self.cameras.setdefault(one, len(self.cameras)) for one in rows["camera"]], dtype=int)
        names, visit = np.unique(rows["visit"], return_inverse=True)
        cube = np.full((len(names), len(self.keys), len(self.cameras)), np.nan, dtype=np.float32)
        cube[visit, key, camera] = rows["value"]
        cube = less_shared(cube, [_band(name) for name in self.cameras])
        program_of = dict(zip(visit.tolist(), rows["program"], strict=True))
        programs = np.array([program_of[place] for place in range(len(names))])
        for program in sorted(set(programs.tolist())):
            self.cells.append((night, program, night_mean(cube[programs == program])))

    def panels(self, nights: int) -> Iterator[MeasurePanel]:
        """Join the programs of each measure."""
        for (band, expectation, measure), key in self.keys.items():
            cameras = [name for name in self.cameras if _band(name) == band]
            columns = [self.cameras[name] for name in cameras]
            total = np.zeros((len(cameras), nights), dtype=np.float32)
            weight = np.zeros_like(total)
            for program in sorted({program for _, program, _ in self.cells}):
                of_program = self._of_program(program, key, columns, nights)
                known = np.isfinite(of_program)
                total += np.where(known, of_program, 0)
                weight += known
            with np.errstate(invalid="ignore"):
                values = total / np.sqrt(weight)
            values[weight == 0] = np.nan
            if np.isfinite(values).any():
                names = tuple(name.removeprefix(f"{PETALS} ") for name in cameras)
                yield MeasurePanel(expectation, measure, band, names, values)

    def _of_program(self, program: str, key: int, columns: list[int], nights: int) -> Floats:
        """Nights of one program, less what is usual of each camera in it, in units of the scatter of all."""
        values = np.full((len(columns), nights), np.nan, dtype=np.float32)
        for night, of, means in self.cells:
            if of == program and key < means.shape[0]:
                inside = [place for place, column in enumerate(columns) if column < means.shape[1]]
                values[inside, night] = means[key, [columns[place] for place in inside]]
        values[np.isfinite(values).sum(axis=1) < PER_PROGRAM] = np.nan
        level = nan_median(values, axis=1)
        scatter = float(nan_median(mad_scale(values, axis=1, center=level)))
        if not scatter > 0:
            # Counts that are zero on most nights.
            known = values[np.isfinite(values)]
            scatter = float(np.std(known)) if known.size else 0.0
        return (values - level[:, None]) / (scatter or np.float32(np.nan))


def _band(name: str) -> str:
    return PETALS if name.startswith(PETALS) else name[0]


def measure_panels(store: Store, nights: Sequence[int]) -> list[MeasurePanel]:
    """Read the measures of cameras and petals, night by night.

    Parameters
    ----------
    store : Store
        Where they are.
    nights : sequence of int
        Columns of the panels, each YYYYMMDD, in order.

    Returns
    -------
    list of MeasurePanel
        One for each measure and band.
    """
    cells = _Cells()
    for place, night in enumerate(nights):
        rows = _rows_of_night(store, night)
        if rows["value"]:
            cells.add(place, rows)
    return list(cells.panels(len(nights)))


def _rows_of_night(store: Store, night: int, *, measure: str | None = None) -> dict[str, list[Any]]:
    table = store.measures(measure, nights=[night])
    wanted = ("expectation", "measure", "value", "program", "expid", "tile", "camera", "petal", "kind")
    given = {name: table.column(name).to_pylist() for name in wanted}
    rows: dict[str, list[Any]] = {name: [] for name in ("band", "expectation", "measure", "camera", "visit", "program", "value")}
    skipped = {str(name) for name in NoValue}
    for place, kind in enumerate(given["kind"]):
        row = {name: column[place] for name, column in given.items()}
        label = row["camera"] if kind == "camera" else f"{PETALS} {row['petal']}"
        visit = row["expid"] if kind == "camera" else row["tile"]
        if kind not in ("camera", PETALS) or not label or visit is None or row["value"] is None or row["measure"] in skipped:
            continue
        rows["band"].append(_band(label))
        rows["camera"].append(label)
        rows["visit"].append((0 if kind == "camera" else 1) * 10**9 + visit)
        rows["program"].append(row["program"] or "")
        for name in ("expectation", "measure", "value"):
            rows[name].append(row[name])
    return rows


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
    with store.connect() as connection:
        query = "SELECT DISTINCT name, camera FROM vectors WHERE camera IS NOT NULL AND list_contains(?, night) ORDER BY ALL"
        pairs = connection.execute(query, [list(nights)]).fetchall()
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
    read = 0
    for night, kept in groupby(store.vectors(name, camera=camera, nights=nights), lambda one: one.night):
        exposures = list(kept)
        if cube is None:
            vector = exposures[0].vector
            bins = 1 if vector.values.ndim == 1 else vector.values.shape[1]
            shape = (len(vector.values), bins, len(nights))
            values, shared = np.full(shape, np.nan, np.float32), np.full((2, *shape[1:]), np.nan, np.float32)
            unit = f"ln({vector.unit})" if name == NOISE else vector.unit
            cube = VectorCube(name, camera, unit, vector.first, vector.waves, values, shared, 0)
        alike = [one for one in exposures if one.vector.first == cube.first and one.vector.waves == cube.waves]
        alike = [one for one in alike if len(one.vector.values) == len(cube.values)]
        if alike:
            stacked = np.stack([in_scale(name, one.vector.values) for one in alike])
            if name == RESIDUAL:
                np.clip(stacked, -CLIP, CLIP, out=stacked)
            mean = night_mean(stacked.reshape(len(alike), *cube.values.shape[:2]))
            for half, rows in enumerate(halves(len(mean))):
                median = nan_median(mean[rows], axis=0)
                cube.values[rows, :, place_of[night]] = mean[rows] - median
                cube.shared[half, :, place_of[night]] = median
            read += len(alike)
    return None if cube is None else VectorCube(**{**vars(cube), "exposures": read})


def without_suspects(cube: VectorCube, suspects: Bools) -> bool:
    """Take what fibers have in common from those that are not off, in place.

    Parameters
    ----------
    cube : VectorCube
        Changed where many fibers are off: the median of the others is not that of all.
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
            median = nan_median(cube.values[rows, at][~suspects[rows, at]], axis=0)
            cube.values[rows, at] -= median
            cube.shared[half, at] += median
            changed = True
    return changed
