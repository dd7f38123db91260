"""Do redshifts rest on the exposures that there are, and add up to what they say?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.fibermaps.joins import Conflicts, matched
from pytest_specqa.measures.fibermaps.targets import Columns
from pytest_specqa.measures.statistics import Bools, Floats, Ints
from pytest_specqa.values import Measured, Tile, Visit

SECONDS = 1.0
"""Difference of exposure times that is none: tables are rounded, and the shutters of spectrographs differ by milliseconds."""

COADDED = ("the redshift file", "its EXP_FIBERMAP")


def left_out(used: Iterable[int], visits: Sequence[Visit] | None, *, tile: Tile, petal: int) -> Measured:
    """Number of good exposures of a tile petal that its redshifts do not rest on.

    Parameters
    ----------
    used : iterable of int
        Exposures that the redshift file names.
    visits : sequence of Visit or None
        What the exposure tables and the folders know; ``None`` where there is no table.
    tile : Tile
        The reduction: a cumulative one takes all nights up to its own, one of a night those of it; others a choice of them.
    petal : int
        Number of the petal.

    Returns
    -------
    Measured
        Exposures with LASTSTEP ``all``, a good camera and calibrated spectra of the petal on disk, and some effective time, that
        are not used; *not measured* where no exposure table tells, or the reduction is a choice.

    References
    ----------
    desispec #1504.
    """
    if visits is None:
        return Measured.impossible("no exposure table tells which exposures the tile has")
    if tile.group not in ("cumulative", "pernight"):
        return Measured.impossible(f"redshifts of {tile.group} rest on a choice of the exposures")
    good = [visit for visit in visits if visit.night <= tile.night and is_good(visit, tile)]
    nights = {tile.night} if tile.group == "pernight" else {visit.night for visit in good}
    wanted = [visit for visit in good if visit.night in nights and visit.spectra and visit.efftime != 0]
    lost = sorted({visit.expid for visit in wanted} - set(used))
    what = f"exposure{'s' if len(lost) > 1 else ''} {', '.join(map(str, lost))}"
    say = f"{what} not in the redshifts of petal {petal} of tile {tile.tile} though the cframes exist; coadd and fit them again"
    return Measured(float(len(lost)), error=0.0, sensitivity=1.0, detail=say if lost else "")


def is_good(visit: Visit, tile: Tile) -> bool:
    """Tell whether the exposure table asks for redshifts of an exposure."""
    return visit.tile == tile.tile and visit.laststep == "all" and bool(visit.cameras)


def not_asked_for(used: Iterable[int], visits: Sequence[Visit] | None, *, tile: Tile, petal: int) -> Measured:
    """Number of exposures that redshifts rest on though the exposure table does not ask for them.

    Parameters
    ----------
    used, visits, tile, petal
        As for `left_out`.

    Returns
    -------
    Measured
        Exposures that the table of their night gives to another tile or does not list, has end before redshifts, or has without
        a good camera of the petal; of nights after the reduction; *not measured* where no exposure table tells.
    """
    if visits is None:
        return Measured.impossible("no exposure table tells which exposures the tile has")
    known = {visit.expid: visit for visit in visits}
    reasons = {expid: _objection(known[expid], tile, petal) for expid in sorted(set(used)) if expid in known}
    wrong = [f"exposure {expid}: {reason}" for expid, reason in reasons.items() if reason]
    say = f"redshifts of petal {petal} of tile {tile.tile} rest on {'; '.join(wrong[:4])}"
    return Measured(float(len(wrong)), error=0.0, sensitivity=1.0, detail=say if wrong else "")


def _objection(visit: Visit, tile: Tile, petal: int) -> str:
    if not visit.laststep:
        return "the exposure table does not list it"
    if visit.tile != tile.tile:
        return f"the exposure table says tile {visit.tile}"
    if visit.laststep != "all":
        return f"LASTSTEP {visit.laststep} in the exposure table"
    if not visit.cameras:
        return f"no good camera of petal {petal} in the exposure table"
    late = tile.group in ("cumulative", "pernight") and 0 < tile.night < visit.night
    return f"its night {visit.night} is after {tile.night}" if late else ""


def exposure_facts(exposures: Columns, visits: Sequence[Visit] | None, *, tile: Tile, assigned: Mapping[int, Columns]) -> Measured:
    """Number of fibers whose rows of EXP_FIBERMAP have another tile, night or exposure time than the exposure has.

    Parameters
    ----------
    exposures : Columns
        EXP_FIBERMAP: a row per target and exposure.
    visits : sequence of Visit or None
        What the exposure tables know.
    tile : Tile
        The reduction.
    assigned : mapping of int to Columns
        By exposure: the fibermap of the petal, for EXPTIME.

    Returns
    -------
    Measured
        Fibers; exposure times may differ by a second.
    """
    conflicts = Conflicts(compared=len(exposures["EXPID"]))
    fiber = exposures["FIBER"] if "FIBER" in exposures else np.zeros(conflicts.compared, dtype=int)
    expid = exposures["EXPID"]

    def told(column: str, said: Mapping[int, float], *, slack: float, by: str) -> None:
        """Compare a column with what is said of each exposure."""
        if column not in exposures:
            return
        expected = np.array([said.get(int(one), np.nan) for one in expid], dtype=float)
        here = np.asarray(exposures[column], dtype=float)
        wrong = (np.abs(here - expected) > slack) | (np.isnan(here) & ~np.isnan(expected))
        conflicts.add(wrong, fiber=fiber, column=column, here=here, there=expected, names=("EXP_FIBERMAP", by))

    told("TILEID", dict.fromkeys(map(int, np.unique(expid)), tile.tile), slack=0, by="the file name")
    table = {visit.expid: visit for visit in visits or () if visit.tile == tile.tile}
    told("NIGHT", {number: visit.night for number, visit in table.items()}, slack=0, by="the exposure table")
    told("EXPTIME", {number: visit.exptime for number, visit in table.items()}, slack=SECONDS, by="the exposure table")
    times = {number: float(np.median(map_["EXPTIME"])) for number, map_ in assigned.items() if "EXPTIME" in map_}
    told("EXPTIME", times, slack=SECONDS, by="the fibermap")
    return conflicts.measured("tile, night or exposure time")


def coadd_sums(redshifts: Columns, exposures: Columns, *, instrument: Instrument = DESI) -> Measured:
    """Number of fibers whose COADD_ columns are not what the rows of EXP_FIBERMAP add up to.

    Parameters
    ----------
    redshifts : Columns
        FIBERMAP of the redshift file: a row per target.
    exposures : Columns
        EXP_FIBERMAP: a row per target and exposure, with IN_COADD_B, _R and _Z where the pipeline wrote them.
    instrument : Instrument
        Knows the fatal bits.

    Returns
    -------
    Measured
        Fibers. Where IN_COADD is there COADD_NUMEXP and COADD_EXPTIME are exact. Older files do not tell which exposures of a
        flagged fiber were taken: anything from the unflagged ones to all is right. COADD_FIBERSTATUS must have the bits that all
        exposures share, and none that no exposure has.
    """
    rows, places = matched(exposures["TARGETID"], redshifts["TARGETID"])
    conflicts = Conflicts(compared=len(rows))
    fewest, most = (chosen[rows] for chosen in _taken(exposures, instrument))
    count = np.ones(len(rows))
    for column, values, slack in (("COADD_NUMEXP", count, 0.0), ("COADD_EXPTIME", _exptime(exposures)[rows], SECONDS)):
        if column in redshifts and not np.isnan(values).any():
            here = np.asarray(redshifts[column], dtype=float)
            low, high = (_summed(values, places, chosen, size=len(here)) for chosen in (fewest, most))
            wrong = (here < low - slack) | (here > high + slack) | np.isnan(here)
            there = np.where(here > high, high, low)
            conflicts.add(wrong, fiber=redshifts["FIBER"], column=column, here=here, there=there, names=COADDED)
    if "COADD_FIBERSTATUS" in redshifts and "FIBERSTATUS" in exposures:
        _add_flags(conflicts, redshifts, np.asarray(exposures["FIBERSTATUS"], np.int64)[rows], places)
    return conflicts.measured("sums over exposures", lead="the coadd was made of other exposures than it says")


def _summed(values: Floats, places: Ints, chosen: Bools, *, size: int) -> Floats:
    """Sum over the chosen exposures of each target."""
    return np.bincount(places[chosen], weights=values[chosen], minlength=size).astype(float)


def _add_flags(conflicts: Conflicts, redshifts: Columns, bits: Ints, places: Ints) -> None:
    """Take targets without a bit that all their exposures have, or with one that none has."""
    here = np.asarray(redshifts["COADD_FIBERSTATUS"], dtype=np.int64)
    every, some = np.full(len(here), -1, dtype=np.int64), np.zeros(len(here), dtype=np.int64)
    np.bitwise_and.at(every, places, bits)
    np.bitwise_or.at(some, places, bits)
    wrong = (((every & ~here) != 0) | ((here & ~some) != 0)) & np.isin(np.arange(len(here)), places)
    conflicts.add(wrong, fiber=redshifts["FIBER"], column="COADD_FIBERSTATUS", here=here, there=every, names=COADDED)


def depth_sums(redshifts: Columns, tsnr2: Columns | None, *, fiber: Ints) -> Measured:
    """Number of fibers whose depth (TSNR2) belongs to another target, or is not the sum of its cameras.

    Parameters
    ----------
    redshifts : Columns
        The redshift table: a row per target.
    tsnr2 : Columns or None
        TSNR2, row by row the same targets: TSNR2_X, and TSNR2_X_B, _R and _Z where the pipeline wrote them.
    fiber : ndarray of int
        FIBER of each row.

    Returns
    -------
    Measured
        Fibers; sums in four bytes may differ by one in a thousand. *Not measured* without TSNR2.
    """
    if tsnr2 is None:
        return Measured.impossible("the redshift file has no TSNR2")
    conflicts = Conflicts(compared=len(fiber))
    if len(tsnr2["TARGETID"]) != len(fiber):
        return Measured(float(len(fiber)), error=0.0, sensitivity=1.0, detail=f"TSNR2 has {len(tsnr2['TARGETID'])} rows")
    here, there = redshifts["TARGETID"], tsnr2["TARGETID"]
    conflicts.add(here != there, fiber=fiber, column="TARGETID", here=here, there=there, names=("REDSHIFTS", "TSNR2"))
    for kind in ("LRG", "ELG", "QSO", "LYA", "BGS"):
        total, parts = f"TSNR2_{kind}", [f"TSNR2_{kind}_{band}" for band in "BRZ" if f"TSNR2_{kind}_{band}" in tsnr2]
        if total in tsnr2 and parts:
            summed = np.sum([np.asarray(tsnr2[name], dtype=float) for name in parts], axis=0)
            whole = np.asarray(tsnr2[total], dtype=float)
            wrong = np.abs(whole - summed) > 1e-3 * np.abs(summed) + 1e-6
            conflicts.add(wrong, fiber=fiber, column=total, here=whole, there=summed, names=("TSNR2", "the sum of its cameras"))
    return conflicts.measured("depth")


def _exptime(exposures: Columns) -> Floats:
    known = "EXPTIME" in exposures
    return np.asarray(exposures["EXPTIME"], dtype=float) if known else np.full(len(exposures["TARGETID"]), np.nan)


def _taken(exposures: Columns, instrument: Instrument) -> tuple[Bools, Bools]:
    """Rows that surely went into a coadd, and rows that may have."""
    bands = [f"IN_COADD_{band.upper()}" for band in instrument.bands if f"IN_COADD_{band.upper()}" in exposures]
    if bands:
        taken = np.asarray(np.logical_or.reduce([np.asarray(exposures[band], dtype=bool) for band in bands]))
        return taken, taken
    every = np.ones(len(exposures["TARGETID"]), dtype=bool)
    if "FIBERSTATUS" not in exposures:
        return ~every, every
    status = np.asarray(exposures["FIBERSTATUS"], dtype=np.int64)
    return np.asarray((status & instrument.fatal_anywhere) == 0), every
