"""The tile, exposure and cameras that a number names, or the nearest there are."""

from __future__ import annotations

from pytest_specqa.errors import MissingProductError, SelectionError
from pytest_specqa.look.words import nearest
from pytest_specqa.production import Production, parse_cameras
from pytest_specqa.production.groups import groups_of
from pytest_specqa.production.layout import HEALPIX
from pytest_specqa.production.listing import cameras_of, folder_numbers, group_folder, tile_folders
from pytest_specqa.values import BY_NIGHT, Tile


def find_tile(production: Production, number: int, *, group: str, night: int | None) -> Tile:
    """Find the reduction of a tile, by default the latest.

    Parameters
    ----------
    production : Production
        Where to look.
    number : int
        TILEID.
    group : str
        Folder below ``tiles/``.
    night : int or None
        Last night of the reduction.

    Returns
    -------
    Tile
        With the petals that are there.

    Raises
    ------
    SelectionError
        If there is none, with the nearest there are; one line.
    """
    groups = [name for name in groups_of(production.root) if name != HEALPIX]
    if group not in groups:
        raise SelectionError(f"no group {group[:40]!r} of tiles in {production.name}: there are {', '.join(groups) or 'none'}")
    folders = [folder for _, folder in tile_folders(production.root, group=group, only=number)]
    if not folders:
        there = folder_numbers(group_folder(production.root, group))
        raise SelectionError(f"no tile {number} in {production.name}, {group}: nearest are {nearest(number, there)}")
    by_night = group in BY_NIGHT
    nights = [int(folder) for folder in folders]
    if by_night and night is not None and night not in nights:
        raise SelectionError(f"tile {number} has no night {night} in {group}: nearest are {nearest(night, nights)}")
    wanted = (night or max(nights)) if by_night else None
    found = [tile for tile in production.tiles(group=group, night=wanted) if tile.tile == number]
    found = [tile for tile in found if by_night or night in (None, tile.night)]
    if not found:
        raise MissingProductError(f"tile {number} of {group} has no redshifts or coadds in {', '.join(folders[:5])}; process it")
    return found[-1]


def find_pixel(production: Production, name: str) -> Tile:
    """Find a pixel of the sky by SURVEY-PROGRAM-PIXEL, or by its number where that is of one survey and program.

    Raises
    ------
    SelectionError
        If there is none, or several; one line.
    """
    found = production.pixels([name])
    if len(found) == 1:
        return found[0]
    if found:
        raise SelectionError(f"pixel {name} is in several programs: give one of {', '.join(one.suffix for one in found)}")
    there = [one.tile for one in production.pixels()]
    raise SelectionError(f"no pixel {name} in {production.name}: nearest are {nearest(int(name.rpartition('-')[2]), there)}")


def find_exposure(production: Production, expid: int, *, night: int | None) -> int:
    """Find the night of an exposure; `SelectionError` with the nearest exposures if there is none."""
    nights = production.nights() if night is None else [night]
    for one in sorted(nights, reverse=True):
        if production.exposure(one, expid) is not None:
            return one
    there = [exposure.expid for one in nights for exposure in production.exposures(one, ignored=True)]
    if night is not None and not there:
        raise SelectionError(f"no night {night} in {production.name}: nearest are {nearest(night, production.nights())}")
    where = f" on {night}" if night is not None else ""
    raise SelectionError(f"no exposure {expid} in {production.name}{where}: nearest are {nearest(expid, there)}")


def find_cameras(production: Production, word: str | None, *, night: int, expid: int, kind: str) -> list[str]:
    """Find the cameras of an exposure that have a kind of file; `SelectionError` with those that have if none asked for does."""
    there = cameras_of(production.root, kind, night=night, expid=expid)
    asked = parse_cameras(word) if word else there
    found = [camera for camera in asked if camera in there]
    if not found:
        raise SelectionError(f"no {kind} of {word or 'any camera'} in exposure {expid}: there are {', '.join(there) or 'none'}")
    return found


def tile_of(production: Production, number: int | None, *, group: str, night: int) -> Tile | None:
    """Find the reduction of the tile of an exposure, whose redshifts belong to its spectra; None where there is none."""
    if number is None or group not in BY_NIGHT:
        return None
    try:
        return find_tile(production, number, group=group, night=night)
    except (SelectionError, MissingProductError):
        return None
