"""How things look in a notebook and in a terminal: a title and a few facts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

from matplotlib.figure import Figure

from pytest_specqa import plots


class Shows:
    """Something with a name and a few facts, which are its display."""

    name = ""

    def facts(self) -> Mapping[str, str]:
        """What its display says, by a word for it."""
        return {}

    def __repr__(self) -> str:
        facts = "".join(f"\n  {word}: {text}" for word, text in self.facts().items())
        return f"<{type(self).__name__} {self.name}>{facts}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(w)}</th><td>{escape(t)}</td></tr>" for w, t in self.facts().items()
        )
        return f"<b>{escape(self.name)}</b> <i>{type(self).__name__}</i><table>{rows}</table>"


class Pictures(list[Figure]):
    """Figures of matplotlib, which a notebook shows one below the other."""

    def __repr__(self) -> str:
        return f"<{len(self)} picture{'s' * (len(self) != 1)}>"

    def _repr_html_(self) -> str:
        if not self:
            return "<i>no picture: nothing failed or warned</i>"
        encoded = (base64.b64encode(plots.to_png(figure)).decode() for figure in self)
        return "".join(f'<p><img alt="picture" src="data:image/png;base64,{content}"></p>' for content in encoded)
