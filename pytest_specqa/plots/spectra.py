"""A few example spectra, with the lines that a redshift would put on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter1d

from pytest_specqa.plots.canvas import (
    BLUE,
    GREEN,
    INK,
    VERMILLION,
    FloatArray,
    as_float,
    literal,
    new_figure,
    nothing_to_show,
    place,
    shade,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SPECTRA = 3
SMOOTHING = 7
LINES = {
    "Lyα": 1215.67,
    "C IV": 1549.06,
    "C III]": 1908.73,
    "Mg II": 2799.12,
    "[O II]": 3728.48,
    "Hβ": 4862.68,
    "[O III]": 5008.24,
    "Hα": 6564.61,
}
"""Rest wavelengths in vacuum, Angstrom."""


def spectra(
    wave: npt.ArrayLike | Sequence[npt.ArrayLike],
    flux: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    ivar: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    labels: Sequence[str] = (),
    z: Sequence[float] = (),
    ranges: Sequence[tuple[float, float]] = (),
    unit: str = "10⁻¹⁷ erg/(s cm² Å)",
    title: str = "Example spectra",
) -> Figure:
    """Draw up to three spectra, raw in light grey and smoothed above it.

    Parameters
    ----------
    wave : array of shape (nw,), or one for each spectrum
        Wavelength in Angstrom. Cameras may follow one another: a step back starts the next one, in another colour.
    flux : array of shape (k, nw), or one for each spectrum
        In `unit`; NaN is left out.
    ivar : like `flux`, optional
        Pixels with ``ivar == 0`` are left out.
    labels : sequence of str, optional
        Name of each spectrum, such as its fiber.
    z : sequence of float, optional
        Redshift of each; the lines that it implies are marked.
    ranges : sequence of (float, float), optional
        Wavelengths to shade.
    unit, title : str, optional
        Unit of flux; what the picture shows.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each spectrum.
    """
    fluxes = _rows(flux)[:MAX_SPECTRA]
    waves = _rows(wave) * len(fluxes) if len(_rows(wave)) == 1 else _rows(wave)
    ivars = _rows(ivar) if ivar is not None else [np.ones(0)] * len(fluxes)
    shown = [
        (k, waves[k], np.where(ivars[k] > 0, values, np.nan) if ivars[k].shape == values.shape else values)
        for k, values in enumerate(fluxes)
    ]
    shown = [(k, grid, values) for k, grid, values in shown if np.isfinite(values).any()]
    if not shown:
        return nothing_to_show(title, "There is no spectrum with a good pixel.")
    high = 150
    how = f"grey: as in the file; coloured: mean of {SMOOTHING} bins (0.8 Å each)"
    figure = new_figure(1330, 86 + (high + 26) * len(shown) + 34, title=title, subtitle=how)
    first: Axes | None = None
    for row, (k, grid, values) in enumerate(shown):
        axes = place(figure, (76, 86 + (high + 26) * row, 1234, high), sharex=first)
        first = first or axes
        _one(axes, grid, values)
        shade(axes, ranges)
        if k < len(z):
            _lines(axes, grid, float(z[k]))
        label = labels[k] if k < len(labels) else ""
        axes.set_title(literal(label), fontsize=11, pad=4)
        axes.tick_params(labelbottom=row == len(shown) - 1)
        axes.set_ylabel(unit if row == len(shown) // 2 else "", fontsize=10)
    axes.set_xlabel("wavelength as in the file [Å]")
    return figure


def _rows(values: Any) -> list[FloatArray]:
    if isinstance(values, (list, tuple)) and values and np.ndim(values[0]) == 1:
        return [as_float(row) for row in values]
    array = np.atleast_2d(as_float(values))
    return list(array) if array.size else []


def _one(axes: Axes, wave: FloatArray, flux: FloatArray) -> None:
    cuts = [0, *(np.flatnonzero(np.diff(wave) <= 0) + 1), wave.size]
    smooths = []
    for colour, start, stop in zip((BLUE, VERMILLION, GREEN) * len(cuts), cuts[:-1], cuts[1:], strict=False):
        grid, values = wave[start:stop], flux[start:stop]
        smooth = _smoothed(values)
        smooths.append(smooth)
        axes.plot(grid, values, color="#cfcfcf", lw=0.6)
        axes.plot(grid, smooth, color=colour if len(cuts) > 2 else INK, lw=1.1)
    axes.axhline(0, color="#999999", lw=0.8, zorder=0)
    middle = np.concatenate(smooths)
    low, high = np.nanpercentile(middle[np.isfinite(middle)], [0.5, 99.5])
    room = 0.35 * max(high - low, 1e-12)
    axes.set_ylim(low - room, high + room)
    axes.set_xlim(float(wave.min()), float(wave.max()))


def _smoothed(values: FloatArray) -> FloatArray:
    """Running mean over the good pixels only."""
    good = np.isfinite(values)
    weight = uniform_filter1d(good.astype(float), SMOOTHING, mode="nearest")
    total = uniform_filter1d(np.where(good, values, 0.0), SMOOTHING, mode="nearest")
    return np.where(weight > 0.01, total / np.maximum(weight, 0.01), np.nan)


def _lines(axes: Axes, wave: FloatArray, z: float) -> None:
    for name, rest in LINES.items():
        where = rest * (1 + z)
        if wave.min() < where < wave.max():
            axes.axvline(where, color=INK, lw=0.9, ls="--")
            axes.text(where, 0.97, f" {name}", transform=axes.get_xaxis_transform(), va="top", fontsize=9.5, color=INK)
