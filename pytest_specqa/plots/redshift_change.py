"""Redshifts of the same fibers in two productions: against fiber, and their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import BLUE, FAINT, VERMILLION, FloatArray, as_float, new_figure, nothing_to_show, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BIN = 0.05
BoolArray = npt.NDArray[np.bool_]


def redshift_change(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    fiber: npt.ArrayLike,
    is_sky: npt.ArrayLike | None = None,
    moved: npt.ArrayLike | None = None,
    title: str = "Redshifts before and after",
    note: str = "",
) -> Figure:
    """Draw Z against FIBER for both productions on one scale, and both n(z).

    Parameters
    ----------
    before, after : array of shape (n,)
        Redshifts of the same spectra.
    fiber : array of shape (n,)
        FIBER of each (0-4999).
    is_sky : array of bool of shape (n,), optional
        Sky fibers: grey crosses, and not in n(z).
    moved : array of bool of shape (n,), optional
        Spectra whose redshift changed: drawn in another colour.
    title, note : str, optional
        What is shown; a sentence on how to read it.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels with a common redshift axis: before, after, n(z) of both.
    """
    redshifts = [as_float(before), as_float(after)]
    fibers = np.asarray(fiber, dtype=int)
    known = np.isfinite(redshifts[0]) & np.isfinite(redshifts[1])
    if not known.any():
        return nothing_to_show(title, "No spectrum has a redshift in both productions.")
    sky = _flags(is_sky, fibers.size)[known]
    other = _flags(moved, fibers.size)[known]
    redshifts = [z[known] for z in redshifts]
    fibers = fibers[known]
    low, high = min(-0.05, *(float(z.min()) for z in redshifts)), 1.04 * max(1.0, *(float(z.max()) for z in redshifts))
    figure = new_figure(1330, 510, title=title, subtitle=note)
    for column, (name, z) in enumerate(zip(("before", "after"), redshifts, strict=True)):
        axes = place(figure, (64 + 446 * column, 92, 420, 360))
        _points(axes, z, fibers, sky=sky, moved=other)
        axes.set_ylim(low, high)
        axes.set_title(name, pad=4)
        if column:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("redshift Z")
    number = place(figure, (962, 92, 350, 360))
    _histograms(number, [z[~sky] for z in redshifts], low=low, high=high)
    return figure


def _flags(given: npt.ArrayLike | None, size: int) -> BoolArray:
    return np.zeros(size, dtype=bool) if given is None else np.asarray(given, dtype=bool)


def _points(axes: Axes, z: FloatArray, fibers: npt.NDArray[np.int_], *, sky: BoolArray, moved: BoolArray) -> None:
    size = 14 if z.size < 1500 else 6
    for name, own, colour, marker in (
        ("same", ~moved & ~sky, BLUE, "o"),
        ("moved", moved & ~sky, VERMILLION, "^"),
        ("sky fiber", sky, FAINT, "x"),
    ):
        if own.any():
            axes.scatter(
                fibers[own],
                z[own],
                s=size,
                c=colour,
                marker=marker,
                lw=0 if marker != "x" else 1,
                alpha=0.75,
                label=f"{name} ({own.sum()})",
            )
    axes.set_xlabel("FIBER")
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1, ncols=3, columnspacing=0.8, handletextpad=0.1, fontsize=9
    )


def _histograms(axes: Axes, redshifts: list[FloatArray], *, low: float, high: float) -> None:
    edges = np.arange(low, high + BIN, BIN)
    counts = [np.histogram(z, bins=edges)[0] for z in redshifts]
    axes.stairs(counts[0], edges, orientation="horizontal", fill=True, color="#9db8cc", label="before")
    axes.stairs(counts[1], edges, orientation="horizontal", color=VERMILLION, lw=1.3, label="after")
    axes.set_xscale("symlog", linthresh=5)
    most = max(int(count.max()) for count in counts)
    ticks = [tick for tick in (0, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if tick <= max(most, 5) * 1.3]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(0, None)
    axes.set_ylim(low, high)
    axes.tick_params(labelleft=False)
    axes.set_xlabel(f"targets per Δz = {BIN}")
    axes.set_title("n(z)", pad=4)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1, ncols=2)
