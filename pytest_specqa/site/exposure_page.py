"""The page of an exposure: one page for all of them, which reads every value of a night from the night's own data file.

A page for each exposure would be 40,000 files of 60 kB for a thousand nights; this is a thousand files of a few hundred kB, of
which a reader loads one. Data are a script and not JSON, as a browser loads nothing else from a file share.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from pytest_specqa.report.words import LETTERS
from pytest_specqa.site import frame
from pytest_specqa.site.nightly import Night
from pytest_specqa.values import Outcome, called

DIGITS = 4
"""Significant digits of a value."""
MOST_REASONS = 2000
"""Messages of a night that are kept with its values."""


def write(site: frame.Site) -> str:
    """Write the page; it is the same whatever the store holds."""
    body = [
        '<h1 id="exposure-title">Exposure</h1><p class="site-around" id="exposure-around"></p>',
        '<p id="exposure-told" role="status">An address such as exposure.html#20211014-00104282-r6 names night, exposure '
        'and camera; <a href="index.html">choose a night</a>.</p>',
        '<div id="exposure-cells" class="specqa-scroll"></div><section id="exposure-reasons"></section>',
        '<form id="exposure-bar" role="search" hidden><label>find measures <input type="search" name="text"></label>'
        '<label><input type="checkbox" name="bad"> only what fails or warns</label></form>',
        '<div id="exposure-values" class="specqa-scroll"></div>',
        "<noscript><p>This page needs scripts; the page of the night tells what fails or warns without them.</p></noscript>",
    ]
    return frame.page(site, f"Exposure: {site.production}", body, here="index.html", scripts=("site.js", "exposure.js"))


def data(night: Night) -> str:
    """Write the values of a night as the script that the page of an exposure loads.

    Parameters
    ----------
    night : Night
        As `nightly.read` gives it.

    Returns
    -------
    str
        A call of ``specqaNight``. Values are in the order of ``cameras``; of each, ``ranks`` has a digit: that of its outcome, or
        a blank where the camera has no such value.
    """
    cameras = sorted({row[2] for row in night.values})
    place = {camera: k for k, camera in enumerate(cameras)}
    values: dict[int, dict[str, tuple[list[Any], list[str]]]] = defaultdict(dict)
    for measure, expid, camera, value, rank in night.values:
        if expid is None:
            continue
        of = values[expid]
        if measure not in of:
            of[measure] = [None] * len(cameras), [" "] * len(cameras)
        of[measure][0][place[camera]] = _short(value)
        of[measure][1][place[camera]] = str(rank)
    exposures = [
        {
            "expid": expid,
            "tile": tile,
            "values": {measure: [numbers, "".join(ranks)] for measure, (numbers, ranks) in values[expid].items()},
        }
        for expid, tile in night.tiles.items()
    ]
    told = {
        "night": night.night,
        "cameras": cameras,
        "letters": [LETTERS[outcome] for outcome in Outcome],
        "measures": {name: list(about) for name, about in night.measures.items()},
        "exposures": exposures,
        "others": [[unit, measure, _short(value), unit_of, rank] for unit, measure, value, unit_of, rank in night.others],
        "reasons": _reasons(night),
    }
    return f"specqaNight({json.dumps(told, separators=(',', ':'))})\n"


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _reasons(night: Night) -> list[list[Any]]:
    """What fails or warns: exposure, unit, camera, outcome, waiver, plain name of the measure, message; failures first."""
    bad = sorted(night.bad, key=lambda record: -Outcome(record["outcome"]).rank)[:MOST_REASONS]
    return [
        [
            record["expid"], record["unit"], record["camera"], Outcome(record["outcome"]).rank, record.get("waiver") or "",
            called(record), record["message"],
        ]
        for record in bad
    ]  # fmt: skip
