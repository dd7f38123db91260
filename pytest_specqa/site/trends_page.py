"""Every measure over the nights by band: where the instrument goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_specqa.checks.wording import count
from pytest_specqa.printable import escape
from pytest_specqa.site import frame, timeline
from pytest_specqa.site.camera_page import RECENT, badges, finder, found_text, heading
from pytest_specqa.site.sums import Course
from pytest_specqa.values import Outcome

WIDTH, HIGH = 440, 104
MARKED = 12


def write(site: frame.Site, bands: Mapping[str, Sequence[Course]], others: Sequence[Course]) -> str:
    """Write the page.

    Parameters
    ----------
    site : Site
        What it belongs to.
    bands : mapping of str to sequence of Course
        By the letter of the band, from blue to red.
    others : sequence of Course
        Measures of whole exposures, petals and tiles.

    Returns
    -------
    str
        HTML.
    """
    nights = site.nights
    since = nights[-RECENT:][0] if nights else 0
    by_measure: dict[str, dict[str, Course]] = {}
    for band, courses in bands.items():
        for course in courses:
            by_measure.setdefault(course.measure, {})[band] = course
    order = sorted(
        by_measure.values(),
        key=lambda one: (-sum(course.bad_since(since) for course in one.values()), next(iter(one.values())).measure),
    )
    rows = [_row(of, nights, since) for of in order]
    rows += [_row({"": course}, nights, since) for course in others]
    told = (
        f"{count(len(rows), 'measure')} over {count(len(nights), 'night')}; first what failed or warned most in the last {RECENT}."
    )
    legend = (
        '<p class="specqa-faint">A dot is the median over the cameras of a band, the bar the range of 80 % of them; '
        'lines: <b class="site-fail-line">limit</b>, <b class="site-warn-line">warning</b>. A filled triangle is a night on which '
        f"a camera failed (the last {MARKED} are marked), a ring one on which one warned; both lead there.</p>"
    )
    body = ["<h1>Trends</h1>", f"<p>{told}</p>", legend, finder("measures"), '<div class="site-courses">', *rows, "</div>"]
    return frame.page(site, f"Trends: {site.production}", body, here="trends.html")


def _row(of: Mapping[str, Course], nights: Sequence[int], since: int) -> str:
    one = max(of.values(), key=lambda course: (int(max(course.rank, default=0)), course.bad_since(since)))
    pictures = "".join(_picture(band, course, nights) for band, course in of.items())
    head = f"<h3>{badges(one, since)}{heading(one)}</h3>"
    return f'<section class="site-course" data-text="{found_text(one)}">{head}<div>{pictures}</div></section>'


def _picture(band: str, course: Course, nights: Sequence[int]) -> str:
    # A band is marked where a camera fails; warnings of some of its ten would hide the course.
    rank = course.rank if (course.rank < Outcome.FAILED.rank).all() else course.rank * (course.rank == Outcome.FAILED.rank)
    shown = replace(course.points(lambda k: frame.night_link(course.nights[k])), rank=rank)
    box = timeline.box_of_nights(nights, width=WIDTH, height=HIGH)
    about = f"{course.plain or course.measure}{f', {band} cameras' if band else ''}"
    drawn = timeline.picture(shown, box, limits=course.limits, about=about, most=MARKED)
    return f"<figure><figcaption>{escape(band)}</figcaption>{drawn}</figure>"
