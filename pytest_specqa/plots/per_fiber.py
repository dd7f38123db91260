"""One value for each fiber, with its limits shaded and its outliers named."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import (
    BLUE,
    FAINT,
    VERMILLION,
    FloatArray,
    as_float,
    fiber_text,
    literal,
    new_figure,
    nothing_to_show,
    place,
)
from pytest_specqa.plots.mark import Mark, spans

MAX_NAMED = 12
GREEN_FILL = "#e3f1e6"

BoolArray = npt.NDArray[np.bool_]


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
    limited: str = "",
    mark: Mark | None = None,
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
    limited : str, optional
        How the limits of what fails hold for what is shown: ``value`` as they are, ``size`` for its absolute value, ``depth`` for
        what it lies below zero.
    mark : Mark, optional
        What fails: its fibers are shaded.

    Returns
    -------
    matplotlib.figure.Figure
        Outliers are marked, and the worst of them carry their fiber numbers.
    """
    values, fibers = as_float(value), np.asarray(fiber, dtype=int)
    known = np.isfinite(values)
    if not known.any():
        return nothing_to_show(title, "No fiber has a finite value.")
    if limited and mark is not None:
        low, high = {"value": (mark.low, mark.high), "size": (-mark.high, mark.high), "depth": (-mark.high, math.inf)}[limited]
    outside = known & ~((values >= low) & (values <= high))
    places = [] if mark is None else list(mark.fibers or [each for each, _ in mark.places])
    marked = known & np.logical_or.reduce(
        [(fibers >= first) & (fibers <= last) for first, last in places] or [np.zeros_like(known)]
    )
    whole = len(places) == 1 and marked.sum() == known.sum()
    named = marked if marked.any() and not whole else outside
    bottom, top = _range(values[known], low, high)
    if limited == "depth":
        # The light of objects is as high as they are bright, and not what fails.
        top = min(top, 3.0 * max(-bottom, -low))
    beyond = known & ((values < bottom) | (values > top))
    figure = new_figure(
        1330,
        430,
        title=title,
        subtitle=_counts(outside, known, beyond, limited=mark is None and (math.isfinite(low) or math.isfinite(high))),
    )
    axes = place(figure, (86, 66, 1174, 310))
    errors = as_float(error)
    if errors.shape == values.shape:
        axes.errorbar(fibers[known], values[known], errors[known], fmt="none", ecolor="#c4c4c4", elinewidth=0.8, zorder=1)
    good = known & ~named
    axes.scatter(fibers[good], values[good], s=12, color=BLUE, lw=0, zorder=2)
    axes.scatter(fibers[named], values[named], s=34, marker="D", color=VERMILLION, lw=0, zorder=3)
    spans(axes, [(first - 0.5, last + 0.5) for first, last in places[:MAX_NAMED]], least=3.0)
    axes.set_ylim(bottom, top)
    for k in np.flatnonzero(beyond):
        above = values[k] > top
        edge = top if above else bottom
        axes.plot(fibers[k], edge, marker="^" if above else "v", ms=7, color=VERMILLION if named[k] else BLUE, clip_on=False)
    if math.isfinite(low) or math.isfinite(high):
        axes.axhspan(max(low, bottom), min(high, top), color=GREEN_FILL, lw=0, zorder=0)
    for limit in (low, high):
        if math.isfinite(limit):
            axes.axhline(limit, color=FAINT, lw=1.0, ls="--")
            axes.text(1.0, limit, f" {limit:.4g}", transform=axes.get_yaxis_transform(), va="center", fontsize=9, color="#444444")
    centre = min(max(float(np.median(values[known])), low), high)
    runs = _runs(fibers, np.flatnonzero(named))
    runs.sort(key=lambda run: -float(np.abs(values[run] - centre).max()))
    for run in runs[:MAX_NAMED]:
        name = fiber_text((int(fibers[run[0]]), int(fibers[run[-1]]))).split()[1]
        axes.annotate(
            name, (fibers[run[-1]], min(max(values[run[-1]], bottom), top)), xytext=(6, 4), textcoords="offset points", fontsize=9.5
        )
    axes.set_xlim(fibers.min() - 2, fibers.max() + 2)
    axes.set_xlabel("FIBER (shaded: allowed)" if math.isfinite(low) or math.isfinite(high) else "FIBER")
    axes.set_ylabel(literal(f"{label} [{unit}]" if unit else label))
    return figure


def _range(values: FloatArray, low: float, high: float) -> tuple[float, float]:
    """Vertical range: limits and bulk always, and outliers too unless they would flatten everything else."""
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle))) or float(np.std(values))
    wanted = [middle - 8 * spread, middle + 8 * spread, *(limit for limit in (low, high) if math.isfinite(limit))]
    least, most = min(wanted), max(wanted)
    reach = most - least
    least = min(least, max(float(values.min()), least - reach))
    most = max(most, min(float(values.max()), most + reach))
    room = 0.06 * (most - least) or max(abs(middle), 1.0) * 0.1
    return least - room, most + room


def _counts(outside: BoolArray, known: BoolArray, beyond: BoolArray, *, limited: bool) -> str:
    parts = [f"{int(outside.sum())} of {known.size} fibers outside the limits" if limited else f"{known.size} fibers"]
    parts += [f"{int((~known).sum())} without a value"] if not known.all() else []
    parts += [f"{int(beyond.sum())} beyond the edges (triangles)"] if beyond.any() else []
    return "; ".join(parts)


def _runs(fibers: npt.NDArray[np.int_], rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Split rows where the fiber number jumps, so that neighbours share one name."""
    if not rows.size:
        return []
    return np.split(rows, np.flatnonzero(np.diff(fibers[rows]) > 2) + 1)
