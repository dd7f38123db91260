"""The command that shows what a finding is about: its exposure, or its spectra."""

from __future__ import annotations

import math

from pytest_specqa.printable import command
from pytest_specqa.triage.finding import Finding
from pytest_specqa.triage.places import windows_of

MARGIN = 20.0
"""Angstrom on both sides of what was found, so that it is seen beside what is sound."""
WIDEST = 1000.0
"""Angstrom: what is as wide as this has no wavelength of its own."""


def look_at(finding: Finding, production: str) -> str:
    """Write the command that opens the place of a finding in a browser.

    Parameters
    ----------
    finding : Finding
        Any.
    production : str
        As it is given on the command line.

    Returns
    -------
    str
        ``specqa look ...`` for what shows in an exposure, ``specqa spectra ...`` for what shows in the redshifts of a tile or of
        a pixel of the sky; empty for whole nights and for what has no product to look at.
    """
    lead = finding.lead
    if lead["value"] is None:
        return ""
    if lead["expid"] is not None:
        return command(_exposure(finding, production))
    if lead["tile"] is not None or lead["kind"] == "healpix":
        return command(_redshifts(finding, production))
    return ""


def _exposure(finding: Finding, production: str) -> list[str]:
    lead = finding.lead
    words = ["specqa", "look", production, "--night", str(lead["night"]), "--expid", str(lead["expid"])]
    words += ["--camera", lead["camera"]] if lead["camera"] else []
    if len(lead["fibers"]) == 1:
        first, last = lead["fibers"][0]
        words += ["--fibers", f"{first}-{last}"]
    if lead["waves"] and lead["waves"][1] - lead["waves"][0] < WIDEST:
        words += ["--waves", f"{lead['waves'][0] - MARGIN:.0f}:{lead['waves'][1] + MARGIN:.0f}"]
    return [*words, "--out", "look.html"]


def _redshifts(finding: Finding, production: str) -> list[str]:
    lead = finding.lead
    of_tile = ["--tile", str(lead["tile"]), "--night", str(lead["night"])]
    of_pixel = ["--healpix", lead["unit"].removeprefix("healpix-")]
    words = ["specqa", "spectra", production, *(of_pixel if lead["kind"] == "healpix" else of_tile)]
    words += ["--petal", str(lead["petal"])] if lead["petal"] is not None else []
    windows = windows_of(lead)
    if windows:
        low, high = windows[0]
        words += ["--z", f"{math.floor(1000 * low) / 1000:g}:{math.ceil(1000 * high) / 1000:g}"]
    return [*words, "--out", "spectra.html"]
