"""What bits and positions of a spectrum mean, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pytest_specqa.instrument import DESI, Instrument

ZWARN = {
    0: "sky fiber",
    1: "too little wavelength coverage",
    2: "a second fit is nearly as good (small DELTACHI2)",
    3: "negative model",
    4: "many outliers",
    5: "at the limit of the redshifts tried",
    6: "negative emission line of a quasar",
    7: "fiber unplugged or broken",
    8: "bad target",
    9: "no data",
    10: "bad fit of the minimum of chi2",
    11: "poor data",
    16: "DELTACHI2 below the limit of the survey",
    17: "DELTACHI2 below the limit of the bright survey",
    18: "bad spectrum by its QA",
    19: "bad petal by its QA",
}
"""Bits of ZWARN (redrock; from 16 on DESI's own)."""
FIBERSTATUS = {
    "UNASSIGNED": "not assigned",
    "STUCKPOSITIONER": "positioner stuck",
    "BROKENFIBER": "fiber broken",
    "RESTRICTED": "reach of the positioner restricted",
    "MISSINGPOSITION": "position not measured",
    "BADPOSITION": "more than 0.1 mm off its target",
    "POORPOSITION": "more than 0.03 mm off its target",
    "BADFIBER": "bad fiber",
    "BADTRACE": "bad trace",
    "BADFLAT": "bad flat",
    "BADARC": "bad arc",
    "MANYBADCOL": "many bad columns of the CCD",
    "MANYREJECTED": "many pixels rejected",
    "BADAMPB": "bad amplifier in b",
    "BADAMPR": "bad amplifier in r",
    "BADAMPZ": "bad amplifier in z",
}
"""Words for the flags of an instrument."""
_DESI_MORE = {12: "low transmission", 13: "near a charge trap", 14: "throughput varies", 15: "effective time too short"}
_STARS = ("STD_FAINT", "STD_WD", "STD_BRIGHT")
_CLASS_WORDS = {**dict.fromkeys(_STARS, "standard star"), "BGS": "BGS", "MWS": "Milky Way star", "SKY": "sky"}
NEAREST = 5
"""Numbers that are named in place of one that is not there."""
VIEWER, LAYER = "https://www.legacysurvey.org/viewer", "ls-dr9"
"""The viewer of the Legacy Surveys, and the images that it opens with."""


def bits_in_words(bits: int, words: Mapping[int, str]) -> str:
    """Say what the set bits mean, those without a word by their number; empty for none."""
    bits = int(bits) & 0xFFFFFFFFFFFFFFFF
    return ", ".join(words.get(bit, f"bit {bit}") for bit in range(bits.bit_length()) if bits >> bit & 1)


def zwarn_in_words(bits: int) -> str:
    """Say what ZWARN means; empty for 0."""
    return bits_in_words(bits, ZWARN)


def status_in_words(bits: int, instrument: Instrument = DESI) -> str:
    """Say what FIBERSTATUS or COADD_FIBERSTATUS means; empty for 0."""
    words = {bit: FIBERSTATUS.get(name, name) for name, bit in instrument.flags.items()}
    return bits_in_words(bits, _DESI_MORE | words)


def classes_in_words(desi_target: int, instrument: Instrument = DESI) -> str:
    """Say what classes of targets DESI_TARGET names; empty for none."""
    named = [_CLASS_WORDS.get(name, name) for name, bit in instrument.targets.items() if int(desi_target) >> bit & 1]
    return ", ".join(dict.fromkeys(named))


def viewer_link(ra: float, dec: float, *, zoom: int = 14) -> str:
    """Return the address of a position in the viewer of the Legacy Surveys; empty where it is no position on the sky.

    Fibermaps have NaN and (0, 0) where a fiber has no target.
    """
    if not (math.isfinite(ra) and math.isfinite(dec)) or (ra == 0 and dec == 0) or not (0 <= ra <= 360 and -90 <= dec <= 90):
        return ""
    return f"{VIEWER}?ra={ra:.5f}&dec={dec:.5f}&layer={LAYER}&zoom={zoom}&mark={ra:.5f},{dec:.5f}"


def nearest(number: int, there: Iterable[int], *, most: int = NEAREST) -> str:
    """Write the few numbers that lie nearest to one."""
    found = sorted({int(one) for one in there}, key=lambda one: (abs(one - number), one))[:most]
    return ", ".join(map(str, sorted(found))) or "none"
