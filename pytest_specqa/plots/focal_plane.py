"""The map of residuals over the focal plane: before sky subtraction, and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Wedge

from pytest_specqa.instrument import DESI
from pytest_specqa.plots.canvas import (
    INK,
    FloatArray,
    as_float,
    diverging,
    fiber_text,
    new_figure,
    nothing_to_show,
    place,
    robust_limit,
    short_unit,
)
from pytest_specqa.plots.mark import Mark, outline, ring

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGE = DESI.radius + 5.0
"""Edge of the focal plane in mm, just outside its outermost fibers."""
MAPPED = "electron/Angstrom"
SIDE, LEFT, TOP = 560, 74, 96
HOW = "red: too much light, blue: too little, rings: bright targets, small grey dots: no value"
BRIGHT = 1.3
"""Fibers above this many half ranges of the colour scale hold a bright target, and say nothing of the sky."""


def focal_plane(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    before: npt.ArrayLike | None = None,
    fiber: npt.ArrayLike | None = None,
    caption: str = "",
    unit: str = "electron/Å",
    title: str = "Residual over the focal plane",
    mark: Mark | None = None,
) -> Figure:
    """Draw one or two maps, with the petals outlined and numbered.

    Parameters
    ----------
    x, y : array of shape (n,)
        FIBER_X and FIBER_Y in mm.
    after : array of shape (n,)
        Residual of each fiber after sky subtraction, in `unit`; NaN where there is none.
    before : array of shape (n,), optional
        Flat-fielded flux before sky subtraction; its median is taken out here.
    fiber : array of shape (n,), optional
        FIBER (0-4999); places what fails, and shows which petals have no data.
    caption : str, optional
        What is shown, where it is not light before and after sky subtraction: one map of `after`.
    unit, title : str, optional
        Unit of the values; what the picture shows.
    mark : Mark, optional
        What fails: its fibers are outlined and named.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels with one colour scale, or one panel with a note where `before` is missing.
    """
    across, up, right = as_float(x), as_float(y), as_float(after)
    here = np.isfinite(across) & np.isfinite(up) & ((across != 0) | (up != 0))
    if not (here.any() and np.isfinite(right[here]).any()):
        return nothing_to_show(title, "No fiber has both a position and a residual.")
    fibers = None if fiber is None else np.asarray(fiber, dtype=int)[here]
    where = np.column_stack([across[here], up[here]])
    left = as_float(before)
    left = left[here] if left.shape == here.shape else np.empty(0)
    paired = bool(np.isfinite(left).any())
    panels = [("before sky subtraction, flat-fielded, less its median", left - np.nanmedian(left))] if paired else []
    panels.append((caption or "after sky subtraction", right[here]))
    note = "" if paired or caption else "The flat-fielded data before sky subtraction are not available.  "
    figure = new_figure(len(panels) * (SIDE + 150) + 10, TOP + SIDE + 60, title=title, subtitle=note + HOW)
    reach = _reach(panels, mark)
    for k, (heading, values) in enumerate(panels):
        offset = k * (SIDE + 150)
        axes = place(figure, (LEFT + offset, TOP, SIDE, SIDE))
        bar = place(figure, (LEFT + offset + SIDE + 8, TOP + 60, 13, SIDE - 120))
        _map(axes, bar, where, values=values, reach=reach)
        bar.set_title(short_unit(unit), fontsize=9.5, loc="left", pad=14)
        axes.set_title(heading, pad=8)
        _petals(axes, fibers)
        if mark is not None and mark.places and fibers is not None:
            _outline(axes, where, fibers, mark)
    return figure


def _reach(panels: list[tuple[str, FloatArray]], mark: Mark | None) -> float:
    """Half range of the colours: what fails is seen in half of it, where its size is known in the unit of the map."""
    bulk = max(robust_limit(values, sigmas=2.2) for _, values in panels)
    size = abs(mark.features[0].amplitude) if mark is not None and mark.features and mark.features[0].unit == MAPPED else 0.0
    return min(2.0 * size, bulk) if size > 0 else bulk


def _map(axes: Axes, bar: Axes, where: FloatArray, *, values: FloatArray, reach: float) -> None:
    known = np.isfinite(values)
    bright = known & (values > BRIGHT * reach)
    known &= ~bright
    axes.scatter(where[~known & ~bright, 0], where[~known & ~bright, 1], s=5, color="#c8c8c8", lw=0)
    axes.scatter(where[bright, 0], where[bright, 1], s=9, facecolors="none", edgecolors="#9a9a9a", lw=0.8)
    order = np.argsort(np.abs(values[known]))
    x, y, shade = where[known, 0][order], where[known, 1][order], values[known][order]
    dots = axes.scatter(x, y, c=shade, s=17, lw=0, cmap=diverging(levels=32), vmin=-reach, vmax=reach)
    axes.set_xlim(-EDGE - 36, EDGE + 36)
    axes.set_ylim(-EDGE - 36, EDGE + 36)
    axes.set_aspect("equal")
    axes.set_facecolor("#f4f4f4")
    axes.set_xlabel("FIBER_X [mm]")
    axes.set_ylabel("FIBER_Y [mm]")
    axes.figure.colorbar(dots, cax=bar, extend="both")


def _petals(axes: Axes, fibers: npt.NDArray[np.int_] | None) -> None:
    """Outline the ten petals: petal p spans 252+36p to 288+36p degrees of azimuth."""
    present = set(DESI.petals) if fibers is None else set((fibers // DESI.fibers).tolist())
    axes.add_patch(Circle((0, 0), EDGE, fill=False, ec="#888888", lw=0.9))
    for petal in DESI.petals:
        edge, middle = np.deg2rad(252 + 36 * petal), np.deg2rad(270 + 36 * petal)
        axes.plot([26 * np.cos(edge), EDGE * np.cos(edge)], [26 * np.sin(edge), EDGE * np.sin(edge)], color="#888888", lw=0.9)
        axes.text(
            (EDGE + 18) * np.cos(middle),
            (EDGE + 18) * np.sin(middle),
            str(petal),
            ha="center",
            va="center",
            fontsize=13,
            fontweight="bold" if petal in present else "normal",
            color=INK if petal in present else "#b0b0b0",
        )


def _outline(axes: Axes, where: FloatArray, fibers: npt.NDArray[np.int_], mark: Mark) -> None:
    """Outline the worst place: a petal along its edges, a patch of fibers with a ring, single fibers with a small ring each."""
    places = list(mark.fibers or [each for each, _ in mark.places])
    first, last = places[0]
    if last - first >= DESI.fibers:
        outline(axes, Circle((0, 0), EDGE))
        return
    if last - first == DESI.fibers - 1:
        petal = first // DESI.fibers
        outline(axes, Wedge((0, 0), EDGE, 252 + 36 * petal, 288 + 36 * petal, width=EDGE - 26))
        return
    single = all(low == high for low, high in places) and len(places) > 1
    for low, high in places[:12]:
        inside = where[(fibers >= low) & (fibers <= high)]
        if inside.size:
            _ring(axes, inside, fiber_text((low, high)), least=12 if single else 20)


def _ring(axes: Axes, inside: FloatArray, name: str, *, least: float) -> None:
    centre = np.median(inside, axis=0)
    radius = max(float(np.hypot(*(inside - centre).T).max()) + 8.0, least)
    ring(axes, (float(centre[0]), float(centre[1])), radius)
    above = centre[1] < 0
    axes.annotate(
        name,
        xy=(centre[0], centre[1] + (radius if above else -radius)),
        xytext=(0, 14 if above else -14),
        textcoords="offset points",
        ha="center" if abs(centre[0]) < 200 else ("left" if centre[0] < 0 else "right"),
        va="bottom" if above else "top",
        fontsize=10,
        fontweight="bold",
        color="black",
        bbox={"boxstyle": "round,pad=0.25", "fc": "white", "ec": "black", "lw": 0.8, "alpha": 0.9},
    )
