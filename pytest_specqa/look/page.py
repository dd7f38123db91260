"""One self-contained page of an exposure: text, data, figures, and the library that draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template

import pytest_specqa
from pytest_specqa.instrument import Instrument
from pytest_specqa.look import fibers as who
from pytest_specqa.look import figures
from pytest_specqa.look.ccdrows import USUAL_BEND, Bend
from pytest_specqa.look.choice import Choice
from pytest_specqa.look.content import page_data
from pytest_specqa.look.embed import script_text
from pytest_specqa.look.light import REBIN, CameraLight
from pytest_specqa.look.night import Small
from pytest_specqa.look.words import viewer_link
from pytest_specqa.measures.focal.bright_stars import BRIGHT
from pytest_specqa.printable import escape
from pytest_specqa.values import Outcome

UNIT = "electron/Å"
STARS = 5
"""Bright stars that are named."""


@dataclass(frozen=True)
class Night:
    """What the page says of the night.

    Attributes
    ----------
    grid : str
        HTML of `night.grid`.
    before, after : (str, str)
        Number of the exposure before and after, and its page or an empty text.
    around : mapping of str to sequence of Small
        Small images of the neighbouring exposures by camera.
    judged : bool
        Whether there were results.
    """

    grid: str
    before: tuple[str, str]
    after: tuple[str, str]
    around: Mapping[str, Sequence[Small]]
    judged: bool


def build(
    choice: Choice,
    lights: Sequence[CameraLight],
    *,
    production: str,
    instrument: Instrument,
    bends: Mapping[str, Bend],
    night: Night,
    notes: Sequence[str] = (),
    coarse: int = 1,
) -> str:
    """Write the page.

    Parameters
    ----------
    choice : Choice
        What is looked at.
    lights : sequence of CameraLight
        Cameras of the band in order of petal; those of `choice.cameras` with images.
    production : str
        Its name.
    instrument : Instrument
        What made the spectra.
    bends : mapping of str to Bend
        Where CCD rows lie, for each camera with images.
    night : Night
        What surrounds the exposure.
    notes : sequence of str
        What is missing.
    coarse : int
        Pixels of the images that are averaged to keep the page small; 1 for none.

    Returns
    -------
    str
        HTML that loads nothing; whatever products and results say is escaped.
    """
    columns = who.fiber_columns(lights, instrument)
    grid = (float(lights[0].grid[0]), float(lights[0].grid[-1]))
    drawn = {
        **figures.focal_planes(columns, instrument=instrument, unit=UNIT),
        **figures.spectrum_figures(choice.window, grid=grid),
        **figures.image_figures(grid),
        "sky_fibers": figures.sky_fiber_figure(grid),
    }
    script, places, library = figures.embed(drawn)
    data = page_data(choice, lights, columns, bends=bends, coarse=coarse, roots=len(drawn))
    return Template(_asset("look.html")).substitute(
        _exposure(choice, lights, production),
        **_night(night),
        **_window(choice),
        **_images(choice, lights, bends, coarse),
        **_sky(choice, lights),
        plane_before=places.pop("before"),
        plane_after=places.pop("after"),
        **places,
        notes="".join(f'<p class="note">{escape(note)}</p>' for note in notes),
        data=script_text(data),
        library=library,
        script=script,
        style=_asset("look.css"),
        code=_asset("look.js"),
        rebin=REBIN,
        version=escape(pytest_specqa.__version__),
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _quoted(text: object) -> str:
    return escape(str(text), quote=True)


def _exposure(choice: Choice, lights: Sequence[CameraLight], production: str) -> dict[str, str]:
    exposure = choice.exposure
    tile = f"tile {exposure.tile}" if exposure.tile is not None else "no tile"
    parts = [f"production {production}", who.notes_of(lights[0].header), f"cameras {', '.join(one.camera for one in lights)}"]
    return {
        "title": escape(f"{exposure.expid:08d}, {tile}, night {exposure.night}"),
        "what": escape("; ".join(filter(None, parts))),
        "worst": _worst(choice),
    }


def _worst(choice: Choice) -> str:
    """What fails most in this exposure, or else warns."""
    bad = [one for one in choice.shown if one["outcome"] == Outcome.FAILED] or list(choice.shown)
    if not bad:
        return ""
    record, outcome = bad[0], str(bad[0]["outcome"])
    verb = "fail" if outcome == Outcome.FAILED else "warn"
    more = f' <span class="faint">and {len(bad) - 1} more values that {verb} in this exposure</span>' if len(bad) > 1 else ""
    text = escape(str(record.get("detail") or record.get("message") or ""))
    what = f"<b>{escape(record['measure'])} {escape(outcome)}</b> in {escape(record['unit'])}"
    return f'<p class="worst {_quoted(outcome)}">{what}: {text}{more}</p>'


def _night(night: Night) -> dict[str, str]:
    def step(words: str, one: tuple[str, str]) -> str:
        number, page = one
        if page:
            return f'<a href="{_quoted(page)}">{words}: {escape(number)}</a>'
        told = f"{words}: {number} (no page of it lies beside this one)" if number else f"{words}: none on this night"
        return f'<span class="faint">{escape(told)}</span>'

    none = "No results were given (--results): cells say only which cameras there are."
    return {
        "grid": night.grid,
        "before": step("previous exposure", night.before),
        "after": step("next exposure", night.after),
        "told": "Click a cell to read what it stands for." if night.judged else none,
        "around": "".join(_around(camera, smalls) for camera, smalls in night.around.items()),
    }


def _around(camera: str, smalls: Sequence[Small]) -> str:
    items = []
    for small in smalls:
        caption, mark = _quoted(f"{camera} {small.caption}"), ' class="here"' if small.here else ""
        image = f'<img src="data:image/png;base64,{small.png}" alt="sframe {caption}">' if small.png else ""
        reason = f'<p class="note">{escape(small.reason)}</p>' if small.reason else ""
        items.append(f"<figure{mark}>{image}{reason}<figcaption>{caption}</figcaption></figure>")
    return f'<div class="around" data-around="{_quoted(camera)}" hidden>{"".join(items)}</div>'


def _window(choice: Choice) -> dict[str, str]:
    marked = f" Ringed in black: fibers {choice.fibers[0]}–{choice.fibers[1]}." if choice.fibers else ""
    return {"low": f"{choice.window[0]:.0f}", "high": f"{choice.window[1]:.0f}", "why": escape(choice.why), "marked": marked}


def _images(choice: Choice, lights: Sequence[CameraLight], bends: Mapping[str, Bend], coarse: int) -> dict[str, str]:
    def option(name: str) -> str:
        chosen = " selected" if name == choice.cameras[0] else ""
        return f'<option value="{_quoted(name)}"{chosen}>{escape(name)}</option>'

    def button(name: str) -> str:
        return f'<button type="button" data-show="{_quoted(name)}" aria-pressed="false">{escape(name)}</button>'

    traced = all(bend.traced for bend in bends.values())
    return {
        "cameras": escape(", ".join(bends)),
        "camera_buttons": "".join(map(button, bends)),
        "sky_options": "".join(option(one.camera) for one in lights),
        "boundary": "" if traced else " (across wavelength as the parabola has it)",
        "shrunk": f" To keep the page small, {coarse} pixels along wavelength are averaged." if coarse > 1 else "",
        "bend": str(USUAL_BEND),
    }


def _sky(choice: Choice, lights: Sequence[CameraLight]) -> dict[str, str]:
    places = [("tile", who.centre(lights), 8)]
    if choice.fibers:
        places.append((f"fibers {choice.fibers[0]}–{choice.fibers[1]}", who.centre(lights, choice.fibers), 12))
    links = []
    for name, place, zoom in places:
        link = viewer_link(*place, zoom=zoom)
        text = f"{name}: RA {place[0]:.4f}, Dec {place[1]:.4f}" if link else f"{name}: no position in the fibermap"
        opened = f'<a href="{_quoted(link)}" target="_blank" rel="noopener noreferrer">{escape(text)}</a>'
        links.append(f"<li>{opened if link else escape(text)}</li>")
    stars = who.bright_stars(lights, places[-1][1])
    told = "; ".join(f"fiber {star.fiber}, {star.mag:.2f} mag, {star.distance:.2f}° from there" for star in stars[:STARS])
    none = "none on a fiber of these cameras. A star between fibers is in no fibermap: turn on Bright Stars in the viewer"
    return {"places": "".join(links), "stars": escape(told or none), "bright": f"{BRIGHT:.0f}"}
