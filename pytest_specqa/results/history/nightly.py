"""The measures of a store as series of nights, some nights in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_specqa.measures.history.nights import night_mean
from pytest_specqa.measures.statistics import Floats, Ints, mad_scale, nan_median
from pytest_specqa.values import NoValue

if TYPE_CHECKING:
    import pyarrow

    from pytest_specqa.results.storing.dataset import Store

PEERS = 4
"""Cameras of a band (or petals) from which on what they have in common is known, and is taken off."""
PER_PROGRAM = 10
"""Nights of a program that a camera needs for a usual value in it."""
AT_ONCE = 8
"""Nights whose measures are in memory at once."""
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
        Each less the median of the others of its band; NaN where fewer than `PEERS` cameras are known, so that what happened to
        all, such as a new version of the code, is not taken for what happened to one.
    """
    out, of = np.full_like(values, np.nan), np.array(bands)
    for band in sorted(set(bands)):
        members = np.flatnonzero(of == band)
        known = np.isfinite(values[..., members]).sum(axis=-1)
        for member in members if len(members) >= PEERS else ():
            rest = values[..., members[members != member]]
            shared = nan_median(rest.reshape(-1, len(members) - 1), axis=1).reshape(known.shape)
            out[..., member] = values[..., member] - np.where(known >= PEERS, shared, np.nan)
    return out


class _Cells:
    """Nightly means by night and program, of every measure and camera."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, str, str], int] = {}
        self.cameras: dict[str, int] = {}
        self.cells: list[tuple[int, str, Floats]] = []

    def add(self, place: int, rows: pyarrow.Table) -> None:
        """Reduce the rows of one night."""
        label, visit = _labels(rows)
        of = [_coded(rows.column(name)) for name in ("expectation", "measure", "program")]
        bands = [band_of(name) for name in label[1]]
        pairs, key = np.unique(
            np.stack([np.array(bands)[label[0]], of[0][1][of[0][0]], of[1][1][of[1][0]]]), axis=1, return_inverse=True
        )
        keys = np.array([self.keys.setdefault(tuple(pair), len(self.keys)) for pair in pairs.T.tolist()], dtype=int)[key]
        cameras = np.array([self.cameras.setdefault(name, len(self.cameras)) for name in label[1].tolist()], dtype=int)[label[0]]
        visits, at = np.unique(visit, return_inverse=True)
        cube = np.full((len(visits), len(self.keys), len(self.cameras)), np.nan, dtype=np.float32)
        cube[at, keys, cameras] = rows.column("value").to_numpy()
        cube = less_shared(cube, [band_of(name) for name in self.cameras])
        programs = np.empty(len(visits), dtype=int)
        programs[at] = of[2][0]
        for code in np.unique(programs):
            self.cells.append((place, str(of[2][1][code]), night_mean(cube[programs == code])))

    def panels(self, nights: int) -> Iterator[MeasurePanel]:
        """Join the programs of each measure."""
        for (band, expectation, measure), key in self.keys.items():
            cameras = [name for name in self.cameras if band_of(name) == band]
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


def band_of(name: str) -> str:
    """Band of a camera; `PETALS` for a petal."""
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
    import pyarrow.compute as pc  # noqa: PLC0415

    cells = _Cells()
    place_of = {night: place for place, night in enumerate(nights)}
    for start in range(0, len(nights), AT_ONCE):
        table = store.measures(nights=nights[start : start + AT_ONCE])
        speaks = pc.and_(pc.is_in(table["kind"], _words(("camera", PETALS))), pc.is_valid(table["value"]))
        table = table.filter(pc.and_(speaks, pc.invert(pc.is_in(table["measure"], _words(tuple(map(str, NoValue)))))))
        for night in np.unique(table["night"].to_numpy()).tolist():
            cells.add(place_of[night], table.filter(pc.equal(table["night"], night)))
    units = _units(store, nights)
    return [replace(panel, unit=units.get(panel.measure, "")) for panel in cells.panels(len(nights))]


def _units(store: Store, nights: Sequence[int]) -> dict[str, str]:
    """Unit of each measure, as the last night that has one says: the last of all may lack the program or camera."""
    query = "SELECT measure, arg_max(value_unit, night) FILTER (WHERE value_unit <> '') FROM all_records GROUP BY measure"
    rows = store.ask(lambda connection: connection.sql(query).fetchall(), nights=nights)
    return {measure: unit or "" for measure, unit in rows}


def _words(words: Sequence[str]) -> pyarrow.Array:
    import pyarrow as pa  # noqa: PLC0415

    return pa.array(list(words), pa.string())


def _coded(column: pyarrow.ChunkedArray) -> tuple[Ints, Any]:
    """Code of each text, and the texts; none is empty text."""
    coded = column.combine_chunks().fill_null("").dictionary_encode()
    return coded.indices.to_numpy(), np.array(coded.dictionary.to_pylist(), dtype=str)


def _labels(rows: pyarrow.Table) -> tuple[tuple[Ints, Any], Ints]:
    """Code of the camera or petal of each row with their names, and the exposure or tile."""
    of_camera = np.array(rows.column("kind").to_pylist()) == "camera"
    codes, names = _coded(rows.column("camera"))
    petal = rows.column("petal").fill_null(0).to_numpy()
    label = np.where(of_camera, codes, len(names) + petal)
    expid, tile = (rows.column(name).fill_null(0).to_numpy().astype(np.int64) for name in ("expid", "tile"))
    # Exposures and tiles may have the same number.
    visit = np.where(of_camera, expid, tile + 10**10)
    used, place = np.unique(label, return_inverse=True)
    texts = [names[code] if code < len(names) else f"{PETALS} {code - len(names)}" for code in used.tolist()]
    return (place, np.array(texts, dtype=str)), visit
