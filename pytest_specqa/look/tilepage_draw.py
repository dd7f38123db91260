"""The figures of a tile: they share their fibers, so that what is marked in one is marked in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    CDSView,
    ColorBar,
    ColumnDataSource,
    GroupFilter,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.look.tilepage_data import TileFibers
from pytest_specqa.look.words import status_in_words, zwarn_in_words
from pytest_specqa.measures.focal.bright_stars import Star, known_positions, offsets
from pytest_specqa.measures.redshifts.reference import CLASSES, reference_density

COLOURS = {"QSO": "#009E73", "ELG": "#E69F00", "LRG": "#D55E00", "BGS": "#0072B2", "other": "#8a8a8a", "sky": "#CC79A7"}
"""Of the classes, in the order in which they are drawn last to first."""
STEP = 0.05
FAR = 0.03
"""Distance in mm from which a fiber counts as off its target (desispec, POORPOSITION)."""
TIPS = [
    ("FIBER", "@fiber (petal @petal)"),
    ("TARGETID", "@targetid"),
    ("target", "@classes"),
    ("fit", "@spectype z = @z{0.0000}, DELTACHI2 @deltachi2{0.0}"),
    ("ZWARN", "@zwarn"),
    ("FIBERSTATUS", "@status"),
    ("EFFTIME", "@efftime{0} s"),
    ("off target", "@miss{0.000} mm"),
    ("RA, Dec", "@ra{0.00000}, @dec{0.00000}"),
]
_TOOLS = "pan,box_zoom,wheel_zoom,box_select,lasso_select,tap,reset,save"


def shared_source(fibers: TileFibers, centre: tuple[float, float] | None) -> ColumnDataSource:
    """Make the table that all figures of the fibers share."""
    known = known_positions(fibers.ra, fibers.dec)
    east, north = np.full((2, len(fibers.fiber)), np.nan)
    if centre is not None:
        east[known], north[known] = offsets(fibers.ra[known], fibers.dec[known], centre=centre)
    data = {name: getattr(fibers, name) for name in ("z", "deltachi2", "ra", "dec", "x", "y", "miss", "efftime", "classes")}
    data |= {"fiber": fibers.fiber.astype("i4"), "petal": (fibers.fiber // DESI.fibers).astype("i4")}
    # A TARGETID has more digits than the numbers of a browser.
    data |= {"targetid": [str(one) for one in fibers.targetid], "spectype": list(fibers.spectype), "east": east, "north": north}
    data["zwarn"] = [zwarn_in_words(one) or "0" for one in fibers.zwarn]
    data["status"] = [status_in_words(one) or "0" for one in fibers.status]
    return ColumnDataSource(data)


def draw_nz(fibers: TileFibers) -> Any:
    """Draw how many of each class lie at each redshift, beside the reference of the class."""
    made = _figure(x_axis_label="z", y_axis_label=f"fraction of the class per {STEP:g}", tools="pan,box_zoom,wheel_zoom,reset,save")
    top = 1.0
    for name in CLASSES:
        rows = (fibers.classes == name) & fibers.has_data
        if not rows.any():
            continue
        z = fibers.z[rows]
        edges = np.arange(0, max(5.0, float(np.nanmax(z))) + 2 * STEP, STEP)
        share = np.histogram(z, bins=edges)[0] / rows.sum()
        middle = 0.5 * (edges[1:] + edges[:-1])
        expected = STEP * reference_density(middle, name)
        label = f"{name}, {int(rows.sum()):,}"
        source = ColumnDataSource({"z": middle, "share": share, "expected": expected, "count": share * rows.sum()})
        made.varea("z", 0, "expected", source=source, fill_color=COLOURS[name], fill_alpha=0.16, legend_label=label)
        line = made.step("z", "share", source=source, mode="center", line_color=COLOURS[name], line_width=1.6, legend_label=label)
        tips = [
            ("class", name),
            ("z", "@z{0.000}"),
            ("spectra", "@count{0}"),
            ("fraction", "@share{0.0000}"),
            ("reference", "@expected{0.0000}"),
        ]
        made.add_tools(HoverTool(renderers=[line], tooltips=tips, mode="mouse"))
        # Stars at z = 0 are many and no part of n(z).
        top = max(top if top < 1 else 0.0, float(share[1:].max()), float(expected.max()))
    made.y_range = Range1d(0, 1.08 * top)
    made.x_range = Range1d(0, 5.0)
    if made.legend:
        made.legend.click_policy = "hide"
    return made


def draw_redshifts(fibers: TileFibers, source: ColumnDataSource, instrument: Instrument = DESI) -> Any:
    """Draw redshift against FIBER with the petals, and the windows in which redshifts pile up."""
    made = _figure(x_axis_label="FIBER", y_axis_label="z")
    for petal in range(1, instrument.spectrographs):
        made.add_layout(Span(location=petal * instrument.fibers - 0.5, dimension="height", line_color="#bbbbbb", line_width=1))
    dots = []
    for name, colour in reversed(COLOURS.items()):
        if (fibers.classes == name).any():
            view = CDSView(filter=GroupFilter(column_name="classes", group=name))
            style = {"size": 3.5, "color": colour, "alpha": 0.75, "nonselection_alpha": 0.06, "selection_alpha": 1.0}
            dots.append(made.scatter("fiber", "z", source=source, view=view, legend_label=name, **style))
    for window, colour in ((fibers.targets, "#b3261e"), (fibers.sky, COLOURS["sky"])):
        if window.window is not None and window.excess.value > 0:
            low, high = window.window
            room = max(0.0, 0.03 - 0.5 * (high - low))
            left, right = (int(end) for end in (fibers.fiber[window.members].min(), fibers.fiber[window.members].max()))
            box = {"left": left, "right": right, "bottom": low - room, "top": high + room}
            made.add_layout(BoxAnnotation(**box, fill_alpha=0.06, fill_color=colour, line_color=colour, line_width=1.5))
    made.add_tools(HoverTool(renderers=dots, tooltips=TIPS))
    made.x_range = Range1d(-40, instrument.all_fibers + 40)
    if made.legend:
        made.legend.location, made.legend.ncols, made.legend.click_policy = "top_left", 3, "hide"
        made.legend.padding, made.legend.background_fill_alpha = 4, 0.8
    return made


def draw_plane(source: ColumnDataSource, column: str, *, title: str, ends: tuple[float, float]) -> Any:
    """Draw a value of each fiber at its place on the focal plane."""
    made = _figure(x_axis_label="x [mm]", y_axis_label="y [mm]", match_aspect=True)
    mapper = LinearColorMapper(palette="Viridis256", low=ends[0], high=ends[1], high_color="#D55E00", nan_color="#dddddd")
    style = {"size": 4.5, "line_color": None, "nonselection_fill_alpha": 0.06}
    dots = made.scatter("x", "y", source=source, fill_color={"field": column, "transform": mapper}, **style)
    made.add_tools(HoverTool(renderers=[dots], tooltips=TIPS))
    made.add_layout(ColorBar(color_mapper=mapper, title=title, width=10), "right")
    _petals(made, DESI.radius + 25)
    return made


def draw_sky(
    source: ColumnDataSource, stars: Sequence[Star], centre: tuple[float, float], *, links: Sequence[tuple[int, float, float]]
) -> Any:
    """Draw the targets on the sky with the bright stars around them; east is to the left, as in the viewer."""
    made = _figure(x_axis_label="east of the middle [deg]", y_axis_label="north [deg]", match_aspect=True)
    style = {"size": 3.0, "color": "#0072B2", "alpha": 0.45, "nonselection_alpha": 0.05}
    dots = made.scatter("east", "north", source=source, **style)
    made.add_tools(HoverTool(renderers=[dots], tooltips=TIPS))
    made.x_range.flipped = True
    if stars:
        east, north = offsets(np.array([one.ra for one in stars]), np.array([one.dec for one in stars]), centre=centre)
        size = [float(np.clip(30 - 3 * one.magnitude, 8, 30)) for one in stars]
        data = {"east": east, "north": north, "name": [one.name for one in stars], "size": size}
        data |= {"magnitude": [one.magnitude for one in stars], "band": [one.band for one in stars]}
        shown = {"marker": "star", "size": "size", "fill_color": "#E69F00", "line_color": "#1f1f1f"}
        points = made.scatter("east", "north", source=ColumnDataSource(data), **shown)
        made.add_tools(HoverTool(renderers=[points], tooltips=[("", "@name"), ("@band", "@magnitude{0.00} mag")]))
    if links:
        east, north = offsets(np.array([ra for _, ra, _ in links]), np.array([dec for *_, dec in links]), centre=centre)
        named = ColumnDataSource({"east": east, "north": north, "petal": [str(petal) for petal, *_ in links]})
        made.text("east", "north", text="petal", source=named, text_font_size="18px", text_font_style="bold", text_align="center")
    return made


def _figure(*, tools: str = _TOOLS, **options: Any) -> Any:
    made = figure(height=430, sizing_mode="stretch_width", tools=tools, active_drag="box_zoom", active_scroll=None, **options)
    made.toolbar.logo = None
    made.grid.grid_line_alpha = 0.35
    return made


def _petals(made: Any, radius: float, instrument: Instrument = DESI) -> None:
    """Write the number of each petal around the focal plane, and draw where petals meet."""
    if instrument.azimuth is None:
        return
    width = 360.0 / instrument.spectrographs
    middle = np.deg2rad(instrument.azimuth + width * np.arange(instrument.spectrographs))
    edge: NDArray[np.float64] = middle + np.deg2rad(0.5 * width)
    zero = np.zeros(len(edge))
    made.segment(zero, zero, radius * np.cos(edge), radius * np.sin(edge), line_color="#999999", line_alpha=0.5)
    names = [str(petal) for petal in instrument.petals]
    made.text(radius * np.cos(middle), radius * np.sin(middle), text=names, text_align="center", text_baseline="middle")
