"""One value for each petal, in a panel for each band or exposure, with what fails shaded."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pytest_specqa.instrument import DESI
from pytest_specqa.plots.canvas import BLUE, FAINT, INK, VERMILLION, literal, new_figure, nothing_to_show, place
from pytest_specqa.plots.mark import Mark, spans

HIGH, GAP, TOP = 150, 34, 66
MOST = 6
"""Panels: those that hold what fails come first."""


def per_petal(*, label: str = "value", title: str = "Value of each petal", mark: Mark | None = None) -> Figure:
    """Draw the petals among which a value was found.

    Parameters
    ----------
    label, title : str, optional
        Name of the value with its unit; what the picture shows.
    mark : Mark, optional
        What fails, with its `peers`.

    Returns
    -------
    matplotlib.figure.Figure
        The value of each petal with its error; petals that fail are shaded, red and named with their value.
    """
    peers = [peer for peer in (mark.peers if mark else ()) if np.isfinite(peer.value)]
    if not peers:
        return nothing_to_show(title, "No petal has a value that can be compared.")
    petals, hit = np.array([peer.petal for peer in peers]), np.array([peer.chosen for peer in peers])
    values, errors = np.array([peer.value for peer in peers]), np.nan_to_num([peer.error for peer in peers])
    names = np.array([peer.series for peer in peers])
    panels = sorted(dict.fromkeys(names.tolist()), key=lambda name: not hit[names == name].any())
    shown = [name for name in dict.fromkeys(names.tolist()) if name in panels[:MOST]]
    left = f"; {len(panels) - MOST} panels without a fault are left out" if len(panels) > MOST else ""
    figure = new_figure(
        1000, TOP + (HIGH + GAP) * len(shown) + 40, title=title, subtitle=f"red: what fails; line: median of the petals{left}"
    )
    reach = 1.15 * float(np.max(np.abs(values) + errors)) or 1.0
    for number, name in enumerate(shown):
        axes = place(figure, (96, TOP + 8 + (HIGH + GAP) * number, 880, HIGH))
        own = names == name
        for rows, colour in ((own & ~hit, BLUE), (own & hit, VERMILLION)):
            axes.errorbar(petals[rows], values[rows], errors[rows], fmt="o", color=colour, ecolor=colour, elinewidth=1.2, ms=6)
        axes.axhline(0.0, color="#cccccc", lw=0.8, zorder=0)
        axes.axhline(float(np.median(values[own])), color=FAINT, lw=0.9, zorder=0)
        spans(axes, [(one - 0.4, one + 0.4) for one in sorted(set(petals[own & hit].tolist()))])
        for row in np.flatnonzero(own & hit):
            below = values[row] > 0.7 * reach
            axes.annotate(
                f"{values[row]:+.3g}",
                (petals[row], values[row]),
                xytext=(0, -9 if below else 9),
                textcoords="offset points",
                va="top" if below else "bottom",
                ha="center",
                fontsize=10,
            )
        axes.set_xlim(-0.6, DESI.spectrographs - 0.4)
        axes.set_ylim(-reach, reach)
        axes.set_xticks(list(DESI.petals))
        axes.tick_params(labelbottom=number == len(shown) - 1)
        axes.set_title(literal(name), pad=3, color=INK)
        axes.set_ylabel(literal(label) if number == len(shown) // 2 else "")
    axes.set_xlabel("petal")
    return figure
