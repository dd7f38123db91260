"""The page of what changed over the nights: a table, and for each change its course, the residuals and redshifts that show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pytest_specqa.checks.wording import count
from pytest_specqa.instrument import DESI
from pytest_specqa.printable import escape
from pytest_specqa.results.history import patches
from pytest_specqa.results.history.changes import Change
from pytest_specqa.results.store import write_text
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.site import changes_table, fiber_figures, frame, made_stacks, stacks, timeline
from pytest_specqa.site.camera_page import span_of
from pytest_specqa.site.fiber_figures import BESIDE, Seen
from pytest_specqa.site.stacks import LEVELS, RESIDUAL, Redshifts, Stack
from pytest_specqa.site.sums import course_of

MOST = 60
"""Changes that have pictures: the heaviest; the table has all."""
PATCHES = "specqa history STORE --patches DIR drafts rows of flagged_fibers.ecsv, BADAMPS and waivers for a person to review"
MOST_PATCHES = 3
"""Rows of a patch that are shown."""
ADVICE = {
    "fiber": "Look at the frames of the camera at these wavelengths on the first night; flag it if the pipeline leaves it in.",
    "group": "Compare flat and traces of these fibers before and after the first night.",
    "amplifier": "Blink preproc of the amplifier before and after the first night; list it in BADAMPS if it is lost.",
    "camera": "Ask what was changed at the spectrograph, or in the pipeline, on the first night.",
    "petal": "Compare the redshifts of the petal before and after the first night.",
    "night": "Compare the calibrations that were used on the first night with those of the nights before.",
}
"""What to do about a change of each scope; what it suggests itself comes first."""
Key = tuple[str, tuple[int, int]]
"""Camera and range of FIBER."""


@dataclass(frozen=True)
class _Drawn:
    """What the pictures are drawn from."""

    site: frame.Site
    store: Store
    stacks: Mapping[Key, Sequence[Stack]]
    redshifts: Mapping[int, Redshifts]
    exposures: Sequence[patches.Exposure]


def write(store: Store, changes: Sequence[Change], out: Path, *, site: frame.Site | None = None, kept: Path | None = None) -> None:
    """Write the page.

    Parameters
    ----------
    store : Store
        In which the changes were found.
    changes : sequence of Change
        In any order.
    out : path
        File to write.
    site : Site, optional
        Of which it becomes a part; by default the page is alone, with everything in it.
    kept : path, optional
        Folder of that site, which has the stacks of all nights; by default they are made from the store.

    Raises
    ------
    ResultsError
        If the store cannot be read or the page not be written.
    """
    site = site or frame.Site(store.production, frame.now(), tuple(store.nights), alone=True)
    ordered = changes_table.by_weight(changes)
    shown = ordered[:MOST]
    wanted = {key for change in shown for key in _places(change)}
    found = _kept(kept, wanted, site.nights) if kept else _from_store(store, wanted, site.nights)
    # A site is written after every exposure, and does not look through all records for rows that nobody takes from there.
    exposures = [] if kept else patches.exposures_of(store, shown)
    drawn = _Drawn(site, store, found, _redshifts(store, kept, shown, site.nights), exposures)
    sections = [_section(k, change, drawn) for k, change in enumerate(shown, start=1)]
    ongoing = sum(change.ongoing for change in ordered)
    told = f"{count(len(ordered), 'change')} over {count(len(site.nights), 'night')}, of which {ongoing} go on."
    body = [
        f"<h1>What changed over the nights</h1><p>{told}</p>",
        changes_table.table(site, ordered, anchors=True) or '<p class="site-good">No change was found.</p>',
        f'<p class="specqa-faint">Patches: {escape(PATCHES)}.</p>' if ordered else "",
        fiber_figures.SCALE if found else "",
        *sections,
        f"<p>Pictures of {len(ordered) - MOST} lighter changes are left out.</p>" if len(ordered) > MOST else "",
    ]
    write_text(Path(out), frame.page(site, f"What changed: {site.production}", body, here="changes.html"))


def _places(change: Change) -> list[Key]:
    """Camera and fibers whose stacks a change needs: those that it names and their neighbours, in the cameras that see them."""
    if change.fibers is None or not 0 <= change.fibers[0] <= change.fibers[1] < DESI.all_fibers:
        return []
    first, last = DESI.petal_range(change.fibers[0] // DESI.fibers)
    around = max(change.fibers[0] - BESIDE, first), min(change.fibers[1] + BESIDE, last)
    if frame.is_camera(change.camera):
        return [(change.camera, around)]
    if change.camera or change.scope != "fiber":
        return []
    return [(f"{band}{change.fibers[0] // DESI.fibers}", around) for band in DESI.letters]


def _from_store(store: Store, wanted: Iterable[Key], nights: Sequence[int]) -> dict[Key, list[Stack]]:
    """Stack what is wanted from the vectors of a store, a camera at a time."""
    by_camera: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for camera, fibers in sorted(wanted):
        by_camera[camera].append(fibers)
    found: dict[Key, list[Stack]] = defaultdict(list)
    for camera, ranges in by_camera.items():
        for parts in stacks.from_store(store, camera, ranges=ranges, nights=nights):
            for fibers, part in zip(ranges, parts, strict=True):
                found[camera, fibers].append(part)
    return found


def _kept(out: Path, wanted: Iterable[Key], nights: Sequence[int]) -> dict[Key, list[Stack]]:
    """Take what is wanted from the stacks that a site keeps."""
    found: dict[Key, list[Stack]] = defaultdict(list)
    keys = sorted(wanted)
    for night in nights if keys else ():
        for band, of in made_stacks.read(out, night):
            for camera, fibers in keys:
                if camera[0] == band:
                    found[camera, fibers].append(of.stack(*fibers))
    return found


def _redshifts(store: Store, kept: Path | None, changes: Sequence[Change], nights: Sequence[int]) -> Mapping[int, Redshifts]:
    fibers = sorted({change.fibers[0] for change in changes if change.fibers and change.scope == "fiber"})
    if not fibers:
        return {}
    if kept is not None:
        return made_stacks.redshifts(kept, fibers=fibers, nights=nights)
    found: dict[int, Redshifts] = {}
    for petal in sorted({fiber // DESI.fibers for fiber in fibers}):
        of = [fiber for fiber in fibers if fiber // DESI.fibers == petal]
        found |= stacks.redshifts(store, petal, fibers=of, nights=nights)
    return found


def _section(k: int, change: Change, drawn: _Drawn) -> str:
    """HTML of one change."""
    place = f"{change.camera} " if change.camera else ""
    fibers = ""
    if change.fibers:
        low, high = change.fibers
        fibers = f"fiber {low}" if low == high else f"fibers {low}–{high}"
    title = f"{escape(change.what.replace('_', ' '))}: {escape(place)}{fibers or escape(change.scope)}"
    advice = " ".join(part for part in (change.cause and f"{change.cause}.", ADVICE.get(change.scope, "")) if part)
    facts = [
        ("when", f"{_when(change)}; {escape(change.shape)}, {change.bad} of {change.seen} off"),
        ("where", changes_table.where(drawn.site, change).replace("<br>", ", ")),
        ("what", escape(change.detail)),
        ("also", "; ".join(map(escape, change.joined))),
        ("what to do", f"<b>{escape(advice)}</b>"),
        ("patch", _rows(change, drawn.exposures)),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts if text)
    pictures = _pictures(change, drawn) or '<p class="site-good">The store keeps nothing that could be drawn of it.</p>'
    facts_of = f'<div class="specqa-facts"><dl>{listed}</dl></div>'
    return f'<article class="specqa-finding site-change" id="change-{k}"><h2>{k}. {title}</h2>{facts_of}{pictures}</article>'


def _rows(change: Change, exposures: Sequence[patches.Exposure]) -> str:
    """HTML of the first rows that ``--patches`` drafts for a change; empty where it drafts none."""
    rows = patches.flagged_rows([change], exposures) or patches.badamps_rows([change], exposures)
    if not rows:
        return ""
    lines = [" ".join(map(str, rows[0])), *(" ".join(str(value) for value in row.values()) for row in rows[:MOST_PATCHES])]
    more = f"\n... and {len(rows) - MOST_PATCHES} more" if len(rows) > MOST_PATCHES else ""
    name = patches.FLAGGED if "FIBERS" in rows[0] else patches.BADAMPS
    text = escape("\n".join(lines) + more)
    return f"<details><summary>{count(len(rows), 'row')} for {name}</summary><pre class=specqa-log>{text}</pre></details>"


def _when(change: Change) -> str:
    ends = [frame.date(change.first[0]), "still so" if change.ongoing else frame.date(change.last[0])]
    return f"{ends[0]} – {ends[1]}" if ends[0] != ends[1] else ends[0]


def _pictures(change: Change, drawn: _Drawn) -> str:
    nights = drawn.site.nights
    spans = [span_of(change, nights)]
    if not (keys := _places(change)):
        return _course(change, drawn)
    parts = []
    for key in keys:
        of = drawn.stacks.get(key, ())
        own = _joined(of, change.fibers) if change.fibers and change.fibers[0] != change.fibers[1] else of
        seen = Seen(change.fibers[0] if change.fibers else 0, nights, spans, change.waves, change.fibers)
        if change.what not in LEVELS:
            parts.append(fiber_figures.residuals(key[0], own, seen, beside=of))
            parts.append(fiber_figures.window(key[0], own, seen))
        if change.what != RESIDUAL:
            parts.append(fiber_figures.levels(key[0], own, seen))
    if change.scope == "fiber" and change.fibers:
        parts.append(fiber_figures.scatter(drawn.redshifts.get(change.fibers[0]), Seen(change.fibers[0], nights, spans)))
    return "".join(parts) or _course(change, drawn)


def _joined(of: Sequence[Stack], fibers: tuple[int, int]) -> list[Stack]:
    """Stack the fibers of a range into one, night by night."""
    made = []
    for stack in of:
        part = stack.rows(*fibers)
        known = np.isfinite(part.residual)
        number = known.sum(axis=0, keepdims=True)
        summed = np.where(known, part.residual, 0).sum(axis=0, keepdims=True) / np.sqrt(np.maximum(number, 1))
        levels = {name: stacks.median(values)[None] for name, values in part.levels.items() if len(values)}
        made.append(replace(part, first=fibers[0], residual=np.where(number > 0, summed, np.nan), levels=levels))
    return made


def _course(change: Change, drawn: _Drawn) -> str:
    """Draw a measure of a camera over the nights."""
    site = drawn.site
    table = drawn.store.measures(change.what, camera=change.camera or None)
    course = course_of(table)
    if course is None:
        return ""
    box = timeline.box_of_nights(site.nights, width=fiber_figures.WIDE, height=150)
    picture = timeline.picture(
        course.points(lambda k: frame.night_link(course.nights[k]) if site.has(course.nights[k]) else ""),
        box,
        limits=course.limits,
        spans=[span_of(change, site.nights)],
        about=f"{change.what} of {change.camera}",
    )
    return f'<figure class="site-figure">{picture}</figure>'
