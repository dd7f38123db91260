"""The page of a tile: whether its redshifts, its light and its fibers are where they should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.look.embed import build, linked
from pytest_specqa.look.tilepage_data import TileFibers, read_tile_fibers
from pytest_specqa.look.words import viewer_link
from pytest_specqa.measures.focal.bright_stars import (
    BRIGHT,
    COMPLETE,
    Star,
    catalogued,
    known_positions,
    middle_of,
    offsets,
    targeted,
)
from pytest_specqa.measures.redshifts.pileup import RedshiftPileup
from pytest_specqa.printable import escape
from pytest_specqa.production import Production
from pytest_specqa.values import Tile

MISSED = 0.1
"""Distance in mm from which a fiber counts as beside its target (desispec, BADPOSITION)."""


def tile_page(production: Production, tile: Tile) -> tuple[str, str]:
    """Write the page of a tile.

    Parameters
    ----------
    production : Production
        Where it is.
    tile : Tile
        Which reduction.

    Returns
    -------
    tuple of str
        HTML without anything to load, and what was found in a line or two.

    Raises
    ------
    ProductError
        If there are no redshifts, or a file is not what the data model says.
    """
    from pytest_specqa.look import tilepage_draw as draw  # noqa: PLC0415

    fibers = read_tile_fibers(production, tile)
    centre = middle_of(fibers.ra, fibers.dec)
    petals = _petal_positions(fibers)
    stars = [*catalogued(centre), *targeted(fibers.targetid, fibers.ra, fibers.dec, fibers.flux)] if centre else []
    source = draw.shared_source(fibers, centre)
    figures: dict[str, Any] = {"nz": draw.draw_nz(fibers), "redshifts": draw.draw_redshifts(fibers, source)}
    if np.isfinite(fibers.efftime).any():
        ends = _ends(fibers.efftime)
        figures["efftime"] = draw.draw_plane(source, "efftime", title="EFFTIME [s]", ends=ends)
    if np.isfinite(fibers.miss).any():
        figures["miss"] = draw.draw_plane(source, "miss", title="off target [mm]", ends=(0.0, draw.FAR))
    if centre:
        figures["sky"] = draw.draw_sky(source, stars, centre, links=petals)
    script, divs = linked(figures)
    title = f"Tile {tile.tile}, {tile.suffix}, {production.name}"
    told = _told(fibers)
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_summary(fibers, tile))}</p>",
        *(f'<p class="hint">{escape(line.replace(" +- ", " ± ").replace(" A: ", " Å: "))}</p>' for line in told),
        *(f'<p class="note">Note: {escape(note)}.</p>' for note in fibers.notes),
        '<p class="note">Mark fibers in one figure (box or lasso) and they stand out in all that show fibers.</p>',
        '<div class="pair">',
        _section("n(z) by class", "Lines: this tile. Filled: the coarse reference of the suite, good to some 30 %.", divs["nz"]),
        _section("Redshift against fiber", "Boxes: where redshifts pile up. Grey lines: where petals meet.", divs["redshifts"]),
        *_planes(fibers, divs),
        _section("On the sky", _star_note(stars, fibers), divs["sky"]) if centre else "",
        "</div>",
        *_star_table(stars, fibers, centre),
        *_petal_table(fibers, petals),
    ]
    return build(title, "\n".join(body), {}, script=script), "\n".join([f"tile {tile.tile}: {_summary(fibers, tile)}", *told])


def _section(title: str, note: str, figure: str) -> str:
    return f'<section><h2>{escape(title)}</h2><p class="note">{escape(note)}</p><div class="figure">{figure}</div></section>'


def _ends(values: Any) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2, 98])
    room = max(0.1 * abs(high), 1e-6) if high - low < 1e-6 else 0.0
    return float(low - room), float(high + room)


def _summary(fibers: TileFibers, tile: Tile) -> str:
    sky = int((fibers.classes == "sky").sum())
    good = int(((fibers.zwarn == 0) & (fibers.classes != "sky")).sum())
    number = len(fibers.fiber) - sky
    program = " ".join(part for part in (tile.survey, tile.program) if part)
    time = f", median EFFTIME {np.nanmedian(fibers.efftime):,.0f} s ({fibers.efftime_from})" if fibers.efftime_from else ""
    return (
        f"{number:,} fibers on targets, {good:,} of them ({good / max(number, 1):.0%}) with ZWARN = 0, and {sky} on sky"
        f"{f', program {program}' if program else ''}{time}."
    )


def _told(fibers: TileFibers) -> list[str]:
    """What the search for pile-ups found, of targets and of sky fibers."""

    def one(found: RedshiftPileup, words: str) -> str:
        detail = found.significance.detail
        return f"{words}: {detail}; {found.significance.value:.1f} sigma" if found.excess.value > 0 and detail else ""

    lines = [one(fibers.targets, "Redshifts pile up"), one(fibers.sky, "Redshifts of sky fibers pile up")]
    missed = np.flatnonzero(fibers.miss > MISSED)
    if len(missed):
        worst = fibers.fiber[missed[np.argsort(-fibers.miss[missed])]][:6]
        more = ", ..." if len(missed) > len(worst) else ""
        words = (
            "1 fiber is more than {} mm beside its"
            if len(missed) == 1
            else f"{len(missed)} fibers are more than {{}} mm beside their"
        )
        lines.append(f"{words.format(MISSED)} target: {', '.join(map(str, worst))}{more}")
    return [line for line in lines if line]


def _planes(fibers: TileFibers, divs: dict[str, str]) -> list[str]:
    parts = []
    if "efftime" in divs:
        parts.append(_section("Effective time", f"Told from {fibers.efftime_from}; the colours span 2 to 98 %.", divs["efftime"]))
    if "miss" in divs:
        far = int((fibers.miss > 0.03).sum())
        note = f"Distance of each fiber from its target: {far} are farther than 0.03 mm (orange)."
        parts.append(_section("Positioners", note, divs["miss"]))
    return parts


def _petal_positions(fibers: TileFibers) -> list[tuple[int, float, float]]:
    """Middle of each petal on the sky, of those that have positions."""
    found = []
    for petal in fibers.petals:
        rows = fibers.fiber // DESI.fibers == petal
        middle = middle_of(fibers.ra[rows], fibers.dec[rows])
        if middle:
            found.append((petal, *middle))
    return found


def _star_note(stars: Sequence[Star], fibers: TileFibers) -> str:
    photometry = f", and of targets by their imaging in r to {BRIGHT:g}" if np.isfinite(fibers.flux).any() else ""
    shown = f"{len(stars) or 'No'} bright star{'s' * (len(stars) != 1)}"
    return (
        f"{shown}, from the Bright Star Catalogue, complete to V = {COMPLETE}{photometry}. Most from V = {COMPLETE} to {BRIGHT:g} "
        "are missing here: follow the link of a petal and turn on Bright Stars in the viewer."
    )


def _star_table(stars: Sequence[Star], fibers: TileFibers, centre: tuple[float, float] | None) -> list[str]:
    if not stars or centre is None:
        return []
    known = np.flatnonzero(known_positions(fibers.ra, fibers.dec))
    rows = []
    for star in stars[:20]:
        east, north = offsets(fibers.ra[known], fibers.dec[known], centre=(star.ra, star.dec))
        away = np.hypot(east, north)
        near = known[int(np.nanargmin(away))] if np.isfinite(away).any() else None
        fiber = (
            f"{fibers.fiber[near]} (petal {fibers.fiber[near] // DESI.fibers}), {60 * np.nanmin(away):.1f}′"
            if near is not None
            else ""
        )
        link = f'<a href="{escape(viewer_link(star.ra, star.dec, zoom=12))}" rel="noreferrer">{star.ra:.4f}, {star.dec:+.4f}</a>'
        cells = (escape(star.name), f"{star.band} = {star.magnitude:.2f}", link, escape(fiber))
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    head = "<tr><th>star</th><th>magnitude</th><th>position</th><th>nearest fiber</th></tr>"
    return ["<h2>Bright stars</h2>", f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>']


def _petal_table(fibers: TileFibers, petals: Sequence[tuple[int, float, float]]) -> list[str]:
    links = {petal: viewer_link(ra, dec, zoom=11) for petal, ra, dec in petals}
    rows = []
    for petal in fibers.petals:
        mine = fibers.fiber // DESI.fibers == petal
        targets = mine & (fibers.classes != "sky")
        share = (fibers.zwarn[targets] == 0).mean() if targets.any() else np.nan
        cells = [
            str(petal),
            f"{int(targets.sum())}",
            f"{int((mine & (fibers.classes == 'sky')).sum())}",
            _percent(share),
            f"{np.nanmedian(fibers.efftime[mine]):,.0f} s" if np.isfinite(fibers.efftime[mine]).any() else "",
            f"{int((fibers.miss[mine] > 0.03).sum())}",
            f"{int((fibers.miss[mine] > MISSED).sum())}",
            f"{int((fibers.status[mine] != 0).sum())}",
        ]
        link = f'<a href="{escape(links[petal])}" rel="noreferrer">Legacy Survey viewer</a>' if links.get(petal) else ""
        rows.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}<td>{link}</td></tr>")
    names = ("petal", "targets", "sky", "ZWARN = 0", "EFFTIME", "> 0.03 mm", f"> {MISSED} mm", "FIBERSTATUS set", "sky there")
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    return ["<h2>Petals</h2>", f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>']


def _percent(share: float) -> str:
    return f"{share:.0%}" if np.isfinite(share) else ""
