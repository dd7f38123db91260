"""What a production holds, from its folders and exposure tables; no FITS file is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_specqa.errors import ProductError, UnreachableError
from pytest_specqa.instrument import DESI
from pytest_specqa.opening import FITS_END
from pytest_specqa.production.defects import defect, one_line
from pytest_specqa.production.layout import OLDER_GROUP
from pytest_specqa.production.tables import ExposureRow
from pytest_specqa.remote import Entry, is_remote
from pytest_specqa.remote import listing as remote_listing
from pytest_specqa.values import BY_NIGHT, NO_NIGHT, Exposure, Tile

Found = os.DirEntry[str] | Entry
# Products that only a science exposure has, and those that only a calibration has.
_SCIENCE = frozenset({"sframe", "cframe", "sky", "fluxcalib"})
_CALIBRATION = frozenset({"fiberflat", "fit-psf"})
_CAMERA_FILE = re.compile(rf"(frame|sframe|cframe|sky|fluxcalib|fiberflat|fit-psf)-([{DESI.letters}][0-9])-([0-9]{{8}}){FITS_END}")
_PETAL_FILE = re.compile(r"(?:redrock|zbest|coadd)-([0-9])-([0-9]+)-([0-9A-Za-z_]+)" + FITS_END)
_TABLE_FILE = re.compile(r"exposure_table_([0-9]{8})\.csv")


def folder_numbers(folder: Path, *, digits: int | None = None, strict: bool = False) -> list[int]:
    """Numbers that name the folders in a folder, in order; none where it does not exist.

    A link that leads nowhere, or in a circle, counts as the folder that it should lead to: what looks into it says so. With
    `strict` that holds for `folder` too: `ProductError`.
    """
    names = [entry.name for entry in _scan(folder, strict=strict) if re.fullmatch("[0-9]+", entry.name) and _is_folder(entry)]
    return sorted(int(name) for name in names if digits in (None, len(name)))


def folder_names(folder: Path) -> list[str]:
    """Names of the folders in a folder, in order; none where it does not exist."""
    return sorted(entry.name for entry in _scan(folder) if _is_folder(entry))


def names_in(folder: Path) -> list[str]:
    """Names of all that is in a folder, in order; none where it does not exist."""
    return sorted(entry.name for entry in _scan(folder))


def group_folder(root: Path, group: str) -> Path:
    """Folder that holds the tiles of a group; before Everest that was ``tiles`` itself."""
    return root / "tiles" if group == OLDER_GROUP else root / "tiles" / group


def table_nights(root: Path, *, known: Iterable[int] = ()) -> list[int]:
    """Nights that have an exposure table.

    Parameters
    ----------
    root : Path
        Folder of the production.
    known : iterable of int
        Nights that are known otherwise: those of a month of tables that cannot be looked into fail by themselves.

    Returns
    -------
    list of int
        In order.

    Raises
    ------
    ProductError
        If a folder of tables cannot be looked into, and no night is known that would fail for it.
    """
    known = list(known)
    nights: list[int] = []
    folder = root / "exposure_tables"
    for month in _look(folder, vouched=bool(known)):
        if not _is_folder(month):
            continue
        entries = _look(folder / month.name, vouched=any(month.name == str(night)[:6] for night in known))
        names = (_TABLE_FILE.fullmatch(entry.name) for entry in entries)
        nights += [int(match[1]) for match in names if match]
    return sorted(nights)


def has_table(path: Path) -> bool:
    """Tell whether there is an exposure table, be it one that cannot be read."""
    try:
        path.lstat()
    except FileNotFoundError:
        return any(folder.is_symlink() and not folder.exists() for folder in (path.parent, path.parent.parent))
    except OSError:
        return True
    return True


def _look(folder: Path, *, vouched: bool) -> list[Found]:
    try:
        return _scan(folder, strict=True)
    except UnreachableError:
        raise
    except ProductError:
        if not vouched:
            raise
        return []


def _is_folder(entry: Found) -> bool:
    try:
        return entry.is_dir() or (isinstance(entry, os.DirEntry) and entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


@dataclass(frozen=True)
class CameraFiles:
    """Kinds of products in the folder of an exposure, and their cameras; none where there is no folder.

    Attributes
    ----------
    kinds, cameras : frozenset of str
        Such as ``sframe`` and ``r6``.
    """

    kinds: frozenset[str] = frozenset()
    cameras: frozenset[str] = frozenset()

    @property
    def sky_subtracted(self) -> bool:
        """Whether there is a product that only science exposures have."""
        return bool(self.kinds & _SCIENCE)

    @property
    def look_like_science(self) -> bool:
        """Whether they are those of a science exposure, as far as names tell."""
        return self.sky_subtracted or ("frame" in self.kinds and not self.kinds & _CALIBRATION)


def camera_files(root: Path, *, night: int, expid: int) -> CameraFiles:
    """Products of cameras that an exposure has on disk; `ProductError` where its folder cannot be looked into."""
    names = (_CAMERA_FILE.fullmatch(entry.name) for entry in _scan(root / f"exposures/{night}/{expid:08d}", strict=True))
    found = [match for match in names if match and int(match[3]) == expid]
    return CameraFiles(frozenset(match[1] for match in found), frozenset(match[2] for match in found))


def list_exposure(root: Path, *, night: int, expid: int, row: ExposureRow | None, files: CameraFiles) -> Exposure | None:
    """One exposure as its folder and its row of the exposure table know it.

    Parameters
    ----------
    root : Path
        Folder of the production.
    night, expid : int
        Which exposure.
    row : ExposureRow or None
        Its row, where a table has one.
    files : CameraFiles
        What `camera_files` found.

    Returns
    -------
    Exposure or None
        ``None`` where no table tells and the folder holds no science product.
    """
    cameras = files.cameras
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
    if not files.look_like_science:
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
        ``tiles/GROUP/TILEID/FOLDER``; of the group ``older`` ``tiles/TILEID/FOLDER``.

    Returns
    -------
    Tile or None
        ``None`` where the folder holds no petal. `night` is `NO_NIGHT` where the folder is not named by a night.
    """
    petals: dict[str, set[int]] = {}
    for entry in _scan(group_folder(root, group) / str(tile) / folder):
        match = _PETAL_FILE.fullmatch(entry.name)
        if match and int(match[2]) == tile:
            petals.setdefault(match[3], set()).add(int(match[1]))
    if not petals:
        return None
    suffix = max(petals, key=lambda name: (len(petals[name]), name))
    night = int(folder) if group in BY_NIGHT else NO_NIGHT
    return Tile(tile=tile, night=night, group=group, suffix=suffix, petals=tuple(sorted(petals[suffix])))


def tile_folders(
    root: Path, *, group: str, nights: tuple[int, int] | None = None, only: int | None = None
) -> Iterator[tuple[int, str]]:
    """Tiles and the folders below them, of all nights or from a first to a last; of all tiles or of one."""
    base = group_folder(root, group)
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


def _scan(folder: Path, *, strict: bool = False) -> list[Found]:
    """List what is in a folder: nothing where there is none, unless a link says that there should be one (`strict`)."""
    with one_line(folder):
        if is_remote(folder):
            return [*remote_listing(folder).values()]
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            if strict and folder.is_symlink():
                raise defect(
                    folder, None, found="a link that leads to no folder", expected="a folder", do="mend the link"
                ) from None
            return []
