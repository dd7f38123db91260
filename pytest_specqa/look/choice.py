"""What to look at: the exposure, cameras, fibers and wavelengths that were asked for, or those that the results speak of."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_specqa.errors import SelectionError, UsageError
from pytest_specqa.look.words import nearest
from pytest_specqa.production import Production
from pytest_specqa.triage import worst_first
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import Exposure, Outcome, Record

MOST_IMAGES = 3
"""Cameras whose images are shown unless more are asked for."""
AROUND_H_ALPHA = (6500.0, 6700.0)
"""Angstrom where the founding fault was; shown where neither the user nor a result names a window."""
NEAREST = 3

Range = tuple[float, float]
Fibers = tuple[int, int]


@dataclass(frozen=True)
class Choice:
    """One exposure, and where to look in it.

    Attributes
    ----------
    exposure : Exposure
        Which.
    band : str
        Whose cameras are on the focal plane.
    cameras : tuple of str
        Those of which images are shown, the most telling first.
    window : tuple of float
        Wavelengths in Angstrom that colour the focal plane.
    fibers : tuple of int or None
        First and last FIBER to mark.
    why : str
        Where window and fibers come from.
    shown : tuple of Record
        What fails or warns in this exposure, worst first.
    """

    exposure: Exposure
    band: str
    cameras: tuple[str, ...]
    window: Range
    fibers: Fibers | None
    why: str
    shown: tuple[Record, ...] = ()


def find_exposure(production: Production, *, night: int, expid: int) -> Exposure:
    """Return an exposure; `SelectionError` with the nearest nights or exposures where there is none."""
    nights = production.nights()
    if night not in nights:
        raise SelectionError(
            f"--night {night}: no such night in {production.name}; nearest: {nearest(night, nights, most=NEAREST)}"
        )
    found = production.exposure(night, expid)
    if found is None:
        there = [one.expid for one in production.exposures(night, ignored=True)]
        raise SelectionError(f"--expid {expid}: no such exposure on {night}; nearest: {nearest(expid, there, most=NEAREST)}")
    return found


def choose(
    production: Production,
    exposure: Exposure,
    *,
    cameras: str = "",
    records: Sequence[Record] = (),
    fibers: str = "",
    waves: str = "",
) -> Choice:
    """Decide where to look.

    Parameters
    ----------
    production : Production
        Its instrument knows cameras and wavelengths.
    exposure : Exposure
        Which.
    cameras : str
        Such as ``r6,r7``, ``r`` or ``r678``; by default those of the worst finding, else the first.
    records : sequence of Record
        Results of the night; may be none.
    fibers, waves : str
        ``3250-3299`` and ``6500:6700``; by default those of the worst record of the band.

    Returns
    -------
    Choice
        Everything checked against what is there.

    Raises
    ------
    SelectionError, UsageError
        If something that was asked for is not there, or cannot be read; one line with the nearest that is.
    """
    shown = _of_exposure(records, exposure)
    named = _cameras(production, exposure, cameras) if cameras else _failing_cameras(exposure, shown)
    band = named[0][0]
    lead = next((one for one in shown if _band_of(one) in (band, "") and _place(one, production, band)), None)
    found, marked = _place(lead, production, band) if lead else None, _marked(lead)
    first, last = production.instrument.bands[band].first, production.instrument.bands[band].last
    window = found or (AROUND_H_ALPHA if first < AROUND_H_ALPHA[0] and AROUND_H_ALPHA[1] < last else (first, last))
    why = f"where {lead['measure']} {lead['outcome']}" if lead else "no result names another"
    if waves:
        window, why = _waves(waves, band, (first, last)), "as asked for"
    if fibers:
        marked = _fibers(fibers, exposure, production)
    return Choice(exposure, band, named, window, marked, why, tuple(shown))


def _of_exposure(records: Sequence[Record], exposure: Exposure) -> list[Record]:
    """What fails or warns in an exposure: those of the most telling finding first."""
    ours = [one for one in records if one.get("night") == exposure.night]
    found = [one for finding in findings(ours) for one in (*worst_first(finding.records), *worst_first(finding.follows))]
    told = {id(one) for one in found}
    found += worst_first(one for one in ours if id(one) not in told)
    bad = (Outcome.FAILED, Outcome.WARNED)
    return [one for one in found if one["outcome"] in bad and one.get("expid") == exposure.expid]


def _failing_cameras(exposure: Exposure, shown: Sequence[Record]) -> tuple[str, ...]:
    telling = dict.fromkeys(str(one["camera"]) for one in shown if one.get("camera") in exposure.cameras)
    first = next(iter(telling), None) or next((one for one in exposure.cameras if one[0] == "r"), exposure.cameras[0])
    same = [name for name in telling if name[0] == first[0]]
    return tuple(same[:MOST_IMAGES]) or (first,)


def _band_of(record: Record) -> str:
    return str(record["camera"])[0] if record.get("camera") else ""


def _place(record: Record, production: Production, band: str) -> Range | None:
    """Wavelengths of what a record found; ``None`` where it names none in the band."""
    features = record.get("features") or []
    waves = features[0]["waves"] if features else record.get("waves")
    grid = production.instrument.bands[band]
    if not waves or waves[0] < grid.first - 1 or waves[1] > grid.last + 1:
        return None
    # The wavelengths of a single line hold a few pixels: enough for a median only with its neighbours.
    middle, half = (waves[0] + waves[1]) / 2, max((waves[1] - waves[0]) / 2, 2.0)
    return max(middle - half, grid.first), min(middle + half, grid.last)


def _marked(record: Record | None) -> Fibers | None:
    if record is None:
        return None
    features = record.get("features") or []
    fibers = features[0]["fibers"] if features else next(iter(record.get("fibers") or []), None)
    return (int(fibers[0]), int(fibers[1])) if fibers else None


def _cameras(production: Production, exposure: Exposure, text: str) -> tuple[str, ...]:
    named: dict[str, None] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            wanted = [str(camera) for camera in production.instrument.cameras_of(word)]
        except ValueError as error:
            raise SelectionError(f"--camera {error}") from None
        there = [name for name in wanted if name in exposure.cameras]
        if not there:
            near = difflib.get_close_matches(word, exposure.cameras, NEAREST, 0.0) or ["none"]
            raise SelectionError(f"--camera {word}: exposure {exposure.expid} has no such camera; nearest: {', '.join(near)}")
        named.update(dict.fromkeys(there))
    if not named:
        raise SelectionError(f"--camera {text!r}: expected cameras such as r6,r7")
    bands = sorted({name[0] for name in named})
    if len(bands) > 1:
        raise SelectionError(f"--camera {text}: bands {', '.join(bands)}; a page shows one band, give its cameras only")
    return tuple(named)


def _waves(text: str, band: str, grid: Range) -> Range:
    found = re.fullmatch(r"([0-9.]+)[:-]([0-9.]+)", text.strip())
    try:
        low, high = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    except ValueError:
        low, high = 0.0, 0.0
    if not low < high:
        raise UsageError(f"--waves {text[:40]!r}: expected first and last wavelength in Angstrom, such as 6500:6700")
    if high <= grid[0] + 1 or low >= grid[1] - 1:
        raise SelectionError(f"--waves {text}: outside band {band}, which has {grid[0]:.0f}:{grid[1]:.0f}")
    return low, high


def _fibers(text: str, exposure: Exposure, production: Production) -> Fibers:
    found = re.fullmatch(r"([0-9]{1,6})(?:[-:]([0-9]{1,6}))?", text.strip())
    if not found:
        raise UsageError(f"--fibers {text[:40]!r}: expected first and last FIBER, such as 3250-3299")
    low, high = int(found[1]), int(found[2] or found[1])
    instrument = production.instrument
    petals = sorted({instrument.camera(name).petal for name in exposure.cameras})
    if low > high or not any(
        low <= instrument.petal_range(petal)[1] and high >= instrument.petal_range(petal)[0] for petal in petals
    ):
        there = ", ".join("{}-{}".format(*instrument.petal_range(petal)) for petal in petals)
        raise SelectionError(f"--fibers {text}: exposure {exposure.expid} has fibers {there}")
    return low, high
