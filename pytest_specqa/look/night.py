"""The exposure in its night: what became of every camera, and the exposures before and after it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.visualization import ZScaleInterval
from numpy.typing import NDArray
from PIL import Image

from pytest_specqa.errors import ProductError
from pytest_specqa.look.light import CameraLight, block_mean
from pytest_specqa.printable import escape
from pytest_specqa.production import Production
from pytest_specqa.report.words import LETTERS
from pytest_specqa.triage import worst_first
from pytest_specqa.values import Exposure, Outcome, Record

TOLD = 6
"""Measures that a cell names."""
ACROSS, DOWN = 4, 2
"""Pixels and fibers of a pixel of the small images."""
MOST_NEIGHBOURS = 5
FEWEST_SKIES = 5
SAMPLES = 20_000
"""Pixels that zscale looks at: of a thousand the lowest is a matter of chance, and cuts the range off."""
BAD = (188, 211, 230)
"""Colour of pixels without value, that of the pictures."""


class Small(NamedTuple):
    """A small image of one camera in one exposure: its caption, and a PNG as base64, or why there is none."""

    exposure: Exposure
    caption: str
    png: str
    reason: str
    here: bool = False


def page_name(out: Path, *, expid: int, other: int) -> str:
    """Name that the page of another exposure has beside `out`; empty where `out` does not name its exposure."""
    for old, new in ((f"{expid:08d}", f"{other:08d}"), (str(expid), str(other))):
        if old in out.name:
            return out.name.replace(old, new)
    return ""


def pages_of(out: Path, exposure: Exposure, others: Sequence[Exposure]) -> dict[int, str]:
    """Pages of other exposures that lie beside this one, by exposure."""
    names = {one.expid: page_name(out, expid=exposure.expid, other=one.expid) for one in others if one.expid != exposure.expid}
    return {expid: name for expid, name in names.items() if name and (out.parent / name).is_file()}


def grid(exposures: Sequence[Exposure], *, here: Exposure, records: Sequence[Record], pages: Mapping[int, str]) -> str:
    """HTML table of the night: a row for each exposure, a cell for each camera, coloured and lettered by its worst outcome.

    Parameters
    ----------
    exposures : sequence of Exposure
        Of the night, in order.
    here : Exposure
        The one that the page shows; its row is marked.
    records : sequence of Record
        Results; a camera without any is left blank.
    pages : mapping of int to str
        Pages of other exposures, to link.

    Returns
    -------
    str
        Cells are buttons that tell on ``data-told`` what they stand for; all text is escaped.
    """
    by_cell: dict[tuple[int, str], list[Record]] = {}
    for record in records:
        if record.get("expid") is not None and record.get("night") == here.night:
            by_cell.setdefault((int(record["expid"] or 0), str(record.get("camera") or "all")), []).append(record)
    bands = [band for band in "brz" if any(name[0] == band for one in exposures for name in one.cameras)]
    bands += sorted({name[0] for one in exposures for name in one.cameras} - set(bands))
    columns = [name for band in bands for name in sorted({c for one in exposures for c in one.cameras if c[0] == band})]
    head = "".join(f"<th>{escape(name)}</th>" for name in [*columns, "all"])
    rows = []
    for one in exposures:
        tile = f' <span class="faint">tile {one.tile}</span>' if one.tile is not None else ""
        name = f"{one.expid:08d}"
        if one.expid in pages:
            name = f'<a href="{escape(pages[one.expid], quote=True)}">{name}</a>'
        cells = "".join(
            _cell(one, column, by_cell.get((one.expid, column), []), one.expid == here.expid) for column in [*columns, "all"]
        )
        mark = ' class="here"' if one.expid == here.expid else ""
        rows.append(f'<tr{mark}><th scope="row">{name}{tile}</th>{cells}</tr>')
    table = f"<thead><tr><th>exposure</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="scroll"><table class="night">{table}</table></div>'


def _cell(exposure: Exposure, column: str, records: Sequence[Record], here: bool) -> str:
    there = column == "all" or column in exposure.cameras
    if not there:
        return "<td></td>"
    outcomes = [Outcome(record["outcome"]) for record in records]
    worst = max(outcomes, key=lambda one: one.rank) if outcomes else None
    # A camera that passes its checks is not grey for one that could not be measured.
    if worst is Outcome.NOT_MEASURED and Outcome.PASSED in outcomes:
        worst = Outcome.PASSED
    css = str(worst).replace(" ", "-") if worst else "unjudged"
    told = escape(_told(exposure, column, records), quote=True)
    camera = f' data-camera="{escape(column, quote=True)}"' if here and column != "all" else ""
    letter = LETTERS[worst] if worst else "·"
    return f'<td><button type="button" class="{css}" data-told="{told}" title="{told}"{camera}>{letter}</button></td>'


def _told(exposure: Exposure, column: str, records: Sequence[Record]) -> str:
    where = f"{exposure.expid:08d} {column if column != 'all' else 'whole exposure'}"
    if not records:
        return f"{where}: no results given"
    bad = [one for one in worst_first(records) if one["outcome"] in (Outcome.FAILED, Outcome.WARNED)]
    if not bad:
        return f"{where}: nothing fails or warns"
    measures = list(dict.fromkeys(f"{one['measure']} {one['outcome']}" for one in bad))
    more = f" and {len(measures) - TOLD} more" if len(measures) > TOLD else ""
    return f"{where}: {', '.join(measures[:TOLD])}{more}"


def neighbours(exposures: Sequence[Exposure], here: Exposure) -> list[Exposure]:
    """From the last exposure of another tile before this one to the first of another tile after it, at most five.

    An observer asks whether a fault is the tile's: the exposures of the same tile are told apart from those around them.
    """
    place = next(k for k, one in enumerate(exposures) if one.expid == here.expid)
    first = last = place
    while first > 0 and place - first < MOST_NEIGHBOURS // 2:
        first -= 1
        if exposures[first].tile != here.tile:
            break
    while last < len(exposures) - 1 and last - place < MOST_NEIGHBOURS // 2:
        last += 1
        if exposures[last].tile != here.tile:
            break
    return list(exposures[first : last + 1])


def small_images(production: Production, around: Sequence[Exposure], *, here: Exposure, light: CameraLight) -> list[Small]:
    """Sky-subtracted images of one camera in neighbouring exposures, on the scale of this one.

    Parameters
    ----------
    production : Production
        Where they are.
    around : sequence of Exposure
        In order.
    here : Exposure
        This one.
    light : CameraLight
        The camera in this exposure, with its images.

    Returns
    -------
    list of Small
        One for each exposure; with a reason in place of a picture where there is no sframe that can be read.
    """
    image = light.images["sframe"]
    own = block_mean(image, across=ACROSS, down=DOWN)
    limits = zscale(sky_rows(block_mean(image, across=ACROSS), light))
    found = []
    for one in around:
        caption = f"{one.expid:08d}, " + (f"tile {one.tile}" if one.tile is not None else "no tile")
        if one.expid == here.expid:
            found.append(Small(one, f"{caption} (this one)", _png(own, limits), "", here=True))
            continue
        try:
            other = production.read_frame("sframe", night=one.night, expid=one.expid, camera=light.camera)
        except ProductError as error:
            found.append(Small(one, caption, "", str(error)))
            continue
        blocks = block_mean(np.where(other.ivar > 0, other.flux, np.nan), across=ACROSS, down=DOWN)
        found.append(Small(one, caption, _png(blocks, limits), ""))
    return found


def sky_rows(image: NDArray[np.floating], light: CameraLight) -> NDArray[np.floating]:
    """Rows of the sky fibers of an image, whose scale the light of targets does not widen; all of them where there are few."""
    return image[light.is_sky] if light.is_sky.sum() >= FEWEST_SKIES else image


def zscale(image: NDArray[np.floating]) -> tuple[float, float]:
    """Limits that ds9 calls zscale; a range of 2 around the value where there is but one, and -1 to 1 where there is none."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return -1.0, 1.0
    low, high = ZScaleInterval(n_samples=SAMPLES).get_limits(finite)
    return (float(low), float(high)) if high > low else (float(low) - 1, float(high) + 1)


def _png(image: NDArray[np.floating], limits: tuple[float, float]) -> str:
    """Grey picture with the first fiber at the bottom, in few steps, which pack well."""
    low, high = limits
    level = np.clip(np.nan_to_num((image - low) / (high - low)), 0, 1)
    grey = (np.rint(level * 30) * (240 / 30)).astype(np.uint8)
    picture = Image.fromarray(np.where(np.isfinite(image), grey, 255)[::-1].astype(np.uint8)).convert("P")
    shades = [shade for k in range(255) for shade in (min(round(k * 255 / 240), 255),) * 3]
    picture.putpalette([*shades, *BAD])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
