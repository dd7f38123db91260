"""Stacked residuals of one fiber, night by wavelength, as a small picture: blue below zero, orange above, the deeper the surer."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.printable import escape
from pytest_specqa.site.stacks import Floats
from pytest_specqa.site.timeline import FOOT, LEFT, RIGHT, TOP, Box, Span, shaded, svg, ticks

ASIDE = 480
"""Width of a spectrum beside an image."""
DEEPEST = 8.0
"""Sigmas from which on a colour is deepest; a stack of noise stays below 4."""
UNKNOWN = 255
_ENDS = ((29, 78, 137), (247, 247, 247), (176, 82, 4))
"""Blue, white and orange, which the colour-blind tell apart as well (after ColorBrewer's PuOr and RdBu)."""


@dataclass(frozen=True)
class Residuals:
    """Stacked residuals of one fiber.

    Attributes
    ----------
    days : ndarray, shape (n_night,)
        Places of the nights on the axis.
    residual : ndarray, shape (n_night, n_bin)
        In units of their error; NaN where not known.
    waves : tuple of float
        The n_bin + 1 edges in Angstrom.
    """

    days: NDArray[np.float64]
    residual: Floats
    waves: tuple[float, ...]


def palette() -> list[int]:
    """Red, green and blue of 255 steps from below zero to above, and of what is not known."""
    steps = np.linspace(-1, 1, 255)
    low, middle, high = (np.array(end, dtype=float) for end in _ENDS)
    share = np.abs(steps)[:, None] ** 0.8
    colours = np.where(steps[:, None] < 0, middle + share * (low - middle), middle + share * (high - middle))
    return [*np.rint(colours).astype(int).ravel().tolist(), 205, 205, 212]


def png(values: Floats) -> str:
    """PNG of an image in sigmas as base64; rows and columns stay as they are, NaN is grey."""
    from PIL import Image  # noqa: PLC0415

    level = np.rint((np.clip(np.nan_to_num(values) / DEEPEST, -1, 1) + 1) * 127)
    picture = Image.fromarray(np.where(np.isfinite(values), level, UNKNOWN).astype(np.uint8)).convert("P")
    picture.putpalette(palette())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=4)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def columns(days: NDArray[np.float64], residual: Floats, box: Box) -> Floats:
    """Stack the nights that fall on one pixel column.

    Parameters
    ----------
    days : ndarray, shape (n_night,)
        Places on the axis.
    residual : ndarray, shape (n_night, n_bin)
        In sigmas.
    box : Box
        The axis.

    Returns
    -------
    ndarray, shape (n_bin, n_column)
        In sigmas, red above blue; NaN where there is nothing. A night fills the columns up to the next one, at most a day's.
    """
    width = box.width - LEFT - RIGHT
    summed, count = np.zeros((width, residual.shape[1])), np.zeros((width, residual.shape[1]))
    first = np.floor(width * (days - 0.5 - box.first) / (box.last - box.first)).astype(int)
    last = np.maximum(np.ceil(width * (days + 0.5 - box.first) / (box.last - box.first)).astype(int), first + 1)
    known = np.isfinite(residual)
    filled = np.where(known, residual, 0)
    for row, (low, high) in enumerate(zip(np.clip(first, 0, width), np.clip(last, 0, width), strict=True)):
        summed[low:high] += filled[row]
        count[low:high] += known[row]
    return np.where(count > 0, summed / np.sqrt(np.maximum(count, 1)), np.nan).T[::-1]


def picture(
    stacks: Residuals, box: Box, *, spans: Sequence[Span] = (), marked: tuple[float, float] | None = None, about: str
) -> str:
    """Draw the residuals of one fiber.

    Parameters
    ----------
    stacks : Residuals
        Of one fiber.
    box : Box
        Size and axis.
    spans : sequence of Span
        Intervals that are framed.
    marked : (float, float) or None
        Wavelengths that are framed with them.
    about : str
        What it shows, for readers that cannot see it.

    Returns
    -------
    str
        An ``svg`` element.
    """
    floor = box.height - FOOT
    width, height = box.width - LEFT - RIGHT, floor - TOP
    data = png(columns(stacks.days, stacks.residual, box))
    place = f'x="{LEFT}" y="{TOP}" width="{width}" height="{height}" preserveAspectRatio="none"'
    parts = [f'<image class="site-picture" {place} href="data:image/png;base64,{data}"/>']
    low, high = stacks.waves[0], stacks.waves[-1]

    def down(wave: float) -> float:
        """Pixel of a value."""
        return TOP + height * (high - min(max(wave, low), high)) / (high - low)

    for span in spans:
        left, right = (min(max(box.across(end), LEFT), LEFT + width) for end in (span.first, span.last))
        top, bottom = (down(marked[1]) - 4, down(marked[0]) + 4) if marked else (TOP, floor)
        frame = f'x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 3):.1f}" height="{max(bottom - top, 4):.1f}"'
        parts.append(f'<rect class="t-frame-of" {frame}><title>{escape(span.told)}</title></rect>')
    parts += [
        f'<text class="t-value" x="{LEFT - 4}" y="{y}">{wave:.0f} Å</text>' for wave, y in ((high, TOP + 9), (low, floor - 1))
    ]
    return svg([*parts, *ticks(box)], box, about)


def spectra(waves: Sequence[float], inside: Floats, outside: Floats, *, marked: tuple[float, float] | None, height: int) -> str:
    """Draw what the nights of an interval have in common against wavelength, beside all other nights.

    Parameters
    ----------
    waves : sequence of float
        The n_bin + 1 edges in Angstrom.
    inside, outside : ndarray, shape (n_bin,)
        Means of the nights, in units of the error of a night; NaN where not known.
    marked : (float, float) or None
        Wavelengths that are shaded.
    height : int
        Of the picture.

    Returns
    -------
    str
        HTML of a figure.
    """
    edges = np.asarray(waves)
    box = Box(
        ASIDE, height, float(edges[0]), float(edges[-1]), [(float(edge), f"{edge:.0f} Å") for edge in _round(edges[0], edges[-1])]
    )
    top = max(1.0, *(float(np.nanmax(np.abs(part))) for part in (inside, outside) if np.isfinite(part).any()), 1.0)
    floor = box.height - FOOT

    def down(value: float) -> float:
        """Pixel of a value."""
        return TOP + (floor - TOP) * (0.5 - 0.46 * value / top)

    parts = [f'<rect class="t-frame" x="{LEFT}" y="{TOP}" width="{box.width - LEFT - RIGHT}" height="{floor - TOP}"/>']
    parts += [shaded(Span(*marked, "where it was found"), box)] if marked else []
    parts.append(f'<path class="t-tick" d="M{LEFT},{down(0):.1f}H{box.width - RIGHT}"/>')
    for part, css in ((outside, "t-outside"), (inside, "t-inside")):
        steps = "".join(
            f"M{box.across(low):.1f},{down(value):.1f}H{box.across(high):.1f}"
            for low, high, value in zip(edges[:-1], edges[1:], part, strict=True)
            if np.isfinite(value)
        )
        parts.append(f'<path class="{css}" d="{steps}"/>' if steps else "")
    parts += [f'<text class="t-value" x="{LEFT - 4}" y="{down(value) + 4:.1f}">{value:+.1f}</text>' for value in (top, -top)]
    told = (
        "mean of a night: inside the interval (dark), on all other nights (light)"
        if np.isfinite(inside).any()
        else "mean of a night"
    )
    return f'<figure class="site-figure"><figcaption>{told}</figcaption>{svg([*parts, *ticks(box)], box, told)}</figure>'


def _round(low: float, high: float) -> list[float]:
    """Round wavelengths within a range."""
    step = 500.0 if high - low > 1200 else 200.0
    return [float(wave) for wave in np.arange(np.ceil((low + 60) / step) * step, high - 60, step)]
