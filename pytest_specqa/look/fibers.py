"""Who looked at what: the words that the page shows for each fiber, and where the exposure is on the sky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import Instrument
from pytest_specqa.look.light import CameraLight
from pytest_specqa.look.words import bits_in_words
from pytest_specqa.measures.focal.bright_stars import BRIGHT
from pytest_specqa.production import Fibermap

Floats = NDArray[np.float64]


class Star(NamedTuple):
    """A target brighter than `BRIGHT`: FIBER, magnitude, and degrees from the marked fibers."""

    fiber: int
    mag: float
    distance: float


def target_classes(fibermap: Fibermap, instrument: Instrument) -> list[str]:
    """Classes of each row by DESI_TARGET, such as ``QSO`` or ``BGS, MWS``; empty where there are none."""
    if "DESI_TARGET" not in fibermap:
        return [""] * len(fibermap)
    bits = fibermap["DESI_TARGET"].astype(np.int64)
    names = {name: np.int64(1) << np.int64(bit) for name, bit in instrument.targets.items() if name != "SKY"}
    return [", ".join(name for name, mask in names.items() if value & mask) for value in bits]


def status_words(status: Sequence[int] | NDArray[np.integer], instrument: Instrument) -> list[str]:
    """Bits of FIBERSTATUS in words; those without a name by their number; ``good`` where none is set."""
    names = {bit: name for name, bit in instrument.flags.items()}
    # The file's columns have 32 bits, the highest of which makes them negative.
    values = [int(one) & 0xFFFFFFFF for one in status]
    words = {value: bits_in_words(value, names) or "good" for value in set(values)}
    return [words[value] for value in values]


def magnitudes(fibermap: Fibermap) -> Floats:
    """R magnitude of each row from FLUX_R, else Gaia's G; NaN where neither is known."""
    found = np.full(len(fibermap), np.nan)
    if "FLUX_R" in fibermap:
        flux = np.asarray(fibermap["FLUX_R"], dtype=float)
        found[flux > 0] = 22.5 - 2.5 * np.log10(flux[flux > 0])
    return np.where(np.isfinite(found), found, gaia(fibermap))


def gaia(fibermap: Fibermap) -> Floats:
    """GAIA_PHOT_G_MEAN_MAG of each row; NaN where it is absent or 0, which stands for none."""
    if "GAIA_PHOT_G_MEAN_MAG" not in fibermap:
        return np.full(len(fibermap), np.nan)
    mag = np.asarray(fibermap["GAIA_PHOT_G_MEAN_MAG"], dtype=float)
    return np.where(np.isfinite(mag) & (mag > 0), mag, np.nan)


def positions(fibermap: Fibermap, names: Sequence[tuple[str, str]]) -> tuple[Floats, Floats]:
    """Two columns of the first pair that the fibermap has, each row from the first pair in which it is known; else NaN."""
    first, second = np.full(len(fibermap), np.nan), np.full(len(fibermap), np.nan)
    for one, other in names:
        if one in fibermap and other in fibermap:
            x, y = (np.asarray(fibermap[name], dtype=float) for name in (one, other))
            use = ~np.isfinite(first) & np.isfinite(x) & np.isfinite(y) & ((x != 0) | (y != 0))
            first[use], second[use] = x[use], y[use]
    return first, second


PLACES = (("FIBER_X", "FIBER_Y"), ("FIBERASSIGN_X", "FIBERASSIGN_Y"))
SKY = (("FIBER_RA", "FIBER_DEC"), ("TARGET_RA", "TARGET_DEC"))


def fiber_columns(lights: Sequence[CameraLight], instrument: Instrument) -> dict[str, list[object]]:
    """Say of each fiber what the page shows of it.

    Parameters
    ----------
    lights : sequence of CameraLight
        Cameras of one band.
    instrument : Instrument
        Knows flags and classes.

    Returns
    -------
    dict of str to list
        fiber, x and y (mm), targetid (text: JavaScript has no such large numbers), kind, status, mag, ra, dec, is_sky, after and
        level (what was there before, electron/Angstrom), before (the same less its median); ``None`` for what is not known.
    """
    columns: dict[str, list[object]] = {}
    for light in lights:
        fibermap = light.fibermap
        objtypes = [str(text) for text in fibermap["OBJTYPE"]]
        classes = target_classes(fibermap, instrument)
        (x, y), (ra, dec) = positions(fibermap, PLACES), positions(fibermap, SKY)
        mine: dict[str, list[object]] = {
            "fiber": list(map(int, light.fiber)),
            "targetid": [str(int(one)) for one in fibermap["TARGETID"]],
            "kind": [f"{one} ({what})" if what else one for one, what in zip(objtypes, classes, strict=True)],
            "status": list(status_words(fibermap.status, instrument)),
            "is_sky": [one == "SKY" for one in objtypes],
            "mag": rounded(magnitudes(fibermap), 2),
            "x": rounded(x, 2),
            "y": rounded(y, 2),
            "ra": rounded(ra, 5),
            "dec": rounded(dec, 5),
            "level": rounded(light.before, 3),
            "after": rounded(light.after, 3),
        }
        for name, values in mine.items():
            columns.setdefault(name, []).extend(values)
    level = np.array([np.nan if one is None else one for one in columns["level"]], dtype=float)
    middle = float(np.median(level[np.isfinite(level)])) if np.isfinite(level).any() else np.nan
    columns["before"] = rounded(level - middle, 3)
    return columns


def rounded(values: NDArray[np.floating], digits: int) -> list[object]:
    """Numbers for JSON; ``None`` for what is not finite."""
    return [round(float(one), digits) if np.isfinite(one) else None for one in values]


def centre(lights: Sequence[CameraLight], fibers: tuple[int, int] | None = None) -> tuple[float, float]:
    """RA and Dec in degrees of the tile as the fibermap names it, or of the middle of some fibers; NaN where nothing tells.

    Parameters
    ----------
    lights : sequence of CameraLight
        Cameras of one band.
    fibers : tuple of int, optional
        First and last FIBER; the whole tile by default.

    Returns
    -------
    float, float
        TILERA and TILEDEC of the fibermap's header for a whole tile, else the middle of the fibers' own positions.
    """
    header = lights[0].fibermap.header
    if fibers is None and all(isinstance(header.get(name), int | float) for name in ("TILERA", "TILEDEC")):
        return float(str(header["TILERA"])), float(str(header["TILEDEC"]))
    ra, dec = (np.concatenate(parts) for parts in zip(*(positions(one.fibermap, SKY) for one in lights), strict=True))
    if fibers is not None:
        fiber = np.concatenate([one.fiber for one in lights])
        chosen = (fiber >= fibers[0]) & (fiber <= fibers[1])
        ra, dec = ra[chosen], dec[chosen]
    known = np.isfinite(ra)
    if not known.any():
        return float("nan"), float("nan")
    # A tile may lie across RA = 0.
    angle = np.deg2rad(ra[known])
    middle = np.rad2deg(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())) % 360
    return float(middle), float(np.median(dec[known]))


def bright_stars(lights: Sequence[CameraLight], near: tuple[float, float]) -> list[Star]:
    """Targets brighter than `BRIGHT` by the fibermap's photometry, nearest to a place first."""
    found = []
    for light in lights:
        mag = np.fmin(magnitudes(light.fibermap), gaia(light.fibermap))
        ra, dec = positions(light.fibermap, SKY)
        for row in np.flatnonzero(mag < BRIGHT):
            found.append(Star(int(light.fiber[row]), float(mag[row]), separation((float(ra[row]), float(dec[row])), near)))
    return sorted(found, key=lambda star: (np.isnan(star.distance), star.distance))


def separation(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Angle in degrees between two places (RA and Dec in degrees)."""
    (ra, dec), (ra2, dec2) = np.deg2rad(one), np.deg2rad(other)
    haversine = np.sin((dec2 - dec) / 2) ** 2 + np.cos(dec) * np.cos(dec2) * np.sin((ra2 - ra) / 2) ** 2
    return float(np.rad2deg(2 * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))))


def notes_of(header: Mapping[str, object]) -> str:
    """Exposure time and program of a header as a phrase; whatever it says is data."""
    parts = [str(header[name]).strip() for name in ("PROGRAM", "OBSTYPE") if header.get(name)]
    seconds = header.get("EXPTIME")
    if isinstance(seconds, int | float):
        parts.insert(0, f"{seconds:.0f} s")
    return ", ".join(parts)
