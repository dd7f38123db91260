"""An image of fibers by wavelength with two cuts through what fails: along wavelength, and along fiber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pytest_specqa.instrument import DESI
from pytest_specqa.plots.canvas import (
    BLUE,
    FAINT,
    INK,
    VERMILLION,
    FloatArray,
    diverging,
    fiber_text,
    place,
    short_unit,
    symmetric_limit,
)
from pytest_specqa.plots.mark import Mark, boxes, spans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Ints = npt.NDArray[np.int_]
LEFT, ACROSS, HIGH, TOP = 78, 1159, 340, 62
SIZE = (LEFT + ACROSS + 96, 860)
"""Width and height in pixels of a figure of an image and two cuts."""
COLUMNS = 580
"""Columns of an image of which two pixels are one."""


def binned(image: FloatArray, wave: FloatArray, *, columns: int = COLUMNS) -> tuple[FloatArray, FloatArray]:
    """Average neighbouring wavelengths, ignoring NaN.

    Parameters
    ----------
    image : ndarray, shape (n, m)
        Any.
    wave : ndarray, shape (m,)
        Wavelength in Angstrom.
    columns : int
        Columns that may be left.

    Returns
    -------
    ndarray, ndarray
        Image of shape (n, k) and wavelengths of shape (k,).
    """
    step = max(-(-image.shape[1] // columns), 1)
    count = image.shape[1] // step
    blocks = image[:, : count * step].reshape(len(image), count, step)
    good = np.isfinite(blocks)
    number = good.sum(axis=2)
    mean = np.where(number > 0, np.where(good, blocks, 0.0).sum(axis=2) / np.maximum(number, 1), np.nan)
    return mean, wave[: count * step].reshape(count, step).mean(axis=1)


def draw_image(
    figure: Figure,
    image: FloatArray,
    waves: FloatArray,
    *,
    fibers: Ints,
    reach: float,
    unit: str,
    mark: Mark | None,
    middle: float = 0.0,
) -> Axes:
    """Draw the image with the places of what fails outlined.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Of `SIZE`.
    image, waves : ndarray, shape (n, m) and (m,)
        What is shown, in `unit`; NaN is grey.
    fibers : ndarray of int, shape (n,)
        FIBER of each row, rising.
    reach : float
        Half range of the colours.
    unit : str
        Above the colour bar.
    mark : Mark or None
        What fails.
    middle : float
        What is white.

    Returns
    -------
    matplotlib.axes.Axes
        Rows are numbered from 0; their FIBER is written.
    """
    axes = place(figure, (LEFT, TOP, ACROSS, HIGH))
    step = float(np.median(np.diff(waves))) if waves.size > 1 else 1.0
    drawn = axes.imshow(
        image,
        cmap=diverging(levels=24),
        vmin=middle - reach,
        vmax=middle + reach,
        origin="lower",
        extent=(waves[0] - step / 2, waves[-1] + step / 2, -0.5, len(fibers) - 0.5),
        aspect="auto",
        interpolation="nearest",
    )
    ticks = np.arange(0, len(fibers), 50 if len(fibers) > 60 else max(len(fibers) // 5, 1))
    axes.set_yticks(ticks, [str(fibers[i]) for i in ticks])
    axes.set_ylabel("FIBER")
    axes.set_xlabel("wavelength as in the file [Å]")
    axes.spines[["top", "right"]].set_visible(True)
    boxes(axes, mark, fibers)
    bar = place(figure, (LEFT + ACROSS + 12, TOP + 26, 14, HIGH - 46))
    figure.colorbar(drawn, cax=bar, extend="both")
    bar.set_title(short_unit(unit), fontsize=9.5, loc="left")
    return axes


def along_wavelength(
    figure: Figure,
    curves: FloatArray,
    waves: FloatArray,
    *,
    fibers: Ints,
    own: FloatArray,
    mark: Mark | None,
    label: str,
    **limits: Any,
) -> Axes:
    """Draw the marked fibers against wavelength, over the groups of 50 that are not marked.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Of `SIZE`.
    curves, waves : ndarray, shape (n, m) and (m,)
        Values of each fiber.
    fibers : ndarray of int, shape (n,)
        FIBER of each row.
    own : ndarray, shape (m,)
        Values of what is marked.
    mark : Mark or None
        What fails.
    label : str
        Of the vertical axis.
    **limits
        As for `allowed`.

    Returns
    -------
    matplotlib.axes.Axes
        The marked wavelengths are shaded.
    """
    axes = place(figure, (LEFT, 484, ACROSS, 140))
    inside = np.zeros(len(fibers), dtype=bool) if mark is None else mark.rows(fibers)
    for start in np.unique(fibers // DESI.patch):
        rows = (fibers // DESI.patch == start) & ~inside
        if rows.any():
            _curve(axes, waves, _middle(curves[rows]), color="#b9b9b9", lw=0.8)
    name = fiber_text(mark.places[0][0]) if mark is not None and mark.places else "median of all fibers"
    _curve(axes, waves, own, color=VERMILLION, lw=1.5, label=name)
    low, high = _reach(np.append(own, _middle(curves)), **limits)
    axes.set_ylim(low, high)
    allowed(axes, **limits)
    axes.set_xlim(waves[0], waves[-1])
    if mark is not None and mark.places and (span := mark.places[0][1]):
        spans(axes, [span], least=(waves[-1] - waves[0]) / 400)
    axes.set_ylabel(label)
    axes.set_xlabel("wavelength as in the file [Å]")
    axes.set_title("red: the fibers of the box; grey: the other groups of 50 fibers", pad=4)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    return axes


def along_fiber(
    figure: Figure, values: FloatArray, *, fibers: Ints, mark: Mark | None, label: str, where: str, **limits: Any
) -> Axes:
    """Draw the marked wavelengths against fiber.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Of `SIZE`.
    values : ndarray, shape (n,)
        Value of each fiber at the marked wavelengths.
    fibers : ndarray of int, shape (n,)
        FIBER of each row.
    mark : Mark or None
        What fails.
    label, where : str
        Of the vertical axis; the wavelengths in words.
    **limits
        As for `allowed`.

    Returns
    -------
    matplotlib.axes.Axes
        The marked fibers are shaded.
    """
    axes = place(figure, (LEFT, 694, ACROSS, 110))
    axes.scatter(fibers, values, s=6, color=INK, lw=0)
    axes.set_ylim(*_reach(values, **limits))
    allowed(axes, **limits)
    for boundary in range(int(fibers[0]) // DESI.patch * DESI.patch, int(fibers[-1]) + 2, DESI.patch):
        axes.axvline(boundary - 0.5, color="#dddddd", lw=0.7, zorder=0)
    axes.set_xlim(fibers[0] - 0.5, fibers[-1] + 0.5)
    if mark is not None:
        spans(axes, [(fibers[0] - 0.5, fibers[1] + 0.5) for fibers, _ in mark.places[:12]], least=2.5)
    axes.set_ylabel(label)
    axes.set_xlabel("FIBER (grey lines: groups of 50)")
    axes.set_title(f"against fiber: {where}", pad=4)
    return axes


def allowed(axes: Axes, *, low: float = -np.inf, high: float = np.inf) -> None:
    """Shade what passes between two limits; without limits, nothing.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With its final vertical limits.
    low, high : float
        In the unit of the vertical axis.
    """
    if np.isfinite(low) or np.isfinite(high):
        bottom, top = axes.get_ylim()
        axes.axhspan(max(low, bottom), min(high, top), color=BLUE, alpha=0.10, lw=0, zorder=0)
        axes.text(0.004, 0.05, "blue: allowed", transform=axes.transAxes, fontsize=9, color=BLUE)
    else:
        axes.axhline(0, color=FAINT, lw=0.6, zorder=0)


def _reach(values: FloatArray, *, low: float = -np.inf, high: float = np.inf) -> tuple[float, float]:
    """Vertical range: the values, and the limits with them; one wild value in a hundred does not flatten the others."""
    known = values[np.isfinite(values)]
    if not known.size:
        return -1.0, 1.0
    middle = float(np.median(known))
    reach = symmetric_limit(known - middle, percent=99.8)
    wanted = [middle - reach, middle + reach, *(one for one in (low, high) if np.isfinite(one))]
    room = 0.12 * (max(wanted) - min(wanted)) or 1.0
    return min(wanted) - room, max(wanted) + room


def _middle(rows: FloatArray) -> FloatArray:
    """Median over rows, NaN where none is known."""
    good = np.isfinite(rows).any(axis=0)
    found = np.full(rows.shape[1], np.nan)
    found[good] = np.nanmedian(rows[:, good], axis=0)
    return found


def _curve(axes: Axes, waves: FloatArray, values: FloatArray, **style: Any) -> None:
    known = np.isfinite(values)  # the line bridges wavelengths without a value
    axes.plot(waves[known], values[known], **style)
