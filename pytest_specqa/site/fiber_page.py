"""The page of a fiber that something concerns: what changed, its residuals, levels and redshifts over all nights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_specqa.instrument import DESI
from pytest_specqa.site import changes_table, fiber_figures, frame
from pytest_specqa.site.camera_page import span_of
from pytest_specqa.site.fiber_figures import Seen
from pytest_specqa.site.kept import NightKept
from pytest_specqa.site.stacks import Redshifts, Stack

if TYPE_CHECKING:
    from pytest_specqa.results.history.changes import Change

MOST = 200
"""Fibers that have a page: those that changed, heaviest first, then those that findings name, the last ones first."""
FEW = 3
"""Fibers up to which a change speaks of these and not of a part of the slit."""
RECENT = 60
"""Last nights whose findings give a fiber a page."""


def chosen(changes: Sequence[Change], nights: Mapping[int, NightKept]) -> list[int]:
    """Choose the fibers that have a page.

    Parameters
    ----------
    changes : sequence of Change
        All changes.
    nights : mapping of int to NightKept
        All nights.

    Returns
    -------
    list of int
        At most `MOST`, in the order of FIBER.
    """
    found: dict[int, None] = {}
    for change in changes_table.by_weight(changes):
        if change.fibers and change.fibers[1] - change.fibers[0] < FEW:
            found |= dict.fromkeys(range(change.fibers[0], change.fibers[1] + 1))
    for night in sorted(nights, reverse=True)[:RECENT]:
        found |= dict.fromkeys(nights[night].fibers)
    return sorted([fiber for fiber in found if 0 <= fiber < DESI.all_fibers][:MOST])


def concerning(fiber: int, changes: Iterable[Change]) -> list[Change]:
    """Changes that speak of a fiber, be it among few others."""
    return [change for change in changes if change.fibers and change.fibers[0] <= fiber <= change.fibers[1]]


def write(
    site: frame.Site,
    fiber: int,
    cameras: Mapping[str, Sequence[Stack]],
    *,
    redshifts: Redshifts | None,
    changes: Sequence[Change],
    named: Sequence[int],
) -> str:
    """Write the page.

    Parameters
    ----------
    site : Site
        What it belongs to.
    fiber : int
        FIBER.
    cameras : mapping of str to sequence of Stack
        Of each camera that sees it, itself and its neighbours night by night.
    redshifts : Redshifts or None
        What it gave.
    changes : sequence of Change
        Those that concern it.
    named : sequence of int
        Nights with a finding that names it.

    Returns
    -------
    str
        HTML.
    """
    petal = fiber // DESI.fibers
    first = [change.camera for change in changes_table.by_weight(changes) if change.camera in cameras]
    order = sorted(
        cameras, key=lambda camera: (first.index(camera) if camera in first else len(first), DESI.letters.find(camera[0]))
    )
    body = [
        f"<h1>Fiber {fiber}</h1>{_around(site, fiber, petal, order)}",
        changes_table.table(site, changes, up="../") or "<p>No change over the nights was found here.</p>",
        _named(site, named),
        fiber_figures.SCALE
        if cameras
        else '<p class="site-good">The store has no vectors of this fiber: run with --specqa-vectors to keep them.</p>',
    ]
    for place, camera in enumerate(order):
        body.append(
            _camera(fiber, camera, cameras[camera], changes, site.nights, opened=camera in first or (not first and place == 0))
        )
    spans = [span_of(change, site.nights) for change in changes if not change.camera]
    drawn = fiber_figures.scatter(redshifts, Seen(fiber, site.nights, spans))
    body.append(f"<h2>Redshifts</h2>{drawn}" if drawn else "")
    return frame.page(site, f"Fiber {fiber}: {site.production}", body, here="fibers.html", depth=1)


def _around(site: frame.Site, fiber: int, petal: int, cameras: Sequence[str]) -> str:
    pages = sorted(site.fibers)
    place = pages.index(fiber) if fiber in site.fibers else -1
    before = f'<a rel="prev" href="{pages[place - 1]}.html">‹ {pages[place - 1]}</a>' if place > 0 else ""
    after = f'<a rel="next" href="{pages[place + 1]}.html">{pages[place + 1]} ›</a>' if 0 <= place < len(pages) - 1 else ""
    of = "".join(site.camera(camera, up="../") for camera in cameras)
    others = f'<a href="../fibers.html#{fiber}">look up others</a>'
    return f'<p class="site-around">{before}<span>petal {petal}</span>{of}{others}{after}</p>'


def _named(site: frame.Site, named: Sequence[int]) -> str:
    if not named:
        return ""
    shown = ", ".join(site.night(night, up="../") for night in sorted(named, reverse=True)[:40])
    more = f" and {len(named) - 40} more" if len(named) > 40 else ""
    return f"<p>Findings that fail name it on {shown}{more}.</p>"


def _camera(
    fiber: int, camera: str, stacks: Sequence[Stack], changes: Sequence[Change], nights: Sequence[int], *, opened: bool
) -> str:
    seen = seen_of(fiber, [change for change in changes if change.camera == camera], nights)
    drawn = (
        fiber_figures.residuals(camera, stacks, seen)
        + fiber_figures.window(camera, stacks, seen)
        + fiber_figures.levels(camera, stacks, seen)
    )
    if not drawn:
        return ""
    return f'<details class="site-year"{" open" * opened}><summary>{camera}</summary>{drawn}</details>'


def seen_of(fiber: int, changes: Sequence[Change], nights: Sequence[int]) -> Seen:
    """What the pictures of a camera share: intervals of its changes, and the wavelengths of the heaviest that has some."""
    ordered = changes_table.by_weight(changes)
    waves = next((change.waves for change in ordered if change.waves), None)
    return Seen(fiber, nights, [span_of(change, nights) for change in ordered], waves)
