"""The sky-subtracted frame as ``ds9 -zscale`` shows it, with what was found, and the spectra of the worst fiber groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.visualization import ZScaleInterval
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytest_specqa.plots.canvas import (
    NO_DATA,
    FloatArray,
    as_float,
    fiber_text,
    kind_colour,
    kinds_told,
    new_figure,
    nothing_to_show,
    place,
    short_unit,
    spread_labels,
    symmetric_limit,
)
from pytest_specqa.plots.closeup import HEIGHT, closeup
from pytest_specqa.plots.mark import Mark, boxes
from pytest_specqa.values import Feature

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT, RIGHT = 74, 86
NAMES_HEIGHT = 92
"""Room above the image for the names of what was found."""
MAX_MARKED, MAX_NAMED, MAX_GROUPS = 60, 14, 3
BROAD = "bump"
GREYS = 10
"""Steps of the grey scale: pixel noise compresses badly, and no eye sees more steps in it."""


def sframe_lines(
    flux: npt.ArrayLike,
    wave: npt.ArrayLike,
    *,
    fiber: npt.ArrayLike,
    ivar: npt.ArrayLike | None = None,
    features: Sequence[Feature] = (),
    group_residual: npt.ArrayLike | None = None,
    group_error: npt.ArrayLike | None = None,
    group_first: npt.ArrayLike | None = None,
    group_size: int = 50,
    unit: str = "electron/Å",
    title: str = "Sky-subtracted frame",
    mark: Mark | None = None,
) -> Figure:
    """Draw the image with marks, and below it the residual spectra of the worst groups.

    Parameters
    ----------
    flux : array of shape (n, nw)
        Sky-subtracted spectra, in `unit`.
    wave : array of shape (nw,)
        Wavelength in Angstrom.
    fiber : array of shape (n,)
        FIBER of each row (0-4999).
    ivar : array of shape (n, nw), optional
        Pixels with ``ivar == 0`` are left out and shown in pale blue where nothing else is there.
    features : sequence of Feature, optional
        What was found, worst first.
    group_residual, group_error : array of shape (ngroups, nw), optional
        Mean residual spectrum of each group and its standard error, in `unit`.
    group_first : array of shape (ngroups,), optional
        First FIBER of each group.
    group_size : int, optional
        Fibers per group.
    unit, title : str, optional
        Unit of flux; what the picture shows.
    mark : Mark, optional
        What fails: outlined in black, and shown enlarged. Without `features`, its own are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        About 1300 to 1600 pixels wide: one pixel for two wavelength bins and one for each fiber.
    """
    image, waves, fibers = as_float(flux), as_float(wave), np.asarray(fiber, dtype=int)
    if image.size and ivar is not None:
        image = np.where(np.asarray(ivar) > 0, image, np.nan)
    if not np.isfinite(image).any():
        return nothing_to_show(title, "No good pixel: every value is masked, NaN or absent.")
    features = features or (mark.features if mark else ())
    binned = two_pixel_mean(image)
    height, across = binned.shape
    top = 56 + (NAMES_HEIGHT if features else 0)
    residuals, errors = as_float(group_residual), as_float(group_error)
    groups = _worst_groups(residuals, errors, group_first, features, group_size)
    if mark is not None and mark.places:
        # What fails is shown, and not what comes next: they would look like it.
        held = [(first, last) for (first, last), _ in mark.places]
        groups = [(k, start) for k, start in groups if any(a < start + group_size and start <= b for a, b in held)]
    near = HEIGHT if mark is not None and mark.places and mark.places[0][1] is not None else 0
    total = top + height + 54 + (112 * len(groups) + 20 if groups else 0) + near
    figure = new_figure(LEFT + across + RIGHT, total, title=title, subtitle=_how_to_read(features, ivar is not None))
    lowest = axes = _image(figure, binned, waves=waves, fibers=fibers, unit=unit, top=top)
    limits = axes.get_xlim()
    _mark(axes, features, int(fibers[0]), across)
    boxes(axes, mark, fibers)
    if mark is not None and near:
        corner = (LEFT, total - near - 4)
        closeup(figure, image, waves, fibers=fibers, mark=mark, corner=corner, across=across, colours=grey_scale(), unit=unit)
    for k, (index, first) in enumerate(groups):
        lowest = place(figure, (LEFT, top + height + 36 + 112 * k, across, 96), sharex=axes)
        error = errors[index] if errors.size else None
        _spectrum(lowest, waves, residual=residuals[index], error=error, fibers=(first, first + group_size - 1), features=features)
        lowest.set_ylabel(unit if k == len(groups) // 2 else "")
        lowest.tick_params(labelbottom=k == len(groups) - 1)
    lowest.set_xlabel("wavelength as in the file [Å]")
    lowest.set_xlim(limits)
    return figure


def two_pixel_mean(image: FloatArray) -> FloatArray:
    """Mean of pairs of neighbouring wavelength bins, ignoring NaN.

    A line spread function covers about two bins, so that the mean of exactly two keeps the contrast of a narrow line against the
    noise; any ratio that is not whole gives neighbouring columns unequal noise, which looks like vertical lines.
    """
    rows, columns = image.shape
    padded = np.full((rows, columns + columns % 2), np.nan)
    padded[:, :columns] = image
    pairs = padded.reshape(rows, -1, 2)
    good = np.isfinite(pairs)
    count = good.sum(axis=2)
    total = np.where(good, pairs, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _how_to_read(features: Sequence[Feature], masked: bool) -> str:
    parts = ["one row per fiber, ds9 zscale stretch"]
    if masked:
        parts.append("pale blue: no good pixel")
    if not features:
        parts.append("nothing found")
        return "; ".join(parts)
    number = f"the {MAX_MARKED} worst of {len(features)} features" if len(features) > MAX_MARKED else f"{len(features)} found"
    parts.append(f"{number} ({kinds_told(feature.kind for feature in features[:MAX_MARKED])})")
    return "; ".join(parts)


def grey_scale() -> Any:
    """Black to white in few steps; what has no data is pale blue."""
    return LinearSegmentedColormap.from_list("specqa_grey", ["black", "white"], N=GREYS).with_extremes(bad=NO_DATA)


def _image(figure: Figure, binned: FloatArray, *, waves: FloatArray, fibers: npt.NDArray[np.int_], unit: str, top: int) -> Axes:
    height, across = binned.shape
    axes = place(figure, (LEFT, top, across, height))
    low, high = ZScaleInterval().get_limits(binned[np.isfinite(binned)])
    if not high > low:
        low, high = low - 1.0, high + 1.0
    greys = grey_scale()
    step = float(np.median(np.diff(waves))) if waves.size > 1 else 1.0
    extent = (waves[0] - step / 2, waves[0] + (2 * across - 0.5) * step, -0.5, height - 0.5)
    drawn = axes.imshow(
        binned, cmap=greys, vmin=low, vmax=high, origin="lower", extent=extent, aspect="auto", interpolation="nearest"
    )
    ticks = np.arange(0, height, 50) if height > 100 else np.linspace(0, height - 1, min(height, 5)).astype(int)
    axes.set_yticks(ticks, [str(fibers[i]) for i in ticks])
    axes.set_ylabel("FIBER")
    axes.spines[["top", "right"]].set_visible(True)
    bar = place(figure, (LEFT + across + 10, top, 12, min(height, 200)))
    figure.colorbar(drawn, cax=bar)
    bar.set_title(short_unit(unit), fontsize=10, loc="left")
    return axes


def _mark(axes: Axes, features: Sequence[Feature], first_fiber: int, across: int) -> None:
    """Outline what was found, leaving its inside free, and name the wavelengths above the image."""
    left, right = axes.get_xlim()
    per_pixel = (right - left) / across
    for kind, fibers, low, high in _outlines(features[:MAX_MARKED], pad=4 * per_pixel):
        corner = (low, fibers[0] - first_fiber - 0.5)
        axes.add_patch(Rectangle(corner, high - low, fibers[1] - fibers[0] + 1, fill=False, ec=kind_colour(kind), lw=1.0))
    names: dict[str, tuple[float, str]] = {}
    for low, high in _union([feature.waves for feature in features[:MAX_MARKED] if feature.kind == BROAD]):
        names[f"{low:.0f}–{high:.0f} Å"] = ((low + high) / 2, kind_colour(BROAD))
    for feature in features[:MAX_MARKED]:
        if feature.kind != BROAD:
            middle = sum(feature.waves) / 2
            names.setdefault(feature.label or f"{middle:.0f} Å", (middle, kind_colour(feature.kind)))
    _name_wavelengths(axes, names, per_pixel)


def _outlines(features: Sequence[Feature], *, pad: float) -> list[tuple[str, tuple[int, int], float, float]]:
    """Kind, fibers and wavelength range of the boxes to draw; those of one kind that would overlap in a group share a box."""
    groups: dict[tuple[str, tuple[int, int]], list[tuple[float, float]]] = {}
    for feature in features:
        groups.setdefault((feature.kind, feature.fibers), []).append((feature.waves[0] - pad, feature.waves[1] + pad))
    return [(kind, fibers, *span) for (kind, fibers), ranges in groups.items() for span in _union(ranges)]


def _union(ranges: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join ranges that overlap."""
    merged: list[tuple[float, float]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _name_wavelengths(axes: Axes, names: dict[str, tuple[float, str]], per_pixel: float) -> None:
    """Write names above the image, with lines leading down to their wavelengths."""
    chosen = list(names)[:MAX_NAMED]
    left, right = axes.get_xlim()
    where = spread_labels([names[name][0] for name in chosen], gap=20 * per_pixel, low=left, high=right)
    top = axes.get_ylim()[1]
    for name, x in zip(chosen, where, strict=True):
        middle, colour = names[name]
        axes.annotate(
            name if len(name) <= 18 else name[:17] + "…",
            xy=(middle, top),
            xytext=(x, top + 14),
            rotation=45,
            rotation_mode="anchor",
            fontsize=9.5,
            color=colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.8, "shrinkA": 0, "shrinkB": 0},
        )


def _worst_groups(
    residual: FloatArray, error: FloatArray, first: npt.ArrayLike | None, features: Sequence[Feature], size: int
) -> list[tuple[int, int]]:
    """Index and first fiber of the groups to draw: those of the worst features, then those that deviate most."""
    if residual.ndim != 2 or first is None or not np.isfinite(residual).any():
        return []
    starts = [int(fiber) for fiber in np.asarray(first)]
    chosen: list[int] = []
    for feature in features:
        inside = [k for k, start in enumerate(starts) if feature.fibers[0] <= start + size // 2 <= feature.fibers[1]]
        chosen.extend(k for k in inside if k not in chosen)
    scaled = np.abs(residual / error) if error.shape == residual.shape else np.abs(residual)
    strength = np.nanmax(np.where(np.isfinite(scaled), scaled, -1.0), axis=1)
    chosen.extend(int(k) for k in np.argsort(-strength) if k not in chosen)
    return [(k, starts[k]) for k in chosen[:MAX_GROUPS]]


def _spectrum(
    axes: Axes,
    waves: FloatArray,
    *,
    residual: FloatArray,
    error: FloatArray | None,
    fibers: tuple[int, int],
    features: Sequence[Feature],
) -> None:
    axes.axhline(0.0, color="#999999", lw=0.8)
    for feature in features[:MAX_MARKED]:
        if feature.fibers[0] <= fibers[1] and feature.fibers[1] >= fibers[0]:
            axes.axvspan(*feature.waves, color=kind_colour(feature.kind), alpha=0.25, lw=0, zorder=0)
    if error is not None:
        axes.fill_between(waves, -2 * error, 2 * error, color="#bbbbbb", lw=0, step="mid", label="±2σ")
    axes.plot(waves, residual, color="#111111", lw=0.8, drawstyle="steps-mid")
    reach = 1.15 * symmetric_limit(residual, percent=99.8)
    axes.set_ylim(-reach, reach)
    axes.text(0.006, 0.92, fiber_text(fibers), transform=axes.transAxes, va="top", fontsize=10.5, fontweight="bold")
    if error is not None:
        axes.text(0.994, 0.92, "grey: ±2σ", transform=axes.transAxes, va="top", ha="right", fontsize=9.5, color="#555555")
