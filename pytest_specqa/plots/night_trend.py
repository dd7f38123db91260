"""A measure of one camera over its past nights, with the value that is judged beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import BLUE, FAINT, INK, VERMILLION, as_float, literal, new_figure, nothing_to_show, place
from pytest_specqa.plots.mark import GID, Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = "#dcebf6"
NAMED = 8
"""Nights that are named below the axis."""


def night_trend(
    night: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    judged: int = 0,
    low: float = -math.inf,
    high: float = math.inf,
    center: float = math.nan,
    label: str = "value",
    title: str = "Past nights",
    mark: Mark | None = None,
) -> Figure:
    """Draw values against the nights that they were measured on, in order and without the gaps between them.

    Parameters
    ----------
    night : array of shape (n,)
        YYYYMMDD of each value.
    value : array of shape (n,)
        What was measured; NaN is left out.
    judged : int, optional
        Night that is judged, right of all others.
    low, high : float, optional
        What is usual lies between them; it is shaded.
    center : float, optional
        The value that was expected.
    label, title : str, optional
        Name of the value; what the picture shows.
    mark : Mark, optional
        The value that is judged.

    Returns
    -------
    matplotlib.figure.Figure
        Points are values, dark ones the median of each night.
    """
    nights, values = np.asarray(night, int), as_float(value)
    known = np.isfinite(values)
    if not known.any():
        return nothing_to_show(title, "No value of a past night is known.")
    days, which = np.unique(nights[known], return_inverse=True)
    values = values[known]
    figure = new_figure(1330, 420, title=title, subtitle=f"{len(days)} nights; dark: median of a night; blue: usual; red: judged")
    axes = place(figure, (86, 66, 1220, 290))
    axes.scatter(which, values, s=9, color=FAINT, alpha=0.6, lw=0)
    axes.plot(range(len(days)), [np.median(values[which == number]) for number in range(len(days))], "o", ms=4, color=INK)
    shown = [*values, *(one for one in (low, high, center) if math.isfinite(one))]
    if mark is not None:
        shown.append(mark.number)
        axes.plot([len(days) + 1], [mark.number], "D", ms=8, color=VERMILLION, gid=GID)
    room = 0.08 * (max(shown) - min(shown)) or 0.1
    axes.set_ylim(min(shown) - room, max(shown) + room)
    bottom, top = axes.get_ylim()
    axes.axhspan(max(low, bottom), min(high, top), color=BAND, lw=0, zorder=0)
    if math.isfinite(center):
        axes.axhline(center, color=BLUE, lw=1.0)
    _name_nights(axes, [*days.tolist()], judged)
    axes.set_ylabel(literal(mark.called.removesuffix(" against own nights") if mark is not None else label))
    return figure


def _name_nights(axes: Axes, days: list[int], judged: int) -> None:
    step = max(len(days) // NAMED, 1)
    places = [*range(0, len(days) - step // 2, step), *([len(days) + 1] if judged else [])]
    names = [str((*days, 0, judged)[number]) for number in places]
    axes.set_xticks(places, names)
    axes.set_xlim(-1, len(days) + 2)
    axes.set_xlabel("night")
