"""Redshift against fiber with the pile-up marked, and the number of redshifts against what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKYBLUE,
    VERMILLION,
    FloatArray,
    as_float,
    literal,
    new_figure,
    nothing_to_show,
    place,
)
from pytest_specqa.plots.mark import Mark, box

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = (("o", BLUE), ("s", VERMILLION), ("^", GREEN), ("D", PURPLE), ("v", ORANGE), ("P", SKYBLUE))
"""A marker with each colour, so that the classes are told apart in grey as well."""
BIN = 0.05
SKY = "sky fibers"


def redshift_pileup(
    z: npt.ArrayLike,
    *,
    fiber: npt.ArrayLike,
    target_class: npt.ArrayLike | None = None,
    is_sky: npt.ArrayLike | None = None,
    window: tuple[float, float] | None = None,
    count: int | None = None,
    expected: float | None = None,
    expected_error: float | None = None,
    nz_grid: npt.ArrayLike | None = None,
    nz_expected: npt.ArrayLike | None = None,
    title: str = "Redshifts",
    note: str = "",
    mark: Mark | None = None,
) -> Figure:
    """Draw Z against FIBER beside n(z).

    Parameters
    ----------
    z : array of shape (n,)
        Redshifts; NaN is left out.
    fiber : array of shape (n,)
        FIBER of each (0-4999).
    target_class : array of str of shape (n,), optional
        Such as ``LRG`` or ``QSO``; a colour and a marker for each.
    is_sky : array of bool of shape (n,), optional
        Sky fibers are drawn as grey crosses and counted apart.
    window : tuple of float, optional
        Redshift range of the excess.
    count : int, optional
        Redshifts inside the window; counted here where it is not given.
    expected, expected_error : float, optional
        What the window should hold, and its standard error.
    nz_grid : array of shape (nbins,), optional
        Centres of the bins of the histogram, evenly spaced; bins of 0.05 by default.
    nz_expected : array of shape (nbins,), optional
        Expected number in each bin.
    title, note : str, optional
        What the picture shows; a sentence below it, such as which line falls where, where nothing fails.
    mark : Mark, optional
        What fails: the window is outlined in the fibers that it names.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels with a common redshift axis.
    """
    redshift, fibers = as_float(z), np.asarray(fiber, dtype=int)
    known = np.isfinite(redshift)
    if not known.any():
        return nothing_to_show(title, "There is no finite redshift.")
    redshift, fibers = redshift[known], fibers[known]
    classes = _classes(target_class, is_sky, known)
    inside = _inside(redshift, window)
    number_inside = int(inside.sum()) if count is None else count
    counts = _counts(number_inside, redshift.size, window=window, expected=expected, error=expected_error)
    figure = new_figure(1330, 590, title=title, subtitle=counts)
    top = max(5.0, float(redshift.max()) * 1.04)
    against_fiber = place(figure, (70, 112, 780, 400))
    _points(against_fiber, redshift, fibers, classes, inside)
    against_fiber.set_ylim(min(-0.05, float(redshift.min())), top)
    number = place(figure, (900, 112, 410, 400), sharey=against_fiber)
    _histogram(number, redshift, classes, as_float(nz_grid), as_float(nz_expected))
    for axes in (against_fiber, number):
        if window is not None:
            axes.axhspan(*window, color=ORANGE, alpha=0.25, lw=0, zorder=0)
    if mark is not None:
        for first, last in mark.fibers or ((int(fibers.min()), int(fibers.max())),):
            box(against_fiber, (first - 0.5, last + 0.5), window or against_fiber.get_ylim())
    if note and mark is None:
        figure.text(0.5, 0.012, literal(note), ha="center", va="bottom", fontsize=11, color=INK)
    return figure


def _classes(
    target_class: npt.ArrayLike | None, is_sky: npt.ArrayLike | None, known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.str_]:
    names = np.full(known.size, "targets", dtype="U32")
    if target_class is not None:
        given = np.char.strip(np.asarray(target_class, dtype="U32"))
        names = np.where(given == "", "other", given)
    if is_sky is not None:
        names[np.asarray(is_sky, dtype=bool)] = SKY
    return names[known]


def _inside(redshift: FloatArray, window: tuple[float, float] | None) -> npt.NDArray[np.bool_]:
    if window is None:
        return np.zeros(redshift.size, dtype=bool)
    return (redshift >= window[0]) & (redshift <= window[1])


def _counts(number: int, total: int, *, window: tuple[float, float] | None, expected: float | None, error: float | None) -> str:
    if window is None:
        return f"{total} redshifts"
    text = f"{number} of {total} redshifts at {window[0]:.2f} < z < {window[1]:.2f}"
    if expected is None:
        return text
    return f"{text}; expected {expected:.2g}" + ("" if error is None else f" ± {error:.2g}")


def _points(
    axes: Axes, redshift: FloatArray, fibers: npt.NDArray[np.int_], classes: npt.NDArray[np.str_], inside: npt.NDArray[np.bool_]
) -> None:
    size = 22 if redshift.size < 1500 else 9
    named = sorted(set(classes.tolist()) - {SKY}, key=lambda name: -int((classes == name).sum()))
    for k, name in enumerate(named):
        marker, colour = MARKS[min(k, len(MARKS) - 1)]
        own = classes == name
        label = (
            f"{name} ({int(own.sum())}, {int((own & inside).sum())} in the window)"
            if inside.any()
            else f"{name} ({int(own.sum())})"
        )
        axes.scatter(fibers[own], redshift[own], s=size, marker=marker, color=colour, alpha=0.75, lw=0, label=label)
    sky = classes == SKY
    if sky.any():
        label = (
            f"{SKY} ({int(sky.sum())}, {int((sky & inside).sum())} in the window)" if inside.any() else f"{SKY} ({int(sky.sum())})"
        )
        axes.scatter(fibers[sky], redshift[sky], s=size * 1.4, marker="x", color=FAINT, lw=1.2, label=label)
    axes.set_xlim(fibers.min() - 3, fibers.max() + 3)
    step = 50 if np.ptp(fibers) < 600 else 500
    for boundary in range(int(fibers.min()) // step * step, int(fibers.max()) + step, step):
        axes.axvline(boundary - 0.5, color="#e2e2e2", lw=0.7, zorder=0)
    axes.set_xlabel(f"FIBER (grey lines: {'groups of 50' if step == 50 else 'petals'})")
    axes.set_ylabel("redshift Z")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.1, ncols=3, columnspacing=1.0, handletextpad=0.2)


def _histogram(axes: Axes, redshift: FloatArray, classes: npt.NDArray[np.str_], grid: FloatArray, expected: FloatArray) -> None:
    if grid.size > 1:
        half = float(grid[1] - grid[0]) / 2
        edges = np.append(grid - half, grid[-1] + half)
    else:
        edges = np.arange(min(-BIN, float(redshift.min())), max(5.0, float(redshift.max())) + BIN, BIN)
    number = np.histogram(redshift[classes != SKY], bins=edges)[0]
    axes.stairs(number, edges, orientation="horizontal", fill=True, color="#9db8cc", label="found")
    if expected.size == edges.size - 1:
        axes.stairs(expected, edges, orientation="horizontal", color=INK, lw=1.3, label="expected")
        high = expected + np.sqrt(np.clip(expected, 0, None)) * 3 + 1
        axes.stairs(high, edges, orientation="horizontal", color=FAINT, lw=0.9, ls=":", label="expected + 3σ")
    axes.set_xscale("symlog", linthresh=5)
    axes.set_xlim(0, None)
    ticks = [t for t in (0, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if t <= max(float(number.max()), 5.0) * 1.3]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.tick_params(labelleft=False)
    width = float(np.median(np.diff(edges)))
    axes.set_xlabel(f"number per Δz = {width:.2g}")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.1, ncols=3, columnspacing=1.0, handletextpad=0.4)
