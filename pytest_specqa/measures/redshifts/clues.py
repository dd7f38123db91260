"""What a narrow range of redshifts points to in the spectra: which line falls where on which camera."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from pytest_specqa.instrument import DESI, SPEED_OF_LIGHT, Instrument
from pytest_specqa.measures.statistics import Floats

# Rest wavelengths in vacuum Angstrom (Vanden Berk et al. 2001, AJ 122, 549; NIST) of what a fit of this kind hangs on.
QUASAR_LINES = {
    "Ly-alpha": 1215.67,
    "C IV": 1549.06,
    "C III]": 1908.73,
    "Mg II": 2799.12,
    "H-beta": 4862.68,
    "H-alpha": 6564.61,
}
# The same for galaxies.
GALAXY_LINES = {
    "[O II]": 3728.48,
    "[O III]": 5008.24,
    "H-alpha": 6564.61,
    "H-beta": 4862.68,
    "the 4000 A break": 4000.0,
}
BREAK = "the 4000 A break"
"""No line: it falls on edges, not on lines of the sky."""
MID_CCD = 60.0
"""Half-width in Angstrom of the range around the middle of a camera where the amplifiers meet, over all fibers."""
SLACK = 4.0
"""Angstrom by which a line may miss another and still be it: half the separation of [O II], and the width of a sky line."""
TEMPLATE_END = (1.6, 1.75)
"""Redshifts at which the galaxy templates of redrock end (desispec issue 2660)."""
VAGUE = 0.5
"""Width in redshift of a window in which a line moves over a third of a camera."""
BROAD = 60.0
"""Width in Angstrom of a window that no single line makes."""
NARROW = 20.0
"""Width in Angstrom below which something known is a line."""
BRIGHT = 0.1
"""Strength over that of H-alpha from which a line of the Galaxy is seen in spectra."""
AFTER = 10.0
"""What comes after lines is this much farther, in half-widths."""


@dataclass(frozen=True)
class _Place:
    """Something on a spectrum: its range in Angstrom, what is said of it, and how it is told.

    `reach` is the part of a window's half-width by which its middle may lie outside the range; a `narrow` place is compared with
    narrow windows only, comes before the others, and is no explanation of the 4000 Angstrom break.
    """

    low: float
    high: float
    words: str
    reach: float
    narrow: bool = False


def clue(low: float, high: float, *, quasars: bool, instrument: Instrument = DESI) -> tuple[str, tuple[float, float] | None]:
    """Say which feature of the spectrum a redshift window stands for.

    Parameters
    ----------
    low, high : float
        Redshift window.
    quasars : bool
        Whether most fits inside are quasars.
    instrument : Instrument
        Knows the bands and what often prints something on them.

    Returns
    -------
    tuple
        A phrase such as ``[O II] at z = 0.496 is 5577 A: on the sky line 5579 A (poor subtraction)`` for the line that lies
        nearest to something special, and the wavelength range in Angstrom that the window maps to there. Without such a line
        the phrase says where Ly-alpha of quasars falls, or that the line cannot be told; None then stands for the range.
    """
    if high - low > VAGUE:
        return "over too wide a range to tell which line", None
    lines = QUASAR_LINES if quasars else GALAXY_LINES
    middle, digits = 0.5 * (low + high), 2 if high - low > 0.01 else 3
    first, *_, last = instrument.bands.values()
    seen = {name: rest for name, rest in lines.items() if first.first <= rest * (1 + middle) <= last.last}
    found = [
        (distance, name, place.words)
        for (name, rest), place in product(seen.items(), _places(instrument))
        if (distance := _distance(rest * (1 + low), rest * (1 + high), place, edge=name == BREAK)) is not None
    ]
    name, words = ("", "") if not found else min(found)[1:]
    if quasars and "Ly-alpha" in seen and name != "Ly-alpha":
        own = [item for item in found if item[1] == "Ly-alpha"]
        name, words = "Ly-alpha", min(own)[2] if own else _third(seen["Ly-alpha"] * (1 + middle), instrument)
    if not name and not quasars and low < TEMPLATE_END[1] and high > TEMPLATE_END[0]:
        return f"z = {middle:.{digits}f} is the end of the galaxy templates, where fits of other spectra stop", None
    if not name:
        return "cannot tell which line: none falls on a sky line, a camera join or the middle of a camera", None
    rest = lines[name]
    return f"{name} at z = {middle:.{digits}f} is {rest * (1 + middle):.0f} A: {words}", (rest * (1 + low), rest * (1 + high))


def galactic_redshifts(instrument: Instrument = DESI) -> Floats:
    """Velocities c ln(1+z) at which a line of the Galaxy is read as one of a galaxy.

    Parameters
    ----------
    instrument : Instrument
        Knows the lines of the Galaxy.

    Returns
    -------
    ndarray
        In km/s, of the bright lines only.
    """
    galaxy = [rest for name, rest in GALAXY_LINES.items() if name != BREAK]
    bright = [line.wave for line in instrument.nebular if line.strength >= BRIGHT]
    ratio = np.array([wave / rest for wave, rest in product(bright, galaxy) if wave > rest * 1.01])
    return np.asarray(SPEED_OF_LIGHT * np.log(ratio), dtype=float)


def _places(instrument: Instrument) -> list[_Place]:
    """Where fits go wrong: bright sky lines and light of the Galaxy, camera joins, tellurics, and where amplifiers meet."""
    places = []
    for name, (low, high) in instrument.sky_features.items():
        narrow = high - low < NARROW
        poor = ", a sky line (poor subtraction)" if narrow and not name.startswith("Galactic") else ""
        places.append(_Place(low, high, f"at {name}{poor}", 0.5, narrow=narrow))
    for wave in instrument.sky_lines:
        if not any(place.low <= wave <= place.high for place in places if place.narrow):
            places.append(_Place(wave - SLACK, wave + SLACK, f"at {wave:.0f} A, a sky line (poor subtraction)", 0.5, narrow=True))
    for line in instrument.nebular:
        if line.strength >= BRIGHT:
            words = f"at {line.name} of the Galaxy, real light"
            places.append(_Place(line.wave - SLACK, line.wave + SLACK, words, 0.5, narrow=True))
    for cameras, (low, high) in instrument.overlaps.items():
        places.append(_Place(low, high, f"where the {cameras} cameras meet", 1.0))
    for camera, band in instrument.bands.items():
        words = f"middle of the {camera} camera, where its amplifiers meet"
        places.append(_Place(band.middle - MID_CCD, band.middle + MID_CCD, words, 0.0))
    return places


def _distance(low: float, high: float, place: _Place, *, edge: bool) -> float | None:
    """Distance of a window from the middle of a place in units of its half-width; None where it does not lie there."""
    if place.narrow and (edge or high - low > BROAD):
        return None
    half = 0.5 * (place.high - place.low)
    away = abs(0.5 * (low + high) - 0.5 * (place.low + place.high))
    if away > half + place.reach * 0.5 * (high - low):
        return None
    return away / half + (0.0 if place.narrow else AFTER)


def _third(wave: float, instrument: Instrument) -> str:
    camera, band = next((name, band) for name, band in instrument.bands.items() if band.first <= wave <= band.last)
    part = (wave - band.first) / (band.last - band.first)
    return f"{'blue part' if part < 1 / 3 else 'middle' if part < 2 / 3 else 'red part'} of the {camera} camera"
