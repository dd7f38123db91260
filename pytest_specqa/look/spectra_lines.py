"""Lines of a fit: where its redshift would put them, and what else lies there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.redshifts.clues import clue
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import Outcome, Record

EMISSION = {
    "Ly-beta": 1025.72,
    "Ly-alpha": 1215.67,
    "N V": 1240.14,
    "Si IV": 1396.76,
    "C IV": 1549.06,
    "C III]": 1908.73,
    "Mg II": 2799.12,
    "[O II]": 3728.48,
    "[Ne III]": 3869.86,
    "H-delta": 4102.89,
    "H-gamma": 4341.68,
    "H-beta": 4862.68,
    "[O III] 4960": 4960.30,
    "[O III] 5008": 5008.24,
    "H-alpha": 6564.61,
    "[N II]": 6585.27,
    "[S II] 6718": 6718.29,
    "[S II] 6733": 6732.67,
}
ABSORPTION = {"Ca II K": 3934.78, "Ca II H": 3969.59, "G band": 4305.61, "Mg b": 5176.63, "Na I D": 5895.60}
STELLAR = {
    **{name: EMISSION[name] for name in ("H-delta", "H-gamma", "H-beta", "H-alpha")},
    **ABSORPTION,
    **{"Ca II 8500": 8500.35, "Ca II 8544": 8544.44, "Ca II 8665": 8664.52},
}
"""Rest wavelengths in vacuum, Angstrom: Vanden Berk et al. 2001, AJ 122, 549 (table 2, laboratory); NIST; blends as one line."""
STRONG = {"QSO": ("Ly-alpha", "C IV", "C III]", "Mg II"), "GALAXY": ("[O II]", "[O III] 5008", "H-alpha")}
"""Lines that a fit hangs on."""
CLOSE = 25.0
"""Angstrom by which a line may miss the place of a finding and still be called the same."""


@dataclass(frozen=True)
class FitLine:
    """A line at the redshift of a fit: its name, observed wavelength in Angstrom, and whether it is expected in absorption."""

    name: str
    wave: float
    absorption: bool


def fit_lines(spectype: str, z: float, instrument: Instrument = DESI) -> list[FitLine]:
    """List the lines that a fit would show.

    Parameters
    ----------
    spectype : str
        ``QSO``, ``GALAXY`` or ``STAR``; none for another.
    z : float
        Redshift.
    instrument : Instrument
        Knows the range of wavelengths.

    Returns
    -------
    list of FitLine
        Within the bands of the instrument, in order of wavelength.
    """
    kinds = {"QSO": (EMISSION, {}), "GALAXY": (EMISSION, ABSORPTION), "STAR": ({}, STELLAR)}
    low, high = min(band.first for band in instrument.bands.values()), max(band.last for band in instrument.bands.values())
    emission, absorption = kinds.get(spectype, ({}, {}))
    lines = [FitLine(name, rest * (1 + z), False) for name, rest in emission.items()]
    lines += [FitLine(name, rest * (1 + z), True) for name, rest in absorption.items()]
    return sorted((line for line in lines if low <= line.wave <= high), key=lambda line: line.wave)


@dataclass(frozen=True)
class Trouble:
    """A range in Angstrom in which a check fails or warns, with words for it."""

    low: float
    high: float
    words: str
    cameras: frozenset[str] = frozenset()


def troubles(records: Iterable[Record], *, tile: int) -> list[Trouble]:
    """List where the cameras of a tile have findings.

    Parameters
    ----------
    records : iterable of Record
        Of a run, good ones included.
    tile : int
        Which tile.

    Returns
    -------
    list of Trouble
        One for each finding that has a place in wavelength, in their order; those that only warn if none fails.
    """
    listed: dict[bool, list[Trouble]] = {True: [], False: []}
    for finding in findings(records):
        placed = [one for one in finding.records if one["tile"] == tile and one["camera"] and one["waves"]]
        if not placed:
            continue
        lead = placed[0]
        same = [one for one in placed if (one["measure"], one["outcome"]) == (lead["measure"], lead["outcome"])]
        cameras = sorted({str(one["camera"]) for one in same})
        fails = finding.outcome is Outcome.FAILED
        words = f"{lead['measure']} {'fails' if fails else 'warns'} in {', '.join(cameras[:6])}{' ...' if len(cameras) > 6 else ''}"
        waves = lead["waves"] or [0.0]
        listed[fails].append(Trouble(min(waves), max(waves), words, frozenset(cameras)))
    return listed[True] or listed[False]


def hint(spectype: str, z: float, *, petal: int, places: Sequence[Trouble] = (), instrument: Instrument = DESI) -> str:
    """Say where the strong lines of a fit would be, and what else is known of that place.

    Parameters
    ----------
    spectype : str
        SPECTYPE of the fit.
    z : float
        Its redshift.
    petal : int
        Petal of the spectrum: what is found in other cameras does not concern it.
    places : sequence of Trouble
        Where checks fail or warn.
    instrument : Instrument
        Knows the bands and the sky.

    Returns
    -------
    str
        A sentence; empty where nothing coincides.
    """
    strong = [line for line in fit_lines(spectype, z, instrument) if line.name in STRONG.get(spectype, ())]
    for line in strong:
        for place in places:
            own = not place.cameras or any(int(camera[1:]) == petal for camera in place.cameras)
            if own and place.low - CLOSE <= line.wave <= place.high + CLOSE:
                return f"{line.name} would be at {line.wave:.0f} Å, where {place.words} ({place.low:.0f}-{place.high:.0f} Å)."
    if not strong:
        return ""
    phrase, waves = clue(z, z, quasars=spectype == "QSO", instrument=instrument)
    if waves is None:
        return ""
    name, _, told = phrase.partition(f" at z = {z:.3f} is ")
    return f"{name} would be at {told.replace(' A:', ' Å:', 1)}." if told else ""
