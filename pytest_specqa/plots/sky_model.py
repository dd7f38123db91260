"""The sky model over its median, and the part of it that changes with both fiber and wavelength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.ndimage import median_filter

from pytest_specqa.instrument import DESI
from pytest_specqa.plots.canvas import (
    BLUE,
    INK,
    SERIES,
    VERMILLION,
    FloatArray,
    as_float,
    diverging,
    fiber_text,
    new_figure,
    nothing_to_show,
    place,
    shade,
    symmetric_limit,
)
from pytest_specqa.values import Feature

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT, ACROSS, HIGH = 74, 1163, 340
BIN = 12
"""Wavelength bins (0.8 Angstrom each) in one median: about 10 Angstrom, wider than any line."""
GROUP = DESI.patch


def sky_model(
    flux: npt.ArrayLike,
    wave: npt.ArrayLike,
    *,
    fiber: npt.ArrayLike,
    ivar: npt.ArrayLike | None = None,
    chromatic: npt.ArrayLike | None = None,
    chromatic_wave: npt.ArrayLike | None = None,
    features: Sequence[Feature] = (),
    limit: float | None = None,
    title: str = "Sky model over its median",
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
    chromatic : array of shape (n, nbins), optional
        Deviation from the median sky after the achromatic factor of each fiber is taken out, as a fraction, at `chromatic_wave`.
        Made here from medians over 10 Angstrom where it is not given.
    chromatic_wave : array of shape (nbins,), optional
        Wavelengths of `chromatic` in Angstrom.
    features : sequence of Feature, optional
        Worst places first; the first is marked.
    limit : float, optional
        Largest deviation that passes, as a fraction; shaded.
    title : str, optional
        What the picture shows.

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
    smooth, smooth_wave = 100 * as_float(chromatic), as_float(chromatic_wave)
    if smooth.ndim != 2 or smooth.shape[1] != smooth_wave.size:
        smooth, smooth_wave = _chromatic(ratio, waves)
    row, column = _worst(smooth, smooth_wave, fibers, features)
    figure = new_figure(LEFT + ACROSS + 96, 860, title=title, subtitle=_how_to_read(smooth, fibers, smooth_wave, (row, column)))
    image = _image(figure, ratio, waves, fibers, symmetric_limit(smooth, percent=99.5))
    if features:
        worst = features[0]
        corner = (worst.waves[0], np.searchsorted(fibers, worst.fibers[0]) - 0.5)
        size = (worst.waves[1] - worst.waves[0], worst.fibers[1] - worst.fibers[0] + 1)
        image.add_patch(Rectangle(corner, *size, fill=False, ec="black", lw=1.4))
    _along_wavelength(figure, smooth, smooth_wave, fibers=fibers, worst=(row, column), limit=limit)
    _along_fiber(figure, smooth, smooth_wave, fibers=fibers, worst=(row, column), limit=limit)
    return figure


def _percent(sky: FloatArray) -> FloatArray:
    good = np.isfinite(sky).any(axis=0)
    median = np.full(sky.shape[1], np.nan)
    median[good] = np.nanmedian(sky[:, good], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return as_float(100 * (sky / median - 1))


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


def _worst(
    smooth: FloatArray, smooth_wave: FloatArray, fibers: npt.NDArray[np.int_], features: Sequence[Feature]
) -> tuple[int, int]:
    """Row and column of the worst place: the first feature, else the largest deviation of 25 fibers over 30 Angstrom."""
    if features:
        worst = features[0]
        inside = (fibers >= worst.fibers[0]) & (fibers <= worst.fibers[1])
        known = np.isfinite(smooth[inside]).any(axis=0) if inside.any() else np.isfinite(smooth).any(axis=0)
        distance = np.where(known, np.abs(smooth_wave - sum(worst.waves) / 2), np.inf)
        return int(np.abs(fibers - sum(worst.fibers) / 2).argmin()), int(distance.argmin())
    size = (min(25, smooth.shape[0]), min(3, smooth.shape[1]))
    calm = median_filter(np.nan_to_num(smooth), size=size, mode="nearest")
    row, column = np.unravel_index(np.abs(calm).argmax(), calm.shape)
    return int(row), int(column)


def _group(fibers: npt.NDArray[np.int_], row: int) -> tuple[int, int]:
    first = int(fibers[row]) // GROUP * GROUP
    return first, first + GROUP - 1


def _how_to_read(smooth: FloatArray, fibers: npt.NDArray[np.int_], smooth_wave: FloatArray, worst: tuple[int, int]) -> str:
    first, last = _group(fibers, worst[0])
    inside = smooth[(fibers >= first) & (fibers <= last), worst[1]]
    value = float(np.nanmedian(inside)) if np.isfinite(inside).any() else float("nan")
    return (
        f"a sound model differs between fibers only at lines and by one factor per fiber; "
        f"worst: {value:+.1f} % at {smooth_wave[worst[1]]:.0f} Å in {fiber_text((first, last))}"
    )


def _image(figure: Figure, ratio: FloatArray, waves: FloatArray, fibers: npt.NDArray[np.int_], reach: float) -> Axes:
    axes = place(figure, (LEFT, 62, ACROSS, HIGH))
    step = float(np.median(np.diff(waves))) if waves.size > 1 else 1.0
    extent = (waves[0] - step / 2, waves[-1] + step / 2, -0.5, len(fibers) - 0.5)
    reach = max(reach, 1.0)  # percent; below it, the stretch would show nothing but the resolution of lines
    drawn = axes.imshow(
        ratio,
        cmap=diverging(levels=24),
        vmin=-reach,
        vmax=reach,
        origin="lower",
        extent=extent,
        aspect="auto",
        interpolation="nearest",
    )
    ticks = np.arange(0, len(fibers), 50 if len(fibers) > 60 else max(len(fibers) // 5, 1))
    axes.set_yticks(ticks, [str(fibers[i]) for i in ticks])
    axes.set_ylabel("FIBER")
    axes.set_xlabel("wavelength as in the file [Å]")
    axes.spines[["top", "right"]].set_visible(True)
    bar = place(figure, (LEFT + ACROSS + 12, 82, 14, HIGH - 40))
    figure.colorbar(drawn, cax=bar, extend="both")
    bar.set_title("deviation\n[%]", fontsize=9.5, loc="left")
    return axes


def _along_wavelength(
    figure: Figure,
    smooth: FloatArray,
    smooth_wave: FloatArray,
    *,
    fibers: npt.NDArray[np.int_],
    worst: tuple[int, int],
    limit: float | None,
) -> None:
    axes = place(figure, (LEFT, 484, ACROSS, 140))
    row, column = worst
    starts = np.unique(fibers // GROUP * GROUP)
    means = np.full((starts.size, smooth.shape[1]), np.nan)
    for k, start in enumerate(starts):
        rows = smooth[(fibers >= start) & (fibers < start + GROUP)]
        good = np.isfinite(rows).any(axis=0)
        means[k, good] = np.nanmedian(rows[:, good], axis=0)
    strength = np.nanmax(np.where(np.isfinite(means), np.abs(means), -1.0), axis=1)
    own = int(np.searchsorted(starts, fibers[row] // GROUP * GROUP))
    shown = [own, *[int(k) for k in np.argsort(-strength) if k != own][:3]]
    for colour, k in zip(SERIES, shown, strict=False):
        known = np.isfinite(means[k])  # the line bridges wavelengths without continuum
        axes.plot(
            smooth_wave[known], means[k, known], color=colour, lw=1.6 if k == own else 1.1, label=fiber_text(_group(starts, k))
        )
    _limits(axes, limit)
    axes.set_ylabel("chromatic part [%]")
    axes.set_xlabel("wavelength as in the file [Å]")
    axes.set_title("against wavelength: the worst 50-fiber groups", pad=4)
    axes.set_xlim(smooth_wave[0], smooth_wave[-1])
    axes.axvline(smooth_wave[column], color=INK, lw=0.9, ls=":")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, ncols=4)


def _along_fiber(
    figure: Figure,
    smooth: FloatArray,
    smooth_wave: FloatArray,
    *,
    fibers: npt.NDArray[np.int_],
    worst: tuple[int, int],
    limit: float | None,
) -> None:
    axes = place(figure, (LEFT, 694, ACROSS, 110))
    row, column = worst
    first, last = _group(fibers, row)
    axes.plot(fibers, smooth[:, column], color=VERMILLION, lw=1.2)
    axes.axhline(0, color="#999999", lw=0.8)
    shade(axes, [(first - 0.5, last + 0.5)])
    _limits(axes, limit)
    for boundary in range(int(fibers[0]) // GROUP * GROUP, int(fibers[-1]) + 2, GROUP):
        axes.axvline(boundary - 0.5, color="#dddddd", lw=0.7, zorder=0)
    axes.set_xlim(fibers[0] - 0.5, fibers[-1] + 0.5)
    axes.set_ylabel("chromatic part [%]")
    axes.set_xlabel("FIBER (grey lines: groups of 50)")
    axes.set_title(f"against fiber: at {smooth_wave[column]:.0f} Å", pad=4)


def _limits(axes: Axes, limit: float | None) -> None:
    if limit is not None and np.isfinite(limit):
        axes.axhspan(-100 * limit, 100 * limit, color=BLUE, alpha=0.10, lw=0, zorder=0)
        axes.text(0.004, 0.05, "shaded: allowed", transform=axes.transAxes, fontsize=9, color=BLUE)
