"""Pictures of what flipped, from both productions on one colour scale."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.archive import Archive
from pytest_specqa.compare.redshifts import RedshiftChanges, moved
from pytest_specqa.errors import SpecQAError
from pytest_specqa.instrument import Instrument
from pytest_specqa.results.comparing.flips import Flip, VerdictChange

SHOWN = (Flip.BROKEN, Flip.LOST, Flip.FIXED, Flip.STILL_FAILING, Flip.WORSE, Flip.BETTER)


@dataclass(frozen=True)
class Picture:
    """A picture, or the reason why there is none.

    Attributes
    ----------
    title : str
        What it shows.
    png : str
        Base64 PNG; empty where it could not be drawn.
    reason : str
        Why not.
    """

    title: str
    png: str = ""
    reason: str = ""


def draw_all(
    before: Archive, after: Archive, *, flips: Sequence[VerdictChange], redshifts: RedshiftChanges, most: int
) -> list[Picture]:
    """Draw the cameras that flipped and the tiles whose redshifts changed.

    Parameters
    ----------
    before, after : Archive
        The two productions.
    flips : sequence of VerdictChange
        Worst first.
    redshifts : RedshiftChanges
        Of the common tile petals.
    most : int
        Most cameras and most tiles to draw.

    Returns
    -------
    list of Picture
        Redshifts of tiles first, then sky model and sframe of each camera.
    """
    pictures = [_redshift_picture(redshifts, tile, after.instrument) for tile in _tiles(redshifts, flips)[:most]]
    for unit, record in list(_cameras(flips).items())[:most]:
        where = {"night": record["night"], "expid": record["expid"], "camera": record["camera"]}
        for words, family in (("sky model over its median", _sky), ("sky-subtracted spectra", _sframe)):
            pictures.append(_attempt(f"{unit}: {words}", family, before, after, where))
    return pictures


def _cameras(flips: Iterable[VerdictChange]) -> dict[str, Any]:
    order = {flip: rank for rank, flip in enumerate(SHOWN)}
    chosen = sorted((flip for flip in flips if flip.flip in order and flip.record.get("camera")), key=lambda flip: order[flip.flip])
    return {flip.unit: flip.record for flip in chosen}


def _tiles(redshifts: RedshiftChanges, flips: Iterable[VerdictChange]) -> list[str]:
    """Tiles and pixels whose verdict flipped, then those with most moved redshifts; those where nothing moved are left out."""
    if not redshifts.columns:
        return []
    shown = [flip.record for flip in flips if flip.flip in SHOWN]
    flipped = {f"tile {record.get('tile')}" for record in shown if record.get("kind") in ("tile", "petal")}
    flipped |= {record["unit"].replace("healpix-", "pixel ", 1) for record in shown if record.get("kind") == "healpix"}
    changed = moved(redshifts.columns["z_before"], redshifts.columns["z_after"])
    tiles, counts = np.unique(redshifts.columns["place"][changed], return_counts=True)
    ranked = sorted(zip(tiles.tolist(), counts.tolist(), strict=True), key=lambda pair: (pair[0] not in flipped, -pair[1]))
    return [tile for tile, _ in ranked]


def _redshift_picture(redshifts: RedshiftChanges, place: str, instrument: Instrument) -> Picture:
    rows = redshifts.columns["place"] == place
    columns = {name: column[rows] for name, column in redshifts.columns.items()}
    changed = moved(columns["z_before"], columns["z_after"])
    petals = sorted(set((columns["fiber"] // instrument.fibers).tolist()))
    title = f"{place.capitalize()}, petal{'s' * (len(petals) > 1)} {', '.join(map(str, petals))}: redshifts"
    note = f"{int((changed & ~columns['is_sky']).sum())} of {int((~columns['is_sky']).sum())} targets moved by |dz|/(1+z) > 0.003"
    arrays = {"before": columns["z_before"], "after": columns["z_after"], "fiber": columns["fiber"], "is_sky": columns["is_sky"]}
    return _drawn(title, "redshift_change", {**arrays, "moved": changed, "title": title, "note": note})


Arrays = dict[str, Any]


def _attempt(title: str, family: Callable[..., Arrays], before: Archive, after: Archive, where: dict[str, Any]) -> Picture:
    try:
        arrays = family(before, after, where)
    except SpecQAError as error:
        return Picture(title, reason=str(error))
    return _drawn(title, "before_after", {**arrays, "title": title})


def _drawn(title: str, family: str, arrays: Arrays) -> Picture:
    from pytest_specqa import plots  # noqa: PLC0415

    return Picture(title, png=base64.b64encode(plots.to_png(plots.draw(family, **arrays))).decode())


def _sky(before: Archive, after: Archive, where: dict[str, Any]) -> Arrays:
    skies = [side.read_sky(**where) for side in (before, after)]
    images = [over_median(sky.flux, sky.ivar) for sky in skies]
    note = "deviation from the camera's median sky; one sky differs between fibers only at lines and by one factor per fiber"
    return {"before": images[0], "after": images[1], "wave": skies[1].wave, "fiber": skies[1].fiber, "unit": "[%]", "note": note}


def over_median(flux: NDArray[Any], ivar: NDArray[Any]) -> NDArray[np.float64]:
    """Percent deviation of each fiber's sky from the median over fibers; NaN where there is no weight or no sky."""
    sky = np.where(ivar > 0, flux, np.nan).astype(float)
    good = np.isfinite(sky).any(axis=0)
    median = np.full(sky.shape[1], np.nan)
    median[good] = np.nanmedian(sky[:, good], axis=0)
    median[~(median > 0)] = np.nan
    return np.asarray(100 * (sky / median - 1))


def _sframe(before: Archive, after: Archive, where: dict[str, Any]) -> Arrays:
    frames = [side.read_frame("sframe", **where) for side in (before, after)]
    images = [np.where(frame.ivar > 0, frame.flux, np.nan) for frame in frames]
    note = "one row per fiber; a vertical line is left-over sky, a horizontal one is an object"
    arrays = {"before": images[0], "after": images[1], "wave": frames[1].wave, "fiber": frames[1].fiber, "note": note}
    return {**arrays, "unit": "[e/Å]", "percent": 85.0}
