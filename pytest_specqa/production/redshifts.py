"""Redshifts of one tile petal or pixel of the sky, with the fibermap that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.production.content import Content, Rows, read_content
from pytest_specqa.production.defects import COPY, defect
from pytest_specqa.production.fibermap import Fibermap, Table
from pytest_specqa.production.headers import Header
from pytest_specqa.production.identity import check_identity
from pytest_specqa.production.layout import HEALPIX
from pytest_specqa.production.onfiber import identity_of, with_fibers
from pytest_specqa.production.plausible import check_redshifts
from pytest_specqa.values import Tile

REDSHIFT_COLUMNS = ("TARGETID", "Z", "ZERR", "ZWARN", "SPECTYPE", "DELTACHI2")
FIBERMAP_COLUMNS = ("TARGETID", "FIBER", "OBJTYPE")
PIXEL_COLUMNS = ("TARGETID", "OBJTYPE")
"""A pixel of the sky has targets of many tiles; their fibers are told by EXP_FIBERMAP."""
MAX_TARGETS = 50_000
"""Rows of one petal with a row per target: 500, and more where skies of stuck positioners differ from exposure to exposure."""
MAX_VISITS = 250_000
"""Rows of one petal with a row per target and exposure: 500 exposures; deep fields have 100."""
ANY_PETAL = -1
_MORE = {"EXP_FIBERMAP": ("TARGETID", "EXPID"), "TSNR2": ("TARGETID",)}


@dataclass(frozen=True, eq=False)
class Redshifts:
    """Fitted redshifts of a tile petal or of a pixel of the sky, a row per target.

    Attributes
    ----------
    table : Table
        HDU REDSHIFTS (ZBEST in older files); ``r["Z"]`` gives a column of it.
    fibermap : Fibermap
        FIBERMAP with one row for each row of `table`; of a pixel FIBER is the one that the target was on in most exposures.
    header : Mapping
        Header of HDU 0.
    path : Path
        The file.
    tile : Tile
        The reduction that it belongs to.
    petal : int
        Number of the petal; `ANY_PETAL` of a pixel.
    instrument : Instrument
        What took the spectra.
    exposures : Table or None
        EXP_FIBERMAP: a row for each target and exposure; ``None`` in files from before Everest, which have none.
    tsnr2 : Table or None
        TSNR2, a row for each row of `table`; ``None`` where the file has none.
    """

    table: Table
    fibermap: Fibermap
    header: Header
    path: Path
    tile: Tile
    petal: int
    instrument: Instrument = DESI
    exposures: Table | None = None
    tsnr2: Table | None = None

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
    def used(self) -> dict[int, int]:
        """Exposures that the redshifts rest on, with their nights (0 where no column tells), in order; none in older files."""
        if self.exposures is None:
            return {}
        expids, first = np.unique(self.exposures["EXPID"], return_index=True)
        nights = self.exposures["NIGHT"][first] if "NIGHT" in self.exposures else np.zeros(len(first), dtype=int)
        return {int(expid): int(night) for expid, night in zip(expids, nights, strict=True)}

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
        What the file name says; the header must not disagree. Of a pixel the petal does not matter.

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
    pixel = tile.group == HEALPIX
    more = {hdu: Rows(columns, required=hdu == "EXP_FIBERMAP", most=MAX_VISITS) for hdu, columns in _MORE.items()}
    fits = {
        name: Rows(REDSHIFT_COLUMNS, most=MAX_TARGETS),
        "FIBERMAP": Rows(PIXEL_COLUMNS if pixel else FIBERMAP_COLUMNS, most=MAX_VISITS),
    }
    if pixel:
        more["EXP_FIBERMAP"] = Rows((*_MORE["EXP_FIBERMAP"], "FIBER"), most=MAX_VISITS)
    content = read_content(path, fits | more if name == "REDSHIFTS" else fits)
    check_identity(path, content.named, expected=_named(tile, petal))
    table = Table(content.data[name], content.headers[name], path, name)
    check_redshifts(path, name, z=table["Z"], columns={column: table[column] for column in ("ZWARN", "ZERR", "DELTACHI2")})
    fibermap = _matched(content, table)
    if pixel:
        fibermap, petal = with_fibers(fibermap, content.data["EXP_FIBERMAP"]), ANY_PETAL
    strangers = np.unique(fibermap["FIBER"][fibermap["FIBER"] // DESI.fibers != petal])
    if len(strangers) and not pixel:
        raise defect(path, "FIBERMAP", found=f"FIBER {strangers[0]}", expected=f"fibers of petal {petal}", do="see which is right")
    exposures, tsnr2 = (Table(content.data[hdu], content.headers[hdu], path, hdu) if hdu in content.data else None for hdu in _MORE)
    return Redshifts(table, fibermap, content.header, path, tile, petal, exposures=exposures, tsnr2=tsnr2)


def _named(tile: Tile, petal: int) -> dict[str, str | int]:
    """Keywords that the file name gives; reductions of a choice of exposures are of no night, and before Everest had no group."""
    value = {"perexp": tile.expid, HEALPIX: tile.tile}.get(tile.group, tile.night)
    known = tile.group in ("cumulative", "pernight", "perexp", HEALPIX) and value is not None
    return identity_of(tile, petal) | ({"SPGRP": tile.group, "SPGRPVAL": int(value or 0)} if known else {})


def _strangers(fibermap: Fibermap, table: Table, twice: int) -> str:
    """Say how two tables that must match row by row differ: a file written by several jobs, or not to its end, does so."""
    if len(fibermap) != len(table):
        return f"{len(fibermap)} rows for {len(table)} redshifts"
    wrong = int((fibermap["TARGETID"] != table["TARGETID"]).sum())
    empty = int((table["TARGETID"] == 0).sum())
    how = [f"{empty} rows of REDSHIFTS are empty"] if empty else [f"{twice} rows of REDSHIFTS repeat others"] if twice else []
    return "; ".join([f"{wrong} of {len(table)} rows whose TARGETID is not that of the redshift", *how])


def _matched(content: Content, table: Table) -> Fibermap:
    fibermap = Fibermap(content.data["FIBERMAP"], content.headers["FIBERMAP"], content.path)
    twice = len(table) - len(np.unique(table["TARGETID"]))
    if np.array_equal(fibermap["TARGETID"], table["TARGETID"]):
        if twice:
            found = f"{twice} of {len(table)} rows that repeat the TARGETID of another"
            raise defect(content.path, table.name, found=found, expected="one row for each target", do=COPY)
        return fibermap
    if table.name == "REDSHIFTS":
        raise defect(
            content.path, "FIBERMAP", found=_strangers(fibermap, table, twice), expected="a row for each row of REDSHIFTS", do=COPY
        )
    # Before Everest the FIBERMAP had a row per target and exposure.
    targets, first = np.unique(fibermap["TARGETID"], return_index=True)
    place = np.searchsorted(targets, table["TARGETID"]).clip(max=len(targets) - 1)
    lost = int((targets[place] != table["TARGETID"]).sum())
    if lost:
        raise defect(content.path, "FIBERMAP", found=f"no row for {lost} of {len(table)} targets", expected="a row for each")
    return fibermap.select(first[place])
