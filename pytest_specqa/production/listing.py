"""What a production holds, from its folders and exposure tables; no FITS file is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pytest_specqa.instrument import DESI
from pytest_specqa.production.defects import one_line
from pytest_specqa.production.tables import ExposureRow
from pytest_specqa.values import Exposure, Tile

# Products that only a science exposure has, and those that only a calibration has.
_SCIENCE = frozenset({"sframe", "cframe", "sky", "fluxcalib"})
_CALIBRATION = frozenset({"fiberflat", "fit-psf"})
_CAMERA_FILE = re.compile(
    rf"(frame|sframe|cframe|sky|fluxcalib|fiberflat|fit-psf)-([{DESI.letters}][0-9])-([0-9]{{8}})\.fits(?:\.gz)?"
)
_PETAL_FILE = re.compile(r"(?:redrock|zbest|coadd)-([0-9])-([0-9]+)-([0-9A-Za-z_]+)\.fits(?:\.gz)?")
_TABLE_FILE = re.compile(r"exposure_table_([0-9]{8})\.csv")


def folder_numbers(folder: Path, *, digits: int | None = None) -> list[int]:
    """Numbers that name the folders in a folder, in order; none where it does not exist."""
    names = [entry.name for entry in _scan(folder) if entry.name.isdecimal() and entry.is_dir()]
    return sorted(int(name) for name in names if digits in (None, len(name)))


def table_nights(root: Path) -> list[int]:
    """Nights that have an exposure table."""
    months = (entry.path for entry in _scan(root / "exposure_tables") if entry.is_dir())
    names = (_TABLE_FILE.fullmatch(entry.name) for month in months for entry in _scan(Path(month)))
    return sorted(int(match[1]) for match in names if match)


def list_exposure(root: Path, *, night: int, expid: int, row: ExposureRow | None) -> Exposure | None:
    """One exposure as its folder and its row of the exposure table know it.

    Parameters
    ----------
    root : Path
        Folder of the production.
    night, expid : int
        Which exposure.
    row : ExposureRow or None
        Its row, where a table has one.

    Returns
    -------
    Exposure or None
        ``None`` where no table tells and the folder holds no science product.
    """
    kinds: set[str] = set()
    cameras: set[str] = set()
    for entry in _scan(root / f"exposures/{night}/{expid:08d}"):
        match = _CAMERA_FILE.fullmatch(entry.name)
        if match and int(match[3]) == expid:
            kinds.add(match[1])
            cameras.add(match[2])
    if row is not None:
        expected = () if row.laststep == "ignore" else row.cameras
        return Exposure(
            night=night,
            expid=expid,
            tile=row.tile,
            cameras=tuple(sorted(cameras.union(expected))),
            expected=expected,
            laststep=row.laststep,
            survey=row.survey,
            program=row.program,
            exptime=row.exptime,
            badamps=row.badamps,
        )
    if not kinds & _SCIENCE and ("frame" not in kinds or kinds & _CALIBRATION):
        return None
    return Exposure(night=night, expid=expid, tile=_preproc_tile(root, night, expid), cameras=tuple(sorted(cameras)))


def cameras_of(root: Path, kind: str, *, night: int, expid: int) -> tuple[str, ...]:
    """Cameras of which an exposure has a product of a kind on disk, in order."""
    names = (_CAMERA_FILE.fullmatch(entry.name) for entry in _scan(root / f"exposures/{night}/{expid:08d}"))
    return tuple(sorted({match[2] for match in names if match and match[1] == kind and int(match[3]) == expid}))


def list_tile(root: Path, *, group: str, tile: int, folder: str) -> Tile | None:
    """One reduction of a tile, from the names of its files.

    Parameters
    ----------
    root : Path
        Folder of the production.
    group, tile, folder
        ``tiles/GROUP/TILEID/FOLDER``.

    Returns
    -------
    Tile or None
        ``None`` where the folder holds no petal. `night` is 0 where the folder is not named by a night.
    """
    petals: dict[str, set[int]] = {}
    for entry in _scan(root / f"tiles/{group}/{tile}/{folder}"):
        match = _PETAL_FILE.fullmatch(entry.name)
        if match and int(match[2]) == tile:
            petals.setdefault(match[3], set()).add(int(match[1]))
    if not petals:
        return None
    suffix = max(petals, key=lambda name: (len(petals[name]), name))
    night = int(folder) if group in ("cumulative", "pernight") else 0
    return Tile(tile=tile, night=night, group=group, suffix=suffix, petals=tuple(sorted(petals[suffix])))


def tile_folders(
    root: Path, *, group: str, nights: tuple[int, int] | None = None, only: int | None = None
) -> Iterator[tuple[int, str]]:
    """Tiles and the folders below them, of all nights or from a first to a last; of all tiles or of one."""
    base = root / "tiles" / group
    for tile in folder_numbers(base) if only is None else [only]:
        if nights is not None and nights[0] == nights[1]:
            if (base / str(tile) / str(nights[0])).is_dir():
                yield tile, str(nights[0])
            continue
        names = sorted(entry.name for entry in _scan(base / str(tile)) if entry.name.isdecimal())
        yield from ((tile, name) for name in names if nights is None or nights[0] <= int(name) <= nights[1])


def _preproc_tile(root: Path, night: int, expid: int) -> int | None:
    for entry in _scan(root / f"preproc/{night}/{expid:08d}"):
        match = re.fullmatch(r"tilepix-([0-9]+)\.json", entry.name)
        if match:
            return int(match[1])
    return None


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    with one_line(folder):
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []
