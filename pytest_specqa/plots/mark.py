"""What a picture has to show: the measure that fails, its place, and its number as the text has it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import matplotlib.patheffects as effects
import numpy as np
import numpy.typing as npt
from matplotlib.patches import Circle, Rectangle

from pytest_specqa.plots.canvas import DPI, INK, VERMILLION, literal
from pytest_specqa.values import Feature, Peer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

GID = "mark"
"""Group id of everything drawn at the place of what fails."""
LEAST = 7.0
"""Pixels that a box has at least in each direction: the inside of a smaller one cannot be seen."""
WARNED = "#8a5a00"
LINE, LETTER = 19, 8.0
"""Height of a line of text and width of a letter in pixels."""
Ints = npt.NDArray[np.int_]
Bools = npt.NDArray[np.bool_]
Place = tuple[tuple[int, int], tuple[float, float] | None]


@dataclass(frozen=True)
class Mark:
    """The measurement that a picture shows.

    Attributes
    ----------
    measure : str
        Name of the measure.
    called : str
        What the measure is called in plain words.
    value : str
        The value with error and unit, as the text has it.
    number : float
        The value.
    bounds : str
        What the limit allows, in words.
    fibers : tuple of (int, int)
        Inclusive ranges of FIBER (0-4999) that the value speaks of.
    waves : tuple of float or None
        Wavelength range in Angstrom.
    features : tuple of Feature
        What was found, worst first.
    detail : str
        What the measure says of it.
    peers : tuple of Peer
        The petals among which it was found.
    low, high : float
        The limits, in the unit of the value.
    failed : bool
        Whether it fails; otherwise it warns.
    """

    measure: str
    called: str = ""
    value: str = ""
    number: float = math.nan
    bounds: str = ""
    fibers: tuple[tuple[int, int], ...] = ()
    waves: tuple[float, float] | None = None
    features: tuple[Feature, ...] = ()
    detail: str = ""
    peers: tuple[Peer, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    failed: bool = True

    @property
    def text(self) -> str:
        """Measure, value and limit in one line."""
        bounds = f" ({self.bounds})" if self.bounds else ""
        return f"{'fails' if self.failed else 'warns'}: {self.called or self.measure}: {self.value}{bounds}"

    @property
    def places(self) -> tuple[Place, ...]:
        """Fibers and wavelengths of what was found, worst first; without features, those that the value speaks of."""
        if self.features:
            return tuple((one.fibers, None if one.kind == "window" else _known(one.waves)) for one in self.features)
        return tuple((each, _known(self.waves)) for each in self.fibers)

    def rows(self, fiber: Ints) -> Bools:
        """Tell which fibers the worst place holds.

        Parameters
        ----------
        fiber : ndarray of int, shape (n,)
            FIBER of each row.

        Returns
        -------
        ndarray of bool, shape (n,)
            All, where the value has no place.
        """
        if not self.places:
            return np.ones(fiber.shape, dtype=bool)
        first, last = self.places[0][0]
        return np.asarray((fiber >= first) & (fiber <= last))

    def columns(self, wave: npt.NDArray[np.float64]) -> Bools:
        """Tell which wavelengths the worst place holds.

        Parameters
        ----------
        wave : ndarray, shape (m,)
            Wavelength in Angstrom, rising.

        Returns
        -------
        ndarray of bool, shape (m,)
            At least one where it names any in reach, all where it names none.
        """
        waves = self.places[0][1] if self.places else _known(self.waves)
        if waves is None or not wave.size:
            return np.ones(wave.shape, dtype=bool)
        inside = (wave >= waves[0]) & (wave <= waves[1])
        inside[int(np.abs(wave - sum(waves) / 2).argmin())] = True
        return np.asarray(inside)


def _known(waves: tuple[float, float] | None) -> tuple[float, float] | None:
    return waves if waves is not None and waves[1] > 0 else None


def headline(figure: Figure, mark: Mark) -> None:
    """Write above a picture which measure fails, by how much, and what the measure says of it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Grows by a strip at its top; what is drawn stays as it is.
    mark : Mark
        What fails.
    """
    width, height = figure.get_figwidth() * DPI, figure.get_figheight() * DPI
    letters = int((width - 24) / LETTER)
    text = textwrap.wrap(mark.text, int(letters * 0.88), max_lines=2, placeholder=" …")
    detail = textwrap.wrap(mark.detail[:1].upper() + mark.detail[1:], letters, max_lines=2, placeholder=" …")
    strip = LINE * (len(text) + len(detail)) + 12
    figure.set_figheight((height + strip) / DPI)
    for axes in figure.axes:
        box = axes.get_position(original=True)
        axes.set_position((box.x0, box.y0 * height / (height + strip), box.width, box.height * height / (height + strip)))
    for words in figure.texts:
        words.set_y(words.get_position()[1] * height / (height + strip))
    figure.add_artist(_strip(strip / (height + strip), failed=mark.failed))
    for number, line in enumerate([*text, *detail]):
        strong = number < len(text)
        figure.text(
            12 / width,
            1 - (8 + LINE * number) / (height + strip),
            literal(line),
            ha="left",
            va="top",
            fontsize=11.5 if strong else 10.5,
            fontweight="bold" if strong else "normal",
            color=(VERMILLION if mark.failed else WARNED) if strong else INK,
        )


def _strip(share: float, *, failed: bool) -> Rectangle:
    return Rectangle((0, 1 - share), 1, share, fc="#fdf0ea" if failed else "#fdf6e3", ec="none", zorder=-1)


def outline(axes: Axes, patch: Patch, *, worst: bool = True) -> None:
    """Draw the outline of a place, so that it is seen on dark and on bright.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where.
    patch : matplotlib.patches.Patch
        A box or a ring, in data coordinates.
    worst : bool
        Whether it is the place that the value speaks of; others are thinner.
    """
    patch.set(fill=False, edgecolor="black", linewidth=1.7 if worst else 0.9, gid=GID, zorder=5)
    patch.set_path_effects([effects.withStroke(linewidth=4.0 if worst else 2.2, foreground="white")])
    axes.add_patch(patch)


def box(axes: Axes, across: tuple[float, float], up: tuple[float, float], *, worst: bool = True) -> None:
    """Outline a range of both axes, at least so large that its inside can be seen.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With its final position and limits.
    across, up : tuple of float
        The ranges, in data coordinates.
    worst : bool
        Whether it is the place that the value speaks of.
    """
    width, height = axes.get_position(original=True).size * DPI
    figure = cast("Figure", axes.figure)
    size = (width * figure.get_figwidth(), height * figure.get_figheight())
    (left, right), (low, high) = (
        _widened(sorted(span), LEAST * abs(limits[1] - limits[0]) / pixels)
        for span, limits, pixels in zip((across, up), (axes.get_xlim(), axes.get_ylim()), size, strict=True)
    )
    outline(axes, Rectangle((left, low), right - left, high - low), worst=worst)


def _widened(span: Sequence[float], least: float) -> tuple[float, float]:
    more = max(least - (span[1] - span[0]), 0.0) / 2
    return span[0] - more, span[1] + more


def boxes(axes: Axes, mark: Mark | None, fiber: Ints, *, most: int = 12) -> None:
    """Outline the places of what fails in an image with a row for each fiber.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Wavelength in Angstrom to the right; rows upward, each half a unit to both sides of its number.
    mark : Mark or None
        What fails.
    fiber : ndarray of int, shape (n,)
        FIBER of each row, rising.
    most : int
        Places that are outlined at most.
    """
    if mark is None or not fiber.size:
        return
    ends = axes.get_xlim()
    for number, (fibers, waves) in reversed(list(enumerate(mark.places[:most]))):
        first, last = np.searchsorted(fiber, fibers[0]), np.searchsorted(fiber, fibers[1], side="right")
        if last > first:
            box(axes, waves or ends, (float(first) - 0.5, float(last) - 0.5), worst=number == 0)


def ring(axes: Axes, centre: tuple[float, float], radius: float) -> None:
    """Outline a round place."""
    outline(axes, Circle(centre, radius))


def spans(axes: Axes, ranges: Sequence[tuple[float, float]], *, least: float = 0.0) -> None:
    """Shade ranges of the horizontal axis, at least `least` wide."""
    for span in ranges:
        axes.axvspan(*_widened(sorted(span), least), color=VERMILLION, alpha=0.16, lw=0, zorder=0, gid=GID)
