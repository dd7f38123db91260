"""What a narrow range of redshifts points to in the spectra: which line falls where on which camera."""

from __future__ import annotations

CAMERAS = {"b": (3600.0, 5800.0), "r": (5760.0, 7620.0), "z": (7520.0, 9824.0)}
OVERLAPS = {"b and r": (5760.0, 5800.0), "r and z": (7520.0, 7620.0)}
QUASAR_LINES = {
    "Ly-alpha": 1215.67,
    "C IV": 1549.06,
    "C III]": 1908.73,
    "Mg II": 2799.12,
    "H-beta": 4862.68,
    "H-alpha": 6564.61,
}
GALAXY_LINES = {
    "[O II]": 3728.48,
    "[O III]": 5008.24,
    "H-alpha": 6564.61,
    "the 4000 A break": 4000.0,
}
SKY_FEATURES = {
    "[O I] 5579": (5572.0, 5586.0),
    "Na D": (5886.0, 5902.0),
    "[O I] 6302": (6296.0, 6308.0),
    "Galactic H-alpha": (6558.0, 6571.0),
    "the telluric A band": (7590.0, 7710.0),
}
MID_CCD = 60.0
"""Half-width in Angstrom of the range around the middle of a camera where the amplifiers meet, over all fibers."""


def clue(low: float, high: float, *, quasars: bool) -> tuple[str, tuple[float, float] | None]:
    """Say which feature of the spectrum a redshift window stands for.

    Parameters
    ----------
    low, high : float
        Redshift window.
    quasars : bool
        Whether most fits inside are quasars.

    Returns
    -------
    tuple
        A phrase such as ``Ly-alpha at z = 4.35 is 6504 A: middle of the r camera``, and the wavelength range in Angstrom that the
        window maps to; an empty phrase and None if no line of the list falls into the spectrograph.
    """
    lines = QUASAR_LINES if quasars else GALAXY_LINES
    middle = 0.5 * (low + high)
    seen = {name: rest * (1 + middle) for name, rest in lines.items() if CAMERAS["b"][0] <= rest * (1 + middle) <= CAMERAS["z"][1]}
    if not seen:
        return "", None
    special = {name: _special(lines[name] * (1 + low), lines[name] * (1 + high)) for name in seen}
    name = next((line for line in seen if special[line]), next(iter(seen)))
    if quasars and "Ly-alpha" in seen:
        name = "Ly-alpha"
    place = special[name] or _third(seen[name])
    return f"{name} at z = {middle:.2f} is {seen[name]:.0f} A: {place}", (lines[name] * (1 + low), lines[name] * (1 + high))


def _special(low: float, high: float) -> str:
    for cameras, (first, last) in OVERLAPS.items():
        if low <= last and high >= first:
            return f"where the {cameras} cameras meet"
    for feature, (first, last) in SKY_FEATURES.items():
        if low <= last and high >= first and high - low < 60.0:
            return f"at {feature}"
    for camera, (first, last) in CAMERAS.items():
        if abs(0.5 * (low + high) - 0.5 * (first + last)) < MID_CCD:
            return f"middle of the {camera} camera, where its amplifiers meet"
    return ""


def _third(wave: float) -> str:
    camera, (first, last) = next((name, ends) for name, ends in CAMERAS.items() if ends[0] <= wave <= ends[1])
    part = (wave - first) / (last - first)
    return f"{'blue part' if part < 1 / 3 else 'middle' if part < 2 / 3 else 'red part'} of the {camera} camera"
