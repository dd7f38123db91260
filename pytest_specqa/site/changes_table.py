"""What changed over the nights as a table that leads to the places concerned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_specqa.instrument import DESI
from pytest_specqa.printable import escape
from pytest_specqa.report.words import number
from pytest_specqa.site import frame

if TYPE_CHECKING:
    from pytest_specqa.results.history.changes import Change


def by_weight(changes: Sequence[Change]) -> list[Change]:
    """Sort changes: what goes on before what is over, then the most significant."""
    return sorted(
        changes, key=lambda one: (not one.ongoing, -one.significance if one.significance == one.significance else 0.0, one.what)
    )


def table(site: frame.Site, changes: Sequence[Change], *, up: str = "", anchors: bool = False) -> str:
    """HTML of a table of changes, heaviest first.

    Parameters
    ----------
    site : Site
        Knows what has a page.
    changes : sequence of Change
        Of any kind.
    up : str
        Way from the page to the top of the site.
    anchors : bool
        Whether the page tells more of each below, at ``#change-N``.

    Returns
    -------
    str
        Empty where nothing changed.
    """
    if not changes:
        return ""
    rows = "".join(_row(site, change, k, up, anchors=anchors) for k, change in enumerate(by_weight(changes), start=1))
    head = "".join(f"<th>{name}</th>" for name in ("what", "where", "since", "until", "size", "sigmas", "seen", "what it is"))
    return (
        f'<div class="specqa-scroll"><table class="site-changes"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _row(site: frame.Site, change: Change, k: int, up: str, *, anchors: bool) -> str:
    name = escape(change.what.replace("_", " "))
    what = f'<a href="#change-{k}">{name}</a>' if anchors else name
    until = '<b class="site-ongoing">still so</b>' if change.ongoing else _moment(site, change.last, up)
    size = f"{number(change.size)} ± {number(change.error)} {escape(change.unit)}" if change.size == change.size else "–"
    cells = (
        f"{what}<br><small>{escape(change.shape)}</small>", where(site, change, up=up), _moment(site, change.first, up), until,
        f"{size}<br><small>usually {number(change.level) if change.level == change.level else '–'}</small>",
        number(change.significance) if change.significance == change.significance else "–",
        f"{change.bad} of {change.seen}", _told(change),
    )  # fmt: skip
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _told(change: Change) -> str:
    parts = [escape(change.detail), *(f"also: {escape(other)}" for other in change.joined)]
    return "<br>".join([*parts, f"<b>{escape(change.cause)}</b>"] if change.cause else parts)


def where(site: frame.Site, change: Change, *, up: str = "") -> str:
    """HTML of the camera, fibers and wavelengths of a change, each a link where it has a page."""
    parts = []
    if change.camera:
        parts.append(site.camera(change.camera, up=up))
    if change.fibers:
        first, last = change.fibers
        names = f"fiber {first}" if first == last else f"fibers {first}–{last}"
        parts.append(site.fiber(first, names, up=up) if 0 <= first < DESI.all_fibers else names)
    if change.waves:
        parts.append(f"{change.waves[0]:.0f}–{change.waves[1]:.0f} Å")
    return "<br>".join(parts) or escape(change.scope)


def _moment(site: frame.Site, moment: tuple[int, int | None], up: str) -> str:
    night, expid = moment
    return site.night(night, up=up) + (f"<br>{site.exposure(night, expid, up=up)}" if expid is not None else "")
