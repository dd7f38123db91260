"""Spectra and what is known of them, joined by TARGETID and made ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import MissingProductError, ProductError, SelectionError
from pytest_specqa.instrument import DESI
from pytest_specqa.look.spectra_choice import Choice, Chosen, choose
from pytest_specqa.look.spectra_found import Found, Spectrum, spread
from pytest_specqa.look.spectra_models import Models
from pytest_specqa.look.spectra_rebin import Floats, rebin
from pytest_specqa.production import Fibermap, Production, Redshifts
from pytest_specqa.production.layout import HEALPIX
from pytest_specqa.production.redshifts import ANY_PETAL
from pytest_specqa.values import Tile

_FIT = {"SPECTYPE": "", "SUBTYPE": "", "Z": np.nan, "ZERR": np.nan, "ZWARN": 0, "DELTACHI2": np.nan}
_PLACE = {"TARGET_RA": np.nan, "TARGET_DEC": np.nan, "DESI_TARGET": 0}
Bands = Mapping[str, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]


def joined(fibermap: Fibermap, redshifts: Redshifts | None) -> dict[str, NDArray[Any]]:
    """Columns of spectra, with those of their fits by TARGETID, whatever the order of rows.

    Parameters
    ----------
    fibermap : Fibermap
        A row for each spectrum.
    redshifts : Redshifts or None
        Fits of the same petal; a TARGETID that has none gets an empty SPECTYPE and Z = NaN. None where there are no fits.

    Returns
    -------
    dict
        FIBER, TARGETID, SKY, OBJTYPE, STATUS, position and fit; FIT is the row of the redshifts, -1 for none.
    """
    target = fibermap["TARGETID"]
    columns: dict[str, NDArray[Any]] = {
        "FIBER": fibermap["FIBER"].astype(int),
        "TARGETID": target.astype(np.int64),
        "OBJTYPE": fibermap["OBJTYPE"],
        "SKY": fibermap.is_sky,
        "STATUS": fibermap.status.astype(np.int64),
        **{name: fibermap[name] if name in fibermap else np.full(len(target), empty) for name, empty in _PLACE.items()},
    }
    row = np.full(len(target), -1)
    if redshifts is not None:
        order = np.argsort(redshifts["TARGETID"], kind="stable")
        ranked = redshifts["TARGETID"][order]
        place = np.searchsorted(ranked, target).clip(max=len(ranked) - 1)
        row = np.where(ranked[place] == target, order[place], -1)
    for name, empty in _FIT.items():
        if redshifts is None or name not in redshifts.columns:
            columns[name] = np.full(len(target), empty)
            continue
        fitted = redshifts[name]
        columns[name] = np.where(row >= 0, fitted[row], np.array(empty, dtype=fitted.dtype if fitted.dtype.kind != "U" else "U1"))
    return columns | {"FIT": row}


def tile_spectra(production: Production, tile: Tile, choice: Choice, *, by: int, most: int, models: Models) -> Found:
    """Read the coadded spectra of a tile that are asked for.

    Parameters
    ----------
    production : Production
        Where they are.
    tile : Tile
        Which reduction.
    choice : Choice
        Which spectra.
    by : int
        Pixels of a bin.
    most : int
        Models are made for so many, spread evenly.
    models : Models
        Where best-fit models come from.

    Returns
    -------
    Found
        At least one spectrum.

    Raises
    ------
    SelectionError
        If nothing matches.
    ProductError
        If there are no coadds, or a file is not what the data model says.
    """
    petals, notes = _petals(tile, choice) if tile.group != HEALPIX else [ANY_PETAL], []
    tables: dict[int, dict[str, NDArray[Any]]] = {}
    fits: dict[int, Redshifts] = {}
    for petal in petals:
        try:
            coadd = production.read_coadd_tables(tile, petal)
        except MissingProductError as error:
            notes.append(f"{_place(petal)} has no coadd")
            lost = error
            continue
        try:
            fits[petal] = production.read_redshifts(tile, petal)
        except MissingProductError:
            notes.append(f"{_place(petal)} has no redshifts")
        tables[petal] = joined(coadd.fibermap, fits.get(petal))
        notes += _strangers(petal, tables[petal], fits.get(petal))
    if not tables:
        raise MissingProductError(f"no coadds of {called(tile)}, so no spectra to show: {lost}")
    chosen, where = _chosen(tables, choice, name=called(tile).partition(",")[0])
    spectra: list[Spectrum] = []
    paths: list[Path] = []
    drawn = set(spread(len(chosen.rows), most))
    for petal, rows in where:
        read = production.read_coadd(tile, petal, rows=rows)
        bands = {band: (read.wave[band], read.flux[band], read.ivar[band]) for band in read.flux}
        wanted = [number for number in range(len(rows)) if len(spectra) + number in drawn]
        fitted = tables[petal]["FIT"][rows][wanted]
        modelled = models.of(production, tile, petal, fits.get(petal), rows=fitted, bands=bands, by=by)
        made = dict(zip(wanted, modelled, strict=True))
        spectra += _spectra(petal, rows, tables[petal], bands=bands, by=by, made=made)
        paths += [read.path, *([fits[petal].path] if petal in fits else [])]
    return Found(tuple(spectra), chosen.steps, (*notes, *chosen.notes), tuple(paths), "10⁻¹⁷ erg/(s cm² Å)")


def exposure_spectra(
    production: Production, cameras: Sequence[str], choice: Choice, *, night: int, expid: int, kind: str, by: int, tile: Tile | None
) -> Found:
    """Read spectra of an exposure that are asked for.

    Parameters
    ----------
    production : Production
        Where they are.
    cameras : sequence of str
        Which cameras.
    choice : Choice
        Which spectra; SPECTYPE, redshift and warning are those of the tile.
    night, expid : int
        Which exposure.
    kind : str
        ``frame``, ``sframe`` or ``cframe``.
    by : int
        Pixels of a bin.
    tile : Tile or None
        Reduction of the tile whose redshifts are joined; None for no redshifts.

    Returns
    -------
    Found
        At least one spectrum; masked pixels do not count.

    Raises
    ------
    SelectionError
        If nothing matches.
    ProductError
        If a file is missing or not what the data model says.
    """
    tables: dict[int, dict[str, NDArray[Any]]] = {}
    bands: dict[int, dict[str, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]] = {}
    paths, notes = [], []
    asked = {fiber // DESI.fibers for fiber in choice.fibers} | set(choice.petals)
    for camera in [one for one in cameras if not asked or int(one[1:]) in asked] or cameras:
        frame = production.read_frame(kind, night=night, expid=expid, camera=camera)
        if frame.petal not in tables:
            fits, note = _fits(production, tile, frame.petal)
            notes += note
            tables[frame.petal] = joined(frame.fibermap, fits)
        bands.setdefault(frame.petal, {})[frame.band] = (frame.wave, frame.flux, np.where(frame.mask == 0, frame.ivar, 0))
        paths.append(frame.path)
    name = f"{kind} {', '.join(cameras[:6])}{' ...' if len(cameras) > 6 else ''} of {expid:08d}"
    chosen, where = _chosen(tables, choice, name=name)
    spectra: list[Spectrum] = []
    for petal, rows in where:
        picked = {band: (wave, flux[rows], ivar[rows]) for band, (wave, flux, ivar) in bands[petal].items()}
        spectra += _spectra(petal, rows, tables[petal], bands=picked, by=by, made={})
    unit = "10⁻¹⁷ erg/(s cm² Å)" if kind == "cframe" else "electron/Å"
    return Found(tuple(spectra), chosen.steps, (*notes, *chosen.notes), tuple(paths), unit)


def called(tile: Tile) -> str:
    """Call a reduction by its tile and suffix, or by its pixel."""
    return f"pixel {tile.suffix}" if tile.group == HEALPIX else f"tile {tile.tile}, {tile.suffix}"


def _place(petal: int) -> str:
    return "the pixel" if petal == ANY_PETAL else f"petal {petal}"


def _fits(production: Production, tile: Tile | None, petal: int) -> tuple[Redshifts | None, list[str]]:
    if tile is None:
        return None, []
    try:
        return production.read_redshifts(tile, petal), []
    except ProductError as error:
        return None, [f"no redshifts of petal {petal}: {error}"]


def _petals(tile: Tile, choice: Choice) -> list[int]:
    """Petals that can hold what is asked for."""
    asked = set(choice.petals)
    if lost := sorted(asked - set(tile.petals)):
        there = ", ".join(map(str, tile.petals)) or "none"
        raise SelectionError(f"no petal {', '.join(map(str, lost))} of tile {tile.tile}: there are {there}")
    if choice.fibers:
        of_fibers = {fiber // DESI.fibers for fiber in choice.fibers}
        within = of_fibers & (asked or set(tile.petals))
        # Where none is, the nearest fibers are named from all petals.
        asked = within or asked
    return sorted(asked or tile.petals)


def _chosen(
    tables: Mapping[int, Mapping[str, NDArray[Any]]], choice: Choice, *, name: str
) -> tuple[Chosen, list[tuple[int, NDArray[np.intp]]]]:
    """Choose among all petals, and say which rows of each petal that are, in order of FIBER."""
    first = next(iter(tables.values()))
    columns = {key: np.concatenate([table[key] for table in tables.values()]) for key in first}
    petal = np.concatenate([np.full(len(table["FIBER"]), number) for number, table in tables.items()])
    row = np.concatenate([np.arange(len(table["FIBER"])) for table in tables.values()])
    numbers = ",".join(map(str, tables))
    where = f"{name}{f', petal {numbers}' if len(tables) < len(DESI.petals) and ANY_PETAL not in tables else ''}"
    chosen = choose(choice, columns, where=where)
    rows = chosen.rows
    return chosen, [(number, row[rows][petal[rows] == number]) for number in sorted(set(petal[rows].tolist()))]


def _strangers(petal: int, columns: Mapping[str, NDArray[Any]], fits: Redshifts | None) -> Iterator[str]:
    if fits is None:
        return
    if without := int((columns["FIT"] < 0).sum()):
        yield f"{_place(petal)}: {without} of {len(columns['FIT'])} spectra have no fit of their TARGETID in {fits.path.name}"
    if lost := int((~np.isin(fits["TARGETID"], columns["TARGETID"])).sum()):
        yield f"{_place(petal)}: {lost} of {len(fits)} fits have no spectrum of their TARGETID"


def _spectra(
    petal: int,
    rows: NDArray[np.intp],
    table: Mapping[str, NDArray[Any]],
    *,
    bands: Bands,
    by: int,
    made: Mapping[int, tuple[Mapping[str, Floats], str]],
) -> list[Spectrum]:
    binned = {band: rebin(*arrays, by=by) for band, arrays in bands.items()}
    facts = ("OBJTYPE", "STATUS", *_FIT, *_PLACE)
    return [
        Spectrum(
            fiber=int(table["FIBER"][row]),
            petal=int(table["FIBER"][row]) // DESI.fibers if petal == ANY_PETAL else petal,
            targetid=int(table["TARGETID"][row]),
            facts={name: table[name][row].item() for name in facts},
            bands={band: (one, number) for band, one in binned.items()},
            model=made[number][0] if number in made else {},
            model_words=made[number][1] if number in made else "",
        )
        for number, row in enumerate(rows)
    ]
