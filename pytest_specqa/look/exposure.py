"""From a production to the page of one exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_specqa.errors import ProductError
from pytest_specqa.look import night as nights
from pytest_specqa.look.ccdrows import Bend, read_bend
from pytest_specqa.look.choice import Choice, choose, find_exposure
from pytest_specqa.look.light import CameraLight, read_light
from pytest_specqa.look.page import Night, build
from pytest_specqa.production import Production
from pytest_specqa.results.store import write_text
from pytest_specqa.values import Exposure, Record

MOST_BYTES = 15_000_000
"""A page that is sent around."""
COARSER = (1, 2, 4, 8)
"""Pixels of the images that are averaged, until the page is small enough."""


def write_page(
    production: Production,
    out: Path,
    *,
    night: int,
    expid: int,
    cameras: str = "",
    records: Sequence[Record] = (),
    fibers: str = "",
    waves: str = "",
) -> int:
    """Write the page of an exposure.

    Parameters
    ----------
    production : Production
        Where it is.
    out : Path
        Page to write; pages beside it whose names differ only in the exposure are linked.
    night, expid : int
        Which exposure.
    cameras : str
        As `choice.choose` takes them.
    records : sequence of Record
        Results of the night; may be none.
    fibers, waves : str
        As `choice.choose` takes them.

    Returns
    -------
    int
        Size of the page in bytes.

    Raises
    ------
    SpecQAError
        If something that was asked for is not there or cannot be read; nothing is written then.
    """
    exposure = _with_tile(production, find_exposure(production, night=night, expid=expid))
    choice = choose(production, exposure, cameras=cameras, records=records, fibers=fibers, waves=waves)
    lights, notes = _lights(production, choice)
    shown = [light for name in choice.cameras for light in lights if light.camera == name]
    bends = {light.camera: _bend(production, exposure, light) for light in shown}
    around = _night(production, exposure, shown, records=records, out=out)
    for coarse in COARSER:
        text = build(
            choice,
            lights,
            production=production.name,
            instrument=production.instrument,
            bends=bends,
            night=around,
            notes=notes,
            coarse=coarse,
        )
        if len(text.encode()) <= MOST_BYTES:
            break
    write_text(out, text)
    return len(text.encode())


def _with_tile(production: Production, exposure: Exposure) -> Exposure:
    """The exposure with the tile that its files name, where no table does."""
    if exposure.tile is not None:
        return exposure
    try:
        return replace(exposure, tile=production.tile_of(exposure.night, exposure.expid))
    except ProductError:
        return exposure


def _lights(production: Production, choice: Choice) -> tuple[list[CameraLight], list[str]]:
    """Cameras of the band, and what is missing; a camera that was chosen must be there."""
    lights, notes = [], []
    exposure = choice.exposure
    for camera in (name for name in exposure.cameras if name[0] == choice.band):
        try:
            light = read_light(
                production,
                night=exposure.night,
                expid=exposure.expid,
                camera=camera,
                window=choice.window,
                images=camera in choice.cameras,
            )
        except ProductError as error:
            if camera in choice.cameras:
                raise
            notes.append(str(error))
            continue
        lights.append(light)
        notes += [light.note] if light.note else []
    return lights, notes


def _bend(production: Production, exposure: Exposure, light: CameraLight) -> Bend:
    return read_bend(
        production, night=exposure.night, expid=exposure.expid, camera=light.camera, grid=light.grid, header=light.header
    )


def _night(
    production: Production, exposure: Exposure, shown: Sequence[CameraLight], *, records: Sequence[Record], out: Path
) -> Night:
    others = [_with_tile(production, one) for one in production.exposures(exposure.night)]
    if exposure.expid not in {one.expid for one in others}:
        others = sorted([*others, exposure], key=lambda one: one.expid)
    pages = nights.pages_of(out, exposure, others)
    place = next(k for k, one in enumerate(others) if one.expid == exposure.expid)
    steps = [others[k] if 0 <= k < len(others) else None for k in (place - 1, place + 1)]
    before, after = ((f"{one.expid:08d}", pages.get(one.expid, "")) if one else ("", "") for one in steps)
    around = nights.neighbours(others, exposure)
    return Night(
        grid=nights.grid(others, here=exposure, records=records, pages=pages),
        before=before,
        after=after,
        around={light.camera: nights.small_images(production, around, here=exposure, light=light) for light in shown},
        judged=bool(records),
    )
