"""The interactive figures; everything that moves in them is told to look.js by name.

Bokeh is loaded here only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.embed import components
from bokeh.models import (
    BoxAnnotation,
    ColorBar,
    ColumnDataSource,
    CustomJS,
    HoverTool,
    LinearColorMapper,
    Range1d,
    TapTool,
    WheelZoomTool,
)
from bokeh.plotting import figure
from bokeh.resources import Resources
from matplotlib.colors import to_hex

from pytest_specqa.instrument import Instrument
from pytest_specqa.plots.canvas import BLUE, NO_DATA, VERMILLION, diverging, robust_limit

LEVELS = 32
SIDE, WIDE, HIGH = 520, 1330, 400
TOOLS = "pan,box_zoom,reset,save"
Columns = Mapping[str, Sequence[Any]]


def focal_planes(columns: Columns, *, instrument: Instrument, unit: str) -> dict[str, Any]:
    """Draw the focal plane before and after sky subtraction, side by side, with one selection, zoom and colour scale.

    Parameters
    ----------
    columns : mapping of str to sequence
        As `fibers.fiber_columns` gives them.
    instrument : Instrument
        Its petals are outlined.
    unit : str
        Of the values.

    Returns
    -------
    dict of str to figure
        ``before`` and ``after``.
    """
    names = ("fiber", "targetid", "kind", "status", "mag", "x", "y", "before", "after", "level")
    source = ColumnDataSource({name: column(columns[name]) for name in names}, name="fibers")
    count = len(source.data["fiber"])
    reach = plane_reach(columns)
    palette = [to_hex(colour) for colour in diverging(levels=LEVELS)(np.arange(LEVELS))]
    for name in ("before", "after"):
        # The colours are set in the browser, where another window may be chosen.
        source.data[f"{name}_fill"] = ["#d9d9d9"] * count
        source.data[f"{name}_edge"] = ["#d9d9d9"] * count
    marked = ColumnDataSource({"x": [], "y": []}, name="marked")
    edge = instrument.radius + 45
    ranges = {"x_range": Range1d(-edge, edge), "y_range": Range1d(-edge, edge)}
    titles = {"before": "before sky subtraction: flat-fielded, less its median", "after": "after sky subtraction"}
    mapper = LinearColorMapper(palette=palette, low=-reach, high=reach, name="plane_colours")
    planes = {}
    for name, title in titles.items():
        plane = figure(frame_width=SIDE, frame_height=SIDE, title=title, tools=TOOLS, toolbar_location="above", **ranges)
        _outline(plane, instrument)
        dots = plane.scatter("x", "y", source=source, size=6.5, fill_color=f"{name}_fill", line_color=f"{name}_edge", line_width=1)
        dots.nonselection_glyph = dots.glyph
        dots.selection_glyph = dots.glyph.clone()
        dots.selection_glyph.update(size=13, line_color="black", line_width=2.5)
        plane.scatter("x", "y", source=marked, size=10, fill_color=None, line_color="#111111", line_width=0.9)
        plane.add_tools(HoverTool(renderers=[dots], tooltips=_tooltips(unit)), TapTool(renderers=[dots]))
        plane.xaxis.axis_label, plane.yaxis.axis_label = "FIBER_X [mm]", "FIBER_Y [mm]"
        plane.add_layout(ColorBar(color_mapper=mapper, width=10, title=unit.replace("electron", "e⁻")), "right")
        _calm(plane)
        planes[name] = plane
    source.selected.js_on_change("indices", CustomJS(args={"source": source}, code="specqaLook.picked(source.selected.indices)"))
    return planes


def column(values: Sequence[Any]) -> Any:
    """Values as Bokeh takes them: arrays of numbers, NaN for ``None``; texts as they are."""
    if any(isinstance(one, str) for one in values):
        return list(values)
    if all(isinstance(one, int) for one in values):
        return np.array(values, dtype=np.int32)
    return np.array([np.nan if one is None else one for one in values], dtype=float)


def plane_reach(columns: Columns) -> float:
    """Half range of the colour scale that both panels share: the bulk of the fibers, not the light of bright targets."""
    return max(robust_limit(column(columns[name]), sigmas=2.2) for name in ("before", "after"))


def _tooltips(unit: str) -> list[tuple[str, str]]:
    return [
        ("FIBER", "@fiber"),
        ("TARGETID", "@targetid"),
        ("target", "@kind"),
        ("magnitude (r, or G)", "@mag{0.00}"),
        ("FIBERSTATUS", "@status"),
        ("before, less median", f"@before{{0.00}} {unit}"),
        ("after", f"@after{{0.00}} {unit}"),
        ("level before", f"@level{{0.0}} {unit}"),
    ]


def _outline(plane: Any, instrument: Instrument) -> None:
    edge = instrument.radius + 5
    turn = np.linspace(0, 2 * np.pi, 181)
    plane.line(edge * np.cos(turn), edge * np.sin(turn), color="#888888", line_width=1)
    if instrument.azimuth is None:
        return
    width = 360 / instrument.spectrographs
    middles = np.deg2rad(instrument.azimuth + width * np.arange(instrument.spectrographs))
    sides = middles - np.deg2rad(width / 2)
    plane.segment(26 * np.cos(sides), 26 * np.sin(sides), edge * np.cos(sides), edge * np.sin(sides), color="#888888")
    numbers = [str(petal) for petal in instrument.petals]
    away = edge + 20
    plane.text(
        away * np.cos(middles),
        away * np.sin(middles),
        text=numbers,
        text_align="center",
        text_baseline="middle",
        text_font_size="15px",
        text_font_style="bold",
        text_color="#333333",
    )


def spectrum_figures(window: tuple[float, float], *, grid: tuple[float, float]) -> dict[str, Any]:
    """Draw the panel of one fiber: its light and the sky model above, what is left below; look.js fills them.

    Parameters
    ----------
    window : tuple of float
        Wavelengths in Angstrom that colour the focal plane; shaded.
    grid : tuple of float
        First and last wavelength.

    Returns
    -------
    dict of str to figure
        ``light`` and ``left``.
    """
    source = ColumnDataSource({name: [] for name in ("wave", "frame", "sky", "residual")}, name="spectrum")
    across = Range1d(*grid)
    light = figure(width=WIDE, height=260, tools=TOOLS, title="click a fiber", x_range=across, y_range=Range1d(0, 1), name="light")
    light.step("wave", "frame", source=source, color="#777777", mode="center", legend_label="flat-fielded frame")
    light.step("wave", "sky", source=source, color=BLUE, line_width=1.6, mode="center", legend_label="sky model as subtracted")
    light.legend.orientation, light.legend.location, light.legend.background_fill_alpha = "horizontal", "top_left", 0.7
    left = figure(width=WIDE, height=190, tools=TOOLS, x_range=across, y_range=Range1d(-1, 1), name="left")
    left.line([*grid], [0, 0], color="#aaaaaa")
    left.step("wave", "residual", source=source, color="#111111", mode="center")
    left.xaxis.axis_label = "wavelength as in the file [Å]"
    left.yaxis.axis_label, light.yaxis.axis_label = "sframe [e⁻/Å]", "[e⁻/Å]"
    for one in (light, left):
        one.add_layout(BoxAnnotation(left=window[0], right=window[1], fill_color="#E69F00", fill_alpha=0.18, line_color=None))
        one.add_tools(
            HoverTool(
                tooltips=[("Å", "@wave{0}"), ("frame", "@frame{0.0}"), ("sky", "@sky{0.0}"), ("left", "@residual{0.0}")],
                mode="vline",
            )
        )
        _calm(one)
    return {"light": light, "left": left}


def image_figures(grid: tuple[float, float]) -> dict[str, Any]:
    """Draw the frames of the images: in wavelength, and straightened along CCD rows; look.js fills them.

    Parameters
    ----------
    grid : tuple of float
        First and last wavelength.

    Returns
    -------
    dict of str to figure
        ``waves`` and ``rows``.
    """
    greys = [f"#{k:02x}{k:02x}{k:02x}" for k in range(256)]
    mapper = LinearColorMapper(palette=greys, low=0, high=1, nan_color=NO_DATA, name="greys")
    across, up = Range1d(*grid), Range1d(-0.5, 499.5)
    found = {}
    for name, label in (
        ("waves", "wavelength as in the file [Å]"),
        ("rows", "wavelength of the same CCD row in the middle of the slit [Å]"),
    ):
        source = ColumnDataSource(
            {"image": [np.zeros((1, 1), np.float32)], "x": [0], "y": [0], "dw": [1], "dh": [1]}, name=f"image_{name}"
        )
        one = figure(width=WIDE, height=HIGH, tools=TOOLS, x_range=across, y_range=up, title="...", name=f"figure_{name}")
        drawn = one.image("image", x="x", y="y", dw="dw", dh="dh", source=source, color_mapper=mapper)
        bounds = ColumnDataSource({"xs": [], "ys": []}, name=f"bounds_{name}")
        one.multi_line("xs", "ys", source=bounds, color="#E69F00", line_width=1.4, line_dash="dashed")
        letters = ColumnDataSource({"x": [], "y": [], "text": []}, name=f"amps_{name}")
        one.text("x", "y", "text", source=letters, text_color="#E69F00", text_font_size="16px", text_font_style="bold")
        if name == "waves":
            boxes = ColumnDataSource({"left": [], "right": [], "bottom": [], "top": []}, name="boxes")
            one.quad("left", "right", "top", "bottom", source=boxes, fill_color=None, line_color=VERMILLION, line_width=2)
        one.add_tools(HoverTool(renderers=[drawn], tooltips=[("FIBER", "$y{0}"), ("Å", "$x{0.0}"), ("value", "@image{0.00}")]))
        one.xaxis.axis_label, one.yaxis.axis_label = label, "FIBER"
        one.add_layout(ColorBar(color_mapper=mapper, width=10, name=f"bar_{name}"), "right")
        one.grid.visible = False
        _calm(one)
        found[name] = one
    return found


def sky_fiber_figure(grid: tuple[float, float]) -> Any:
    """Draw the frame of the sky-subtracted sky fibers of a camera; look.js fills it."""
    source = ColumnDataSource({"xs": [], "ys": [], "fiber": [], "colour": []}, name="sky_lines")
    middle = ColumnDataSource({"wave": [], "median": []}, name="sky_median")
    one = figure(
        width=WIDE, height=330, tools=TOOLS, x_range=Range1d(*grid), y_range=Range1d(-1, 1), name="sky_fibers", title="..."
    )
    lines = one.multi_line(
        "xs", "ys", source=source, color="colour", line_width=1, line_alpha=0.75, hover_line_color="black", hover_line_width=3
    )
    one.line("wave", "median", source=middle, color="black", line_width=2.4, legend_label="median")
    one.add_tools(HoverTool(renderers=[lines], tooltips=[("FIBER", "@fiber"), ("Å", "$x{0}"), ("e⁻/Å", "$y{0.0}")]))
    one.xaxis.axis_label, one.yaxis.axis_label = "wavelength as in the file [Å]", "sframe [e⁻/Å]"
    one.legend.location = "top_left"
    _calm(one)
    return one


def embed(figures: Mapping[str, Any]) -> tuple[str, dict[str, str], str]:
    """Return the script that draws the figures, a place for each, and the library itself: nothing is loaded from elsewhere."""
    script, places = components(dict(figures))
    library = Resources(mode="inline", components=["bokeh"]).render()
    return script, places, library


def _calm(one: Any) -> None:
    # The bare wheel moves the page, whose figures are as wide as it is.
    wheel = WheelZoomTool(modifiers="ctrl")
    one.add_tools(wheel)
    one.toolbar.active_scroll = wheel
    one.toolbar.logo = None
    if one.frame_width is None:
        one.sizing_mode = "stretch_width"
        # Wavelengths of figures below each other line up.
        one.min_border_left, one.min_border_right = 76, 110
    one.grid.grid_line_color = "#ececec"
    one.outline_line_color = "#bbbbbb"
