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

FAMILIES = (
    "amp_map",
    "before_after",
    "focal_plane",
    "per_fiber",
    "redshift_change",
    "redshift_pileup",
    "sframe_lines",
    "sky_model",
    "spectra",
    "spectrum_stack",
)


def draw(name: str, **arrays: Any) -> Figure:
    """Draw one picture.

    Parameters
    ----------
    name : str
        One of `FAMILIES`; the module of that name documents its arrays.
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
    try:
        signature.bind(**arrays)
    except TypeError as error:
        known = ", ".join(str(parameter.name) for parameter in signature.parameters.values())
        raise SpecQAError(f"picture {name!r}: {error}; it takes: {known}") from None
    with matplotlib.rc_context(STYLE):
        return function(**arrays)
