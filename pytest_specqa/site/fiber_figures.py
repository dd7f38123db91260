"""Pictures of one fiber over the nights: stacked residuals beside those of its neighbours, its levels, and its redshifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.printable import escape
from pytest_specqa.site import residual_image, timeline
from pytest_specqa.site.residual_image import Residuals
from pytest_specqa.site.stacks import LEVELS, Redshifts, Stack
from pytest_specqa.site.timeline import Box, Floats, Points, Span

BESIDE = 3
"""Neighbours on each side."""
WIDE = 860
HIGH, LOW, COURSE = 190, 56, 96
WORDS = {
    "line_scale": "part of the sky lines that is left",
    "line_shift": "shift of the sky lines [Å]",
    "flux_over_imaging": "flux over that of the imaging",
}


@dataclass(frozen=True)
class Seen:
    """What the pictures of a fiber share.

    Attributes
    ----------
    fiber : int
        FIBER.
    nights : sequence of int
        All nights of the store, rising: the axis.
    spans : sequence of Span
        Intervals in which something was found.
    waves : (float, float) or None
        Wavelengths at which it was found.
    fibers : (int, int) or None
        Range of which `fiber` stands for all.
    """

    fiber: int
    nights: Sequence[int]
    spans: Sequence[Span] = ()
    waves: tuple[float, float] | None = None
    fibers: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """What the pictures call it."""
        low, high = self.fibers or (self.fiber, self.fiber)
        return f"fiber {low}" if low == high else f"fibers {low}–{high} together"

    def box(self, height: int) -> Box:
        """The axis of nights."""
        return timeline.box_of_nights(self.nights, width=WIDE, height=height)


def residuals(camera: str, stacks: Sequence[Stack], seen: Seen, *, beside: Sequence[Stack] | None = None) -> str:
    """HTML of the stacked residuals of a fiber and, below, of its neighbours; empty where there are none.

    Parameters
    ----------
    camera : str
        Its name.
    stacks : sequence of Stack
        Of the fiber and its neighbours, a night each.
    seen : Seen
        What it is about.
    beside : sequence of Stack, optional
        Of its neighbours, where `stacks` has none.

    Returns
    -------
    str
        Pictures, or nothing where no night has residuals.
    """
    own = _of_fiber(stacks, seen.fiber)
    if own is None:
        return ""
    inside, outside = _parted(own, seen)
    spectrum = residual_image.spectra(own.waves, inside, outside, marked=seen.waves, height=HIGH)
    parts = [f'<div class="site-pair">{_figure(f"{seen.name}, {camera}", own, seen, HIGH)}{spectrum}</div>']
    low, high = seen.fibers or (seen.fiber, seen.fiber)
    around = [fiber for fiber in range(low - BESIDE, high + BESIDE + 1) if not low <= fiber <= high or (low < high <= low + BESIDE)]
    rows = [
        _figure(f"fiber {fiber}", other, seen, LOW) for fiber in around if (other := _of_fiber(beside or stacks, fiber)) is not None
    ]
    if rows:
        parts.append(f'<details class="site-beside" open><summary>its neighbours on the slit</summary>{"".join(rows)}</details>')
    return "".join(parts)


def _parted(own: Residuals, seen: Seen) -> tuple[Floats, Floats]:
    """Stack the nights in which something was found, and all others; all nights count as others where nothing was."""
    found = np.zeros(len(own.days), dtype=bool)
    for span in seen.spans:
        found |= (own.days >= span.first) & (own.days <= span.last)
    return _together(own.residual[found]), _together(own.residual[~found])


def _together(residual: NDArray[np.floating[Any]]) -> Floats:
    """Mean of some nights in units of the error of one, NaN where there is nothing."""
    known = np.isfinite(residual)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, residual, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _of_fiber(stacks: Sequence[Stack], fiber: int) -> Residuals | None:
    """Residuals of one fiber over the nights, of those with the bins of the last night that has any."""
    waves = next((stack.waves for stack in reversed(stacks) if stack.waves), ())
    found = [
        (stack.night, stack.residual[fiber - stack.first])
        for stack in stacks
        if stack.waves == waves and 0 <= fiber - stack.first < len(stack.residual)
    ]
    found = [(night, row) for night, row in found if np.isfinite(row).any()]
    if not waves or not found:
        return None
    return Residuals(np.array([timeline.day(night) for night, _ in found]), np.array([row for _, row in found]), waves)


def _figure(name: str, residual: Residuals, seen: Seen, height: int) -> str:
    about = f"stacked residuals of {name}, night by wavelength"
    if height == LOW:
        drawn = residual_image.picture(residual, replace(seen.box(height), ticks=()), about=about)
        return f'<figure class="site-figure site-low"><figcaption>{escape(name)}</figcaption>{drawn}</figure>'
    drawn = residual_image.picture(residual, seen.box(height), spans=seen.spans, marked=seen.waves, about=about)
    return f'<figure class="site-figure"><figcaption>{escape(name)}</figcaption>{drawn}</figure>'


def window(camera: str, stacks: Sequence[Stack], seen: Seen) -> str:
    """HTML of the stacked residual at the wavelengths that were found, night by night; empty without any."""
    own = _of_fiber(stacks, seen.fiber)
    if own is None or seen.waves is None:
        return ""
    edges = np.asarray(own.waves)
    bins = (edges[1:] > seen.waves[0]) & (edges[:-1] < seen.waves[1])
    part = own.residual[:, bins]
    count = np.isfinite(part).sum(axis=1)
    if not count.any():
        return ""
    values = np.where(count > 0, np.nansum(part, axis=1) / np.sqrt(np.maximum(count, 1)), np.nan)
    title = f"residual at {seen.waves[0]:.0f}–{seen.waves[1]:.0f} Å in {camera} [sigmas of a night]"
    return _course(title, own.days, values, seen)


def levels(camera: str, stacks: Sequence[Stack], seen: Seen) -> str:
    """HTML of the courses of `LEVELS` of a fiber; empty where there are none."""
    parts = []
    for name in LEVELS:
        found = [
            (stack.night, float(stack.levels[name][seen.fiber - stack.first]))
            for stack in stacks
            if name in stack.levels and 0 <= seen.fiber - stack.first < len(stack.levels[name])
        ]
        found = [(night, value) for night, value in found if np.isfinite(value)]
        if found:
            days = np.array([timeline.day(night) for night, _ in found])
            values = np.array([value for _, value in found])
            parts.append(_course(f"{WORDS[name]}, {camera}", days, values, seen))
    return "".join(parts)


def _course(title: str, days: Floats, values: Floats, seen: Seen) -> str:
    # Nothing of it is marked, so that no name is shown and nothing leads anywhere.
    nothing = np.zeros(len(days), np.int8)
    points = Points(days, values, values, values, nothing, [""] * len(days), lambda _: "")
    drawn = timeline.picture(points, seen.box(COURSE), spans=seen.spans, about=title)
    return f'<figure class="site-figure"><figcaption>{escape(title)}</figcaption>{drawn}</figure>'


def scatter(redshifts: Redshifts | None, seen: Seen) -> str:
    """HTML of the redshifts that a fiber gave: filled without a warning, rings with one; empty where there are none."""
    if redshifts is None or not redshifts.nights:
        return ""
    box = seen.box(190)
    top = max(1.0, float(np.ceil(max(redshifts.z) * 2) / 2))
    floor, left, right = box.height - timeline.FOOT, timeline.LEFT, box.width - timeline.RIGHT

    def down(z: float) -> float:
        """Pixel of a value."""
        return timeline.TOP + (floor - timeline.TOP) * (1 - min(max(z, 0.0), top) / top)

    parts = [f'<rect class="t-frame" x="{left}" y="{timeline.TOP}" width="{right - left}" height="{floor - timeline.TOP}"/>']
    parts += [timeline.shaded(span, box) for span in seen.spans]
    for good, css in ((False, "t-unsure"), (True, "t-sure")):
        dots = "".join(
            f"M{box.across(timeline.day(night)):.1f},{down(z):.1f}h0"
            for night, z, sure in zip(redshifts.nights, redshifts.z, redshifts.good, strict=True)
            if sure == good
        )
        parts.append(f'<path class="{css}" d="{dots}"/>' if dots else "")
    parts += [
        f'<text class="t-value" x="{left - 4}" y="{y}">z {value:g}</text>' for value, y in ((top, timeline.TOP + 9), (0, floor - 1))
    ]
    number = sum(redshifts.good)
    title = f"redshifts of fiber {seen.fiber}: {number} without a warning (dark), {len(redshifts.z) - number} with one (light)"
    drawn = timeline.svg([*parts, *timeline.ticks(box)], box, title)
    return f'<figure class="site-figure"><figcaption>{escape(title)}</figcaption>{drawn}</figure>'


SCALE = (
    '<p class="specqa-faint">Stacked residuals: sky-subtracted light without that of the object, of all exposures of a night, in '
    'units of its error; <b class="site-below">blue</b> is below zero, <b class="site-above">orange</b> above, grey is no data; '
    "deepest at 8 sigmas. Nights run from left to right, wavelength upwards; the frame is where a change was found.</p>"
)
"""What the pictures mean."""
