"""What a narrow range of redshifts points to in the spectra: which line falls where on which camera."""

from __future__ import annotations

from pytest_specqa.instrument import DESI, Instrument

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
    "the 4000 A break": 4000.0,
}
MID_CCD = 60.0
"""Half-width in Angstrom of the range around the middle of a camera where the amplifiers meet, over all fibers."""


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
        A phrase such as ``Ly-alpha at z = 4.35 is 6504 A: middle of the r camera``, and the wavelength range in Angstrom that the
        window maps to; an empty phrase and None if no line of the list falls into the spectrograph.
    """
    lines = QUASAR_LINES if quasars else GALAXY_LINES
    middle = 0.5 * (low + high)
    first, *_, last = instrument.bands.values()
    seen = {name: rest * (1 + middle) for name, rest in lines.items() if first.first <= rest * (1 + middle) <= last.last}
    if not seen:
        return "", None
    special = {name: _special(lines[name] * (1 + low), lines[name] * (1 + high), instrument) for name in seen}
    name = next((line for line in seen if special[line]), next(iter(seen)))
    if quasars and "Ly-alpha" in seen:
        name = "Ly-alpha"
    place = special[name] or _third(seen[name], instrument)
    return f"{name} at z = {middle:.2f} is {seen[name]:.0f} A: {place}", (lines[name] * (1 + low), lines[name] * (1 + high))


def _special(low: float, high: float, instrument: Instrument) -> str:
    for cameras, (first, last) in instrument.overlaps.items():
        if low <= last and high >= first:
            return f"where the {cameras} cameras meet"
    for feature, (first, last) in instrument.sky_features.items():
        if low <= last and high >= first and high - low < 60.0:
            return f"at {feature}"
    for camera, band in instrument.bands.items():
        if abs(0.5 * (low + high) - band.middle) < MID_CCD:
            return f"middle of the {camera} camera, where its amplifiers meet"
    return ""


def _third(wave: float, instrument: Instrument) -> str:
    camera, band = next((name, band) for name, band in instrument.bands.items() if band.first <= wave <= band.last)
    part = (wave - band.first) / (band.last - band.first)
    return f"{'blue part' if part < 1 / 3 else 'middle' if part < 2 / 3 else 'red part'} of the {camera} camera"
