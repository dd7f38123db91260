"""Stacked residuals against wavelength, with their errors and the limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import (
    BLUE,
    INK,
    as_float,
    kind_colour,
    literal,
    new_figure,
    nothing_to_show,
    place,
    symmetric_limit,
)
from pytest_specqa.plots.mark import Mark, spans
from pytest_specqa.values import Feature

MAX_PANELS = 4


def spectrum_stack(
    wave: npt.ArrayLike,
    residual: npt.ArrayLike,
    *,
    error: npt.ArrayLike | None = None,
    limit: float | None = None,
    labels: Sequence[str] = (),
    features: Sequence[Feature] = (),
    unit: str = "electron/Å",
    title: str = "Stacked residual",
    mark: Mark | None = None,
) -> Figure:
    """Draw one panel for each stack.

    Parameters
    ----------
    wave : array of shape (nw,)
        Wavelength in Angstrom.
    residual, error : array of shape (nw,) or (k, nw)
        Stacks and their standard errors, in `unit`; at most four are drawn.
    limit : float, optional
        Largest absolute value that passes; shaded.
    labels : sequence of str, optional
        Name of each stack.
    features : sequence of Feature, optional
        Wavelength ranges to shade and name.
    unit, title : str, optional
        Unit of the residual; what the picture shows.
    mark : Mark, optional
        What fails: its wavelengths are shaded.

    Returns
    -------
    matplotlib.figure.Figure
        Panels share the wavelength axis.
    """
    waves = as_float(wave)
    stacks = np.atleast_2d(as_float(residual))
    errors = np.atleast_2d(as_float(error))
    shown = [k for k in range(len(stacks)) if np.isfinite(stacks[k]).any()][:MAX_PANELS]
    if not shown or waves.size != stacks.shape[1]:
        return nothing_to_show(title, "No stack has a finite value on this wavelength grid.")
    parts = ["grey: ±2σ"] if errors.shape == stacks.shape else []
    parts += ["blue: allowed"] if limit is not None else []
    high = 150 if len(shown) > 1 else 280
    figure = new_figure(1330, 84 + (high + 24) * len(shown) + 34, title=title, subtitle="; ".join(parts))
    first = None
    for row, k in enumerate(shown):
        axes = place(figure, (86, 84 + (high + 24) * row, 1224, high), sharex=first)
        first = first or axes
        if limit is not None:
            axes.axhspan(-limit, limit, color=BLUE, alpha=0.12, lw=0, zorder=0)
        if errors.shape == stacks.shape:
            axes.fill_between(waves, -2 * errors[k], 2 * errors[k], color="#c4c4c4", lw=0, step="mid", zorder=1)
        axes.axhline(0.0, color="#999999", lw=0.8)
        axes.plot(waves, stacks[k], color=INK, lw=0.9, drawstyle="steps-mid")
        reach = 1.15 * max(symmetric_limit(stacks[k], percent=99.9), 1.2 * (limit or 0.0))
        axes.set_ylim(-reach, reach)
        for feature in features:
            axes.axvspan(*feature.waves, color=kind_colour(feature.kind), alpha=0.28, lw=0, zorder=0)
            if row == 0 and feature.label:
                x = sum(feature.waves) / 2
                axes.text(
                    x, 0.97, feature.label, transform=axes.get_xaxis_transform(), rotation=90, va="top", ha="right", fontsize=9
                )
        if mark is not None:
            spans(axes, [span for _, span in mark.places if span], least=(waves[-1] - waves[0]) / 400)
        axes.set_title(literal(labels[k]) if k < len(labels) else "", fontsize=11, pad=3)
        axes.set_ylabel(unit if row == len(shown) // 2 else "")
        axes.tick_params(labelbottom=row == len(shown) - 1)
    axes.set_xlim(waves[0], waves[-1])
    axes.set_xlabel("wavelength as in the file [Å]")
    return figure
