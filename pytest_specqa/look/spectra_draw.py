"""Spectra as Bokeh figures: one by one, all over each other, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, HoverTool, LabelSet, LinearColorMapper, Span, VSpan, VStrip
from bokeh.plotting import figure
from numpy.typing import NDArray

from pytest_specqa.look.spectra_found import Spectrum
from pytest_specqa.look.spectra_lines import FitLine, Trouble
from pytest_specqa.look.spectra_rebin import Binned, Floats, average

COLOURS = {"b": "#0072B2", "r": "#D55E00", "z": "#009E73"}
"""Of the cameras; another instrument has the next ones."""
MORE = ("#CC79A7", "#E69F00", "#56B4E9")
INK, FAINT, MODEL = "#1f1f1f", "#8a8a8a", "#000000"
ROWS = 4
"""Heights at which names of lines stand, so that neighbours do not hide each other."""
APART = 260.0
"""Angstrom that the name of a line takes."""
CROWD, FEWEST = 80, 5
"""Spectra of which more cannot be told apart, and fewest of a patch whose median is drawn instead."""


def colour_of(band: str, number: int = 0) -> str:
    """Return the colour of a camera, the same on all figures."""
    return COLOURS.get(band, MORE[number % len(MORE)])


def frame(height: int, *, unit: str) -> Any:
    """Make an empty figure of a spectrum."""
    made = figure(
        height=height,
        sizing_mode="stretch_width",
        tools="pan,box_zoom,wheel_zoom,xwheel_zoom,reset,save",
        active_drag="box_zoom",
        active_scroll=None,
        output_backend="canvas",
        x_axis_label="wavelength [Å]",
        y_axis_label=unit,
        toolbar_location="right",
    )
    made.toolbar.logo = None
    made.grid.grid_line_alpha = 0.35
    made.x_range.range_padding = 0.01
    made.min_border_left = 64
    made.add_layout(Span(location=0, dimension="width", line_color=FAINT, line_width=1))
    return made


def draw_one(spectrum: Spectrum, *, lines: Sequence[FitLine], places: Iterable[Trouble], unit: str) -> Any:
    """Draw one spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        In bins; bins without a pixel that counts leave gaps, and are shaded.
    lines : sequence of FitLine
        Of its fit.
    places : iterable of Trouble
        Ranges to shade.
    unit : str
        Unit of its flux.

    Returns
    -------
    bokeh.plotting.figure
        With the error of each bin, the cameras in their colours and the model in black.
    """
    made = frame(300, unit=unit)
    hovered = []
    for number, (band, (binned, row)) in enumerate(spectrum.bands.items()):
        flux, error = binned.flux[row], binned.error[row]
        data: dict[str, Any] = {"wave": _small(binned.wave), "flux": _small(flux), "error": _small(error)}
        data |= {"low": _small(flux - error), "high": _small(flux + error)}
        source, colour = ColumnDataSource(data), colour_of(band, number)
        _band(made, source, binned, colour=colour)
        hovered.append(made.line("wave", "flux", source=source, line_color=colour, line_width=1.2, legend_label=f"{band} camera"))
        if band in spectrum.model:
            made.line(_small(binned.wave), _small(spectrum.model[band]), line_color=MODEL, line_width=1.4, legend_label="best fit")
    made.add_tools(_hover(hovered))
    _shade_out(made, [pair for binned, row in spectrum.bands.values() for pair in binned.out[row]])
    _shade_places(made, places)
    shown = [(binned.flux[row], spectrum.model.get(band)) for band, (binned, row) in spectrum.bands.items()]
    _set_heights(made, [part for pair in shown for part in pair if part is not None])
    waves = np.concatenate([binned.wave for binned, _ in spectrum.bands.values()])
    _mark(made, [line for line in lines if waves.min() <= line.wave <= waves.max()])
    _legend(made)
    return made


def draw_common(stacked: dict[str, Binned], *, lines: Sequence[FitLine], places: Iterable[Trouble], unit: str) -> Any:
    """Draw the median of all spectra at each observed wavelength: what they share is no feature of the sky.

    Parameters
    ----------
    stacked : dict of str to Binned
        By band, a row for each spectrum.
    lines : sequence of FitLine
        At the median redshift.
    places : iterable of Trouble
        Ranges to shade.
    unit : str
        Unit of the flux.

    Returns
    -------
    bokeh.plotting.figure
        The median with its error, and half of the spectra between the light bands.
    """
    made = frame(320, unit=unit)
    hovered, heights = [], []
    for number, (band, binned) in enumerate(stacked.items()):
        middle, error = average(binned)
        seen = np.isfinite(middle)
        quarters = np.full((2, binned.wave.size), np.nan)
        quarters[:, seen] = np.nanpercentile(binned.flux[:, seen], [25, 75], axis=0)
        data = {"wave": _small(binned.wave), "flux": _small(middle), "error": _small(error)}
        data |= {"low": _small(quarters[0]), "high": _small(quarters[1])}
        source, colour = ColumnDataSource(data), colour_of(band, number)
        _band(made, source, binned, colour=colour, legend_label="half of them")
        hovered.append(made.line("wave", "flux", source=source, line_color=colour, line_width=1.6, legend_label=f"median, {band}"))
        heights += [*quarters, middle]
    made.add_tools(_hover(hovered))
    _shade_places(made, places)
    _set_heights(made, heights)
    waves = np.concatenate([binned.wave for binned in stacked.values()])
    _mark(made, [line for line in lines if waves.min() <= line.wave <= waves.max()])
    _legend(made)
    return made


def draw_over_each_other(
    stacked: dict[str, Binned], fibers: dict[str, NDArray[np.int64]], *, places: Iterable[Trouble], unit: str, patch: int
) -> Any:
    """Draw spectra over each other, coloured along the slit, so that groups of neighbours show.

    Parameters
    ----------
    stacked : dict of str to Binned
        By band, a row for each spectrum that has it.
    fibers : dict of str to ndarray of int
        By band, FIBER of each row; of more than `CROWD` spectra the medians of patches are drawn.
    places : iterable of Trouble
        Ranges to shade.
    unit : str
        Unit of the flux.
    patch : int
        Neighbouring fibers that also are neighbours on the focal plane: they have one colour.

    Returns
    -------
    bokeh.plotting.figure
        A line for each spectrum or patch.
    """
    made = frame(430, unit=unit)
    everywhere = np.concatenate(list(fibers.values())) // patch * patch
    mapper = LinearColorMapper(palette="Turbo256", low=int(everywhere.min()), high=int(max(everywhere.max(), everywhere.min() + 1)))
    renderers, drawn = [], []
    for band, binned in stacked.items():
        flux, group, names = _lines_of(binned.flux, fibers[band], patch=patch)
        drawn.append(flux)
        data: dict[str, Any] = {"wave": [_small(binned.wave)] * len(flux), "flux": [_small(row) for row in flux]}
        data |= {"fiber": names, "group": group}
        colour = {"field": "group", "transform": mapper}
        style = {"line_color": colour, "line_width": 1.0, "line_alpha": 0.75, "hover_line_color": INK, "hover_line_width": 2.5}
        renderers.append(made.multi_line("wave", "flux", source=ColumnDataSource(data), hover_line_alpha=1.0, **style))
    made.add_tools(HoverTool(renderers=renderers, tooltips=[("FIBER", "@fiber"), ("at", "$x{0} Å"), ("flux", "$y{0.00}")]))
    made.add_layout(ColorBar(color_mapper=mapper, title=f"FIBER, by {patch}", width=10), "right")
    _shade_places(made, places)
    _set_heights(made, drawn, share=0.02)
    return made


def _lines_of(flux: Floats, fibers: NDArray[np.int64], *, patch: int) -> tuple[Floats, NDArray[np.int64], list[str]]:
    """Return the spectra, or of a crowd the medians of patches, with the first FIBER of their patch and their names."""
    group = fibers // patch * patch
    if len(flux) <= CROWD:
        return flux, group, [str(fiber) for fiber in fibers]
    firsts = np.array([first for first in np.unique(group) if (group == first).sum() >= FEWEST], dtype=np.int64)
    medians = [average(Binned(np.zeros(flux.shape[1]), flux[group == first], flux[:0], ()))[0] for first in firsts]
    names = [f"{first}-{first + patch - 1}, {int((group == first).sum())} spectra" for first in firsts]
    return np.array(medians).reshape(len(firsts), flux.shape[1]), firsts, names


def _band(made: Any, source: ColumnDataSource, binned: Binned, *, colour: str, **more: Any) -> None:
    """Shade from ``low`` to ``high`` bin by bin: an area would reach across bins in which nothing counts."""
    width = float(np.median(np.diff(binned.wave))) if binned.wave.size > 1 else 1.0
    made.vbar(x="wave", bottom="low", top="high", width=width, source=source, color=colour, alpha=0.18, line_color=None, **more)


def _small(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype("f4")


def _hover(renderers: list[Any]) -> HoverTool:
    tips = [("wavelength", "@wave{0.0} Å"), ("flux", "@flux{0.000} ± @error{0.000}")]
    return HoverTool(renderers=renderers, mode="vline", tooltips=tips)


def _legend(made: Any) -> None:
    made.legend.location, made.legend.orientation = "bottom_left", "horizontal"
    made.legend.background_fill_alpha, made.legend.padding, made.legend.label_text_font_size = 0.75, 3, "10px"
    made.legend.click_policy = "hide"


def _shade_out(made: Any, ranges: Sequence[tuple[float, float]]) -> None:
    if ranges:
        low, high = zip(*ranges, strict=True)
        strips = VStrip(x0="low", x1="high", fill_color="#bbbbbb", fill_alpha=0.45, line_alpha=0)
        made.add_glyph(ColumnDataSource({"low": low, "high": high}), strips, level="underlay")


def _shade_places(made: Any, places: Iterable[Trouble]) -> None:
    ranges = sorted({(place.low, place.high) for place in places})
    if ranges:
        low, high = zip(*ranges, strict=True)
        strips = VStrip(x0="low", x1="high", fill_color="#E69F00", fill_alpha=0.16, line_alpha=0)
        made.add_glyph(ColumnDataSource({"low": low, "high": high}), strips, level="underlay")


def _set_heights(made: Any, parts: Sequence[Floats], *, share: float = 0.15) -> None:
    """Leave single bad bins out of view: they are a zoom away."""
    values = np.concatenate([np.ravel(part) for part in parts]) if parts else np.zeros(0)
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, [share, 100 - share]) if values.size else (0.0, 1.0)
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    room = 0.06 * max(high - low, 1e-12)
    made.y_range.start, made.y_range.end = low - 2 * room, high + 5 * room


def _mark(made: Any, lines: Sequence[FitLine]) -> None:
    """Draw lines of a fit, in emission solid and in absorption dashed, with their names on top."""
    for absorption, dash in ((False, "solid"), (True, "dashed")):
        waves = [line.wave for line in lines if line.absorption == absorption]
        if waves:
            spans = VSpan(x="x", line_color="#6a3d9a", line_alpha=0.55, line_dash=dash, line_width=1)
            made.add_glyph(ColumnDataSource({"x": waves}), spans)
    taken = [-1e9] * ROWS
    rows = []
    for line in lines:
        row = next((number for number in range(ROWS) if line.wave - taken[number] > APART), int(np.argmin(taken)))
        taken[row] = line.wave
        rows.append(row)
    if lines:
        heights = [made.height - 72 - 13 * row for row in rows]
        source = ColumnDataSource({"x": [line.wave for line in lines], "y": heights, "name": [line.name for line in lines]})
        style = {"text_font_size": "11px", "text_color": "#4b2a73", "x_offset": 3}
        made.add_layout(LabelSet(x="x", y="y", text="name", source=source, y_units="screen", **style))
