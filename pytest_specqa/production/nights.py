"""Nights of a production: which exposures they have, by tables and folders, and where the two cannot be believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pytest_specqa.errors import ProductError, UnreachableError
from pytest_specqa.production import listing
from pytest_specqa.production.groups import own_group
from pytest_specqa.production.summaries import ListedExposure, Summaries
from pytest_specqa.production.tablefile import ExposureTable, read_exposure_table
from pytest_specqa.production.tables import ExposureRow
from pytest_specqa.values import BY_NIGHT, Exposure


@dataclass(frozen=True)
class NightReport:
    """What the exposure table of a night and the folders say that cannot be.

    Attributes
    ----------
    tabled : bool
        Whether the night has an exposure table.
    unreadable : ProductError or None
        Why its table cannot be read at all.
    faults : tuple of str
        Lines of the table that cannot be read or understood.
    conflicts : tuple of str
        What the table says in two ways, or otherwise than the products on disk.
    unlisted : tuple of int
        Exposures with products of science that the table does not list.
    folders : tuple of str
        Folders of exposures that cannot be looked into.
    oddities : tuple of str
        What is strange, and hides no exposure.
    """

    tabled: bool = False
    unreadable: ProductError | None = None
    faults: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    unlisted: tuple[int, ...] = ()
    folders: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing of it can hide an exposure."""
        return not (self.unreadable or self.faults or self.conflicts or self.unlisted or self.folders)


@dataclass(frozen=True)
class Night:
    """Science exposures of a night by number, and what is to be said of its table."""

    exposures: Mapping[int, Exposure]
    report: NightReport


class Nights:
    """Nights of a production, each listed once and kept.

    Parameters
    ----------
    root : Path
        Folder of the production.
    table_path : callable
        Path of the exposure table of a night.
    summaries : Summaries
        Lists of the production, which tell where it has no exposure table at all.
    """

    def __init__(self, root: Path, table_path: Callable[[int], Path], *, summaries: Summaries) -> None:
        self.root = root
        self._table_path = table_path
        self._summaries = summaries
        self._tables: dict[int, ExposureTable | ProductError | None] = {}
        self._nights: dict[int, Night] = {}

    @cached_property
    def listed(self) -> list[int]:
        """Nights with a folder, with exposures in a table, or with a table that may hide some; else those of tiles; in order."""
        nights = set(self._folders)
        tabled = self._tabled - nights
        nights |= {night for night in tabled if self._asks(night)}
        return sorted(nights or self._of_tiles())

    def _of_tiles(self) -> set[int]:
        """Nights of the tiles, of a production without exposures."""
        group = own_group(self.root)
        if group not in BY_NIGHT:
            return set()
        if group == "cumulative" and self.by_list and self._summaries.tiles and self._summaries.whole:
            there = set(listing.folder_numbers(listing.group_folder(self.root, group)))
            return {tile.night for tile in self._summaries.tiles.values() if tile.tile in there}
        return {int(folder) for _, folder in listing.tile_folders(self.root, group=group) if len(folder) == 8}

    @cached_property
    def by_list(self) -> bool:
        """Whether the lists of the production stand for exposure tables, of which it has none."""
        return not self._tabled and bool(self._summaries.exposures or self._summaries.tiles)

    @cached_property
    def _tabled(self) -> set[int]:
        return set(listing.table_nights(self.root, known=self._folders))

    @cached_property
    def _folders(self) -> list[int]:
        return listing.folder_numbers(self.root / "exposures", digits=8)

    def _asks(self, night: int) -> bool:
        found = self.night(night)
        return not found.report.sound or any(exposure.laststep != "ignore" for exposure in found.exposures.values())

    def night(self, night: int) -> Night:
        """List a night; empty where nothing is known of it."""
        if night not in self._nights:
            listed = self._summaries.exposures.get(night, {}) if self.by_list else {}
            found = _Listing(self.root, night, self._table(night), alone=self._lacks_table(night), listed=listed)
            self._nights[night] = found.by_list(self._summaries) if listed else found.found()
        return self._nights[night]

    def rows(self, night: int) -> Mapping[int, ExposureRow] | None:
        """Science rows of the exposure table of a night; ``None`` where there is none that can be read."""
        table = self._table(night)
        return table.rows if isinstance(table, ExposureTable) else None

    def _table(self, night: int) -> ExposureTable | ProductError | None:
        if night not in self._tables:
            path = self._table_path(night)
            try:
                self._tables[night] = read_exposure_table(path) if listing.has_table(path) else None
            except UnreachableError:
                raise
            except ProductError as error:
                self._tables[night] = error
        return self._tables[night]

    def _lacks_table(self, night: int) -> bool:
        """Tell whether other nights have a table and this one has none."""
        return self._table(night) is None and bool(self._tabled)


@dataclass
class _Listing:
    """One night as it is listed."""

    root: Path
    night: int
    table: ExposureTable | ProductError | None
    alone: bool
    listed: Mapping[int, ListedExposure]
    faults: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unlisted: list[int] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def found(self) -> Night:
        """List the exposures and what is wrong."""
        table = self.table if isinstance(self.table, ExposureTable) else ExposureTable({})
        expids = {expid for expid, row in table.rows.items() if row.laststep != "ignore"} | self._on_disk()
        listed = {expid: self._exposure(expid, table) for expid in sorted(expids)}
        exposures = {expid: exposure for expid, exposure in listed.items() if exposure is not None}
        oddities = table.oddities
        if self.alone and any(exposure.laststep != "ignore" for exposure in exposures.values()):
            oddities = (*oddities, f"night {self.night} has no exposure table, though other nights have")
        report = NightReport(
            tabled=self.table is not None,
            unreadable=self.table if isinstance(self.table, ProductError) else None,
            faults=(*table.faults, *self.faults),
            conflicts=(*table.conflicts, *self.conflicts),
            unlisted=tuple(self.unlisted),
            folders=tuple(self.folders),
            oddities=oddities,
        )
        return Night(exposures, report)

    def by_list(self, summaries: Summaries) -> Night:
        """Take the exposures that the list of the production has of the night, with the cameras that are on disk.

        What else is there are calibrations and exposures that were left out of the production; where a line of the list cannot be
        read, folders are looked into as without it.
        """
        exposures: dict[int, Exposure] = {}
        for expid in sorted(self._on_disk()):
            told = self.listed.get(expid)
            found = self._of_list(told) if told else self._exposure(expid, ExposureTable({})) if not summaries.whole else None
            if found is not None:
                exposures[expid] = found
        absent = sorted(set(self.listed) - set(exposures))
        named = f"{', '.join(map(str, absent[:4]))}{' ...' if len(absent) > 4 else ''}"
        what = f"{len(absent)} of the exposures of {summaries.exposure_list} without products on disk ({named})"
        return Night(exposures, NightReport(folders=tuple(self.folders), oddities=(what,) if absent else ()))

    def _of_list(self, told: ListedExposure) -> Exposure | None:
        """List an exposure that the list of the production has; ``None`` where no camera of it is on disk."""
        try:
            files = listing.camera_files(self.root, night=self.night, expid=told.expid)
        except UnreachableError:
            raise
        except ProductError as error:
            self._note(error)
            return None
        return (
            Exposure(
                night=self.night,
                expid=told.expid,
                tile=told.tile,
                cameras=tuple(sorted(files.cameras)),
                survey=told.survey,
                program=told.program,
                exptime=told.exptime,
            )
            if files.kinds
            else None
        )

    def _note(self, error: ProductError) -> None:
        """Keep what is wrong with a folder, to be said after a colon."""
        self.folders.append(str(error).replace(": found", " found", 1))

    def _on_disk(self) -> set[int]:
        folder = self.root / f"exposures/{self.night}"
        try:
            return set(listing.folder_numbers(folder, digits=8, strict=True))
        except UnreachableError:
            raise
        except ProductError as error:
            self._note(error)
            return set()

    def _exposure(self, expid: int, table: ExposureTable) -> Exposure | None:
        """List one exposure: by its row where there is one, else by what its files look like."""
        row, files = table.rows.get(expid), listing.CameraFiles()
        try:
            files = listing.camera_files(self.root, night=self.night, expid=expid)
        except UnreachableError:
            raise
        except ProductError as error:
            if expid not in table.calibrations:
                self._note(error)
        if expid in table.calibrations:
            if files.sky_subtracted:
                what = f"exposure {expid} is a {table.calibrations[expid]} and has sky-subtracted spectra or a sky model on disk"
                self.conflicts.append(what)
            return None
        if expid in table.unsure and files.look_like_science:
            row = table.unsure[expid]
            self.faults.append(f"exposure {expid} has products of science, and no OBSTYPE that tells what it is")
        beyond = sorted(files.cameras.difference(row.word)) if row and row.laststep != "ignore" else ()
        if beyond:
            self.conflicts.append(f"exposure {expid} has products of {', '.join(beyond[:6])} on disk, which CAMWORD has not")
        exposure = listing.list_exposure(self.root, night=self.night, expid=expid, row=row, files=files)
        known = (table.rows, table.unsure, table.broken)
        if exposure is not None and isinstance(self.table, ExposureTable) and not any(expid in one for one in known):
            self.unlisted.append(expid)
        return exposure
