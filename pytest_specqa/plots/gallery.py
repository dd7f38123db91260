"""Draws a picture by the name of its family."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from pytest_specqa.errors import SpecQAError
from pytest_specqa.plots.canvas import STYLE
from pytest_specqa.plots.mark import Mark, headline

FAMILIES = (
    "amp_map",
    "before_after",
    "fiber_image",
    "focal_plane",
    "night_trend",
    "per_fiber",
    "per_line",
    "per_petal",
    "redshift_change",
    "redshift_pileup",
    "sframe_lines",
    "sky_model",
    "spectra",
    "spectrum_stack",
)


def draw(name: str, *, mark: Mark | None = None, **arrays: Any) -> Figure:
    """Draw one picture.

    Parameters
    ----------
    name : str
        One of `FAMILIES`; the module of that name documents its arrays.
    mark : Mark, optional
        What fails: it is told above the picture, and shown in it at its place.
    **arrays
        What that family takes. NaN is never drawn; empty arrays give a picture that says so in words.

    Returns
    -------
    matplotlib.figure.Figure
        Free of pyplot's global state.

    Raises
    ------
    SpecQAError
        If there is no such picture, or it takes no such arrays.
    """
    if name not in FAMILIES:
        raise SpecQAError(f"no picture is named {name!r}; pictures are: {', '.join(FAMILIES)}")
    function: Callable[..., Figure] = getattr(import_module(f"pytest_specqa.plots.{name}"), name)
    signature = inspect.signature(function)
    if mark is not None and "mark" in signature.parameters:
        arrays["mark"] = mark
    try:
        signature.bind(**arrays)
    except TypeError as error:
        known = ", ".join(str(parameter.name) for parameter in signature.parameters.values() if parameter.name != "mark")
        raise SpecQAError(f"picture {name!r}: {error}; it takes: {known}") from None
    with matplotlib.rc_context(STYLE):
        figure = function(**arrays)
        if mark is not None:
            headline(figure, mark)
        return figure
