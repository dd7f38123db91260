"""Self-contained pages with Bokeh figures: everything is inside, and nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from importlib.util import find_spec
from typing import Any

import pytest_specqa
from pytest_specqa.errors import UsageError
from pytest_specqa.printable import escape

# A figure is drawn when it comes near the window: fifty at once take seconds.
_DRAW = """
document.addEventListener("DOMContentLoaded", () => {
  const draw = place => {
    const item = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    Bokeh.embed.embed_item(item, place);
  };
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, {rootMargin: "900px"});
  document.querySelectorAll("[data-figure]").forEach(place => seen.observe(place));
});
"""


_HELP = "Drag a box to zoom, or choose another tool beside the figure; hover to read."


def require_bokeh() -> None:
    """Raise `UsageError` where Bokeh is not installed; one line that says how to."""
    if find_spec("bokeh") is None:
        raise UsageError("this page needs Bokeh: pip install 'pytest-specqa[look]'")


def place_for(name: str, *, height: int) -> str:
    """Return where a figure of that name will be drawn."""
    return f'<div class="figure" data-figure="{escape(name)}" style="min-height:{height}px"></div>'


def build(title: str, body: str, figures: Mapping[str, Any], *, script: str = "") -> str:
    """Write a page.

    Parameters
    ----------
    title : str
        Of the page; escaped here.
    body : str
        HTML, whose every name and value is escaped already.
    figures : Mapping
        Bokeh figures by the name under which `place_for` left them a place.
    script : str
        What `linked` made for figures that are in the body already.

    Returns
    -------
    str
        HTML that works from a file share without network.
    """
    from bokeh.embed import json_item  # noqa: PLC0415
    from bokeh.resources import Resources  # noqa: PLC0415

    style = resources.files(__package__).joinpath("spectra_page.css").read_text(encoding="utf-8")
    data = "\n".join(
        f'<script type="application/json" id="{escape(name)}">{script_text(json_item(made))}</script>'
        for name, made in figures.items()
    )
    library = Resources(mode="inline", components=["bokeh"]).js_raw if figures or script else []
    code = "\n".join(f"<script>{text}</script>" for text in library)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{style}</style></head><body>",
            body,
            f"<footer>pytest-specqa {escape(pytest_specqa.__version__)}. {_HELP}</footer>",
            data,
            code,
            f"<script>{_DRAW}</script>" if figures else "",
            f"<script>{script}</script>" if script else "",
            "</body></html>\n",
        ]
    )


def linked(figures: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the script of figures that share data, and the element of each, to be put into a body; all are drawn at once."""
    from bokeh.embed import components  # noqa: PLC0415

    script, divs = components(dict(figures), wrap_script=False)
    return str(script), dict(divs)


def script_text(item: Any) -> str:
    """Write JSON such that no text in it ends the script element or opens a comment; NaN is refused."""
    return json.dumps(item, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
