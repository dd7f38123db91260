"""Nights, tiles and pixels at a glance: a cell for each unit, coloured and lettered by its worst outcome, that leads to a test."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_specqa.checks.outcome import Key
from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.printable import escape
from pytest_specqa.report import words
from pytest_specqa.report.gather import Entry
from pytest_specqa.report.places import Place, hue
from pytest_specqa.triage import STAGES, excess, stage_of
from pytest_specqa.values import Outcome

MAX_TOLD = 8
"""Tests that the tooltip of a cell lists."""

DEEPEST = 10.0
"""Times over its limit from which on a cell has the deepest colour."""
BAD = (Outcome.FAILED, Outcome.WARNED)

Cell = list[Entry]


@dataclass(frozen=True)
class Around:
    """What cells need to know of the page.

    Attributes
    ----------
    linked : callable
        Whether an entry has a row to lead to.
    places : mapping of (str, str) to Place
        Which finding each check belongs to.
    """

    linked: Callable[[Entry], bool]
    places: Mapping[Key, Place]

    def number(self, entry: Entry) -> int:
        """Number of the finding that an entry belongs to, where there are several; 0 without one."""
        place = self.places.get(entry.check)
        return place.number if place and len({one.number for one in self.places.values()}) > 1 else 0


def flow(entry: Entry) -> tuple[int, int, str, str]:
    """Sort key of entries: worst first, then by data flow, then by unit."""
    stages = list(STAGES)
    stage = stage_of(entry.records[0])
    return -entry.outcome.rank, stages.index(stage) if stage in stages else len(stages), entry.unit, entry.nodeid


def grids(
    entries: Iterable[Entry],
    *,
    linked: Callable[[Entry], bool],
    places: Mapping[Key, Place] | None = None,
    instrument: Instrument = DESI,
) -> str:
    """HTML of all grids: one per night for exposures and cameras, one for tiles and petals, and one for pixels of the sky.

    Parameters
    ----------
    entries : iterable of Entry
        The tests of the run.
    linked : callable
        Whether an entry has a row to lead to.
    places : mapping of (str, str) to Place or None
        Which finding each check belongs to; cells are numbered where there are several findings.
    instrument : Instrument
        Its bands and petals are the columns.

    Returns
    -------
    str
        Empty if there is nothing to show.
    """
    around = Around(linked, places or {})
    nights: dict[int, list[Entry]] = defaultdict(list)
    tiles: list[Entry] = []
    pixels: list[Entry] = []
    for entry in entries:
        if entry.records[0]["kind"] in ("tile", "petal"):
            tiles.append(entry)
        elif entry.records[0]["kind"] == "healpix":
            pixels.append(entry)
        else:
            nights[entry.records[0]["night"]].append(entry)
    blocks = [_night(night, nights[night], around=around, instrument=instrument) for night in sorted(nights)]
    blocks += [_tiles(tiles, around=around, petals=instrument.petals)] if tiles else []
    blocks += [_pixels(pixels, around=around)] if pixels else []
    return f'<div class="specqa-grids">{"".join(blocks)}</div>' if blocks else ""


def _night(night: int, entries: Sequence[Entry], *, around: Around, instrument: Instrument) -> str:
    cells: dict[tuple[int | None, str], Cell] = defaultdict(list)
    tile_of: dict[int, int | None] = {}
    for entry in entries:
        record = entry.records[0]
        expid = record["expid"]
        cells[expid, str(record["camera"] or "exposure")].append(entry)
        if expid is not None:
            tile_of[expid] = tile_of.get(expid) or record["tile"]
    bands = [band for band in instrument.letters if any(column[0] == band and column != "exposure" for _, column in cells)]
    columns = [f"{band}{petal}" for band in bands for petal in instrument.petals] + ["exposure"]
    groups = "".join(f'<th colspan="{instrument.spectrographs}" class="specqa-band">{band} petals</th>' for band in bands)
    names = "".join(_column(column) for column in columns)
    rows = []
    for expid in sorted(tile_of):
        tile = f"tile {tile_of[expid]}" if tile_of[expid] is not None else ""
        found = "".join(_cell(cells.get((expid, column), []), f"{expid:08d} {column}", around, column) for column in columns)
        rows.append(f'<tr><th scope="row">{expid:08d} <span class="specqa-faint">{escape(tile)}</span></th>{found}</tr>')
    whole = cells.get((None, "exposure"), [])
    if whole:
        rest = f'<td class="specqa-absent" colspan="{len(columns) - 1}"></td>'
        rows.append(f'<tr><th scope="row">whole night</th>{rest}{_cell(whole, str(night), around, "exposure")}</tr>')
    head = f"<tr><th></th>{groups}<th></th></tr><tr><th>exposure</th>{names}</tr>"
    return _table(f"Night {night}", head, rows)


def _column(column: str) -> str:
    start = " specqa-first" if column[1:] == "0" or column == "exposure" else ""
    name = column[1:] if column != "exposure" else "all"
    return f'<th class="specqa-petal{start}" title="{escape(column)}">{escape(name)}</th>'


def _tiles(entries: Sequence[Entry], *, around: Around, petals: Sequence[int]) -> str:
    cells: dict[tuple[int, int, int, int | None], Cell] = defaultdict(list)
    for entry in entries:
        record = entry.records[0]
        cells[record["tile"] or 0, record["night"], record["expid"] or 0, record["petal"]].append(entry)
    rows = []
    for tile, night, expid in sorted({key[:3] for key in cells}):
        row, name = (tile, night, expid), f"tile {tile}{f' exposure {expid:08d}' if expid else ''}"
        found = "".join(_cell(cells.get((*row, petal), []), f"{name} petal {petal}", around, f"p{petal}") for petal in petals)
        whole = _cell(cells.get((*row, None), []), name, around, "exposure")
        rest = f"exposure {expid:08d}" if expid else f"through {night}"
        rows.append(f'<tr><th scope="row">{tile} <span class="specqa-faint">{rest}</span></th>{found}{whole}</tr>')
    names = "".join(_column(f"p{petal}") for petal in petals) + '<th class="specqa-petal specqa-first" title="tile">tile</th>'
    head = f'<tr><th></th><th colspan="{len(petals)}" class="specqa-band">petals</th><th></th></tr><tr><th>tile</th>{names}</tr>'
    return _table("Tiles", head, rows)


def _pixels(entries: Sequence[Entry], *, around: Around) -> str:
    """A row for each hundred pixels, which share a folder: a survey has thousands."""
    cells: dict[tuple[str, int], dict[int, Cell]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        where, _, number = entry.unit.removeprefix("healpix-").rpartition("-")
        cells[where, int(number) // 100][int(number)].append(entry)
    most = max(map(len, cells.values()))
    rows = []
    for (where, hundred), row in sorted(cells.items()):
        found = "".join(_cell(row[number], f"pixel {where}-{number}", around) for number in sorted(row))
        rest = f'<td class="specqa-absent" colspan="{most - len(row)}"></td>' if len(row) < most else ""
        name = f'{escape(where)} <span class="specqa-faint">{hundred}00-{hundred}99</span>'
        rows.append(f'<tr><th scope="row">{name}</th>{found}{rest}</tr>')
    return _table(
        "Healpix pixels", f'<tr><th>survey and program</th><th colspan="{most}">pixels in order of number</th></tr>', rows
    )


def _table(title: str, head: str, rows: Sequence[str]) -> str:
    body = f'<table class="specqa-grid"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<section><h3>{escape(title)}</h3><div class="specqa-scroll">{body}</div></section>'


def _cell(cell: Cell, name: str, around: Around, column: str = "") -> str:
    start = " specqa-first" if column[1:] == "0" or column == "exposure" else ""
    if not cell:
        return f'<td class="specqa-absent{start}"></td>'
    worst = min(cell, key=flow)
    outcome = worst.outcome
    partly = outcome is Outcome.NOT_MEASURED and any(entry.outcome is Outcome.PASSED for entry in cell)
    shown, mark = (Outcome.PASSED, " specqa-partly") if partly else (outcome, "")
    number = around.number(worst) if shown in BAD else 0
    colour = f" {hue(number)}" if number else ""
    times = max(excess(entry.lead) for entry in cell if entry.outcome is outcome) if shown in BAD else 0.0
    title = escape(_tooltip(cell, name, times=times), quote=True)
    css = f'class="{words.css_class(shown)}{mark}{start}{colour}"{shade(times)} title="{title}"'
    letter = f"{words.LETTERS[shown]}{f'<sub>{number}</sub>' if number else ''}"
    if not around.linked(worst):
        return f"<td {css}>{letter}</td>"
    target = escape(worst.anchor, quote=True)
    return f'<td {css}><a href="#{target}" aria-label="{title}">{letter}</a></td>'


def shade(times: float) -> str:
    """Say how deep the colour of a cell is, on a logarithmic scale of its excess; as it is where there is no number."""
    if not 1 <= times < math.inf:
        return ""
    return f' style="--deep:{100 * min(math.log(times) / math.log(DEEPEST), 1):.0f}%"'


def _tooltip(cell: Cell, name: str, *, times: float) -> str:
    counts = Counter(entry.outcome for entry in cell)
    summary = ", ".join(f"{counts[outcome]} {outcome}" for outcome in reversed(Outcome) if counts[outcome])
    told = [entry for entry in sorted(cell, key=flow) if entry.outcome is not Outcome.PASSED]
    lines = [f"{entry.outcome}: {entry.claim}" for entry in told[:MAX_TOLD]]
    far = [f"largest is {times:.1f} times the limit"] if 1 <= times < math.inf else []
    return "\n".join([f"{name}: {summary}", *lines, *far])
