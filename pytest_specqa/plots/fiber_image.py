"""Any product with a value for each fiber and wavelength: the whole of it, and two cuts through what fails."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import FloatArray, as_float, new_figure, nothing_to_show, robust_limit
from pytest_specqa.plots.cuts import SIZE, along_fiber, along_wavelength, binned, draw_image
from pytest_specqa.plots.mark import Mark

NARROW, AROUND, LEAST = 0.08, 5.0, 50.0
"""Part of the range below which wavelengths are shown enlarged, with so many times them, and so many Angstrom, to either side."""


def fiber_image(
    image: npt.ArrayLike,
    wave: npt.ArrayLike,
    *,
    fiber: npt.ArrayLike,
    relative: str = "",
    limited: bool = False,
    label: str = "value",
    unit: str = "",
    title: str = "Product",
    mark: Mark | None = None,
) -> Figure:
    """Draw an image and two cuts through it.

    Parameters
    ----------
    image : array of shape (n, nw)
        What is shown, in `unit`; NaN is grey.
    wave : array of shape (nw,)
        Wavelength in Angstrom.
    fiber : array of shape (n,)
        FIBER of each row (0-4999), rising.
    relative : str, optional
        ``spectrum`` to show percent over the spectrum of the typical fiber, ``both`` over the level of each fiber too.
    limited : bool, optional
        Whether the limits of what fails are limits of what is shown.
    label, unit, title : str, optional
        Name and unit of what is shown; what the picture shows.
    mark : Mark, optional
        What fails.

    Returns
    -------
    matplotlib.figure.Figure
        The image with the place outlined; below it the marked fibers along wavelength and the marked wavelengths along fiber.
    """
    values, waves, fibers = as_float(image), as_float(wave), np.asarray(fiber, dtype=int)
    if not np.isfinite(values).any():
        return nothing_to_show(title, "No good pixel: every value is masked, NaN or absent.")
    if relative:
        values, unit = _over_typical(values, level=relative == "both"), "%"
    small, grid = binned(values, waves)
    known = small[np.isfinite(small)]
    middle = float(np.median(known))
    rows = np.ones(len(fibers), dtype=bool) if mark is None else mark.rows(fibers)
    columns = np.ones(waves.size, dtype=bool) if mark is None else mark.columns(waves)
    place = values[np.ix_(rows, columns)] if rows.any() else values
    off = abs(float(np.nanmedian(place)) - middle) if np.isfinite(place).any() else 0.0
    # A colour is kept for what fails: it must stand out from what is no fault.
    reach = max(robust_limit(known - middle, sigmas=6.0), 0.7 * off)
    limits = {"low": mark.low, "high": mark.high} if limited and mark is not None else {}
    named = f"{label} [{unit}]" if unit else label
    short = "deviation [%]" if relative else unit or label.split(" / ", maxsplit=1)[0][:20]
    how = "each fiber over the typical one" if relative else "as in the file, averaged over neighbouring wavelengths"
    figure = new_figure(*SIZE, title=title, subtitle=f"{how}; colours: {named}")
    draw_image(figure, small, grid, fibers=fibers, reach=reach, unit=unit, mark=mark, middle=middle)
    span = waves[columns]
    if span[-1] - span[0] < NARROW * (waves[-1] - waves[0]):
        margin = max(AROUND * (span[-1] - span[0]), LEAST)
        near = (waves >= span[0] - margin) & (waves <= span[-1] + margin)
        small, grid = values[:, near], waves[near]
    own = _median(small[rows] if rows.any() else small, axis=0)
    along_wavelength(figure, small, grid, fibers=fibers, own=own, mark=mark, label=short, **limits)
    where = f"median over {span[0]:.0f}–{span[-1]:.0f} Å" if span.size > 1 else f"at {span[0]:.0f} Å"
    along_fiber(figure, _median(values[:, columns], axis=1), fibers=fibers, mark=mark, label=short, where=where, **limits)
    return figure


def _over_typical(values: FloatArray, *, level: bool) -> FloatArray:
    """Percent over the median spectrum, and over the median ratio of each fiber to it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        typical = _median(values, axis=0)
        ratio = as_float(values / typical)
        return as_float(100 * (ratio / (_median(ratio, axis=1)[:, None] if level else 1.0) - 1))


def _median(values: FloatArray, *, axis: int) -> FloatArray:
    good = np.isfinite(values).any(axis=axis)
    found = np.full(good.shape, np.nan)
    found[good] = np.nanmedian(np.compress(good, values, axis=1 - axis), axis=axis)
    return found
