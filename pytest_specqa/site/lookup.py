"""Any fiber over the nights: a page with a script, and data files of fifty fibers and a year each, of which it loads a few."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.printable import escape
from pytest_specqa.site import frame
from pytest_specqa.site.fiber_figures import WORDS
from pytest_specqa.site.made_stacks import STEP, UNKNOWN, BandNight
from pytest_specqa.site.stacks import LEVELS, Floats

BLOCK = 50
"""Fibers of a file."""
NOTHING = 255
"""Byte of what is not known."""


def write(site: frame.Site, years: Sequence[int]) -> str:
    """Write the page.

    Parameters
    ----------
    site : Site
        What it belongs to; its fibers are listed.
    years : sequence of int
        Those that have data files.

    Returns
    -------
    str
        HTML.
    """
    nights = site.nights
    told = {
        "fibers": DESI.all_fibers,
        "block": BLOCK,
        "years": list(years),
        "pages": sorted(site.fibers),
        "nights": [nights[0], nights[-1]] if nights else [],
        "words": ["largest stacked residual of a night [sigmas]", *(WORDS[name] for name in LEVELS)],
        "petal": DESI.fibers,
    }
    listed = "".join(f'<li><a href="fibers/{fiber}.html">{fiber}</a></li>' for fiber in sorted(site.fibers))
    body = [
        "<h1>Fibers</h1>",
        f"<h2>Fibers that changed or that a finding names</h2><ul class=site-list>{listed}</ul>"
        if listed
        else ('<p class="site-good">No change and no finding of the last nights concerns a single fiber.</p>'),
        '<h2>Look any fiber up</h2><form id="fiber-bar" role="search"><label>FIBER '
        f'<input type="number" name="fiber" min="0" max="{DESI.all_fibers - 1}" required></label> <button>show</button></form>',
        '<p id="fiber-told" role="status"></p><div id="fiber-shown" class="site-courses"></div>',
        f'<script id="fiber-about" type="application/json">{escape(json.dumps(told), quote=False).replace("&amp;", "&")}</script>',
        "<noscript><p>Looking fibers up needs scripts; the fibers that are listed do not.</p></noscript>",
    ]
    return frame.page(site, f"Fibers: {site.production}", body, here="fibers.html", scripts=("site.js", "fibers.js"))


@dataclass
class Gathered:
    """What the data files of a year are made from.

    Attributes
    ----------
    nights : list of int
        Of each band, those with vectors.
    worst, levels : list of ndarray
        Of each night: the residual that is farthest from zero, in sigmas, shape (n_fiber,); levels, shape (n_level, n_fiber).
    """

    nights: list[int] = field(default_factory=list)
    worst: list[Floats] = field(default_factory=list)
    levels: list[Floats] = field(default_factory=list)

    def add(self, night: BandNight) -> None:
        """Add a night, later than those before it."""
        self.nights.append(night.night)
        self.worst.append(_farthest(night.residual))
        self.levels.append(night.levels.astype(np.float32))


def _farthest(residual: NDArray[np.int8]) -> Floats:
    if not residual.shape[1]:
        return np.full(len(residual), np.nan, np.float32)
    known = np.where(residual == UNKNOWN, 0, residual)
    low, high = known.min(axis=1), known.max(axis=1)
    return np.where((residual != UNKNOWN).any(axis=1), np.where(-low.astype(int) > high, low, high) * np.float32(STEP), np.nan)


def by_year(nights: Iterable[int]) -> dict[int, list[int]]:
    """Sort nights by their year."""
    found: dict[int, list[int]] = defaultdict(list)
    for night in nights:
        found[night // 10000].append(night)
    return dict(found)


def files(year: int, bands: Mapping[str, Gathered]) -> Iterator[tuple[str, str]]:
    """Write the data files of a year.

    Parameters
    ----------
    year : int
        The year.
    bands : mapping of str to Gathered
        By the letter of the band.

    Yields
    ------
    tuple of (str, str)
        Name relative to the site, and text: a call of ``specqaFibers``. Of each band nights and series; of each series the lowest
        value, the step and, as base64, a byte for each night of each fiber, one fiber after the other.
    """
    courses = {
        band: (of.nights, np.stack([np.stack([w, *level]) for w, level in zip(of.worst, of.levels, strict=True)]))
        for band, of in bands.items()
        if of.nights
    }
    for first in range(0, DESI.all_fibers, BLOCK):
        told = {}
        for band, (nights, values) in courses.items():
            part = values[:, :, first : first + BLOCK]
            if np.isfinite(part).any():
                told[band] = {"nights": nights, "series": [_packed(part[:, k].T) for k in range(part.shape[1])]}
        if told:
            yield f"fibers/lookup-{first}-{year}.js", f"specqaFibers({first}, {year}, {json.dumps(told, separators=(',', ':'))})\n"


def _packed(values: Floats) -> list[object]:
    """Lowest value, step, and a byte for each value."""
    known = np.isfinite(values)
    if not known.any():
        return [0, 0, ""]
    low, high = float(values[known].min()), float(values[known].max())
    step = (high - low) / (NOTHING - 1) or 1.0
    level = np.where(known, np.rint((np.where(known, values, low) - low) / step), NOTHING).astype(np.uint8)
    return [float(f"{low:.6g}"), float(f"{step:.6g}"), base64.b64encode(level.tobytes()).decode("ascii")]
