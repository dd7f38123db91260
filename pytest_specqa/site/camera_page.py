"""The page of a camera: what changed in it, and every measure over all nights and in each of the last exposures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_specqa.checks.wording import count
from pytest_specqa.printable import escape
from pytest_specqa.report import words
from pytest_specqa.site import changes_table, frame, timeline
from pytest_specqa.site.sums import Course
from pytest_specqa.site.timeline import Box, Points, Span
from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    from pytest_specqa.results.history.changes import Change

WIDE, NARROW, HIGH = 620, 330, 112
RECENT = 30
"""Nights at the end of the store whose failures bring a measure to the top of the page."""


def write(
    site: frame.Site,
    camera: str,
    courses: Sequence[Course],
    *,
    recent: Mapping[str, Points],
    changes: Sequence[Change],
    around: Sequence[str],
) -> str:
    """Write the page.

    Parameters
    ----------
    site : Site
        What it belongs to.
    camera : str
        Its name.
    courses : sequence of Course
        All its measures over the nights.
    recent : mapping of str to Points
        By measure, each exposure of the last nights.
    changes : sequence of Change
        What changed in this camera.
    around : sequence of str
        All cameras, in order.

    Returns
    -------
    str
        HTML.
    """
    nights = site.nights
    since = nights[-RECENT:][0]
    ordered = sorted(
        courses, key=lambda one: (not _concerning(one, changes), -one.bad_since(since), -int((one.bad > 0).sum()), one.measure)
    )
    bad = [one for one in courses if one.bad_since(since)]
    told = (
        f"{count(len(bad), 'measure')} of {len(courses)} failed or warned in the last {count(min(RECENT, len(nights)), 'night')}"
        if bad
        else (f"No measure failed or warned in the last {count(min(RECENT, len(nights)), 'night')}")
    )
    body = [
        f"<h1>Camera {escape(camera)}</h1>{_around(camera, around)}<p>{told}.</p>",
        changes_table.table(site, changes, up="../")
        if changes
        else '<p class="site-good">No change over the nights was found in this camera.</p>',
        LEGEND,
        finder("measures"),
        '<div class="site-courses">',
        *(_row(one, recent.get(one.measure), nights=nights, changes=changes, camera=camera) for one in ordered),
        "</div>",
    ]
    return frame.page(site, f"Camera {camera}: {site.production}", body, here="cameras.html", depth=1)


LEGEND = (
    '<p class="specqa-faint">Left: all nights; a dot is the median of a night, the bar its range. Right: each exposure of the last '
    'nights. Lines: <b class="site-fail-line">limit</b>, <b class="site-warn-line">warning</b>; a filled triangle fails, '
    "a ring warns, and both lead to the night; shaded: a change was found there.</p>"
)


def finder(what: str) -> str:
    """HTML of a search that leaves the rows of a page that hold some words."""
    box = '<input type="search" name="text" placeholder="press /">'
    return f'<form class="site-finder" role="search" data-finds="[data-text]"><label>find {what} {box}</label></form>'


def heading(course: Course) -> str:
    """HTML of the name of a measure: in plain words, with its key small beside it."""
    key = f' <small class="specqa-key">{escape(course.measure)}</small>' if course.plain else ""
    unit = f' <small class="specqa-key">[{escape(course.unit)}]</small>' if course.unit else ""
    return f"{escape(course.plain or course.measure.replace('_', ' '))}{key}{unit}"


def found_text(course: Course) -> str:
    """By what a measure is found."""
    return escape(f"{course.plain} {course.measure}".lower())


def _around(camera: str, cameras: Sequence[str]) -> str:
    place = list(cameras).index(camera)
    before = f'<a rel="prev" href="{cameras[place - 1]}.html">‹ {cameras[place - 1]}</a>' if place else ""
    after = f'<a rel="next" href="{cameras[place + 1]}.html">{cameras[place + 1]} ›</a>' if place + 1 < len(cameras) else ""
    return f'<p class="site-around">{before}<a href="../cameras.html">all cameras</a>{after}</p>'


def _concerning(course: Course, changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.what == course.measure]


def _row(course: Course, recent: Points | None, *, nights: Sequence[int], changes: Sequence[Change], camera: str) -> str:
    since = nights[-RECENT:][0]
    spans = [span_of(change, nights) for change in _concerning(course, changes)]

    def link(k: int) -> str:
        """Where a night leads: to its worst exposure."""
        night, first = course.nights[k], course.first[k]
        return f"../nights/{night}.html" if first is None else frame.exposure_link(night, first, camera, up="../")

    box = timeline.box_of_nights(nights, width=WIDE, height=HIGH)
    about = f"{course.plain or course.measure} of {camera}"
    left = timeline.picture(course.points(link), box, limits=course.limits, spans=spans, about=f"{about} over the nights")
    right = ""
    if recent is not None and len(recent.x):
        small = Box(NARROW, HIGH, -0.5, float(recent.x[-1]) + 0.5, _night_marks(recent))
        right = timeline.picture(recent, small, limits=course.limits, about=f"{about} in the last exposures")
    return (
        f'<section class="site-course" data-text="{found_text(course)}" id="{escape(course.measure)}">'
        f"<h3>{badges(course, since)}{heading(course)}</h3><div>{left}{right}</div></section>"
    )


def badges(course: Course, since: int) -> str:
    """HTML that says on how many nights since one a measure failed or warned; empty where it did not."""
    ranks = [rank for night, rank in zip(course.nights, course.rank, strict=True) if night >= since]
    parts = []
    for outcome in (Outcome.FAILED, Outcome.WARNED):
        number = sum(rank == outcome.rank for rank in ranks)
        if number:
            parts.append(words.badge(outcome, f"{count(number, 'night')} of {len(ranks)}") + " ")
    return "".join(parts)


def span_of(change: Change, nights: Sequence[int]) -> Span:
    """Shade the interval of a change, to the end of the store where it goes on."""
    last = nights[-1] if change.ongoing else change.last[0]
    return Span(timeline.day(change.first[0]) - 0.5, timeline.day(last) + 0.5, change.detail)


def _night_marks(recent: Points) -> list[tuple[float, str]]:
    """Name each night at its first exposure."""
    marks: list[tuple[float, str]] = []
    last = ""
    for x, name in zip(recent.x, recent.names, strict=True):
        night = name[:8]
        if night != last:
            marks.append((float(x), f"{night[4:6]}-{night[6:8]}"))
        last = night
    return marks
