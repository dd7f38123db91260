"""On which fibers the targets of a pixel of the sky were: coadds of all tiles name none in their FIBERMAP."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI
from pytest_specqa.production.defects import defect
from pytest_specqa.production.fibermap import Fibermap
from pytest_specqa.production.layout import HEALPIX
from pytest_specqa.values import Tile


def identity_of(tile: Tile, petal: int) -> dict[str, str | int]:
    """Keywords of the products of a reduction that the name of a file gives, with their values; see `identity.check_identity`."""
    if tile.group == HEALPIX:
        return {"HPXPIXEL": tile.tile, "HPXNSIDE": 64, "SURVEY": tile.survey, "PROGRAM": tile.program}
    return {"TILEID": tile.tile, "PETAL": petal}


def with_fibers(fibermap: Fibermap, exposures: NDArray[Any]) -> Fibermap:
    """Give each target the fiber that it was on in most exposures.

    Parameters
    ----------
    fibermap : Fibermap
        A row per target; one that has FIBER is returned as it is.
    exposures : ndarray
        EXP_FIBERMAP: TARGETID and FIBER, a row per target and exposure.

    Returns
    -------
    Fibermap
        With a column FIBER (0-4999), the lowest of those that are equally often.

    Raises
    ------
    ProductError
        Where a target has no exposure, or a fiber is none.
    """
    if "FIBER" in fibermap:
        return fibermap
    fiber = exposures["FIBER"].astype(np.int64)
    if ((fiber < 0) | (fiber >= DESI.all_fibers)).any():
        wrong = fiber[(fiber < 0) | (fiber >= DESI.all_fibers)][0]
        raise defect(fibermap.path, "EXP_FIBERMAP", found=f"FIBER {wrong}", expected=f"0-{DESI.all_fibers - 1}")
    targets, place = np.unique(exposures["TARGETID"], return_inverse=True)
    pairs, times = np.unique(place * DESI.all_fibers + fiber, return_counts=True)
    whose, which = np.divmod(pairs, DESI.all_fibers)
    order = np.lexsort((which, -times, whose))
    first = np.unique(whose[order], return_index=True)[1]
    often = which[order][first]
    row = np.searchsorted(targets, fibermap["TARGETID"]).clip(max=len(targets) - 1)
    if lost := int((targets[row] != fibermap["TARGETID"]).sum()):
        found, expected = f"no exposure of {lost} of {len(fibermap)} targets", "a row for each target and exposure"
        raise defect(fibermap.path, "EXP_FIBERMAP", found=found, expected=expected)
    data = np.empty(len(fibermap), dtype=[*fibermap.data.dtype.descr, ("FIBER", "i4")])
    for name in fibermap.columns:
        data[name] = fibermap.data[name]
    data["FIBER"] = often[row]
    return Fibermap(data, fibermap.header, fibermap.path, fibermap.name)
