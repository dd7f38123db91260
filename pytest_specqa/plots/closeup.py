"""The surroundings of what fails, large enough to see single fibers and bins, and the spectrum there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pytest_specqa.plots.canvas import FAINT, NO_DATA, VERMILLION, FloatArray, fiber_text, place, robust_limit, symmetric_limit
from pytest_specqa.plots.mark import Mark, box, spans

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

HEIGHT = 270
"""Pixels that a close-up takes below an image."""
AROUND, BESIDE = 15, 25.0
"""Fibers and Angstrom to either side of what fails that are shown at least."""
MOST = 120
"""Fibers that are shown at most."""


def closeup(
    figure: Figure,
    image: FloatArray,
    waves: FloatArray,
    *,
    fibers: npt.NDArray[np.int_],
    mark: Mark,
    corner: tuple[float, float],
    across: float,
    colours: Colormap,
    unit: str,
) -> None:
    """Draw the surroundings of the worst place, and the mean spectrum of its fibers beside that of their neighbours.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        With room for `HEIGHT` pixels.
    image, waves : ndarray, shape (n, m) and (m,)
        Spectra, and wavelengths in Angstrom.
    fibers : ndarray of int, shape (n,)
        FIBER of each row, rising.
    mark : Mark
        What fails; its worst place has wavelengths.
    corner : tuple of float
        Left and top in pixels.
    across : float
        Width in pixels.
    colours : matplotlib.colors.Colormap
        Of the image.
    unit : str
        Of the spectra.
    """
    (first, last), span = mark.places[0]
    span = span or (float(waves[0]), float(waves[-1]))
    inside = mark.rows(fibers)
    low, high = np.searchsorted(fibers, first), np.searchsorted(fibers, last, side="right")
    more = max(AROUND, min(int(high - low), MOST // 2) // 2)
    rows = slice(max(int(low) - more, 0), min(int(high) + more, len(fibers)))
    reach = max(BESIDE, span[1] - span[0])
    columns = np.flatnonzero((waves >= span[0] - reach) & (waves <= span[1] + reach))
    if not columns.size or not high > low:
        return
    # Objects are taken off, lest their light be all that is seen.
    image = image[:, columns[0] : columns[-1] + 1]
    image = image - _middle(image.T)[:, None]
    part, grid = image[rows], waves[columns]
    left, top = corner
    axes = place(figure, (left, top + 22, 0.42 * across, HEIGHT - 80))
    reach = robust_limit(part - np.nanmedian(part), sigmas=4.0) if np.isfinite(part).any() else 1.0
    bottom, most = -reach, reach
    step = float(np.median(np.diff(grid))) / 2 if grid.size > 1 else 0.5
    extent = (grid[0] - step, grid[-1] + step, rows.start - 0.5, rows.stop - 0.5)
    axes.set_facecolor(NO_DATA)
    axes.imshow(part, cmap=colours, vmin=bottom, vmax=most, origin="lower", extent=extent, aspect="auto", interpolation="nearest")
    ticks = np.unique(np.linspace(rows.start, rows.stop - 1, 5).astype(int))
    axes.set_yticks(ticks, [str(fibers[row]) for row in ticks])
    axes.set_ylabel("FIBER")
    axes.set_xlabel("wavelength as in the file [Å]")
    axes.set_title("close-up, each fiber less its median", pad=4)
    box(axes, (span[0] - step, span[1] + step), (float(low) - 0.5, float(high) - 0.5))
    beside = place(figure, (left + 0.42 * across + 90, top + 22, 0.58 * across - 90, HEIGHT - 80))
    near = np.zeros(len(fibers), dtype=bool)
    near[rows] = True
    curves = [_middle(image[chosen]) for chosen in (near & ~inside, inside)]
    for values, colour, name in zip(curves, (FAINT, VERMILLION), ("the fibers around", fiber_text((first, last))), strict=True):
        beside.plot(grid, values, color=colour, lw=1.3, drawstyle="steps-mid", label=name)
    beside.axhline(0.0, color="#999999", lw=0.8, zorder=0)
    size = 1.2 * max(symmetric_limit(values, percent=100.0) for values in curves)
    beside.set_ylim(-size, size)
    beside.set_xlim(axes.get_xlim())
    spans(beside, [span], least=2 * step)
    beside.set_ylabel(unit)
    beside.set_xlabel("wavelength as in the file [Å]")
    beside.set_title("median spectrum", pad=4)
    beside.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, ncols=2)


def _middle(rows: FloatArray) -> FloatArray:
    """Median over rows, NaN where there is none."""
    found = np.full(rows.shape[1], np.nan)
    good = np.isfinite(rows).any(axis=0)
    found[good] = np.nanmedian(rows[:, good], axis=0)
    return found
