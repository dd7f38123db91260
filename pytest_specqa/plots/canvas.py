"""What all pictures share: sizes in pixels, colours that everyone can tell apart, and what to draw when there is nothing."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = npt.NDArray[np.float64]

DPI = 100
MAX_BYTES = 250_000
"""A report holds dozens of pictures and has to stay below 15 MB."""

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.titlelocation": "left",
    "axes.labelsize": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.linewidth": 0.8,
    "axes.formatter.useoffset": False,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "legend.fontsize": 10.0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "lines.linewidth": 1.2,
}

INK = "#1f1f1f"
FAINT = "#777777"
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKYBLUE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
"""Okabe and Ito's palette, told apart with any kind of colour vision."""
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKYBLUE)
NO_DATA = "#bcd3e6"

KIND_COLOURS = {"nebular": BLUE, "bump": ORANGE, "edge": PURPLE, "step": PURPLE}
COLOUR_NAMES = {BLUE: "blue", ORANGE: "orange", PURPLE: "pink", VERMILLION: "red"}


def kind_colour(kind: str) -> str:
    """Colour of a kind of feature; vermillion for those without one of their own."""
    return KIND_COLOURS.get(kind, VERMILLION)


def kinds_told(kinds: Iterable[str]) -> str:
    """Which colour stands for which kind of feature: ``red: line; blue: nebular``."""
    return ", ".join(f"{COLOUR_NAMES[kind_colour(kind)]}: {kind}" for kind in dict.fromkeys(kinds))


def new_figure(width: int, height: int, *, title: str = "", subtitle: str = "") -> Figure:
    """An empty figure of a size in pixels, with its title at the upper left.

    Parameters
    ----------
    width, height : int
        Size in pixels.
    title, subtitle : str, optional
        What is shown, in bold, and a sentence on how to read it.

    Returns
    -------
    matplotlib.figure.Figure
        Without axes.
    """
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    if title:
        figure.text(12 / width, 1 - 10 / height, literal(title), ha="left", va="top", fontsize=13, fontweight="bold", color=INK)
    if subtitle:
        figure.text(12 / width, 1 - 33 / height, literal(subtitle), ha="left", va="top", fontsize=10.5, color="#444444")
    return figure


def stamp(figure: Figure, text: str) -> None:
    """Write at the upper right of a picture what it is of, since pictures travel without their page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Any.
    text : str
        Such as a unit's id.
    """
    width, height = figure.get_figwidth() * DPI, figure.get_figheight() * DPI
    figure.text(1 - 12 / width, 1 - 10 / height, literal(text), ha="right", va="top", fontsize=10.5, color="#444444")


def literal(text: str) -> str:
    """Text that matplotlib must not read as mathematics: target and file names may hold a dollar sign."""
    return text.replace("$", r"\$")


def place(figure: Figure, box: tuple[float, float, float, float], **options: Any) -> Axes:
    """Add axes whose left, top, width and height are given in pixels from the upper left corner."""
    width, height = figure.get_figwidth() * DPI, figure.get_figheight() * DPI
    left, top, across, down = box
    return figure.add_axes((left / width, 1 - (top + down) / height, across / width, down / height), **options)


def nothing_to_show(title: str, reason: str) -> Figure:
    """A picture that says in words why there is none."""
    figure = new_figure(1000, 150, title=title)
    figure.text(0.5, 0.4, literal(reason), ha="center", va="center", fontsize=12, color="#555555")
    return figure


def symmetric_limit(values: npt.ArrayLike, *, percent: float = 98.0, floor: float = 1e-12) -> float:
    """Half range of a scale around zero that holds `percent` of the finite absolute values."""
    array = np.abs(np.asarray(values, dtype=float))
    finite = array[np.isfinite(array)]
    return max(float(np.percentile(finite, percent)), floor) if finite.size else 1.0


def robust_limit(values: npt.ArrayLike, *, sigmas: float = 4.0) -> float:
    """Half range of a scale around zero that spans the bulk of the values; the light of bright targets does not widen it."""
    array = as_float(values)
    finite = array[np.isfinite(array)]
    if not finite.size:
        return 1.0
    middle = float(np.median(finite))
    spread = 1.4826 * float(np.median(np.abs(finite - middle)))
    return abs(middle) + sigmas * spread or symmetric_limit(finite, percent=100.0)


def short_unit(unit: str) -> str:
    """Unit as it fits above a colour bar."""
    return literal(unit.replace("electron", "e⁻").replace("Angstrom", "Å"))


def diverging(name: str = "RdBu_r", *, levels: int = 64) -> Any:
    """A blue-white-red map, in few enough steps to compress well; places without data are grey."""
    from matplotlib import colormaps  # noqa: PLC0415  (a registry that is costly to build)

    colours = colormaps[name](np.linspace(0.02, 0.98, levels))
    return LinearSegmentedColormap.from_list("specqa_diverging", list(colours), N=levels).with_extremes(bad="#d9d9d9")


def fiber_text(fibers: tuple[int, int]) -> str:
    """``fibers 3000-3049``, or ``fiber 3000`` for one."""
    first, last = fibers
    return f"fiber {first}" if first == last else f"fibers {first}–{last}"


def as_float(values: npt.ArrayLike | None) -> FloatArray:
    """Double-precision copy with masked or infinite entries as NaN; an empty array for None."""
    if values is None:
        return np.empty(0)
    array = np.array(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan), dtype=float)
    array[~np.isfinite(array)] = np.nan
    return array


def spread_labels(positions: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart until neighbours are at least `gap` apart, keeping their order and their mean place.

    Clusters that would overlap are merged and centred on what they label; the result stays between `low` and `high` where it fits.
    """
    order = np.argsort(positions, kind="stable")
    clusters: list[tuple[float, int]] = []
    for index in order:
        centre, members = float(positions[index]), 1
        while (
            clusters
            and centre - (members - 1) * gap / 2 < clusters[-1][0] + clusters[-1][1] * gap - (clusters[-1][1] - 1) * gap / 2
        ):
            other, count = clusters.pop()
            centre, members = (other * count + centre * members) / (count + members), count + members
        half = (members - 1) * gap / 2
        centre = max(min(centre, high - half), low + half)
        clusters.append((centre, members))
    placed = [centre + (k - (members - 1) / 2) * gap for centre, members in clusters for k in range(members)]
    result = [0.0] * len(placed)
    for index, place_ in zip(order, placed, strict=True):
        result[index] = place_
    return result


def shade(axes: Axes, ranges: Iterable[tuple[float, float]], *, colour: str = ORANGE, alpha: float = 0.18) -> None:
    """Shade ranges of the horizontal axis."""
    for low, high in ranges:
        axes.axvspan(low, high, color=colour, alpha=alpha, lw=0, zorder=0)


def to_png(figure: Figure, *, dpi: int = DPI, max_bytes: int = MAX_BYTES) -> bytes:
    """Render a figure as PNG with a palette.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        As given by `draw`.
    dpi : int, optional
        Pixels per inch; at the default one, sizes are those the picture was designed with.
    max_bytes : int, optional
        Fewer colours are used until the file is no larger than this, down to 16.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)  # untyped in matplotlib
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
    for colours in (256, 96, 48, 24, 16):
        # Packing as well as can be takes longer than drawing, and makes a file a tenth smaller.
        out = io.BytesIO()
        image.quantize(colors=colours, dither=Image.Dither.NONE).save(out, format="PNG", compress_level=5)
        if out.tell() <= max_bytes:
            break
    return out.getvalue()
