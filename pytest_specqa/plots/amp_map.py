"""A fiber by wavelength image with the amplifier boundaries drawn in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import (
    FAINT,
    INK,
    VERMILLION,
    FloatArray,
    as_float,
    diverging,
    new_figure,
    nothing_to_show,
    place,
    robust_limit,
    short_unit,
)
from pytest_specqa.plots.cuts import binned
from pytest_specqa.plots.mark import Mark, boxes, spans

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT = 74
CUT, CUT_COLUMNS = 230, 120
"""Height in pixels of the cut below the image, and its points: 16 Angstrom each, as levels of amplifiers are broad."""


def amp_map(
    image: npt.ArrayLike,
    wave: npt.ArrayLike,
    *,
    fiber: npt.ArrayLike,
    fiber_split: float | None = None,
    wave_split: float | npt.ArrayLike | None = None,
    values: Mapping[str, float] | None = None,
    worst: str = "",
    unit: str = "electron/Å",
    title: str = "Amplifiers",
    mark: Mark | None = None,
) -> Figure:
    """Draw the image, the boundaries, and a value in each quarter.

    Parameters
    ----------
    image : array of shape (n, nw)
        Residual or other quantity around zero, in `unit`; NaN is drawn grey.
    wave : array of shape (nw,)
        Wavelength in Angstrom.
    fiber : array of shape (n,)
        FIBER of each row (0-4999).
    fiber_split : float, optional
        FIBER at which amplifiers A and C end and B and D begin; the middle of `fiber` by default.
    wave_split : float or array of shape (n,), optional
        Wavelength at which A and B end and C and D begin, for all or for each fiber; none is drawn where it is not given, as the
        boundary is curved on this grid.
    values : mapping of str to float, optional
        What was measured for each amplifier, ``{"A": 0.3, ...}``, in `unit`.
    worst : str, optional
        Amplifier that is shown in bold.
    unit, title : str, optional
        Unit of the image; what the picture shows.
    mark : Mark, optional
        What fails: its place is outlined, and cut along wavelength below the image.

    Returns
    -------
    matplotlib.figure.Figure
        Lower left A, lower right C, upper left B, upper right D.
    """
    array, waves, fibers = as_float(image), as_float(wave), np.asarray(fiber, dtype=int)
    if not np.isfinite(array).any():
        return nothing_to_show(title, "No good pixel: every value is masked, NaN or absent.")
    how = "fiber against wavelength: amplifiers A, C below and B, D above; low wavelengths (A, B) on the left"
    blocks = block_mean(array)
    high, across = 2 * blocks.shape[0], 2 * blocks.shape[1]
    figure = new_figure(LEFT + across + 96, 62 + high + 60 + (CUT if mark else 0), title=title, subtitle=how)
    axes = place(figure, (LEFT, 62, across, high))
    reach = robust_limit(blocks)
    extent = (waves[0], waves[-1], -0.5, len(fibers) - 0.5)
    drawn = axes.imshow(
        blocks,
        cmap=diverging(levels=16),
        vmin=-reach,
        vmax=reach,
        origin="lower",
        extent=extent,
        aspect="auto",
        interpolation="nearest",
    )
    row = float(np.searchsorted(fibers, np.mean(fibers) + 0.5 if fiber_split is None else fiber_split)) - 0.5
    axes.axhline(row, color=INK, lw=1.3)
    split = np.broadcast_to(as_float(wave_split), fibers.shape) if wave_split is not None else None
    if split is not None:
        axes.plot(split, np.arange(len(fibers)), color=INK, lw=1.3)
    _quarters(axes, row=row, middle=split, values=values or {}, worst=worst)
    ticks = np.arange(0, len(fibers), 50 if len(fibers) > 60 else max(len(fibers) // 5, 1))
    axes.set_yticks(ticks, [str(fibers[i]) for i in ticks])
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    axes.set_ylabel("FIBER")
    axes.set_xlabel("wavelength as in the file [Å]")
    if mark is not None:
        boxes(axes, mark, fibers)
        _cut(figure, array, waves, fibers=fibers, mark=mark, box=(LEFT, 62 + high + 66, across, CUT - 76), unit=unit)
    bar = place(figure, (LEFT + across + 12, 90, 14, high - 50))
    figure.colorbar(drawn, cax=bar, extend="both")
    bar.set_title(short_unit(unit), fontsize=9.5, loc="left", pad=14)
    return figure


def _cut(
    figure: Figure,
    array: FloatArray,
    waves: FloatArray,
    *,
    fibers: Any,
    mark: Mark,
    box: tuple[float, float, float, float],
    unit: str,
) -> None:
    """Median of the marked fibers against wavelength, over that of the others."""
    small, grid = binned(array, waves, columns=CUT_COLUMNS)
    inside = mark.rows(fibers)
    axes = place(figure, box)
    axes.axhline(0.0, color="#999999", lw=0.8)
    for rows, colour, name in ((~inside, FAINT, "all other fibers"), (inside, VERMILLION, "fibers of the box")):
        known = np.isfinite(small[rows]).any(axis=0)
        if known.any():
            middle = np.nanmedian(small[rows][:, known], axis=0)
            axes.plot(grid[known], middle, color=colour, lw=1.4, label=name)
    if mark.places and (span := mark.places[0][1]):
        spans(axes, [span])
    axes.set_xlim(waves[0], waves[-1])
    axes.set_ylabel(unit)
    axes.set_xlabel("wavelength as in the file [Å]")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, ncols=2)


def block_mean(array: FloatArray) -> FloatArray:
    """Mean of blocks of two fibers by four wavelength bins, ignoring NaN: amplifiers differ over many pixels, noise does not."""
    rows, columns = array.shape
    padded = np.full((rows + rows % 2, columns + -columns % 4), np.nan)
    padded[:rows, :columns] = array
    blocks = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 4, 4)
    good = np.isfinite(blocks)
    count = good.sum(axis=(1, 3))
    total = np.where(good, blocks, 0.0).sum(axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _quarters(axes: Axes, *, row: float, middle: FloatArray | None, values: Mapping[str, float], worst: str) -> None:
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    centre = float(np.nanmean(middle)) if middle is not None else (left + right) / 2
    for amp, x, y in (
        ("A", (left + centre) / 2, (bottom + row) / 2),
        ("C", (centre + right) / 2, (bottom + row) / 2),
        ("B", (left + centre) / 2, (row + top) / 2),
        ("D", (centre + right) / 2, (row + top) / 2),
    ):
        text = amp if amp not in values else f"{amp}  {values[amp]:+.3g}"
        box = {"boxstyle": "round,pad=0.3", "fc": "white", "ec": INK, "lw": 2.0 if amp == worst else 0.5, "alpha": 0.9}
        axes.text(x, y, text, ha="center", va="center", fontsize=12, fontweight="bold" if amp == worst else "normal", bbox=box)
