"""Reductions of a production by group: of tiles below ``tiles/``, and of pixels of the sky below ``healpix/``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from pytest_specqa.errors import UsageError
from pytest_specqa.production import listing
from pytest_specqa.production.layout import HEALPIX, OLDER_GROUP, PIXEL
from pytest_specqa.production.summaries import Summaries
from pytest_specqa.values import BY_NIGHT, GROUPS, NO_NIGHT, Tile


def groups_of(root: Path) -> list[str]:
    """Groups of reductions that a production holds: those of `GROUPS` in their order, then other folders below ``tiles/``."""
    below = listing.folder_names(root / "tiles")
    named = [name for name in below if not name.isdecimal()]
    older = any(name.isdecimal() for name in below)
    pixels = bool(listing.folder_names(root / HEALPIX))
    there = [group for group in GROUPS if group in named or (group == OLDER_GROUP and older) or (group == HEALPIX and pixels)]
    return there + [name for name in named if name not in GROUPS]


def own_group(root: Path) -> str:
    """The group that a production is judged by where none is asked for: ``cumulative`` where it has that, or none at all."""
    there = groups_of(root)
    return next((group for group in GROUPS if group in there), GROUPS[0])


def list_tiles(root: Path, summaries: Summaries | None, *, group: str, nights: tuple[int, int] | None = None) -> list[Tile]:
    """Reductions of tiles in a group, from the names of folders and files.

    Parameters
    ----------
    root : Path
        Folder of the production.
    summaries : Summaries or None
        Its lists, where it goes by them. A release has thousands of tiles: which there are is seen in the listing of the group,
        and the folder that a list names is the only one that is looked into; others are, of tiles that no list has, or not so.
    group : str
        Folder below ``tiles/``.
    nights : tuple of int, optional
        First and last night; folders of groups that are not named by a night are looked into all the same.

    Returns
    -------
    list of Tile
        In order of tile and folder.
    """
    within = nights if group in BY_NIGHT else None
    found: list[Tile] = []
    for tile in listing.folder_numbers(listing.group_folder(root, group)):
        told = _named(summaries, group, tile) if summaries is not None else []
        asked = [name for night, name in told if nights is None or nights[0] <= night <= nights[1]]
        if told and not asked:
            continue
        own = _listed(root, group, tile, asked)
        found += own or _listed(
            root, group, tile, [name for _, name in listing.tile_folders(root, group=group, nights=within, only=tile)]
        )
    return found


def _listed(root: Path, group: str, tile: int, names: Iterable[str]) -> list[Tile]:
    each = (listing.list_tile(root, group=group, tile=tile, folder=name) for name in names)
    return [one for one in each if one is not None]


def _named(summaries: Summaries, group: str, tile: int) -> list[tuple[int, str]]:
    """Nights of the folders of a tile, and their names."""
    if group == "cumulative":
        one = summaries.tiles.get(tile)
        return [(one.night, str(one.night))] if one else []
    of_tile = sorted(summaries.nights_of_tiles.get(tile, ()))
    if group in ("pernight", OLDER_GROUP):
        return [(night, str(night)) for night in of_tile]
    if group == "perexp":
        exposures = [one for night in of_tile for one in summaries.exposures[night].values() if one.tile == tile]
        return [(one.night, f"{one.expid:08d}") for one in sorted(exposures, key=lambda one: one.expid)]
    return []


def list_pixels(root: Path, *, wanted: Collection[str] = ()) -> list[Tile]:
    """Pixels of the sky that have been reduced, from the names of their folders; no folder of a pixel is looked into.

    Parameters
    ----------
    root : Path
        Folder of the production.
    wanted : collection of str, optional
        Only these: numbers of pixels, in any survey and program, or SURVEY-PROGRAM-PIXEL.

    Returns
    -------
    list of Tile
        In order of survey, program and number.

    Raises
    ------
    UsageError
        Where one of `wanted` is neither.
    """
    if strange := next((text for text in wanted if not (text.isdecimal() or PIXEL.fullmatch(text))), None):
        raise UsageError(f"no pixel {strange!r}: expected a number such as 27247, or SURVEY-PROGRAM-PIXEL such as main-dark-27247")
    hundreds = {int(text.rpartition("-")[2]) // 100 for text in wanted}
    found = []
    for survey in listing.folder_names(root / HEALPIX):
        for program in listing.folder_names(root / HEALPIX / survey):
            below = root / HEALPIX / survey / program
            for hundred in listing.folder_numbers(below):
                if wanted and hundred not in hundreds:
                    continue
                for pixel in listing.folder_numbers(below / str(hundred)):
                    suffix = f"{survey}-{program}-{pixel}"
                    if PIXEL.fullmatch(suffix) and (not wanted or str(pixel) in wanted or suffix in wanted):
                        found.append(Tile(pixel, NO_NIGHT, HEALPIX, suffix, petals=(), survey=survey, program=program))
    return found
