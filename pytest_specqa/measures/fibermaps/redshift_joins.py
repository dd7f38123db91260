"""Do redshifts and coadds speak of the targets that the fibers were on?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pytest_specqa.measures.fibermaps.joins import IDENTITY, PLACES, Conflicts, compare, matched, missing_rows
from pytest_specqa.measures.fibermaps.targets import Columns
from pytest_specqa.measures.statistics import Bools, Ints
from pytest_specqa.values import Measured

FIBER: Mapping[str, float] = dict.fromkeys(("FIBER", "LOCATION", "PETAL_LOC", "DEVICE_LOC"), 0.0)
"""What a coadd has from the first exposure of a target."""
TARGET: Mapping[str, float] = {name: slack for name, slack in IDENTITY.items() if name not in FIBER and name != "TARGETID"}
SEEN: Mapping[str, float] = {"TARGETID": 0.0, "LOCATION": 0.0, **PLACES}
"""What EXP_FIBERMAP has from the fibermap of the exposure, beside flags."""
SUMS: Mapping[str, float] = {"COADD_NUMEXP": 0, "COADD_EXPTIME": 1e-3, "COADD_NUMNIGHT": 0, "COADD_FIBERSTATUS": 0}


def same_targets(redshifts: Columns, exposures: Columns | None, *, assigned: Mapping[int, Columns]) -> Measured:
    """Number of fibers that the redshift file has on another target than the fibermap of an exposure.

    Parameters
    ----------
    redshifts : Columns
        FIBERMAP of the redshift file: a row per target.
    exposures : Columns or None
        Its EXP_FIBERMAP: a row per target and exposure; ``None`` where it has none, and then every row is looked for in every
        exposure of `assigned`.
    assigned : mapping of int to Columns
        By exposure: who was on which fiber, a row per fiber of the petal.

    Returns
    -------
    Measured
        Fibers, exact; *not measured* where no exposure has a fibermap.

    References
    ----------
    desispec #967, #1202.
    """
    conflicts = Conflicts()
    everyone = _everyone(assigned)
    first = _first_exposure(redshifts, exposures)
    for expid, fibermap in assigned.items():
        names = ("the redshift file", f"exposure {expid}")
        # By target, for a tile may be designed anew between its exposures; and only where that names one fiber.
        mine, theirs = matched(redshifts["TARGETID"], fibermap["TARGETID"])
        single = _single(fibermap["TARGETID"])[theirs]
        began = single & (first[mine] == expid)
        compare(conflicts, redshifts, fibermap, rows=(mine[single], theirs[single]), columns=TARGET, names=names)
        compare(conflicts, redshifts, fibermap, rows=(mine[began], theirs[began]), columns=FIBER, names=names)
        if exposures is None or "FIBER" not in exposures or not (chosen := np.flatnonzero(exposures["EXPID"] == expid)).size:
            continue
        lost = fibermap["TARGETID"], redshifts["TARGETID"]
        missing_rows(conflicts, lost, fiber=fibermap["FIBER"], name="TARGETID", names=names[::-1])
        mine, theirs = matched(exposures["FIBER"][chosen], fibermap["FIBER"])
        names = (f"EXP_FIBERMAP of exposure {expid}", "its fibermap")
        compare(conflicts, exposures, fibermap, rows=(chosen[mine], theirs), columns=SEEN, names=names)
    if exposures is not None:
        keys, names = (redshifts["TARGETID"], exposures["TARGETID"]), ("the redshift file", "its EXP_FIBERMAP")
        missing_rows(conflicts, keys, fiber=redshifts["FIBER"], name="TARGETID", names=names)
    known = np.ones(len(first), dtype=bool) if exposures is None else np.isin(first, list(assigned))
    keys = np.asarray(redshifts["TARGETID"])[known], everyone
    names = ("the redshift file", f"the fibermaps of exposure{'s' * (len(assigned) > 1)} {', '.join(map(str, list(assigned)[:4]))}")
    missing_rows(conflicts, keys, fiber=np.asarray(redshifts["FIBER"])[known], name="TARGETID", names=names)
    conflicts.compared = len(keys[0]) if len(everyone) else 0
    return conflicts.measured("the targets", lead="look at which fibermap the spectra were grouped with")


def _everyone(assigned: Mapping[int, Columns]) -> Ints:
    """TARGETID of all exposures, once where they are the same."""
    found = [np.asarray(fibermap["TARGETID"]) for fibermap in assigned.values()]
    others = [one for one in found[1:] if not np.array_equal(one, found[0])]
    return np.concatenate([*found[:1], *others]) if found else np.zeros(0, dtype=np.int64)


def _single(targetid: Ints) -> Bools:
    """Tell which values occur once."""
    _, inverse, counts = np.unique(targetid, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] == 1)


def _first_exposure(redshifts: Columns, exposures: Columns | None) -> Ints:
    """First exposure of each target; 0 where no row tells."""
    first = np.zeros(len(redshifts["TARGETID"]), dtype=np.int64)
    if exposures is not None and len(exposures["EXPID"]):
        order = np.argsort(exposures["EXPID"], kind="stable")
        targets, place = np.unique(exposures["TARGETID"][order], return_index=True)
        rows, theirs = matched(redshifts["TARGETID"], targets)
        first[rows] = exposures["EXPID"][order][place[theirs]]
    return first


def same_coadd(redshifts: Columns, coadd: Columns, *, exposures: Columns | None, coadded: Columns | None) -> Measured:
    """Number of fibers of which redshift file and coadd say different things.

    Parameters
    ----------
    redshifts, coadd : Columns
        FIBERMAP of the redshift file and of the coadd: a row per target.
    exposures, coadded : Columns or None
        EXP_FIBERMAP of each.

    Returns
    -------
    Measured
        Fibers, exact.
    """
    conflicts, names = Conflicts(), ("the redshift file", "the coadd")
    rows = matched(redshifts["TARGETID"], coadd["TARGETID"])
    conflicts.compared = len(redshifts["TARGETID"])
    compare(conflicts, redshifts, coadd, rows=rows, columns={"FIBER": 0.0, **IDENTITY, **SUMS}, names=names)
    keys = redshifts["TARGETID"], coadd["TARGETID"]
    missing_rows(conflicts, keys, fiber=redshifts["FIBER"], name="TARGETID", names=names)
    missing_rows(conflicts, keys[::-1], fiber=coadd["FIBER"], name="TARGETID", names=names[::-1])
    if exposures is not None and coadded is None:
        return Measured(
            float(len(redshifts["FIBER"])),
            error=0.0,
            sensitivity=1.0,
            detail="the coadd has no EXP_FIBERMAP, its redshifts have one",
        )
    if exposures is not None and coadded is not None and "FIBER" in exposures and "FIBER" in coadded:
        pairs = [each["EXPID"].astype(np.int64) * 10_000 + each["FIBER"] for each in (exposures, coadded)]
        missing_rows(conflicts, pairs, fiber=exposures["FIBER"], name="EXPID and FIBER", names=names)
        missing_rows(conflicts, pairs[::-1], fiber=coadded["FIBER"], name="EXPID and FIBER", names=names[::-1])
    return conflicts.measured("redshift file and coadd", lead="one of them was made again without the other")
