"""Stacks of every night that the site keeps, so that a fiber's pictures over a thousand nights need none of the vectors again."""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.results.store import replacing
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.storing.reading import read_part
from pytest_specqa.site.frame import is_camera
from pytest_specqa.site.stacks import LEVELS, RESIDUAL, Redshifts, Stack, stacked
from pytest_specqa.vectors import Vector, unpack

STEP = 0.25
"""Sigmas that residuals are kept in."""
UNKNOWN = -128
COLUMNS = ("unit", "tile", "camera", "petal", "added", "name", "first", "shape", "step", "waves", "value_unit", "dtype", "data")
TABLE = ("redshift", "zwarn", "target")
DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
"""What `numpy.load` raises of a file that is cut short or is something else."""
SKY = 2
"""Bit of ``target`` of a fiber on the sky, whose redshift says nothing."""


@dataclass(frozen=True)
class BandNight:
    """One band in one night, all fibers in the order of FIBER.

    Attributes
    ----------
    night : int
        YYYYMMDD.
    residual : ndarray of int8, shape (n_fiber, n_bin)
        In steps of `STEP` sigmas.
    waves : tuple of float
        The n_bin + 1 edges in Angstrom.
    levels : ndarray, shape (n_level, n_fiber)
        In the order of `LEVELS`; NaN where not known.
    """

    night: int
    residual: NDArray[np.int8]
    waves: tuple[float, ...]
    levels: NDArray[np.float16]

    def stack(self, first: int, last: int) -> Stack:
        """Return an inclusive range of FIBER."""
        first = max(first, 0)
        part = self.residual[first : last + 1]
        residual = np.where(part == UNKNOWN, np.nan, part * np.float32(STEP))
        levels = dict(zip(LEVELS, self.levels[:, first : last + 1].astype(np.float32), strict=True))
        return Stack(self.night, first, residual, self.waves, levels)


def folder(out: Path) -> Path:
    """Where they are kept."""
    return out / "made" / "stacks"


def write(store: Store, out: Path, night: int) -> None:
    """Stack a night and keep it; nothing is kept of a night without vectors.

    Raises
    ------
    ResultsError
        If vectors of the store are damaged.
    """
    cameras: dict[str, dict[str, list[Vector]]] = defaultdict(lambda: defaultdict(list))
    petals: dict[tuple[int, int], dict[str, Vector]] = defaultdict(dict)
    for row in _newest(store, night):
        vector = unpack({**row, "unit": row["value_unit"]}, row["data"])
        if row["name"] in TABLE:
            if row["petal"] is not None and vector.values.ndim == 1:
                petals[row["petal"], row["tile"] or 0][row["name"]] = vector
        elif is_camera(row["camera"]):
            cameras[row["camera"]][row["name"]].append(vector)
    arrays: dict[str, NDArray[Any]] = {}
    by_band: dict[str, list[Stack]] = defaultdict(list)
    for camera, vectors in sorted(cameras.items()):
        if (stack := stacked(night, vectors)) is not None and stack.end <= DESI.all_fibers:
            by_band[camera[0]].append(stack)
    for band, stacks in by_band.items():
        arrays |= {f"{band}-{name}": values for name, values in _joined(stacks).items()}
    if petals:
        arrays |= {f"redshifts-{name}": values for name, values in _table(petals).items()}
    if not arrays:
        remove(out, night)
        return
    folder(out).mkdir(parents=True, exist_ok=True)
    with replacing(_path(out, night)) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def _path(out: Path, night: int) -> Path:
    return folder(out) / f"{night}.npz"


def _newest(store: Store, night: int) -> list[dict[str, Any]]:
    """Rows of the vectors of a night that the site shows: of each unit and name the one that was added last."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for path in store.kept.parts(night):
        table = read_part(path, list(COLUMNS))
        wanted = pc.is_in(table.column("name"), value_set=pa.array([RESIDUAL, *LEVELS, *TABLE]))
        for row in table.filter(wanted).to_pylist():
            key = row["unit"], row["name"]
            if key not in newest or row["added"] >= newest[key]["added"]:
                newest[key] = row
    return list(newest.values())


def _joined(stacks: Sequence[Stack]) -> dict[str, NDArray[Any]]:
    """Join the cameras of a band; those with other bins than the first that has some are left without residuals."""
    waves = next((stack.waves for stack in stacks if stack.waves), ())
    residual = np.full((DESI.all_fibers, max(len(waves) - 1, 0)), UNKNOWN, np.int8)
    levels = np.full((len(LEVELS), DESI.all_fibers), np.nan, np.float16)
    for stack in stacks:
        rows = slice(stack.first, stack.first + len(stack.residual))
        if stack.waves == waves and len(waves):
            units = np.rint(np.nan_to_num(stack.residual) / STEP)
            residual[rows] = np.where(np.isfinite(stack.residual), np.clip(units, -127, 127), UNKNOWN)
        for k, name in enumerate(LEVELS):
            if name in stack.levels:
                levels[k, stack.first : stack.first + len(stack.levels[name])] = np.clip(stack.levels[name], -6e4, 6e4)
    return {"residual": residual, "waves": np.asarray(waves, dtype=np.float64), "levels": levels}


def _table(petals: Mapping[tuple[int, int], Mapping[str, Vector]]) -> dict[str, NDArray[Any]]:
    """Redshifts of objects, with the fiber of each and whether its fit has no warning; without fibers on the sky."""
    fibers, z, good = [], [], []
    for table in petals.values():
        redshift = table.get("redshift")
        if redshift is None:
            continue
        shape = redshift.values.shape
        zwarn, target = (
            one.values if (one := table.get(name)) is not None and one.values.shape == shape else np.zeros(shape)
            for name in TABLE[1:]
        )
        kept = np.isfinite(redshift.values) & ((np.nan_to_num(target).astype(np.int64) & SKY) == 0)
        fibers.append((redshift.first + np.arange(len(kept)))[kept].astype(np.int16))
        z.append(redshift.values[kept].astype(np.float16))
        good.append(np.nan_to_num(zwarn, nan=1.0)[kept] == 0)
    return {"fiber": np.concatenate(fibers or [[]]), "z": np.concatenate(z or [[]]), "good": np.concatenate(good or [[]])}


def remove(out: Path, night: int) -> None:
    """Forget a night."""
    _path(out, night).unlink(missing_ok=True)


def read(out: Path, night: int) -> Iterator[tuple[str, BandNight]]:
    """Read the bands of a night, each with its letter; one that cannot be read is left out, as it is made again with its night."""
    try:
        with _path(out, night).open("rb") as stream, np.load(stream) as found:
            for name in found.files:
                band, _, what = name.partition("-")
                if what == "residual":
                    waves = tuple(found[f"{band}-waves"].tolist())
                    yield band, BandNight(night, found[name], waves, found[f"{band}-levels"])
    except DAMAGED:
        return


def redshifts(out: Path, *, fibers: Sequence[int], nights: Sequence[int]) -> dict[int, Redshifts]:
    """Read the redshifts that some fibers gave; a fiber without any has no entry."""
    found: dict[int, Redshifts] = {}
    wanted = np.zeros(DESI.all_fibers + 1, dtype=bool)
    wanted[[fiber for fiber in fibers if 0 <= fiber < DESI.all_fibers]] = True
    for night in nights:
        try:
            with _path(out, night).open("rb") as stream, np.load(stream) as table:
                fiber, z, good = (table[f"redshifts-{name}"] for name in ("fiber", "z", "good"))
        except DAMAGED:
            continue
        for row in np.flatnonzero(wanted[np.clip(fiber, 0, DESI.all_fibers)]):
            one = found.setdefault(int(fiber[row]), Redshifts([], [], []))
            one.nights.append(night)
            one.z.append(float(z[row]))
            one.good.append(bool(good[row]))
    return found
