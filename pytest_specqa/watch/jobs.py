"""What there is to judge in the last nights of a production, and in which state its products are."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_specqa.instrument import DESI
from pytest_specqa.opening import FITS_END, PACKED
from pytest_specqa.production import Production, listing
from pytest_specqa.values import Exposure

EVERY = 600.0
"""Seconds after which the files of an older night are looked at again, though the times of their folders have not changed."""
_PRODUCT = re.compile(r"(?!exposure-qa-)[a-z][a-z-]*-(?:[brz]?[0-9]-)?[0-9]{8}" + FITS_END)
"""Products of an exposure; what is made of them later, and temporary files, are none."""
_TILE_PRODUCTS = ("redrock", "coadd")


@dataclass(frozen=True, order=True)
class Job:
    """What one run judges.

    Attributes
    ----------
    night : int
        YYYYMMDD; of a tile the last one that is included.
    kind : str
        ``exposure`` with its cameras, ``tile`` with its petals, or ``night``.
    number : int
        Of the exposure or the tile; 0 for a night.
    """

    night: int
    kind: str
    number: int = 0

    @property
    def key(self) -> str:
        """Its name in the memory of a watch, which is also that of its log."""
        number = {"exposure": f"-{self.number:08d}", "tile": f"-{self.number}", "night": ""}[self.kind]
        return f"{self.night}-{self.kind}{number}"

    @property
    def told(self) -> str:
        """Its name for a person."""
        return {"exposure": f"exposure {self.number:08d}", "tile": f"tile {self.number}", "night": f"night {self.night}"}[self.kind]


@dataclass(frozen=True)
class Sight:
    """A job as it was seen.

    Attributes
    ----------
    job : Job
        Which.
    tile : int or None
        The tile of an exposure or tile.
    mark : str
        Stands for name, size and time of its products and for what the exposure table asks of it: if it changes, the job is to be
        judged again.
    quiet : str
        The same for all files of its folders, temporary ones too: as long as it changes somebody is at work.
    missing : tuple of str
        Names of files that the exposure table asks for and that are not there.
    known : bool
        Whether an exposure table tells what there should be.
    files : tuple of str
        Paths of its products: there are thousands, and few are opened.
    """

    job: Job
    tile: int | None
    mark: str
    quiet: str
    missing: tuple[str, ...] = ()
    known: bool = True
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A file as its folder lists it: name, bytes and time of writing (ns)."""

    name: str
    size: int
    time: int


class Scanner:
    """Looks at nights of a production; no product is opened.

    Parameters
    ----------
    root : Path
        The production.
    group : str
        Folder below ``tiles/``.
    """

    def __init__(self, root: Path, *, group: str = "cumulative") -> None:
        self.root = root
        self.group = group
        self._kept: dict[Path, tuple[int, float, list[Entry]]] = {}

    def nights(self) -> list[int]:
        """Dates that have a folder or an exposure table, in order; `SpecQAError` where they cannot be listed."""
        Production(self.root)
        folders = listing.folder_numbers(self.root / "exposures", digits=8)
        return sorted(night for night in {*folders, *listing.table_nights(self.root, known=folders)} if _is_date(night))

    def look(self, nights: Iterable[int], *, fresh: int = 0) -> list[Sight]:
        """Look at all exposures, tiles and nights.

        Parameters
        ----------
        nights : iterable of int
            Which.
        fresh : int
            First night whose files are looked at one by one, which costs a call to the file system each. In earlier ones that is
            done every ten minutes, and meanwhile where the time of the folder has changed: the pipeline writes to temporary
            names and renames, which changes it.

        Returns
        -------
        list of Sight
            Exposures, tiles and then the night, of each in order.
        """
        production = Production(self.root)
        return [sight for night in sorted(nights) for sight in self._night(production, night, again=night >= fresh)]

    def one(self, job: Job) -> Sight | None:
        """Look at one job anew; ``None`` if it is no longer there."""
        return next((sight for sight in self.look([job.night]) if sight.job == job), None)

    def _night(self, production: Production, night: int, *, again: bool) -> Iterator[Sight]:
        exposures = production.exposures(night)
        found = [self._exposure(production, exposure, again=again) for exposure in exposures]
        found += [
            self._tile(night, tile, folder, exposures, again=again) for tile, folder in self._tiles(production, night, exposures)
        ]
        yield from found
        if found or not production.night_report(night).sound:
            yield self._whole(production, night, found, exposures)

    def _exposure(self, production: Production, exposure: Exposure, *, again: bool) -> Sight:
        night, expid = exposure.night, exposure.expid
        folder, before = self.root / f"exposures/{night}/{expid:08d}", self.root / f"preproc/{night}/{expid:08d}"
        entries = self._entries(folder, again=again)
        maps = [one for one in self._entries(before, again=again) if one.name.startswith("fibermap-")]
        products = [one for one in entries if _PRODUCT.fullmatch(one.name)]
        missing, known = [], True
        for camera in exposure.cameras:
            kinds = production.expected_products(exposure, camera)
            known &= kinds is not None
            missing += [f"{kind}-{camera}-{expid:08d}.fits" for kind in kinds or ()]
        return Sight(
            Job(night, "exposure", expid),
            tile=exposure.tile,
            mark=_digest([*products, *maps], exposure),
            quiet=_digest([*entries, *maps], exposure),
            missing=_absent(missing, entries),
            known=known and exposure.expected is not None,
            files=(*(f"{folder}/{one.name}" for one in products), *(f"{before}/{one.name}" for one in maps)),
        )

    def _tiles(self, production: Production, night: int, exposures: Sequence[Exposure]) -> list[tuple[int, Path]]:
        base = listing.group_folder(self.root, self.group)
        tiles = {exposure.tile for exposure in exposures}
        if None in tiles or not tiles:
            # Nothing but the names of all tiles tells those of this night.
            tiles = {tile.tile for tile in production.tiles(group=self.group, night=night)}
        folders = [(tile, base / str(tile) / str(night)) for tile in sorted(tile for tile in tiles if tile is not None)]
        return [
            (tile, folder)
            for tile, folder in folders
            if listing.list_tile(self.root, group=self.group, tile=tile, folder=folder.name)
        ]

    def _tile(self, night: int, tile: int, folder: Path, exposures: Sequence[Exposure], *, again: bool) -> Sight:
        entries = self._entries(folder, again=again)
        found = listing.list_tile(self.root, group=self.group, tile=tile, folder=folder.name)
        suffix = found.suffix if found else f"thru{night}"
        names = [f"{kind}-{petal}-{tile}-{suffix}.fits" for petal in _petals(tile, exposures) for kind in _TILE_PRODUCTS]
        products = [one for one in entries if one.name.split("-")[0] in (*_TILE_PRODUCTS, "zbest")]
        return Sight(
            Job(night, "tile", tile),
            tile=tile,
            mark=_digest(products, names),
            quiet=_digest(entries, names),
            missing=_absent(names, [*entries, *(Entry(one.name.replace("zbest", "redrock"), 0, 0) for one in entries)]),
            known=any(one.expected is not None for one in exposures if one.tile == tile),
            files=tuple(f"{folder}/{one.name}" for one in products),
        )

    def _whole(self, production: Production, night: int, found: Sequence[Sight], exposures: Sequence[Exposure]) -> Sight:
        table = production.expected_path("exposure_table", night=night)
        state = [one for one in self._entries(table.parent, again=True) if one.name == table.name]
        reduced = {sight.tile for sight in found if sight.job.kind == "tile"}
        asked = {one.tile for one in exposures if one.tile is not None and _petals(one.tile, exposures)}
        return Sight(
            Job(night, "night"),
            tile=None,
            mark=_digest(state, [sight.mark for sight in found]),
            quiet=_digest(state, [sight.quiet for sight in found]),
            missing=tuple(f"redshifts of tile {tile}" for tile in sorted(asked - reduced)),
        )

    def _entries(self, folder: Path, *, again: bool) -> list[Entry]:
        """List the files in a folder; none where there is no folder."""
        try:
            changed, now = folder.stat().st_mtime_ns, time.monotonic()
            kept = self._kept.get(folder)
            if kept and not again and kept[0] == changed and now - kept[1] < EVERY:
                return kept[2]
            with os.scandir(folder) as entries:
                found = [Entry(one.name, state.st_size, state.st_mtime_ns) for one in entries if (state := _stat(one)) is not None]
        except (FileNotFoundError, NotADirectoryError):
            self._kept.pop(folder, None)
            return []
        found.sort(key=lambda one: one.name)
        self._kept[folder] = changed, now, found
        return found


def _is_date(night: int) -> bool:
    try:
        datetime.datetime.strptime(str(night), "%Y%m%d")
    except ValueError:
        return False
    return True


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """State of a file; ``None`` for one that was renamed a moment ago, or that is a link that leads nowhere."""
    try:
        return entry.stat()
    except OSError:
        return None


def _petals(tile: int, exposures: Sequence[Exposure]) -> list[int]:
    """Petals of which the exposure table asks for redshifts: all three cameras good, and LASTSTEP ``all``."""
    asked = [one.expected or () for one in exposures if one.tile == tile and one.laststep == "all"]
    cameras = {camera for word in asked for camera in word}
    return [petal for petal in DESI.petals if cameras.issuperset({f"{band}{petal}" for band in DESI.letters})]


def _absent(names: Iterable[str], entries: Iterable[Entry]) -> tuple[str, ...]:
    there = {entry.name.removesuffix(end) for entry in entries for end in PACKED}
    return tuple(name for name in names if name not in there)


def _digest(entries: Iterable[Entry], more: object) -> str:
    lines = [f"{one.name} {one.size} {one.time}" for one in entries]
    return hashlib.sha256("\n".join([*lines, repr(more)]).encode("utf-8", "surrogateescape")).hexdigest()[:16]
