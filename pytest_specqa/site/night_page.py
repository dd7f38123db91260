"""The page of a night: verdict, findings, a grid of exposures and cameras, and the checks that fail or warn with their reasons."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_specqa.checks.outcome import by_check, is_excused
from pytest_specqa.checks.wording import count
from pytest_specqa.printable import escape
from pytest_specqa.report import words
from pytest_specqa.report.detail import measured
from pytest_specqa.report.gather import Entry
from pytest_specqa.report.grid import shade
from pytest_specqa.report.places import Place, hue, placed
from pytest_specqa.report.rows import rows
from pytest_specqa.report.top import cards, comes_to, glossary
from pytest_specqa.site import frame
from pytest_specqa.site.cameras_page import by_band
from pytest_specqa.site.nightly import Cell, Night
from pytest_specqa.triage import Finding, excess
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import Outcome

MOST_ROWS = 400
"""Checks that fail or warn and have a row; findings, grid and the pages of the exposures tell the others."""
BAD = (Outcome.FAILED, Outcome.WARNED)


@dataclass(frozen=True)
class Around:
    """What a night is seen beside: the nights before and after it (0 for none), and reports of it (address, name)."""

    before: int = 0
    after: int = 0
    reports: tuple[tuple[str, str], ...] = ()


def found(night: Night) -> list[Finding]:
    """Group what fails or warns into findings, what a waiver or a baseline excuses left out."""
    counted = [record for record in night.bad if not is_excused(record)]
    return findings([*counted, *night.sound]) if counted else []


def write(site: frame.Site, night: Night, told: Sequence[Finding], around: Around) -> str:
    """Write the page.

    Parameters
    ----------
    site : Site
        What it belongs to.
    night : Night
        The night.
    told : sequence of Finding
        Of `found`.
    around : Around
        What it is seen beside.

    Returns
    -------
    str
        HTML.
    """
    entries = [Entry(f"{unit}/{expectation}", tuple(records)) for (unit, expectation), records in by_check(night.bad).items()]
    places = placed(told)
    entries.sort(key=lambda entry: (-entry.outcome.rank, entry.check not in places, -min(excess(entry.lead), 1e9)))
    rowed = entries[:MOST_ROWS]
    linked = {entry.check for entry in rowed}
    worst = {entry.unit: entry for entry in reversed(entries)}
    title = f"Night {frame.date(night.night)}"
    left = (
        f'<p class="specqa-faint">{count(len(entries) - len(rowed), "more check")} that fail or warn: see the exposures above.</p>'
    )
    shown = rows(rowed, told, detail=lambda entry: measured(entry.records), others={})
    body = [
        _head(title, around),
        _verdict(night, told),
        cards(told, pictured=(), linked=linked.__contains__) or '<p class="site-good">Nothing was found.</p>',
        f'<div id="cameras">{_grid(night, worst, places, linked)}</div>',
        _whole_tiles(night, worst, linked),
        _legend(len(told)),
        f'<div id="reasons">{f"<h2>Checks that fail or warn, with their reasons</h2>{shown}" if rowed else ""}</div>',
        left if len(entries) > len(rowed) else "",
        glossary(entry.lead for entry in rowed),
    ]
    return frame.page(site, f"{title}: {site.production}", body, here="index.html", depth=1, live=not around.after)


def _head(title: str, around: Around) -> str:
    before = f'<a rel="prev" href="{around.before}.html">‹ {frame.date(around.before)}</a>' if around.before else ""
    after = (
        f'<a rel="next" href="{around.after}.html">{frame.date(around.after)} ›</a>'
        if around.after
        else "<span>last night so far</span>"
    )
    reports = "".join(f'<a href="{escape(address)}">{escape(name)}</a>' for address, name in around.reports)
    places = '<a href="#cameras">exposures and cameras</a><a href="#reasons">reasons</a>'
    return f'<h1>{title}</h1><p class="site-around">{before}{after}{places}{reports}</p>'


def _verdict(night: Night, told: Sequence[Finding]) -> str:
    word, _, rest = night.verdict.sentence.partition(":")
    return (
        f'<p class="specqa-verdict {words.css_class(night.verdict.outcome)}"><strong>{escape(word)}</strong>:{escape(rest)}'
        f"{escape(comes_to(told))}.</p>"
    )


def _grid(night: Night, worst: Mapping[str, Entry], places: Mapping[tuple[str, str], Place], linked: set[tuple[str, str]]) -> str:
    """Exposures by cameras; a cell leads to the row of its worst check, or to the exposure."""
    cells = {(cell.expid, cell.camera or ""): cell for cell in night.cells if cell.expid is not None}
    if not cells:
        return ""
    cameras = sorted({camera for _, camera in cells if camera}, key=by_band)
    bands: dict[str, list[str]] = defaultdict(list)
    for camera in cameras:
        bands[camera[0]].append(camera)
    firsts = {names[0] for names in bands.values()} | {""}
    over = "".join(f'<th colspan="{len(names)}" class="specqa-band">{escape(band)}</th>' for band, names in bands.items())
    named = "".join(f'<th class="specqa-petal{" specqa-first" * (camera in firsts)}">{_camera(camera)}</th>' for camera in cameras)
    lines = []
    for expid, tile in night.tiles.items():
        of = "".join(
            _cell(night.night, cells.get((expid, camera)), worst, places, linked, first=camera in firsts)
            for camera in [*cameras, ""]
        )
        about = f' <span class="specqa-faint">tile {tile}</span>' if tile is not None else ""
        link = f'<a href="{frame.exposure_link(night.night, expid, up="../")}">{expid:08d}</a>'
        lines.append(f'<tr><th scope="row">{link}{about}</th>{of}</tr>')
    head = f'<tr><th></th>{over}<th></th></tr><tr><th>exposure</th>{named}<th class="specqa-petal specqa-first">all</th></tr>'
    table = f'<table class="specqa-grid"><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table>'
    return f'<h2>Exposures and cameras</h2><div class="specqa-scroll">{table}</div>'


def _camera(camera: str) -> str:
    name = escape(camera[1:] or camera)
    return (
        f'<a href="{frame.camera_link(camera, up="../")}" title="{escape(camera)}">{name}</a>' if frame.is_camera(camera) else name
    )


def _whole_tiles(night: Night, worst: Mapping[str, Entry], linked: set[tuple[str, str]]) -> str:
    """Tiles, petals and the night itself."""
    others = [cell for cell in night.cells if cell.expid is None]
    if not others:
        return ""
    parts = []
    for tile in sorted({cell.tile for cell in others if cell.tile is not None}):
        of = sorted((cell for cell in others if cell.tile == tile), key=lambda cell: (cell.petal is None, cell.petal or 0))
        cells = "".join(
            _cell(night.night, cell, worst, {}, linked, letter=str(cell.petal) if cell.petal is not None else "tile") for cell in of
        )
        parts.append(f'<tr><th scope="row">tile {tile}, by petal</th>{cells}</tr>')
    if of_night := [cell for cell in others if cell.tile is None]:
        parts.append(
            f'<tr><th scope="row">whole night</th>{"".join(_cell(night.night, cell, worst, {}, linked) for cell in of_night)}</tr>'
        )
    table = f'<table class="specqa-grid"><tbody>{"".join(parts)}</tbody></table>'
    return f'<h2>Tiles and night</h2><div class="specqa-scroll">{table}</div>'


def _cell(
    night: int,
    cell: Cell | None,
    worst: Mapping[str, Entry],
    places: Mapping[tuple[str, str], Place],
    linked: set[tuple[str, str]],
    *,
    first: bool = False,
    letter: str = "",
) -> str:
    start = " specqa-first" if first else ""
    if cell is None:
        return f'<td class="specqa-absent{start}"></td>'
    entry = worst.get(cell.unit)
    place = places.get(entry.check) if entry else None
    told = ", ".join(f"{cell.counts[one.rank]} {one}" for one in reversed(Outcome) if cell.counts[one.rank])
    name = f"{cell.expid:08d} {cell.camera or 'whole exposure'}" if cell.expid is not None else cell.unit
    title = escape("\n".join([f"{name}: {told}", *([str(entry.lead["message"])] if entry else [])]))
    address = _leads_to(night, cell, entry if entry and entry.check in linked else None)
    mark = words.LETTERS[cell.outcome] + (f" {letter}" if letter else "") + (f"<sub>{place.number}</sub>" if place else "")
    times = excess(entry.lead) if entry and math.isfinite(excess(entry.lead)) else 0.0
    partly = " specqa-partly" if cell.outcome is Outcome.PASSED and cell.counts[Outcome.NOT_MEASURED.rank] else ""
    colour = f" {hue(place.number)}" if place else ""
    css = f'class="{words.css_class(cell.outcome)}{partly}{start}{colour}{" site-wide" * bool(letter)}"'
    deep = shade(times) if cell.outcome in BAD else ""
    inner = f'<a href="{address}" aria-label="{title}">{mark}</a>' if address else mark
    return f'<td {css}{deep} title="{title}">{inner}</td>'


def _leads_to(night: int, cell: Cell, entry: Entry | None) -> str:
    if entry:
        return f"#{escape(entry.anchor)}"
    if cell.expid is not None:
        return frame.exposure_link(night, cell.expid, cell.camera if frame.is_camera(cell.camera) and cell.camera else "", up="../")
    return ""


def _legend(number: int) -> str:
    numbers = " A small number is that of its finding." if number else ""
    return (
        '<p class="specqa-faint specqa-legend">A cell shows the worst outcome of its checks: <b>F</b> failed, <b>W</b> warned (the '
        "deeper, the farther beyond the limit), <b>P</b> passed (underlined: some not measured), <b>?</b> unreachable, "
        f"<b>–</b> not measured, blank: not there. It leads to the reason, or to all values of its exposure.{numbers}</p>"
    )


def reports_of(night: int, reports: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Pick the reports whose name holds the number of a night."""
    return tuple((address, name) for address, name in reports if str(night) in name)
