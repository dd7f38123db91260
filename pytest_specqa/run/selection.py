"""Which data units a run judges: the production's listing, narrowed by the options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

from pytest_specqa.errors import SelectionError
from pytest_specqa.instrument import Instrument
from pytest_specqa.run.options import EARLIEST, HEALPIX, KINDS, LATEST, Options
from pytest_specqa.values import GROUPS, NO_NIGHT, DataUnit, Exposure, Tile

if TYPE_CHECKING:
    from pytest_specqa.archive import Archive
    from pytest_specqa.production import Production

NEAREST = 5


@dataclass(frozen=True)
class Selection:
    """The exposures and tiles of a run, and the units that they are made of.

    Attributes
    ----------
    exposures : mapping of int to Exposure
        By expid; ``cameras`` holds the selected ones only.
    tiles : mapping of (int, str) to Tile
        By number and suffix, tiles and pixels of the sky; ``petals`` holds the selected ones only.
    units : mapping of str to tuple of DataUnit
        By kind, in the order in which they are judged.
    """

    exposures: Mapping[int, Exposure]
    tiles: Mapping[tuple[int, str], Tile]
    units: Mapping[str, tuple[DataUnit, ...]] = field(default_factory=dict)

    @property
    def nights(self) -> list[int]:
        """Nights of the exposures and tiles, and those whose exposure tables may hide some, in order."""
        return [unit.night for unit in self.units["night"]]

    @cached_property
    def cameras(self) -> Mapping[int, list[DataUnit]]:
        """Units of the selected cameras of each exposure, in the order in which they are judged."""
        found: dict[int, list[DataUnit]] = {expid: [] for expid in self.exposures}
        for unit in self.units["camera"]:
            found[unit.expid or 0].append(unit)
        return found

    def exposure(self, unit: DataUnit) -> Exposure | None:
        """Return the exposure that a camera or exposure belongs to."""
        return None if unit.expid is None or unit.kind not in ("camera", "exposure") else self.exposures[unit.expid]

    def tile(self, unit: DataUnit) -> Tile | None:
        """Return the reduction that a petal, tile or pixel is of."""
        if unit.kind == HEALPIX:
            return self.tiles[_pixel_number(unit), unit.suffix]
        return self.tiles[unit.tile, unit.suffix] if unit.kind in ("petal", "tile") and unit.tile is not None else None


def select(production: Archive, options: Options) -> Selection:
    """List the units that the options ask for; no FITS file is opened.

    Parameters
    ----------
    production : Archive
        Where to look.
    options : Options
        Filters: OR within one option, AND between options. Every value given must match something.

    Returns
    -------
    Selection
        At least one exposure or tile, or a night whose exposure table may hide some.

    Raises
    ------
    SelectionError
        For a value that matches nothing, with the nearest that exist.
    """
    group = options.group or (cast("Production", production).own_group if HEALPIX in production.kinds else GROUPS[0])
    by_choice, options = options.group == HEALPIX, replace(options, group=group)
    pixels = _pixels(production, options, by_choice=by_choice) if group == HEALPIX else []
    if options.pixels:
        return _selected([], pixels, production.instrument)
    exposures, tiles = _by_night(production, options)
    exposures, tiles = _by_tile(exposures, tiles, options=options)
    exposures, tiles = _by_expid(exposures, tiles, options=options)
    exposures, tiles = _by_petal(exposures, tiles, options=options, instrument=production.instrument)
    exposures, tiles = _by_camera(exposures, tiles, options=options, instrument=production.instrument)
    suspect = [] if options.tiles or options.expids or options.petals or options.cameras else _suspect_nights(production, options)
    tiles += pixels
    if not exposures and not tiles and not suspect:
        what = f"no pixel under {HEALPIX}" if group == HEALPIX else f"no tile under tiles/{group}".removesuffix("/older")
        raise SelectionError(f"production {production.name} holds no science exposure and {what}")
    return _selected(exposures, tiles, production.instrument, suspect=suspect)


def _selected(
    exposures: Sequence[Exposure], tiles: Sequence[Tile], instrument: Instrument, *, suspect: Iterable[int] = ()
) -> Selection:
    return Selection(
        exposures={exposure.expid: exposure for exposure in exposures},
        tiles={(tile.tile, tile.suffix): tile for tile in tiles},
        units=_units(exposures, tiles, instrument, suspect=suspect),
    )


def _pixels(production: Archive, options: Options, *, by_choice: bool) -> list[Tile]:
    """Pixels of the sky that are asked for: all without a filter, none by filters of another kind, as they have spectra of many."""
    if HEALPIX not in production.kinds:
        raise SelectionError(f"{production.name} of {production.instrument.name} holds no pixels of the sky at all")
    nights = [one for one in options.nights if one != (EARLIEST, LATEST)]
    asked = {"night": nights, "tile": options.tiles, "expid": options.expids, "camera": options.cameras}
    others = [name for name, values in (asked | {"petal": options.petals}).items() if values]
    if others and by_choice:
        many = "a pixel of the sky has spectra of many nights, tiles and petals"
        raise SelectionError(f"--{others[0]} in the group {HEALPIX}: {many}; choose pixels by --healpix, or another group")
    found = [] if others else cast("Production", production).pixels(options.pixels)
    for text in options.pixels:
        if not any(text in (str(one.tile), one.suffix) for one in found):
            there = cast("Production", production).pixels()
            near = sorted(there, key=lambda one: (abs(one.tile - int(text.rpartition("-")[2])), one.suffix))[:NEAREST]
            named = ", ".join(one.suffix for one in near) or "none"
            raise SelectionError(f"--healpix {text}: no such pixel; nearest: {named} in production {production.name}")
    return found


Found = tuple[list[Exposure], list[Tile]]


def _by_night(production: Archive, options: Options) -> Found:
    taken, tiles = sorted(production.nights()), _tiles(production, options)
    nights = {*taken, *(tile.night for tile in tiles)}
    for low, high in options.nights:
        if (low, high) != (EARLIEST, LATEST) and not any(low <= night <= high for night in nights):
            text = str(low) if low == high else f"{low or ''}:{'' if high == LATEST else high}"
            nights.update(tile.night for tile in _tiles(production, replace(options, nights=())))
            raise SelectionError(f"--night {text}: {_missing('night', low, nights)} in production {production.name}")

    exposures = [exposure for night in taken if _asked(night, options) for exposure in production.exposures(night)]
    return exposures, [tile for tile in tiles if _asked(tile.night, options)]


def _asked(night: int, options: Options) -> bool:
    return not options.nights or any(low <= night <= high for low, high in options.nights)


def _suspect_nights(production: Archive, options: Options) -> list[int]:
    """Nights whose exposure table may hide exposures: they are judged even where no exposure is known of them.

    Their tables were read when their exposures were listed.
    """
    if "exposure_table" not in production.kinds:
        return []
    tabled = cast("Production", production)
    return [night for night in production.nights() if _asked(night, options) and not tabled.night_report(night).sound]


def _tiles(production: Archive, options: Options) -> list[Tile]:
    """Tiles of the nights that are asked for: to know a tile its night's table is read, and there may be a thousand."""
    if options.group == HEALPIX:
        return []
    if not options.nights:
        return production.tiles(group=options.group)
    asked = (production.tiles(group=options.group, night=low if low == high else (low, high)) for low, high in options.nights)
    return list({(tile.tile, tile.night, tile.suffix): tile for tiles in asked for tile in tiles}.values())


def _by_tile(exposures: list[Exposure], tiles: list[Tile], *, options: Options) -> Found:
    if not options.tiles:
        return exposures, tiles
    if untold := [str(one.expid) for one in exposures if one.tile is None and one.expid in options.expids]:
        asked = ",".join(map(str, options.tiles))
        raise SelectionError(f"--tile {asked}: no table tells of which tile exposure {', '.join(untold)} is; leave --tile out")
    existing = {tile.tile for tile in tiles} | {exposure.tile for exposure in exposures if exposure.tile is not None}
    _require("tile", options.tiles, existing)
    return [one for one in exposures if one.tile in options.tiles], [one for one in tiles if one.tile in options.tiles]


def _by_expid(exposures: list[Exposure], tiles: list[Tile], *, options: Options) -> Found:
    if not options.expids:
        return exposures, tiles
    _require("expid", options.expids, {exposure.expid for exposure in exposures})
    kept = [exposure for exposure in exposures if exposure.expid in options.expids]
    rested = [
        tile
        for tile in tiles
        # Where no table tells the tile of an exposure, a reduction of that exposure alone does.
        if tile.expid in options.expids or any(one.tile == tile.tile and tile.may_rest_on(one.night, one.expid) for one in kept)
    ]
    return kept, rested


def _by_petal(exposures: list[Exposure], tiles: list[Tile], *, options: Options, instrument: Instrument) -> Found:
    if not options.petals:
        return exposures, tiles
    for petal in options.petals:
        if petal not in instrument.petals:
            raise SelectionError(f"--petal {petal}: expected petals 0-{instrument.petals[-1]}, separated by commas")

    def chosen(name: str) -> bool:
        return instrument.camera(name).petal in options.petals

    existing = {instrument.camera(camera).petal for exposure in exposures for camera in exposure.cameras}
    _require("petal", options.petals, existing | {petal for tile in tiles for petal in tile.petals})
    return _keep(exposures, tiles, camera=chosen, petal=lambda petal: petal in options.petals)


def _by_camera(exposures: list[Exposure], tiles: list[Tile], *, options: Options, instrument: Instrument) -> Found:
    if not options.cameras:
        return exposures, tiles
    existing = {camera for exposure in exposures for camera in exposure.cameras}
    if not exposures:
        existing = {f"{band}{petal}" for band in instrument.letters for tile in tiles for petal in tile.petals}
    wanted: set[str] = set()
    for text in options.cameras:
        cameras = set(_cameras(text, instrument))
        if not cameras & existing:
            near = sorted(existing, key=lambda name: (name[0] != text[0], name))[:NEAREST]
            raise SelectionError(f"--camera {text}: no such camera; nearest: {', '.join(near) or 'none'} in the selection")
        wanted |= cameras
    petals = {instrument.camera(name).petal for name in wanted}
    return _keep(exposures, tiles, camera=lambda name: name in wanted, petal=lambda petal: petal in petals)


def _cameras(text: str, instrument: Instrument) -> list[str]:
    try:
        return [str(camera) for camera in instrument.cameras_of(text)]
    except ValueError as error:
        raise SelectionError(f"--camera {error}") from None


def _keep(exposures: list[Exposure], tiles: list[Tile], *, camera: Callable[[str], bool], petal: Callable[[int], bool]) -> Found:
    """Narrow cameras and petals, and drop what is left with none."""
    narrowed = [replace(one, cameras=tuple(name for name in one.cameras if camera(name))) for one in exposures]
    fewer = [replace(one, petals=tuple(number for number in one.petals if petal(number))) for one in tiles]
    return [one for one in narrowed if one.cameras], [one for one in fewer if one.petals]


def _require(option: str, wanted: Iterable[int], existing: Iterable[int]) -> None:
    existing = set(existing)
    for value in wanted:
        if value not in existing:
            raise SelectionError(f"--{option} {value}: {_missing(option, value, existing)} in the selection")


def _missing(noun: str, value: int, existing: Iterable[int]) -> str:
    near = sorted(sorted(existing, key=lambda one: abs(one - value))[:NEAREST])
    return f"no such {noun}; nearest: {', '.join(map(str, near)) or 'none'}"


def _units(
    exposures: Sequence[Exposure], tiles: Sequence[Tile], instrument: Instrument, *, suspect: Iterable[int]
) -> dict[str, tuple[DataUnit, ...]]:
    units: dict[str, list[DataUnit]] = {kind: [] for kind in KINDS}
    for one in sorted(exposures, key=lambda one: (one.night, one.expid)):
        for name in sorted(one.cameras, key=lambda name: _camera_order(name, instrument)):
            petal = instrument.camera(name).petal
            units["camera"].append(DataUnit("camera", one.night, expid=one.expid, tile=one.tile, camera=name, petal=petal))
        units["exposure"].append(DataUnit("exposure", one.night, expid=one.expid, tile=one.tile))
    for tile in sorted(tiles, key=lambda tile: (tile.night, tile.tile, tile.suffix)):
        if tile.group == HEALPIX:
            units[HEALPIX].append(DataUnit(HEALPIX, NO_NIGHT, group=tile.group, suffix=tile.suffix))
            continue
        whole = DataUnit("tile", tile.night, expid=tile.expid, tile=tile.tile, group=tile.group, suffix=tile.suffix)
        units["petal"] += [replace(whole, kind="petal", petal=petal) for petal in tile.petals]
        units["tile"].append(whole)
    nights = {one.night for one in exposures} | {tile.night for tile in tiles} | set(suspect)
    units["night"] = [DataUnit("night", night) for night in sorted(nights - {NO_NIGHT})]
    return {kind: tuple(found) for kind, found in units.items()}


def _camera_order(name: str, instrument: Instrument) -> tuple[int, int]:
    camera = instrument.camera(name)
    return instrument.letters.index(camera.band), camera.petal


def order(unit: DataUnit, instrument: Instrument) -> tuple[int, ...]:
    """Return the sort key of a unit: night by night the cameras, the exposure, the night itself; then petals and tiles; pixels."""
    tail = (*_camera_order(unit.camera, instrument), 0) if unit.camera else (len(instrument.bands), 0, 0)
    if unit.kind in ("camera", "exposure"):
        return (0, unit.night, 0, unit.expid or 0, *tail)
    if unit.kind == "night":
        return (0, unit.night, 1, 0, *tail)
    if unit.kind == HEALPIX:
        # The same pixel is there for several surveys and programs.
        return (2, _pixel_number(unit), int.from_bytes(unit.suffix.encode()))
    petal = unit.petal if unit.petal is not None else instrument.spectrographs
    return (1, unit.night, 0, unit.tile or 0, unit.expid or 0, petal, 0)


def _pixel_number(unit: DataUnit) -> int:
    return int(unit.suffix.rpartition("-")[2])


def widen(unit: DataUnit, kind: str) -> DataUnit:
    """Return the exposure, tile or night that holds a unit.

    Raises
    ------
    ValueError
        If units of that kind do not hold it, such as the tile of a camera; nothing holds a pixel of the sky.
    """
    if unit.kind == kind:
        return unit
    if kind == "night":
        return DataUnit("night", unit.night)
    if kind == "exposure" and unit.kind == "camera":
        return replace(unit, kind="exposure", camera=None, petal=None)
    if kind == "tile" and unit.kind == "petal":
        return replace(unit, kind="tile", petal=None)
    branches = "camera, exposure, night; petal, tile, night; or healpix"
    raise ValueError(f"a {unit.kind} belongs to no {kind}; a test asks for units of one branch: {branches}")
