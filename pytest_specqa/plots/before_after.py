"""The same image from two productions on one colour scale, and their difference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pytest_specqa.plots.canvas import FloatArray, as_float, diverging, new_figure, nothing_to_show, place, symmetric_limit

COLUMNS = 450
WIDTH, HEIGHT, GAP = 400, 330, 22


def before_after(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    wave: npt.ArrayLike,
    fiber: npt.ArrayLike,
    unit: str = "",
    percent: float = 98.0,
    title: str = "Before and after",
    note: str = "",
) -> Figure:
    """Draw two images and their difference.

    Parameters
    ----------
    before, after : array of shape (n, nw)
        The images; NaN is grey. All three panels share one scale, symmetric around zero.
    wave : array of shape (nw,)
        Wavelength in Angstrom.
    fiber : array of shape (n,)
        FIBER of each row (0-4999).
    unit : str, optional
        Unit of the values.
    percent : float, optional
        The scale holds this share of the values of the two images.
    title, note : str, optional
        What is shown; a sentence on how to read it.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels: before, after, after minus before.
    """
    images = [as_float(image) for image in (before, after)]
    if images[0].shape != images[1].shape or images[0].ndim != 2:
        return nothing_to_show(title, f"The images differ in shape: {images[0].shape} before, {images[1].shape} after.")
    if not any(np.isfinite(image).any() for image in images):
        return nothing_to_show(title, "Neither image has a good pixel.")
    waves, fibers = as_float(wave), np.asarray(fiber, dtype=int)
    binned = [_binned(image) for image in images]
    reach = max(symmetric_limit(image, percent=percent) for image in binned)
    panels = [("before", binned[0]), ("after", binned[1]), ("after − before", binned[1] - binned[0])]
    figure = new_figure(78 + 3 * (WIDTH + GAP) + 60, HEIGHT + 130, title=title, subtitle=note)
    extent = (waves[0], waves[-1], -0.5, len(fibers) - 0.5)
    ticks = np.arange(0, len(fibers), 100 if len(fibers) > 120 else max(len(fibers) // 5, 1))
    for column, (name, image) in enumerate(panels):
        axes = place(figure, (78 + column * (WIDTH + GAP), 78, WIDTH, HEIGHT))
        drawn = axes.imshow(
            image,
            cmap=diverging(levels=24),
            vmin=-reach,
            vmax=reach,
            origin="lower",
            extent=extent,
            aspect="auto",
            interpolation="nearest",
        )
        axes.set_title(name, pad=4)
        axes.set_xlabel("wavelength as in the file [Å]")
        axes.set_yticks(ticks, [str(fibers[k]) for k in ticks] if column == 0 else [])
        if column == 0:
            axes.set_ylabel("FIBER")
    bar = place(figure, (78 + 3 * (WIDTH + GAP) - 8, 98, 12, HEIGHT - 40))
    figure.colorbar(drawn, cax=bar, extend="both")
    bar.set_title(unit, fontsize=9.5, loc="left")
    return figure


def _binned(image: FloatArray) -> FloatArray:
    """Means over neighbouring wavelengths, so that a picture of a few hundred pixels shows all of the data."""
    step = -(-image.shape[1] // COLUMNS)
    padded = np.pad(image, ((0, 0), (0, -image.shape[1] % step)), constant_values=np.nan)
    blocks = padded.reshape(image.shape[0], -1, step)
    good = np.isfinite(blocks)
    number = good.sum(axis=2)
    total = np.where(good, blocks, 0.0).sum(axis=2)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)
