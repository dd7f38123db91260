"""What a tile's redshift files say of each fiber, over all petals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import MissingProductError
from pytest_specqa.instrument import DESI
from pytest_specqa.measures.redshifts.pileup import NODATA, RedshiftPileup, redshift_pileup
from pytest_specqa.measures.redshifts.reference import target_classes
from pytest_specqa.production import Production, Redshifts
from pytest_specqa.values import Tile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EFFTIME = {"bright": ("TSNR2_BGS", 0.14), "backup": ("TSNR2_BGS", 0.14)}
DARK = ("TSNR2_ELG", 8.6)
"""Score from which the effective time of a program is told, and seconds for each unit of it (desispec, tsnr-efftime.yaml)."""


@dataclass(frozen=True, eq=False)
class TileFibers:
    """All fibers of a tile, petal by petal in order of FIBER.

    Attributes
    ----------
    fiber, targetid, zwarn, status : ndarray of int, shape (n,)
        FIBER (0-4999), TARGETID, ZWARN and COADD_FIBERSTATUS.
    z, deltachi2 : ndarray, shape (n,)
        Redshift and DELTACHI2 of the fit.
    spectype, classes : ndarray of str, shape (n,)
        SPECTYPE, and ``BGS``, ``LRG``, ``ELG``, ``QSO``, ``sky`` or ``other``.
    ra, dec, x, y, miss, efftime, flux : ndarray, shape (n,)
        Position in degrees; place on the focal plane in mm; distance from where the positioner should be in mm; effective time in
        seconds; flux in r of the imaging in nanomaggy. NaN where the files do not say.
    efftime_from : str
        What the effective time is told from; empty where the files do not say.
    targets, sky : RedshiftPileup
        The least likely window of redshifts of the targets, and of the sky fibers.
    petals : tuple of int
        Petals that are here.
    notes : tuple of str
        What is missing.
    """

    fiber: Ints
    targetid: Ints
    zwarn: Ints
    status: Ints
    z: Floats
    deltachi2: Floats
    spectype: NDArray[np.str_]
    classes: NDArray[np.str_]
    ra: Floats
    dec: Floats
    x: Floats
    y: Floats
    miss: Floats
    efftime: Floats
    flux: Floats
    efftime_from: str
    targets: RedshiftPileup
    sky: RedshiftPileup
    petals: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def has_data(self) -> NDArray[np.bool_]:
        """Fits to spectra that have data."""
        return np.asarray((self.zwarn & NODATA) == 0)


def read_tile_fibers(production: Production, tile: Tile) -> TileFibers:
    """Read the redshifts of all petals of a tile.

    Parameters
    ----------
    production : Production
        Where they are.
    tile : Tile
        Which reduction.

    Returns
    -------
    TileFibers
        Of the petals that have redshifts.

    Raises
    ------
    MissingProductError
        If none has.
    ProductError
        If a file is not what the data model says.
    """
    files, notes = _files(production, tile)

    def of_map(name: str, other: str = "") -> Floats:
        """Column of the fibermaps, or one that stands in for it."""
        return np.concatenate([_column(one, name, other) for one in files]).astype(float)

    def fitted(name: str) -> NDArray[Any]:
        """Column of the fits."""
        return np.concatenate([one[name] for one in files])

    fiber = np.concatenate([one.fiber for one in files]).astype(np.int64)
    is_sky = np.concatenate([one.is_sky for one in files])
    is_target = np.concatenate([one.is_target for one in files])
    status = np.concatenate([one.fibermap.status for one in files]).astype(np.int64)
    known = all("DESI_TARGET" in one.fibermap for one in files)
    bits = np.concatenate([one.fibermap["DESI_TARGET"] for one in files]) if known else None
    named = target_classes(bits) if bits is not None else np.full(len(fiber), "")
    classes = np.where(is_sky, "sky", np.where(named == "", "other", named))
    columns: dict[str, Any] = {"fiber": fiber, "spectype": fitted("SPECTYPE"), "is_sky": is_sky, "zwarn": fitted("ZWARN")}
    columns |= {"is_target": is_target, "desi_target": bits, "fiberstatus": status}
    z = fitted("Z").astype(float)
    efftime, source = _efftime(files, tile.program or str(files[0].header.get("FAPRGRM") or ""))
    if not source:
        notes.append("the files have no TSNR2 from which the effective time is told")
    return TileFibers(
        fiber=fiber,
        targetid=fitted("TARGETID").astype(np.int64),
        zwarn=fitted("ZWARN").astype(np.int64),
        status=status,
        z=z,
        deltachi2=fitted("DELTACHI2").astype(float),
        spectype=fitted("SPECTYPE").astype(str),
        classes=classes,
        ra=of_map("TARGET_RA"),
        dec=of_map("TARGET_DEC"),
        x=of_map("MEAN_FIBER_X", "FIBERASSIGN_X"),
        y=of_map("MEAN_FIBER_Y", "FIBERASSIGN_Y"),
        miss=np.hypot(of_map("MEAN_DELTA_X", "DELTA_X"), of_map("MEAN_DELTA_Y", "DELTA_Y")),
        efftime=efftime,
        flux=of_map("FLUX_R"),
        efftime_from=source,
        targets=redshift_pileup(z, **columns),
        sky=redshift_pileup(z, **columns, of_sky=True),
        petals=tuple(one.petal for one in files),
        notes=tuple(notes),
    )


def _files(production: Production, tile: Tile) -> tuple[list[Redshifts], list[str]]:
    """Read the redshifts of each petal, and say which petals have none."""
    files: list[Redshifts] = []
    notes = []
    for petal in tile.petals:
        try:
            files.append(production.read_redshifts(tile, petal))
        except MissingProductError as error:
            notes.append(f"petal {petal} has no redshifts")
            lost = error
    if not files:
        raise MissingProductError(f"no redshifts of tile {tile.tile} ({tile.suffix}), so nothing to show: {lost}")
    if absent := [petal for petal in DESI.petals if petal not in tile.petals]:
        notes.append(f"this reduction has no petal {', '.join(map(str, absent))}")
    return files, notes


def _column(one: Redshifts, name: str, other: str) -> NDArray[Any]:
    for column in (name, other):
        if column in one.fibermap:
            return one.fibermap[column]
    return np.full(len(one), np.nan)


def _efftime(files: list[Redshifts], program: str) -> tuple[Floats, str]:
    column, scale = EFFTIME.get(program.lower(), DARK)
    parts = [
        scale * one.tsnr2[column].astype(float) if one.tsnr2 is not None and column in one.tsnr2 else np.full(len(one), np.nan)
        for one in files
    ]
    efftime = np.concatenate(parts)
    return efftime, f"{scale:g} s × {column}" if np.isfinite(efftime).any() else ""
