"""The frame of every page: head, way around, foot; and how dates and places are written in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import pytest_specqa
from pytest_specqa.printable import escape

STYLES = ("report.css", "site.css")
PARTS = (
    ("index.html", "Nights"),
    ("cameras.html", "Cameras"),
    ("trends.html", "Trends"),
    ("changes.html", "What changed"),
    ("fibers.html", "Fibers"),
)
"""Pages that every page leads to."""
CAMERA = re.compile(r"[a-z][0-9]{1,2}")
AWAKE = 120
"""Seconds after which a page that is kept open looks for a newer one."""


def now() -> str:
    """This moment in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Site:
    """What all pages say of the site.

    Attributes
    ----------
    production : str
        Name of the production that the store holds.
    made : str
        When, in UTC.
    nights : tuple of int
        Nights that have a page, rising.
    fibers : frozenset of int
        Fibers that have a page of their own.
    cameras : frozenset of str
        Cameras that have a page.
    alone : bool
        A page that is no part of a site: it leads nowhere, and everything is in it.
    """

    production: str
    made: str
    nights: tuple[int, ...] = ()
    fibers: frozenset[int] = frozenset()
    cameras: frozenset[str] = frozenset()
    alone: bool = False

    def has(self, night: int) -> bool:
        """Tell whether a night has a page."""
        return night in self.nights and not self.alone

    def night(self, night: int, *, up: str = "") -> str:
        """HTML of a night, a link where it has a page."""
        return f'<a href="{night_link(night, up=up)}">{date(night)}</a>' if self.has(night) else date(night)

    def exposure(self, night: int, expid: int, *, up: str = "") -> str:
        """HTML of an exposure, a link where its night has a page."""
        name = f"{expid:08d}"
        return f'<a href="{exposure_link(night, expid, up=up)}">{name}</a>' if self.has(night) else name

    def camera(self, camera: str, *, up: str = "") -> str:
        """HTML of a camera, a link where it is one."""
        return f'<a href="{camera_link(camera, up=up)}">{camera}</a>' if camera in self.cameras else escape(camera)

    def fiber(self, fiber: int, name: str, *, up: str = "") -> str:
        """HTML of a fiber: a link to its page, or to the page on which any fiber is looked up."""
        if self.alone:
            return escape(name)
        return (
            f'<a href="{up}fibers/{fiber}.html">{name}</a>'
            if fiber in self.fibers
            else f'<a href="{up}fibers.html#{fiber}">{name}</a>'
        )


def page(
    site: Site,
    title: str,
    body: Iterable[str],
    *,
    here: str = "",
    depth: int = 0,
    scripts: Sequence[str] = ("site.js",),
    live: bool = False,
) -> str:
    """Write a page.

    Parameters
    ----------
    site : Site
        What it belongs to.
    title : str
        Of the page; escaped here.
    body : iterable of str
        HTML, whose every name and value is escaped already.
    here : str
        The part of the site that it belongs to, one of the addresses of `PARTS`.
    depth : int
        Folders between the page and the top of the site.
    scripts : sequence of str
        Files of ``assets``.
    live : bool
        Whether it looks for a newer one while it is open.

    Returns
    -------
    str
        HTML that loads nothing from outside the site.
    """
    up = "../" * depth
    refresh = f'<meta http-equiv="refresh" content="{AWAKE}">' if live else ""
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
            f'{refresh}<link rel="icon" href="data:,"><title>{escape(title)}</title>{_loaded(site, scripts, up)}</head><body>',
            f'<nav class="site-nav" aria-label="parts of the site"><b>{escape(site.production)}</b>{_parts(site, here, up)}'
            f'<span class="site-made">updated <time datetime="{escape(site.made)}">{escape(site.made[:16].replace("T", " "))} UTC'
            "</time></span></nav><main>",
            *body,
            f"</main><footer>pytest-specqa {escape(pytest_specqa.__version__)}, production {escape(site.production)}. "
            "Colours go with letters: <b>F</b> failed, <b>W</b> warned, <b>P</b> passed, <b>–</b> not measured.</footer>",
            "</body></html>\n",
        ]
    )


def _parts(site: Site, here: str, up: str) -> str:
    current = {True: ' aria-current="page"', False: ""}
    return "" if site.alone else "".join(f'<a href="{up}{address}"{current[address == here]}>{name}</a>' for address, name in PARTS)


def _loaded(site: Site, scripts: Sequence[str], up: str) -> str:
    """HTML that loads style sheets and scripts, or has them in it where the page is alone."""
    if site.alone:
        texts = assets()
        return "".join(f"<style>{texts[name]}</style>" for name in STYLES) + "".join(
            f"<script>{texts[name]}</script>" for name in scripts
        )
    styles = "".join(f'<link rel="stylesheet" href="{up}assets/{name}">' for name in STYLES)
    return styles + "".join(f'<script src="{up}assets/{name}"></script>' for name in scripts)


def assets() -> dict[str, str]:
    """Style sheets and scripts by their names; the colours of outcomes are those of the report."""
    own = files("pytest_specqa.site") / "assets"
    found = {part.name: part.read_text(encoding="utf-8") for part in own.iterdir() if part.name.endswith((".css", ".js"))}
    return found | {"report.css": (files("pytest_specqa.report") / "assets" / "report.css").read_text(encoding="utf-8")}


def date(night: int) -> str:
    """Write a night as a date, or as it is where it is none."""
    text = f"{night:08d}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else str(night)


def exposure_link(night: int, expid: int, camera: str = "", *, up: str = "") -> str:
    """Address of the page of an exposure."""
    return escape(f"{up}exposure.html#{night}-{expid:08d}{f'-{camera}' if camera else ''}")


def night_link(night: int, *, up: str = "") -> str:
    """Address of the page of a night."""
    return f"{up}nights/{night}.html"


def is_camera(name: object) -> bool:
    """Tell whether a name is that of a camera, so that a file may be called by it."""
    return isinstance(name, str) and CAMERA.fullmatch(name) is not None


def camera_link(camera: str, *, up: str = "") -> str:
    """Address of the page of a camera, as `is_camera` knows it."""
    return f"{up}cameras/{camera}.html"
