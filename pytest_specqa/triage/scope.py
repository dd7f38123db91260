"""How far a fault reaches: petals, exposures, a tile or a night, in one sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from pytest_specqa.triage.stages import telling
from pytest_specqa.values import Record

MANY = 4
"""More things than this are counted, not listed."""


def scope(records: Iterable[Record]) -> str:
    """Say which units fail, which do not, and what that suggests.

    Parameters
    ----------
    records : iterable of mapping
        Measurement records of one run, good ones included: what passes bounds the fault.

    Returns
    -------
    str
        Such as ``petals 6-8, both exposures of tile 7951, not 00104282 or 00104286: specific to the tile, not to the night's
        calibrations``; empty if nothing failed.
    """
    everything = list(records)
    bad = telling(everything)
    if not bad:
        return ""
    parts = [_cameras(everything, bad), *_exposures(everything, bad)]
    sentence = ", ".join(part for part in parts if part)
    conclusion = _conclusion(everything, bad)
    return f"{sentence}: {conclusion}" if sentence and conclusion else sentence or conclusion


def petal_of(record: Record) -> int | None:
    """Petal of a record; ``None`` for whole exposures, tiles and nights."""
    petal, camera = record.get("petal"), record.get("camera")
    if petal is not None:
        return petal
    return int(camera[1:]) if camera else None


def numbers(values: Collection[int]) -> str:
    """Write whole numbers with their runs: ``0, 2 and 6-8``."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return listed([str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs])


def listed(words: Sequence[str], *, last: str = "and") -> str:
    """Write ``a``, ``a and b`` or ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def _cameras(everything: Sequence[Record], bad: Sequence[Record]) -> str:
    petals = {petal for record in bad if (petal := petal_of(record)) is not None}
    judged = {petal for record in everything if (petal := petal_of(record)) is not None}
    cameras = sorted({str(record["camera"]) for record in bad if record.get("camera")})
    bands = {camera[0] for camera in cameras}
    if not petals:
        return ""
    if len(cameras) == 1 and petals == {int(cameras[0][1])}:
        alone = (
            " (the only one judged)" if {record["camera"] for record in everything if record.get("camera")} == {cameras[0]} else ""
        )
        return f"camera {cameras[0]}{alone}"
    where = f" of the {bands.copy().pop()} cameras" if len(bands) == 1 else ""
    if petals == judged and len(petals) > 1:
        return f"all {len(petals)} petals{where}"
    return f"petal{'s' * (len(petals) > 1)} {numbers(petals)}{where}"


def _exposures(everything: Sequence[Record], bad: Sequence[Record]) -> list[str]:
    """Name the exposures that fail, by their tile where all of a tile's fail, and those that do not."""
    judged = _tile_of_exposure(everything)
    failing = set(_tile_of_exposure(bad))
    tiles = sorted({tile for record in bad if (tile := record.get("tile")) is not None and record.get("expid") is None})
    if not failing:
        return [f"tile{'s' * (len(tiles) > 1)} {listed([str(tile) for tile in tiles[:MANY]])}"] if tiles else []
    parts = []
    own = {judged[expid] for expid in failing}
    tile = own.copy().pop() if len(own) == 1 else None
    siblings = {expid for expid, of in judged.items() if of == tile}
    if tile is not None and siblings == failing and len(failing) > 1:
        parts.append(f"{'both' if len(failing) == 2 else f'all {len(failing)}'} exposures of tile {tile}")
    elif set(judged) == failing and len(failing) > 1:
        parts.append(f"all {len(failing)} exposures")
    elif len(failing) <= MANY:
        parts.append(
            f"exposure{'s' * (len(failing) > 1)} {listed([f'{e:08d}' for e in sorted(failing)])}"
            + (f" of tile {tile}" if tile else "")
        )
    else:
        parts.append(f"{len(failing)} of {len(judged)} exposures")
    spared = sorted(set(judged) - failing)
    if spared:
        named = listed([f"{expid:08d}" for expid in spared], last="or")
        parts.append(f"not {named}" if len(spared) <= MANY else f"not the other {len(spared)} exposures")
    return parts


def _tile_of_exposure(records: Iterable[Record]) -> dict[int, int | None]:
    return {expid: record.get("tile") for record in records if (expid := record.get("expid")) is not None}


def _conclusion(everything: Sequence[Record], bad: Sequence[Record]) -> str:
    """Draw the conclusion that the good units allow, and none where there are no good units to compare with."""
    judged = _tile_of_exposure(everything)
    failing = set(_tile_of_exposure(bad))
    if not failing or len(judged) < 2:
        return ""
    spared = set(judged) - failing
    tiles: set[Any] = {judged[expid] for expid in failing}
    siblings = {expid for expid, tile in judged.items() if tile in tiles}
    if not spared:
        return (
            "in every exposure, which suggests the night's calibrations or the instrument" if len(set(judged.values())) > 1 else ""
        )
    if siblings == failing and len(tiles) == 1 and None not in tiles:
        what = "the tile" if len(failing) > 1 else "this exposure or its tile"
        return f"specific to {what}, not to the night's calibrations"
    if len(failing) == 1:
        return "specific to one exposure, not to its tile or the night's calibrations"
    return ""
