"""What a file says that it is: its HDUs, their units, and the exposure, camera or tile that its headers name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_specqa.production.defects import COPY, defect
from pytest_specqa.production.headers import Header
from pytest_specqa.production.stream import FitsStream

CALIBRATED = "10**-17 erg/(s cm2 Angstrom)"
COUNTED = "electron/Angstrom"
_COUNTS = ("electron", "count", "photon", "adu")
_PER_ANGSTROM = re.compile(r"/\(?[^/]*(angstrom|aa?)\b|(angstrom|aa?)(\*\*|\^)?-1")


def check_identity(path: Path, headers: Mapping[str, Header], *, expected: Mapping[str, str | int]) -> None:
    """Raise `ProductError` where a keyword that is present disagrees with the file name.

    Parameters
    ----------
    path : Path
        The file.
    headers : Mapping
        Header of each HDU that was read, by the name or number to call it by. A keyword that is missing says nothing; one that is
        there without a value does not say what it must.
    expected : Mapping
        Keyword to what the file name says. Text is compared without regard to case, numbers as numbers.
    """
    for name, header in headers.items():
        for keyword, value in expected.items():
            if keyword not in header:
                continue
            text = "" if (found := header[keyword]) is None else str(found).strip()
            same = text.casefold() == value.casefold() if isinstance(value, str) else text.isdecimal() and int(text) == value
            if not same:
                what = f"{keyword} = {text[:40]!r}"
                raise defect(path, name, found=what, expected=f"{value}, as in the file name", do="see which is right")


def check_once(path: Path, names: Iterable[str], *, primary: str = "") -> None:
    """Raise `ProductError` for an HDU that occurs twice: which of them a reader takes is chance.

    Parameters
    ----------
    path : Path
        The file.
    names : iterable of str
        EXTNAME of the HDUs that were seen, in order; ``#0`` and so on where there is none.
    primary : str
        Name of HDU 0 where it has none of its own.
    """
    seen = [primary if primary and name == "#0" else name for name in names]
    twice = [name for name, count in Counter(seen).items() if count > 1]
    if twice:
        raise defect(path, twice[0], found=f"{seen.count(twice[0])} HDUs of this name", expected="one", do=COPY)


def check_first(path: Path, name: str, *, primary: str) -> None:
    """Raise `ProductError` where HDU 0 has the name of another: every writer begins with what the product is named after."""
    if primary and name not in ("", primary):
        raise defect(path, "0", found=f"EXTNAME = {name[:40]!r}", expected=f"{primary}, which comes first; two HDUs may be swapped")


def check_units(path: Path, headers: Mapping[str, Header], *, data: str, unit: str) -> None:
    """Raise `ProductError` where BUNIT, as far as it is there, is of something else.

    Parameters
    ----------
    path : Path
        The file.
    headers : Mapping
        Header of each HDU, by name.
    data : str
        HDU that holds what the product is named after.
    unit : str
        Its unit: `COUNTED`, of which older files have other words, or `CALIBRATED`; empty for one without.

    References
    ----------
    desidatamodel (frame, sframe, cframe, sky, fluxcalib): the inverse variance has no BUNIT, or the inverse square.
    """
    said = {name: str(header.get("BUNIT") or "").strip() for name, header in headers.items()}
    if said.get(data) and not _is_of(said[data], unit):
        raise defect(path, data, found=f"BUNIT = {said[data][:40]!r}", expected=unit or "none")
    if said.get("IVAR") and unit and _is_of(said["IVAR"], unit):
        raise defect(path, "IVAR", found=f"BUNIT = {said['IVAR'][:40]!r}", expected="the inverse square; two HDUs may be swapped")
    if said.get("WAVELENGTH") and said["WAVELENGTH"].casefold() not in ("angstrom", "angstroms", "a", "aa"):
        raise defect(path, "WAVELENGTH", found=f"BUNIT = {said['WAVELENGTH'][:40]!r}", expected="Angstrom")


def read_headers(path: Path) -> dict[str, Header]:
    """Headers of a file, without its data.

    Parameters
    ----------
    path : Path
        A ``.fits`` or ``.fits.gz`` file.

    Returns
    -------
    dict
        By ``0`` and the names of the HDUs that follow; of a packed file only that of HDU 0, as the others lie behind data that
        would have to be inflated.
    """
    with FitsStream(path) as stream:
        found: dict[str, Header] = {}
        for number, hdu in enumerate(stream):
            found.setdefault("0" if number == 0 else hdu.name or f"#{number}", hdu.header)
            if stream.gzipped:
                break
    return found


def _is_of(text: str, unit: str) -> bool:
    """Whether a unit is of the same kind; writers differ in blanks, brackets and the word for what was counted."""
    said = re.sub(r"[\s\"']", "", text).casefold()
    per_angstrom = _PER_ANGSTROM.search(said) is not None
    if unit == COUNTED:
        return per_angstrom and "erg" not in said and said.startswith(_COUNTS)
    if unit == CALIBRATED:
        scaled = re.match(r"(10(\*\*|\^)?\(?-17|1(\.0*)?e-17)\)?\*?erg", said) is not None
        return scaled and "angstrom" in said and "cm" in said
    return said == re.sub(r"\s", "", unit).casefold()
