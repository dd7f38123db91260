"""Redshifts of one tile petal, with the fibermap that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.production.content import Content, Rows, check_identity, check_values, read_content
from pytest_specqa.production.defects import defect
from pytest_specqa.production.fibermap import Fibermap, Table
from pytest_specqa.production.headers import Header
from pytest_specqa.values import Tile

REDSHIFT_COLUMNS = ("TARGETID", "Z", "ZERR", "ZWARN", "SPECTYPE", "DELTACHI2")
FIBERMAP_COLUMNS = ("TARGETID", "FIBER", "OBJTYPE")


@dataclass(frozen=True, eq=False)
class Redshifts:
    """Fitted redshifts, a row per target.

    Attributes
    ----------
    table : Table
        HDU REDSHIFTS (ZBEST in older files); ``r["Z"]`` gives a column of it.
    fibermap : Fibermap
        FIBERMAP with one row for each row of `table`.
    header : Mapping
        Header of HDU 0.
    path : Path
        The file.
    tile : Tile
        The reduction that it belongs to.
    petal : int
        Number of the petal.
    instrument : Instrument
        What took the spectra.
    """

    table: Table
    fibermap: Fibermap
    header: Header
    path: Path
    tile: Tile
    petal: int
    instrument: Instrument = DESI

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One column of the redshift table; text comes stripped."""
        return self.table[name]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the redshift table."""
        return self.table.columns

    @property
    def fiber(self) -> NDArray[Any]:
        """FIBER (0-4999) of each row."""
        return self.fibermap["FIBER"]

    @property
    def is_sky(self) -> NDArray[np.bool_]:
        """Rows of blank-sky fibers (OBJTYPE SKY), good or bad."""
        return self.fibermap.is_sky

    @property
    def is_target(self) -> NDArray[np.bool_]:
        """Rows of fibers on targets: neither on sky nor of OBJTYPE BAD."""
        return self.fibermap.is_target


def read_redshifts(path: Path, *, tile: Tile, petal: int) -> Redshifts:
    """Read redshifts and match their fibermap.

    Parameters
    ----------
    path : Path
        A ``redrock-*`` or, from before Everest, ``zbest-*`` file.
    tile, petal
        What the file name says; the header must not disagree.

    Returns
    -------
    Redshifts
        In the order of the file.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what the data model says; one line.
    """
    name = "ZBEST" if path.name.startswith("zbest-") else "REDSHIFTS"
    content = read_content(path, {name: Rows(REDSHIFT_COLUMNS), "FIBERMAP": Rows(FIBERMAP_COLUMNS)})
    check_identity(path, content.header, expected={"TILEID": tile.tile, "PETAL": petal})
    table = Table(content.data[name], content.headers[name], path, name)
    check_values(path, name, table["Z"])
    fibermap = _matched(content, table)
    strangers = np.unique(fibermap["FIBER"][fibermap["FIBER"] // DESI.fibers != petal])
    if len(strangers):
        raise defect(path, "FIBERMAP", found=f"FIBER {strangers[0]}", expected=f"fibers of petal {petal}", do="see which is right")
    return Redshifts(table, fibermap, content.header, path, tile, petal)


def _matched(content: Content, table: Table) -> Fibermap:
    fibermap = Fibermap(content.data["FIBERMAP"], content.headers["FIBERMAP"], content.path)
    if np.array_equal(fibermap["TARGETID"], table["TARGETID"]):
        return fibermap
    if table.name == "REDSHIFTS":
        found = f"{len(fibermap)} rows whose TARGETID are not those of the {len(table)} redshifts"
        raise defect(content.path, "FIBERMAP", found=found, expected="a row for each row of REDSHIFTS")
    # Before Everest the FIBERMAP had a row per target and exposure.
    targets, first = np.unique(fibermap["TARGETID"], return_index=True)
    place = np.searchsorted(targets, table["TARGETID"]).clip(max=len(targets) - 1)
    lost = int((targets[place] != table["TARGETID"]).sum())
    if lost:
        raise defect(content.path, "FIBERMAP", found=f"no row for {lost} of {len(table)} targets", expected="a row for each")
    return fibermap.select(first[place])
