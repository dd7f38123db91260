"""How far a finding reaches: as values, and in a sentence that says nothing of causes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

from pytest_specqa.triage.evidence import Evidence
from pytest_specqa.triage.finding import Reach
from pytest_specqa.triage.places import WIDE, Place
from pytest_specqa.triage.run import Run
from pytest_specqa.triage.weight import lead
from pytest_specqa.triage.wording import MANY, count, listed, numbers, quantity
from pytest_specqa.values import Record, judged_as

MUCH = 3.0
"""Times that the largest value must exceed the typical one for a finding to be strongest somewhere."""
STRONG = 3.0
"""Part of the largest value that counts as strongest."""
ALONE = " (the only one judged)"
BROAD = 1000.0
"""Width in Angstrom from which on a range is most of a band, and no place."""
SHOWN_RANGES = 3
"""Ranges of fibers or wavelengths in a sentence."""


def reach_of(shown: Sequence[Record], follows: Sequence[Record], run: Run, *, weaker: Sequence[Record] = ()) -> Reach:
    """Collect where a finding is.

    Parameters
    ----------
    shown : sequence of Record
        What shows it.
    follows : sequence of Record
        What follows from it.
    run : Run
        Everything that was judged.
    weaker : sequence of Record
        The same thing, smaller, in other units.

    Returns
    -------
    Reach
        Fibers and wavelengths are those of `shown`; `strongest` compares its units with each other and with `weaker`.
    """
    place = reduce(or_, (run.place(record) for record in (*shown, *follows)), Place())
    own = reduce(or_, (run.place(record) for record in shown), Place())
    exposures = {expid for record in (*shown, *follows) if (expid := record["expid"]) is not None}
    strongest = _strongest([*shown, *weaker], judged_as(lead(shown)))
    reach = Reach(
        exposures=tuple(sorted(exposures)),
        cameras=tuple(sorted(place.cameras)),
        petals=tuple(sorted(place.petals)),
        bands=tuple(sorted(place.bands)),
        tiles=tuple(sorted(place.tiles)),
        fibers=tuple((int(low), int(high)) for low, high in own.fibers),
        waves=_waves(shown),
        strongest=strongest,
        spared=tuple(sorted(Evidence(shown, run).spared - exposures)),
    )
    inside = [record for record in shown if record["unit"] in strongest and judged_as(record) == judged_as(lead(shown))]
    return replace(reach, core=_units(inside) if inside else _core(reach, run))


def scope_of(reach: Reach, shown: Sequence[Record], run: Run, *, weaker: Sequence[Record] = ()) -> str:
    """Say where a finding is, and where it is not; nothing of what that means.

    Parameters
    ----------
    reach : Reach
        The same as values.
    shown : sequence of Record
        What shows it.
    run : Run
        Everything that was judged.
    weaker : sequence of Record
        The same thing, smaller, in other units.

    Returns
    -------
    str
        Such as ``r cameras of petals 6-8, both exposures of tile 7951, not in 00104282 or 00104286``; empty where records name no
        place.
    """
    where = _pixels(shown) or _exposures(reach, run)
    parts = [_cameras(reach, run), where, _fibers(reach), _strength(reach, shown, weaker), _weaker(weaker)]
    return ", ".join(part for part in parts if part)


def _core(reach: Reach, run: Run) -> str:
    """Name cameras and exposures in a few words."""
    cameras = _cameras(reach, run).removesuffix(ALONE)
    exposures = _exposures(replace(reach, spared=()), run)
    return ", ".join(part for part in (cameras, exposures) if part)


def _waves(records: Iterable[Record]) -> tuple[tuple[float, float], ...]:
    found = {(wave[0], wave[1]) for record in records if (wave := record["waves"])}
    joined: list[tuple[float, float]] = []
    for low, high in sorted(found):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def _strongest(records: Iterable[Record], measure: str) -> tuple[str, ...]:
    """Units whose value stands far above that of the others, where there are others."""
    sizes = _sizes(records, measure)
    if len(sizes) < 2:
        return ()
    largest, ordered = max(sizes.values()), sorted(sizes.values())
    if largest < MUCH * ordered[len(ordered) // 2]:
        return ()
    return tuple(sorted(unit for unit, size in sizes.items() if size >= largest / STRONG))


def _sizes(records: Iterable[Record], measure: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for record in records:
        if judged_as(record) == measure and record["value"] is not None:
            found[record["unit"]] = max(abs(record["value"]), found.get(record["unit"], 0.0))
    return found


def _cameras(reach: Reach, run: Run) -> str:
    if len(reach.cameras) == 1 and len(reach.petals) <= 1:
        return f"camera {reach.cameras[0]}{ALONE if run.cameras == {reach.cameras[0]} else ''}"
    if not reach.petals:
        return ""
    bands = f"{listed(reach.bands)} cameras of " if reach.cameras else f"{listed(reach.bands)} in " if reach.bands else ""
    if len(reach.petals) == len(run.petals) > 1:
        return f"{bands}all {len(reach.petals)} petals"
    return f"{bands}petal{'s' * (len(reach.petals) > 1)} {numbers(reach.petals)}"


def _exposures(reach: Reach, run: Run) -> str:
    """Name the exposures that have it, by tile where all of a tile have it, and those that have not."""
    if not reach.exposures:
        return f"tile{'s' * (len(reach.tiles) > 1)} {listed([str(tile) for tile in reach.tiles[:MANY]])}" if reach.tiles else ""
    having, everything = set(reach.exposures), set(run.tile_of)
    tiles = {run.tile_of.get(expid) for expid in having}
    tile = next(iter(tiles)) if len(tiles) == 1 else None
    of_tile = run.exposures_of.get(tile, frozenset()) if tile is not None else frozenset()
    if having == everything and len(having) > 1 and len(tiles) > 1:
        text = f"{_every(len(having))} exposures"
    elif tile is not None and of_tile == having and len(having) > 1:
        text = f"{_every(len(having))} exposures of tile {tile}"
    elif len(having) <= MANY:
        text = f"exposure{'s' * (len(having) > 1)} {listed([f'{expid:08d}' for expid in reach.exposures])}"
        text += f" of tile {tile}" if tile is not None else ""
    else:
        text = f"{len(having)} of {len(everything)} exposures"
    if not reach.spared:
        return text
    named = listed([f"{expid:08d}" for expid in reach.spared], last="or")
    return f"{text}, not in {named if len(reach.spared) <= MANY else count(len(reach.spared), 'other exposure')}"


def _pixels(records: Iterable[Record]) -> str:
    """Name pixels of the sky, whose spectra are of no exposure of their own."""
    names = sorted({record["unit"].removeprefix("healpix-") for record in records if record["kind"] == "healpix"})
    if not names:
        return ""
    return f"pixel{'s' * (len(names) > 1)} {listed(names)}" if len(names) <= MANY else f"{len(names)} pixels of the sky"


def _every(number: int) -> str:
    return "both" if number == 2 else f"all {number}"


def _fibers(reach: Reach) -> str:
    parts = []
    number = sum(high - low + 1 for low, high in reach.fibers)
    if 0 < len(reach.fibers) <= SHOWN_RANGES and number < WIDE:
        ranges = [str(low) if low == high else f"{low}-{high}" for low, high in reach.fibers]
        parts.append(f"fiber{'s' * (number > 1)} {listed(ranges)}")
    if 0 < len(reach.waves) <= SHOWN_RANGES and all(high - low < BROAD for low, high in reach.waves):
        parts.append(f"{listed([f'{low:.0f}-{high:.0f}' for low, high in reach.waves])} A")
    return " at ".join(parts)


def _strength(reach: Reach, records: Sequence[Record], weaker: Sequence[Record]) -> str:
    """Say where it is by far the largest, and how large elsewhere."""
    if not reach.strongest:
        return ""
    measure = judged_as(lead(records))
    everything = [record for record in (*records, *weaker) if judged_as(record) == measure and record["value"] is not None]
    inside = [record for record in everything if record["unit"] in reach.strongest]
    outside = sorted((record for record in everything if record["unit"] not in reach.strongest), key=_size)
    text = f"strongest in {_units(inside)} ({quantity(max(inside, key=_size))})"
    if not outside:
        return text
    low, high = quantity(outside[0]), quantity(outside[-1])
    number, _, unit = high.partition(" ")
    low = low.partition(" ")[0] if low.partition(" ")[2] == unit else low
    return f"{text}, elsewhere {low}-{number} {unit}".rstrip() if low != number else f"{text}, elsewhere {high}"


def _size(record: Record) -> float:
    return abs(record["value"] or 0.0)


def _units(records: Sequence[Record]) -> str:
    """Name units by petals and tile."""
    petals: set[int] = set()
    tiles: dict[int | None, set[int]] = defaultdict(set)
    for record in records:
        camera = record["camera"]
        if camera:
            petals.add(int(camera[1:]))
        if record["expid"] is not None:
            tiles[record["tile"]].add(record["expid"])
    where = f"petal{'s' * (len(petals) > 1)} {numbers(petals)}" if petals else f"{len(records)} units"
    return f"{where} of {_of_tiles(tiles)}" if tiles else where


def _of_tiles(tiles: Mapping[int | None, Collection[int]]) -> str:
    if len(tiles) == 1:
        tile, expids = next(iter(tiles.items()))
        return (
            f"tile {tile}" if tile is not None and len(expids) > 1 else listed([f"{expid:08d}" for expid in sorted(expids)[:MANY]])
        )
    return count(sum(len(expids) for expids in tiles.values()), "exposure")


def _weaker(weaker: Sequence[Record]) -> str:
    if not weaker:
        return ""
    units = {record["unit"] for record in weaker}
    return f"and weaker, a warning only, in {count(len(units), 'other unit')}"
