"""The sky model over its median, and the part of it that changes with both fiber and wavelength."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.ndimage import median_filter

from pytest_specqa.instrument import DESI
from pytest_specqa.plots.canvas import FloatArray, as_float, fiber_text, new_figure, nothing_to_show, symmetric_limit
from pytest_specqa.plots.cuts import SIZE, Ints, along_fiber, along_wavelength, draw_image
from pytest_specqa.plots.mark import Mark
from pytest_specqa.values import Feature

BIN = 12
"""Wavelength bins (0.8 Angstrom each) in one median: about 10 Angstrom, wider than any line."""
GROUP = DESI.patch
LEAST = 1.0
"""Percent: with a finer scale of colours an image would show nothing but the resolution of lines."""
PERCENT = 100.0


def sky_model(
    flux: npt.ArrayLike,
    wave: npt.ArrayLike,
    *,
    fiber: npt.ArrayLike,
    ivar: npt.ArrayLike | None = None,
    chromatic: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
    chromatic_wave: npt.ArrayLike | None = None,
    title: str = "Sky model over its median",
    mark: Mark | None = None,
) -> Figure:
    """Draw the image of sky over median sky, and its chromatic part along fiber and along wavelength.

    Parameters
    ----------
    flux : array of shape (n, nw)
        Sky model of each fiber.
    wave : array of shape (nw,)
        Wavelength in Angstrom.
    fiber : array of shape (n,)
        FIBER of each row (0-4999).
    ivar : array of shape (n, nw), optional
        Pixels with ``ivar == 0`` are left out.
    chromatic : array of shape (n, nbins), or one by name of the measure, optional
        Deviation from the median sky after the achromatic factor of each fiber is taken out, as a fraction, at `chromatic_wave`.
        Made here from medians over 10 Angstrom where it is not given.
    chromatic_wave : array of shape (nbins,), optional
        Wavelengths of `chromatic` in Angstrom.
    title : str, optional
        What the picture shows.
    mark : Mark, optional
        What fails; without it, the largest deviation of 25 fibers over 30 Angstrom is outlined.

    Returns
    -------
    matplotlib.figure.Figure
        Deviations are in percent.
    """
    sky, waves, fibers = as_float(flux), as_float(wave), np.asarray(fiber, dtype=int)
    if sky.size and ivar is not None:
        sky = np.where(np.asarray(ivar) > 0, sky, np.nan)
    if not np.isfinite(sky).any():
        return nothing_to_show(title, "The sky model has no good pixel: every value is masked, NaN or absent.")
    ratio = _percent(sky)
    given = chromatic.get(mark.measure if mark else "") if isinstance(chromatic, Mapping) else chromatic
    smooth, grid = PERCENT * as_float(given), as_float(chromatic_wave)
    if smooth.ndim != 2 or smooth.shape[1] != grid.size:
        smooth, grid = _chromatic(ratio, waves)
    place = mark if mark is not None and mark.places else _largest(smooth, grid, fibers)
    row, column = _peak(smooth, grid, fibers, place)
    how = "a sound model differs between fibers only at lines and by one factor per fiber"
    figure = new_figure(*SIZE, title=title, subtitle=f"{how}{'' if mark else '; ' + place.detail}")
    limits = {"low": PERCENT * -place.high, "high": PERCENT * place.high}
    # A colour is kept for what fails: it must stand out from what is no fault.
    reach = max(symmetric_limit(smooth, percent=99.5), LEAST, 0.7 * abs(float(np.nan_to_num(smooth[row, column]))))
    draw_image(figure, ratio, waves, fibers=fibers, reach=reach, unit="deviation\n[%]", mark=place)
    label = "chromatic part [%]"
    along_wavelength(figure, smooth, grid, fibers=fibers, own=smooth[row], mark=place, label=label, **limits)
    along_fiber(figure, smooth[:, column], fibers=fibers, mark=place, label=label, where=f"at {grid[column]:.0f} Å", **limits)
    return figure


def _percent(sky: FloatArray) -> FloatArray:
    good = np.isfinite(sky).any(axis=0)
    median = np.full(sky.shape[1], np.nan)
    median[good] = np.nanmedian(sky[:, good], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return as_float(PERCENT * (sky / median - 1))


def _chromatic(ratio: FloatArray, waves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Medians over 10 Angstrom, less the median of each fiber."""
    bins = max(ratio.shape[1] // BIN, 1)
    width = min(BIN, ratio.shape[1])
    blocks = ratio[:, : bins * width].reshape(ratio.shape[0], bins, width)
    smooth = np.full((ratio.shape[0], bins), np.nan)
    good = np.isfinite(blocks).any(axis=2)
    smooth[good] = np.nanmedian(blocks[good], axis=1)
    alive = np.isfinite(smooth).any(axis=1)
    smooth[alive] -= np.nanmedian(smooth[alive], axis=1)[:, None]
    return smooth, waves[: bins * width].reshape(bins, width).mean(axis=1)


def _largest(smooth: FloatArray, grid: FloatArray, fibers: Ints) -> Mark:
    """The largest deviation of 25 fibers over 30 Angstrom, where no measure says what fails."""
    size = (min(25, smooth.shape[0]), min(3, smooth.shape[1]))
    calm = median_filter(np.nan_to_num(smooth), size=size, mode="nearest")
    row, column = np.unravel_index(np.abs(calm).argmax(), calm.shape)
    first = int(fibers[row]) // GROUP * GROUP
    group = (first, first + GROUP - 1)
    inside = smooth[(fibers >= group[0]) & (fibers <= group[1]), column]
    value = float(np.nanmedian(inside)) if np.isfinite(inside).any() else float("nan")
    where = float(grid[column])
    feature = Feature("bump", group, (where - BIN, where + BIN), value / PERCENT, 0.0, 0.0)
    return Mark("", features=(feature,), detail=f"worst: {value:+.1f} % at {where:.0f} Å in {fiber_text(group)}")


def _peak(smooth: FloatArray, grid: FloatArray, fibers: Ints, mark: Mark) -> tuple[int, int]:
    """Row and column of the marked place where the deviation is the one that was measured."""
    rows, columns = np.flatnonzero(mark.rows(fibers)), np.flatnonzero(mark.columns(grid))
    inside = smooth[np.ix_(rows, columns)]
    if not np.isfinite(inside).any():
        known = np.isfinite(smooth).any(axis=0)
        middle = float(grid[columns].mean())
        column = int(np.where(known, np.abs(grid - middle), np.inf).argmin())
        return int(rows[rows.size // 2]) if rows.size else 0, column
    size = PERCENT * mark.features[0].amplitude if mark.features else np.nanmax(np.abs(inside))
    place = np.unravel_index(int(np.nanargmin(np.abs(inside - size))), inside.shape)
    return int(rows[place[0]]), int(columns[place[1]])
