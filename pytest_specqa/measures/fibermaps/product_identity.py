"""Are the products of an exposure what their names say, and do their keywords hold what such a keyword can?

Only headers are looked at. A keyword that is missing says nothing; one that is there without a value is wrong.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.fibermaps.product_joins import SHARED, TOLD, Said, conflicts_of
from pytest_specqa.opening import FITS_END
from pytest_specqa.values import Measured

COMPARED: Mapping[str, float] = {**SHARED, "AIRMASS": 0.01, "PROGRAM": 0}
"""Keywords that all products of an exposure have in common, with the difference that is allowed."""
NUMBERS: Mapping[str, tuple[float, float, str]] = {
    "EXPTIME": (math.ulp(0.0), 86400.0, "a positive number of seconds, a day at most"),
    "MJD-OBS": (40587.0, 109569.0, "a date between 1970 and 2159"),
    "HELIOCOR": (0.999, 1.001, "a factor within 0.001 of 1"),
    "AIRMASS": (0.99, 40.0, "an airmass: 1 at the zenith, 38 at the horizon"),
    "TARGTRA": (0.0, 360.0, "degrees from 0 to 360"),
    "TARGTDEC": (-90.0, 90.0, "degrees from -90 to 90"),
}
"""Keywords that measures calculate with: least and largest value, and what that is."""
PLACED = ("NIGHT", "EXPID", "TILEID")
"""Keywords that HDUs behind the first copy, too."""
_PRODUCT = re.compile(r"(?P<kind>[a-z]+)-(?:(?P<camera>[a-z]\d+)-)?(?P<number>\d{8})" + FITS_END)
_FLAT = re.compile(r"(fiberflatnight|fiberflatexp)-([a-z]\d+)-(\d{8})\.fits")
_SKY = re.compile(r"sky-([a-z]\d+)-(\d{8})\.fits")


@dataclass(frozen=True)
class Told:
    """What is known of an exposure apart from its files.

    Attributes
    ----------
    night, expid : int
        As the folders have them.
    tile : int or None
        Of the exposure table, or of the files where there is none.
    exptime : float
        Of the exposure table in seconds; NaN where it does not say.
    """

    night: int
    expid: int
    tile: int | None
    exptime: float = math.nan


def product_conflicts(files: Mapping[str, Mapping[str, Said]], *, told: Told, instrument: Instrument = DESI) -> Measured:
    """Number of keywords in the products of an exposure that are not what the file is, or what such a keyword can hold.

    Parameters
    ----------
    files : mapping of str to mapping
        By file name (for a link that of the file it leads to): header of each HDU that was read, by name, ``0`` for the first.
    told : Told
        What folders and exposure table say of the exposure.
    instrument : Instrument
        Knows cameras, petals and fibers.

    Returns
    -------
    Measured
        Keywords by file, and keywords on which the files disagree with each other or with the exposure table; exact. *Not
        measured* without a file.
    """
    if not files:
        return Measured.impossible("no product of the exposure can be read")
    wrong: list[str] = []
    for name, headers in files.items():
        wrong += [f"{name} HDU {hdu}: {text}" for hdu, text in _own(name, headers, told, instrument)]
        wrong += [f"{name} HDU 0: {text}" for text in _named(headers.get("0", {}), files)]
    taken = {name: headers["0"] for name, headers in files.items() if "0" in headers and _is_exposure(name)}
    taken |= {
        f"{name} HDU {hdu}": said for name, headers in files.items() if name.startswith("fibermap") for hdu, said in headers.items()
    }
    table = {"the exposure table": {"NIGHT": told.night, "TILEID": told.tile, "EXPTIME": told.exptime}}
    sources = [(name, header, COMPARED) for name, header in taken.items()] + [(name, said, TOLD) for name, said in table.items()]
    wrong += conflicts_of(COMPARED, sources)
    say = "; ".join(wrong[:4]) + (f"; and {len(wrong) - 4} more" if len(wrong) > 4 else "")
    return Measured(float(len(wrong)), error=0.0, sensitivity=1.0, detail=say)


def _is_exposure(name: str) -> bool:
    found = _PRODUCT.fullmatch(name)
    return found is not None and not found["kind"].startswith(("fiberflat", "fibermap"))


def _own(name: str, headers: Mapping[str, Said], told: Told, instrument: Instrument) -> Iterator[tuple[str, str]]:
    """Keywords of one file that are not as its name says, or that cannot be."""
    expected = _expected(name, told, instrument)
    for hdu, header in headers.items():
        if hdu.startswith("STDSTAR"):
            continue
        asked = expected if hdu == "0" else {key: expected[key] for key in PLACED if key in expected}
        for keyword, value in asked.items():
            if keyword in header and not _is(header[keyword], value):
                yield hdu, f"{keyword} is {_shown(header[keyword])}, expected {value}"
    header = headers.get("0", {})
    for keyword, (least, largest, what) in NUMBERS.items():
        if keyword in header and not _within(header[keyword], least, largest):
            yield "0", f"{keyword} is {_shown(header[keyword])}, no {what.removeprefix('a ').removeprefix('an ')}"
    start, first = header.get("MJD-OBS"), _mjd(int(expected.get("NIGHT", 0)))
    # A night begins at local noon, 19 h UTC on Kitt Peak; half a day on either side is left to other places.
    if _is_exposure(name) and first and _within(start, *NUMBERS["MJD-OBS"][:2]) and not first <= float(str(start)) < first + 2.5:
        yield "0", f"MJD-OBS is {_shown(start)}, which is not in the night {expected['NIGHT']}"


def _expected(name: str, told: Told, instrument: Instrument) -> dict[str, str | int]:
    """Keywords that the name of a file gives, and what every product of its kind says."""
    found = _PRODUCT.fullmatch(name)
    if found is None:
        return {}
    nightly = found["kind"] == "fiberflatnight"
    expected: dict[str, str | int] = {"NIGHT": int(found["number"]) if nightly else told.night}
    if not nightly:
        expected["EXPID"] = int(found["number"])
        expected |= {"TILEID": told.tile} if told.tile is not None else {}
    if found["kind"] == "fibermap":
        return expected
    flavor = "flat" if nightly else "science"
    expected |= {"CAMERA": str(found["camera"]), "FLAVOR": flavor, "OBSTYPE": flavor.upper()}
    petal = instrument.camera(str(found["camera"])).petal
    return {**expected, "SPECGRPH": petal, "FIBERMIN": petal * instrument.fibers, "NSPEC": instrument.fibers}


def _named(header: Said, files: Mapping[str, Any]) -> Iterator[str]:
    """Inputs that a header names and that are of another camera, exposure or night."""
    camera, expid = str(header.get("CAMERA") or "").strip().lower(), str(header.get("EXPID") or "")
    sky, flat = (re.search(pattern, str(header.get(key) or "")) for pattern, key in ((_SKY, "IN_SKY"), (_FLAT, "FIBERFLT")))
    if sky and camera and (sky[1] != camera or (expid.isdecimal() and int(sky[2]) != int(expid))):
        yield f"IN_SKY names {sky[0]}, of another camera or exposure"
    if flat and camera and flat[2] != camera:
        yield f"FIBERFLT names {flat[0]}, of another camera"
    elif flat and flat[1] == "fiberflatnight":
        own = sorted(one for one in files if one.startswith(f"fiberflatnight-{flat[2]}-"))
        if own and not own[0].startswith(flat[0]):
            yield f"FIBERFLT names {flat[0]}, though there is {own[0]}"
    elif flat and expid.isdecimal() and int(flat[3]) != int(expid):
        yield f"FIBERFLT names {flat[0]}, of another exposure"


def _is(found: Any, expected: str | int) -> bool:
    text = "" if found is None else str(found).strip()
    if isinstance(expected, str):
        return text.casefold() == expected.casefold()
    return text.removeprefix("-").isdecimal() and int(text) == expected


def _within(found: Any, least: float, largest: float) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and least <= found <= largest


def _shown(found: Any) -> str:
    return "empty" if found is None or not str(found).strip() else repr(str(found).strip()[:30])


def _mjd(night: int) -> int:
    """Modified Julian date on which a night begins; 0 for no date."""
    try:
        return datetime.date(night // 10000, night // 100 % 100, night % 100).toordinal() - 678576
    except ValueError:
        return 0
