"""All cameras at a glance: what became of each in the last night and over the last thirty, and how many changes concern it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_specqa.checks.wording import count
from pytest_specqa.instrument import DESI
from pytest_specqa.printable import escape
from pytest_specqa.report import words
from pytest_specqa.site import changes_table, frame
from pytest_specqa.values import Outcome

if TYPE_CHECKING:
    from pytest_specqa.results.history.changes import Change

Places = Mapping[str, tuple[int, int, int]]
"""Of each camera the worst rank of the last night (-1 without one), and nights that failed and that only warned."""


def by_band(camera: str) -> tuple[int, str]:
    """Sort key of cameras: from blue to red."""
    return DESI.letters.find(camera[:1]) % 100, camera


def write(site: frame.Site, places: Places, changes: Sequence[Change], *, over: int) -> str:
    """Write the page; `over` is the number of nights that were counted."""
    body = ["<h1>Cameras</h1>", matrix(places, changes, over=over), LEGEND.format(over=over), "<h2>What changed in them</h2>"]
    of_cameras = [change for change in changes if change.camera]
    body.append(changes_table.table(site, of_cameras) or '<p class="site-good">No change over the nights was found.</p>')
    return frame.page(site, f"Cameras: {site.production}", body, here="cameras.html", live=True)


LEGEND = (
    '<p class="specqa-faint specqa-legend">Colour and letter: the worst outcome of the last night. Number: nights that failed, '
    "of the last {over}. △: something changed and is still so. A cell leads to its camera.</p>"
)


def matrix(places: Places, changes: Sequence[Change], *, over: int) -> str:
    """HTML of a table of bands and petals."""
    bands: dict[str, list[str]] = defaultdict(list)
    for camera in sorted((place for place in places if frame.is_camera(place)), key=by_band):
        bands[camera[0]].append(camera)
    ongoing = Counter(change.camera for change in changes if change.ongoing)
    petals = sorted({int(camera[1:]) for cameras in bands.values() for camera in cameras})
    head = "".join(f'<th class="specqa-petal">{petal}</th>' for petal in petals)
    rows = "".join(
        f'<tr><th scope="row">{band}</th>{"".join(_cell(f"{band}{petal}", places, ongoing, over) for petal in petals)}</tr>'
        for band in bands
    )
    table = f'<table class="specqa-grid site-cameras"><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="specqa-scroll">{table}</div>'


def _cell(camera: str, places: Places, ongoing: Mapping[str, int], over: int) -> str:
    if camera not in places:
        return '<td class="specqa-absent"></td>'
    last, failed, warned = places[camera]
    outcome = list(Outcome)[last] if last >= 0 else None
    changed = f", {count(ongoing[camera], 'change')} that last" if ongoing.get(camera) else ""
    told = escape(
        f"{camera}: {outcome or 'not there'} in the last night; failed on {failed} and warned on {warned} of the last "
        f"{count(over, 'night')}{changed}"
    )
    css = words.css_class(outcome) if outcome else "specqa-absent"
    mark = (
        f"{words.LETTERS[outcome] if outcome else '·'}{f'<sub>{failed}</sub>' if failed else ''}{'<sup>△</sup>' if changed else ''}"
    )
    return f'<td class="{css}" title="{told}"><a href="{frame.camera_link(camera)}" aria-label="{told}">{mark}</a></td>'
