"""The first page: what the last night came to, what has changed and goes on, and a calendar of all nights."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_specqa.checks.wording import count
from pytest_specqa.printable import escape
from pytest_specqa.report import words
from pytest_specqa.site import changes_table, frame
from pytest_specqa.site.cameras_page import LEGEND, Places, matrix
from pytest_specqa.site.kept import NightKept
from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    from pytest_specqa.results.history.changes import Change

MONTHS = tuple(calendar.month_abbr)
MOST_TOLD = 8
"""Findings of the last night, and changes that go on, that the page names."""


def write(site: frame.Site, nights: Mapping[int, NightKept], changes: Sequence[Change], places: Places, *, over: int) -> str:
    """Write the page.

    Parameters
    ----------
    site : Site
        What it belongs to.
    nights : mapping of int to NightKept
        What is known of each night.
    changes : sequence of Change
        What changed over the nights.
    places : mapping
        Of the cameras, as `cameras_page` shows them.
    over : int
        Nights that `places` counts.

    Returns
    -------
    str
        HTML.
    """
    body = [f"<h1>Nights of {escape(site.production)}</h1>"]
    if nights:
        last = max(nights)
        body += [_last(last, nights[last]), _changes(site, changes)]
        body += ["<h2>Cameras</h2>", matrix(places, changes, over=over), LEGEND.format(over=over)]
        body += ["<h2>Calendar</h2>", CALENDAR_LEGEND, *_years(nights), _counts(nights)]
    else:
        body.append("<p>The store holds no night yet. This page looks for one every two minutes.</p>")
    return frame.page(site, f"Nights of {site.production}", body, here="index.html", live=True)


def _last(night: int, kept: NightKept) -> str:
    outcome = Outcome(kept.outcome)
    word, _, rest = kept.sentence.partition(":")
    told = "".join(
        f'<li>{words.badge(Outcome(of), str(k))} <a href="{frame.night_link(night)}#finding-{k}">{escape(text)}</a></li>'
        for k, (of, text) in enumerate(kept.told[:MOST_TOLD], start=1)
    )
    more = len(kept.told) - MOST_TOLD
    rest_of = f'<li><a href="{frame.night_link(night)}">{count(more, "more finding")}</a></li>' if more > 0 else ""
    return (
        f'<div class="specqa-verdict {words.css_class(outcome)}" role="status">'
        f'<a href="{frame.night_link(night)}">Night {frame.date(night)}</a>'
        f", the last: <strong>{escape(word)}</strong>:{escape(rest)}; {count(kept.exposures, 'exposure')}."
        f"{f'<ol class=site-told>{told}{rest_of}</ol>' if told else ''}</div>"
    )


def _changes(site: frame.Site, changes: Sequence[Change]) -> str:
    ongoing = [change for change in changes_table.by_weight(changes) if change.ongoing]
    over = len(changes) - len(ongoing)
    if not changes:
        return ""
    head = (
        f"{count(len(ongoing), 'change')} over the nights {'goes' if len(ongoing) == 1 else 'go'} on"
        if ongoing
        else "No change over the nights goes on"
    )
    more = f'<p><a href="changes.html">all changes</a>: {len(ongoing)} that go on, {over} that are over.</p>'
    return f"<h2>{head}</h2>{changes_table.table(site, ongoing[:MOST_TOLD])}{more}"


CALENDAR_LEGEND = (
    '<p class="specqa-faint specqa-legend">A cell is a night: <b>F</b> and the number of its findings where something failed, '
    "<b>W</b> where something only warned, <b>P</b> passed, <b>?</b> unreachable, <b>–</b> not measured, "
    "blank: no data. It leads to the night.</p>"
)


def _years(nights: Mapping[int, NightKept]) -> list[str]:
    """A block for each year, the last one first; those before the last two are folded."""
    years: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
    for night in nights:
        years[night // 10000][night // 100 % 100, night % 100] = night
    return [_year(year, years[year], nights, opened=k < 2) for k, year in enumerate(sorted(years, reverse=True))]


def _year(year: int, days: Mapping[tuple[int, int], int], nights: Mapping[int, NightKept], *, opened: bool) -> str:
    head = "".join(f'<th class="specqa-petal">{day}</th>' for day in range(1, 32))
    rows = []
    for month in range(12, 0, -1):
        if not any(of == month for of, _ in days):
            continue
        cells = "".join(_cell(days.get((month, day)), nights, there=_exists(year, month, day)) for day in range(1, 32))
        rows.append(f'<tr><th scope="row">{MONTHS[month]}</th>{cells}</tr>')
    odd = sorted(night for place, night in days.items() if not _exists(year, *place))
    if odd:
        rows.append(f'<tr><th scope="row">no date</th>{"".join(_cell(night, nights) for night in odd)}</tr>')
    failed = sum(nights[night].outcome == str(Outcome.FAILED) for night in days.values())
    title = f"{year}: {count(len(days), 'night')}, {failed} with failures"
    table = (
        f'<table class="specqa-grid site-calendar"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
    return (
        f'<details class="site-year"{" open" * opened}><summary>{title}</summary><div class="specqa-scroll">{table}</div></details>'
    )


def _exists(year: int, month: int, day: int) -> bool:
    return 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def _cell(night: int | None, nights: Mapping[int, NightKept], *, there: bool = True) -> str:
    if night is None:
        return '<td class="specqa-absent"></td>' if there else "<td class=site-none></td>"
    kept = nights[night]
    outcome = Outcome(kept.outcome)
    failing = sum(of == str(Outcome.FAILED) for of, _ in kept.told)
    lines = [f"{frame.date(night)}: {kept.sentence}; {count(len(kept.told), 'finding')}", *(text for _, text in kept.told[:4])]
    title = escape("\n".join(lines))
    mark = words.LETTERS[outcome] + (f"<sub>{failing}</sub>" if failing else "")
    inner = f'<a href="{frame.night_link(night)}" aria-label="{title}">{mark}</a>'
    return f'<td class="{words.css_class(outcome)}" title="{title}">{inner}</td>'


def _counts(nights: Mapping[int, NightKept]) -> str:
    exposures = sum(kept.exposures for kept in nights.values())
    by_outcome = ", ".join(
        f"{number} {outcome}"
        for outcome in reversed(Outcome)
        if (number := sum(kept.outcome == str(outcome) for kept in nights.values()))
    )
    return f'<p class="specqa-faint">{count(len(nights), "night")} with {count(exposures, "exposure")}: {by_outcome}.</p>'
