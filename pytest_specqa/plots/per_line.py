"""One value for each line of the sky, against wavelength."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import BLUE, VERMILLION, as_float, literal, new_figure, nothing_to_show, place
from pytest_specqa.plots.cuts import allowed
from pytest_specqa.plots.mark import GID, Mark


def per_line(
    wave: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    label: str = "value",
    unit: str = "",
    title: str = "Value of each line",
    mark: Mark | None = None,
) -> Figure:
    """Draw a value against the wavelength of its line.

    Parameters
    ----------
    wave, value : array of shape (n,)
        Known wavelength of each line in Angstrom, and what was measured, in `unit`; NaN is left out.
    label, unit, title : str, optional
        Name and unit of the value; what the picture shows.
    mark : Mark, optional
        What fails; its limits are shaded.

    Returns
    -------
    matplotlib.figure.Figure
        A red line is what is judged, a mean of the lines.
    """
    waves, values = as_float(wave), as_float(value)
    known = np.isfinite(values)
    if not known.any():
        return nothing_to_show(title, "No line stands out of the sky.")
    low, high = (mark.low, mark.high) if mark is not None else (-np.inf, np.inf)
    figure = new_figure(1330, 400, title=title, subtitle=f"{int(known.sum())} lines; red: the value that is judged")
    axes = place(figure, (86, 66, 1220, 280))
    axes.scatter(waves[known], values[known], s=26, color=BLUE, lw=0)
    if mark is not None:
        axes.axhline(mark.number, color=VERMILLION, lw=1.4, gid=GID)
    for x, y in zip(waves[known], values[known], strict=True):
        axes.annotate(f"{x:.0f}", (x, y), xytext=(5, 5), textcoords="offset points", fontsize=9)
    wanted = [*values[known], *(one for one in (low, high) if np.isfinite(one))]
    room = 0.15 * (max(wanted) - min(wanted)) or 0.1
    axes.set_ylim(min(wanted) - room, max(wanted) + room)
    allowed(axes, low=low, high=high)
    axes.set_xlabel("wavelength [Å]")
    axes.set_ylabel(literal(f"{label} [{unit}]" if unit else label))
    return figure
