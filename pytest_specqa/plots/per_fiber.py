"""One value for each fiber, with its limits shaded and its outliers named."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import BLUE, FAINT, VERMILLION, as_float, fiber_text, literal, new_figure, nothing_to_show, place

MAX_NAMED = 12
GREEN_FILL = "#e3f1e6"


def per_fiber(
    fiber: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    error: npt.ArrayLike | None = None,
    low: float = -math.inf,
    high: float = math.inf,
    label: str = "value",
    unit: str = "",
    title: str = "Value of each fiber",
) -> Figure:
    """Draw a value against FIBER.

    Parameters
    ----------
    fiber : array of shape (n,)
        FIBER (0-4999).
    value, error : array of shape (n,)
        What was measured and its standard error, in `unit`; NaN is counted in the subtitle, not drawn.
    low, high : float, optional
        Limits; what lies between them is shaded.
    label, unit, title : str, optional
        Name and unit of the value; what the picture shows.

    Returns
    -------
    matplotlib.figure.Figure
        Outliers are marked, and the worst of them carry their fiber numbers.
    """
    values, fibers = as_float(value), np.asarray(fiber, dtype=int)
    known = np.isfinite(values)
    if not known.any():
        return nothing_to_show(title, "No fiber has a finite value.")
    outside = known & ~((values >= low) & (values <= high))
    absent = f"; {int((~known).sum())} without a value" if not known.all() else ""
    figure = new_figure(1330, 430, title=title, subtitle=f"{int(outside.sum())} of {values.size} fibers outside the limits{absent}")
    axes = place(figure, (86, 66, 1174, 310))
    errors = as_float(error)
    if errors.shape == values.shape:
        axes.errorbar(fibers[known], values[known], errors[known], fmt="none", ecolor="#c4c4c4", elinewidth=0.8, zorder=1)
    good = known & ~outside
    axes.scatter(fibers[good], values[good], s=12, color=BLUE, lw=0, zorder=2)
    axes.scatter(fibers[outside], values[outside], s=34, marker="D", color=VERMILLION, lw=0, zorder=3)
    seen_low, seen_high = float(values[known].min()), float(values[known].max())
    bounds = [seen_low, seen_high, *(limit for limit in (low, high) if math.isfinite(limit))]
    room = 0.1 * (max(bounds) - min(bounds)) or max(abs(seen_high), 1.0) * 0.1
    axes.set_ylim(min(bounds) - room, max(bounds) + room)
    bottom, top = axes.get_ylim()
    axes.axhspan(max(low, bottom), min(high, top), color=GREEN_FILL, lw=0, zorder=0)
    for limit in (low, high):
        if math.isfinite(limit):
            axes.axhline(limit, color=FAINT, lw=1.0, ls="--")
            axes.text(1.0, limit, f" {limit:.4g}", transform=axes.get_yaxis_transform(), va="center", fontsize=9, color="#444444")
    centre = min(max(float(np.median(values[known])), low), high)
    runs = _runs(fibers, np.flatnonzero(outside))
    runs.sort(key=lambda run: -float(np.abs(values[run] - centre).max()))
    for run in runs[:MAX_NAMED]:
        name = fiber_text((int(fibers[run[0]]), int(fibers[run[-1]]))).split()[1]
        axes.annotate(name, (fibers[run[-1]], values[run[-1]]), xytext=(6, 4), textcoords="offset points", fontsize=9.5)
    axes.set_xlim(fibers.min() - 2, fibers.max() + 2)
    axes.set_xlabel("FIBER (shaded: allowed)")
    axes.set_ylabel(literal(f"{label} [{unit}]" if unit else label))
    return figure


def _runs(fibers: npt.NDArray[np.int_], rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Split rows where the fiber number jumps, so that neighbours share one name."""
    if not rows.size:
        return []
    return np.split(rows, np.flatnonzero(np.diff(fibers[rows]) > 2) + 1)
