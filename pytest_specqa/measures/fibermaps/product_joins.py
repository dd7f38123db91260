"""Do the products of a camera, and the cameras of an exposure, agree on what they are?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pytest_specqa.measures.statistics import Floats
from pytest_specqa.values import Measured

Said = Mapping[str, Any]
KEYWORDS: Mapping[str, float] = {
    "NIGHT": 0,
    "EXPID": 0,
    "TILEID": 0,
    "CAMERA": 0,
    "FLAVOR": 0,
    "OBSTYPE": 0,
    "SPECGRPH": 0,
    "FIBERMIN": 0,
    "EXPTIME": 1e-3,
    "MJD-OBS": 1e-6,
    "HELIOCOR": 1e-8,
}
"""Keywords that all products of a camera copy from the raw data, with the difference that rounding may make."""
SHARED: Mapping[str, float] = {"NIGHT": 0, "EXPID": 0, "TILEID": 0, "EXPTIME": 1.0, "MJD-OBS": 2e-5, "HELIOCOR": 1e-7}
"""The same for the cameras of one exposure: shutters differ by milliseconds, and clocks by less than two seconds."""
TOLD: Mapping[str, float] = {"NIGHT": 0, "TILEID": 0, "EXPTIME": 1.0}
"""The same for tables, whose times are rounded."""
PACKAGE = "desispec"
MAX_HELIOCENTRIC = 1.1e-4
"""Barycentric motion in units of the speed of light, that of the surface of the Earth included."""


def said_otherwise(said: Mapping[str, Said], *, keywords: Mapping[str, float], told: Mapping[str, Said] | None = None) -> Measured:
    """Number of keywords on which products disagree.

    Parameters
    ----------
    said : mapping of str to mapping
        Header of each product (or of each camera), by its name. A keyword that is missing says nothing.
    keywords : mapping of str to float
        Keywords to compare, with the difference that is allowed: `KEYWORDS` for one camera, `SHARED` for an exposure.
    told : mapping of str to mapping, optional
        What tables say of the exposure; compared in `TOLD` only.

    Returns
    -------
    Measured
        Keywords, exact; *not measured* where fewer than two say anything.
    """
    sources = [(name, header, keywords) for name, header in said.items()]
    sources += [(name, header, TOLD) for name, header in (told or {}).items()]
    if len(sources) < 2:
        return Measured.impossible("fewer than two products of the camera can be read")
    wrong = conflicts_of(keywords, sources)
    return Measured(float(len(wrong)), error=0.0, sensitivity=1.0, detail="; ".join(wrong[:4]))


def conflicts_of(keywords: Iterable[str], sources: list[tuple[str, Said, Mapping[str, float]]]) -> list[str]:
    """Say what is said of each keyword on which sources disagree.

    Parameters
    ----------
    keywords : iterable of str
        What is compared.
    sources : list of tuple
        Name, header, and the difference that is allowed by keyword; in others than these a source says nothing.

    Returns
    -------
    list of str
        One text for each keyword with more than one value.
    """
    return [text for keyword in keywords if (text := _conflict(keyword, sources))]


def _conflict(keyword: str, sources: list[tuple[str, Said, Mapping[str, float]]]) -> str:
    """Say what is said of a keyword, if that is more than one thing."""
    found = [
        (name, value, asked[keyword])
        for name, header, asked in sources
        if keyword in asked and _tells(value := header.get(keyword))
    ]
    if not found or all(_same(value, found[0][1], max(slack, found[0][2])) for _, value, slack in found):
        return ""
    groups: dict[str, list[str]] = {}
    for name, value, _ in found:
        groups.setdefault(str(value).strip()[:30], []).append(name)
    return f"{keyword} is " + ", ".join(f"{value} in {_some(names)}" for value, names in groups.items())


def _some(names: list[str]) -> str:
    return " and ".join(names) if len(names) < 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _tells(value: Any) -> bool:
    number = isinstance(value, float) and np.isnan(value)
    return value is not None and not number and str(value).strip() != ""


def _same(one: Any, other: Any, slack: float) -> bool:
    try:
        return abs(float(one) - float(other)) <= slack
    except (TypeError, ValueError):
        return str(one).strip().casefold() == str(other).strip().casefold()


def versions_beside(said: Mapping[str, Said]) -> Measured:
    """Number of versions of the pipeline that made the products of one exposure.

    Parameters
    ----------
    said : mapping of str to mapping
        Header of each product, with DEPNAMnn and DEPVERnn.

    Returns
    -------
    Measured
        1 where all were made by the same; *not measured* where no header names one.
    """
    found: dict[str, list[str]] = {}
    for name, header in said.items():
        if version := version_of(header):
            found.setdefault(version, []).append(name)
    if not found:
        return Measured.impossible(f"no header names its version of {PACKAGE}")
    parts = [f"{version} made {_some(names)}" for version, names in found.items()]
    detail = f"{PACKAGE} {'; '.join(parts)}: some were made again without the rest" if len(found) > 1 else ""
    return Measured(float(len(found)), error=0.0, sensitivity=1.0, detail=detail)


def version_of(header: Said) -> str:
    """Version of the pipeline that a header names; empty where it names none."""
    for number in range(100):
        name = header.get(f"DEPNAM{number:02d}")
        if name is None:
            return ""
        if str(name).strip() == PACKAGE:
            return str(header.get(f"DEPVER{number:02d}", "")).strip()
    return ""


def grids_beside(waves: Mapping[str, Floats], *, flat: Floats | None = None) -> Measured:
    """Number of products whose wavelengths are not those of the first.

    Parameters
    ----------
    waves : mapping of str to ndarray, shape (n_wave,)
        Wavelengths of each product in Angstrom. Those stored in four bytes may differ by their rounding.
    flat : ndarray, optional
        Those of the fiber flat, in the frame of the observer: the same bins, or the same times the barycentric factor.

    Returns
    -------
    Measured
        Products, exact; *not measured* with fewer than two.
    """
    grids = {**waves, **({"fiberflat": flat} if flat is not None else {})}
    if len(grids) < 2:
        return Measured.impossible("fewer than two products of the camera can be read")
    (first, grid), *others = grids.items()
    wrong = []
    for name, wave in others:
        slack = np.maximum(rounding(wave), rounding(grid)) if wave.shape == grid.shape else np.array([0.0])
        slack = slack + (MAX_HELIOCENTRIC * wave if wave is flat else 0.0)
        off = np.abs(wave - grid) - slack if wave.shape == grid.shape else np.array([np.inf])
        if not (off <= 0).all():
            wrong.append(_grid_text(name, wave, first, grid))
    return Measured(float(len(wrong)), error=0.0, sensitivity=1.0, detail="; ".join(wrong[:4]))


def rounding(wave: Floats) -> Floats:
    """Largest error of wavelengths by the four bytes that may have stored them, whose last bits may have been cut to pack better.

    Parameters
    ----------
    wave : ndarray, shape (n_wave,)
        Wavelengths in Angstrom.

    Returns
    -------
    ndarray, shape (n_wave,)
        Angstrom; at most half a bin.
    """
    stored = wave.astype(np.float32)
    used = int(np.bitwise_or.reduce(stored.view(np.int32)))
    cut = (used & -used).bit_length() - 1 if used else 0
    step = np.spacing(stored).astype(float) * 2.0**cut
    return np.minimum(step, 0.5 * float(np.median(np.diff(wave))))


def _grid_text(name: str, wave: Floats, first: str, grid: Floats) -> str:
    if wave.shape != grid.shape:
        return f"{name} has {len(wave)} wavelengths, {first} {len(grid)}"
    return f"wavelengths of {name} are {float(np.nanmedian(wave - grid)):+.4f} A from those of {first}"
