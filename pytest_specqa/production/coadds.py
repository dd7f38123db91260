"""Coadded spectra of one tile petal or pixel of the sky."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.production.content import Content, Image, Rows, read_content
from pytest_specqa.production.defects import defect
from pytest_specqa.production.fibermap import Fibermap, Table
from pytest_specqa.production.frames import check_wave
from pytest_specqa.production.headers import Header
from pytest_specqa.production.identity import check_identity
from pytest_specqa.production.layout import HEALPIX
from pytest_specqa.production.onfiber import identity_of, with_fibers
from pytest_specqa.production.plausible import check_ivar, check_values
from pytest_specqa.production.redshifts import MAX_VISITS
from pytest_specqa.values import Tile


@dataclass(frozen=True, eq=False)
class Coadd:
    """Coadded spectra, a row per target.

    Attributes
    ----------
    flux, ivar : Mapping
        Band to f4[n, nw]: 1e-17 erg/(s cm2 Angstrom) and inverse variance, 0 where unusable or masked.
    wave : Mapping
        Band to f8[nw], Angstrom.
    fibermap : Fibermap
        A row per spectrum.
    header, path, tile, petal
        Header of HDU 0, the file, and what its name says.
    """

    flux: Mapping[str, NDArray[np.float32]]
    ivar: Mapping[str, NDArray[np.float32]]
    wave: Mapping[str, NDArray[np.float64]]
    fibermap: Fibermap
    header: Header
    path: Path
    tile: Tile
    petal: int


@dataclass(frozen=True, eq=False)
class CoaddTables:
    """What a coadd says of its targets and exposures, without their spectra.

    Attributes
    ----------
    fibermap : Fibermap
        FIBERMAP, a row per target.
    exposures : Table or None
        EXP_FIBERMAP, a row per target and exposure; ``None`` in files from before Everest.
    header, path, tile, petal
        Header of HDU 0, the file, and what its name says.
    """

    fibermap: Fibermap
    exposures: Table | None
    header: Header
    path: Path
    tile: Tile
    petal: int


def read_coadd_tables(path: Path, *, tile: Tile, petal: int) -> CoaddTables:
    """Read the tables before the spectra of a coadd, and nothing behind them.

    Parameters
    ----------
    path : Path
        The file.
    tile, petal
        What the file name says; the header must not disagree.

    Returns
    -------
    CoaddTables
        In the order of the file.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what the data model says; one line.
    """
    wanted = {
        "FIBERMAP": _of_targets(tile),
        "EXP_FIBERMAP": _of_exposures(tile),
    }
    content = read_content(path, wanted)
    check_identity(path, content.named, expected=identity_of(tile, petal))
    fibermap = _fibermap(content, tile)
    rows, name = content.data.get("EXP_FIBERMAP"), "EXP_FIBERMAP"
    exposures = None if rows is None else Table(rows, content.headers[name], path, name)
    return CoaddTables(fibermap, exposures, content.header, path, tile, petal)


def read_coadd(path: Path, *, tile: Tile, petal: int, rows: NDArray[Any] | None = None) -> Coadd:
    """Read the bands of a coadd.

    Parameters
    ----------
    path : Path
        The file.
    tile, petal
        What the file name says; the header must not disagree.
    rows : numpy.ndarray, optional
        Boolean mask or indices of the spectra to keep.

    Returns
    -------
    Coadd
        With the bands that the file has.

    Raises
    ------
    ProductError
        If the file is missing, unreadable or not what the data model says; one line.
    """
    wanted: dict[str, Image | Rows] = {"FIBERMAP": _of_targets(tile)}
    if tile.group == HEALPIX:
        wanted["EXP_FIBERMAP"] = _of_exposures(tile)
    for band, bins in ((band, grid.bins) for band, grid in DESI.bands.items()):
        wanted[f"{band.upper()}_WAVELENGTH"] = Image(("f8", "f4"), (bins,), required=False)
        wanted[f"{band.upper()}_FLUX"] = Image(("f4",), (None, bins), required=False)
        wanted[f"{band.upper()}_IVAR"] = Image(("f4",), (None, bins), required=False)
    content = read_content(path, wanted)
    check_identity(path, content.named, expected=identity_of(tile, petal))
    fibermap = _fibermap(content, tile)
    bands = [band for band in DESI.bands if f"{band.upper()}_FLUX" in content.data]
    if not bands:
        raise defect(path, None, found="no HDU B_FLUX, R_FLUX or Z_FLUX", expected="spectra of at least one band")
    chosen: Any = slice(None) if rows is None else _within(path, rows, len(fibermap))
    flux, ivar, wave = {}, {}, {}
    for band in bands:
        whole = {kind: content.data.get(f"{band.upper()}_{kind}") for kind in ("FLUX", "IVAR", "WAVELENGTH")}
        values, weights, grid = _same_rows(path, band, whole, rows=len(fibermap))
        check_ivar(path, f"{band.upper()}_IVAR", weights)
        check_values(path, f"{band.upper()}_FLUX", values, ivar=weights)
        check_wave(path, grid, band=band)
        flux[band], ivar[band], wave[band] = values[chosen], weights[chosen], grid.astype("f8")
    return Coadd(flux, ivar, wave, fibermap.select(chosen), content.header, path, tile, petal)


def _of_targets(tile: Tile) -> Rows:
    return Rows(("TARGETID",) if tile.group == HEALPIX else ("TARGETID", "FIBER"), most=MAX_VISITS)


def _of_exposures(tile: Tile) -> Rows:
    if tile.group == HEALPIX:
        return Rows(("TARGETID", "EXPID", "FIBER"), most=MAX_VISITS)
    return Rows(("TARGETID", "EXPID"), required=False, most=MAX_VISITS)


def _fibermap(content: Content, tile: Tile) -> Fibermap:
    fibermap = Fibermap(content.data["FIBERMAP"], content.headers["FIBERMAP"], content.path)
    return with_fibers(fibermap, content.data["EXP_FIBERMAP"]) if tile.group == HEALPIX else fibermap


def _within(path: Path, rows: NDArray[Any], count: int) -> NDArray[Any]:
    """The rows, if the file has them: those who ask found them in another file."""
    needed = len(rows) if rows.dtype == bool else int(rows.max(initial=-1)) + 1
    if count < needed or (rows.dtype == bool and count > needed):
        found, expected = f"{count} spectra", f"one for each redshift, of which there are {needed} or more"
        raise defect(path, "FIBERMAP", found=found, expected=expected, do="see which file is right")
    return rows


def _same_rows(
    path: Path, band: str, whole: Mapping[str, NDArray[Any] | None], *, rows: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    flux, ivar, wave = whole["FLUX"], whole["IVAR"], whole["WAVELENGTH"]
    if flux is None or ivar is None or wave is None:
        lost = ", ".join(f"{band.upper()}_{kind}" for kind, data in whole.items() if data is None)
        raise defect(path, None, found=f"no HDU {lost}", expected=f"FLUX, IVAR and WAVELENGTH of band {band}")
    if not len(flux) == len(ivar) == rows:
        raise defect(
            path, f"{band.upper()}_FLUX", found=f"{len(flux)} spectra, {len(ivar)} IVAR", expected=f"{rows} as in FIBERMAP"
        )
    return flux, ivar, wave
