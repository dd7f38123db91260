"""Does every file that tells of a fiber flag it alike?

FIBERSTATUS grows on its way: the fibermap of an exposure is put together once, and each camera adds the bits of what it knows alone
(broken fibers, bad columns, amplifiers and their noise). No bit is taken away, and what follows from positions and lists of the
night is known from the start. Only bits are compared for which a fiber is thrown away, and only of fibers that are on something.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.fibermaps.joins import IDENTITY, PLACES, Conflicts, compare, is_bad, matched
from pytest_specqa.measures.fibermaps.targets import Columns
from pytest_specqa.measures.statistics import Ints
from pytest_specqa.values import Measured


def flags_of_spectra(exposures: Columns, *, assigned: Mapping[int, Columns], instrument: Instrument = DESI) -> Measured:
    """Number of fibers whose flags in the redshift file are not those of the exposure.

    Parameters
    ----------
    exposures : Columns
        EXP_FIBERMAP: a row per target and exposure, whose FIBERSTATUS has the bits of all cameras.
    assigned : mapping of int to Columns
        By exposure: the fibermap of the petal as it was put together.
    instrument : Instrument
        Knows the bits.

    Returns
    -------
    Measured
        Fibers that lost a fatal bit, or have one of positioning that the exposure does not know; *not measured* where no exposure
        has a fibermap, or no flags.
    """
    conflicts = Conflicts()
    if "FIBERSTATUS" in exposures and "FIBER" in exposures:
        for expid, fibermap in assigned.items():
            chosen = np.flatnonzero(exposures["EXPID"] == expid)
            mine, theirs = matched(exposures["FIBER"][chosen], fibermap["FIBER"])
            rows = chosen[mine], theirs
            names = (f"EXP_FIBERMAP of exposure {expid}", "its fibermap")
            known = _bits(instrument, "POSITIONED")
            kept = instrument.fatal_anywhere | known
            _flags(conflicts, exposures, fibermap, rows=rows, names=names, known=known, kept=kept)
    return conflicts.measured("FIBERSTATUS", lead="what reads only one of them takes bad fibers for good")


def fibermaps_beside(
    products: Mapping[str, Columns], assigned: Columns, *, instrument: Instrument = DESI
) -> tuple[Measured, Measured]:
    """Numbers of fibers on which the FIBERMAPs of products and that of the exposure disagree, on identity and on flags.

    Parameters
    ----------
    products : mapping of str to Columns
        FIBERMAP of each product of a camera.
    assigned : Columns
        The fibermap of the exposure. Its bits of bad amplifiers are not compared.
    instrument : Instrument
        Knows the bits.

    Returns
    -------
    tuple of Measured
        Fibers that are someone or somewhere else, and fibers with other flags.
    """
    who, flags = Conflicts(), Conflicts()
    amplifiers = sum(1 << instrument.flags[name] for name in instrument.flags if name.startswith("BADAMP"))
    for name, fibermap in products.items():
        rows = matched(fibermap["FIBER"], assigned["FIBER"])
        names = (f"FIBERMAP of the {name}", "the fibermap of the exposure")
        compare(who, fibermap, assigned, rows=rows, columns={**IDENTITY, **PLACES}, names=names)
        strangers = np.ones(len(fibermap["FIBER"]), dtype=bool)
        strangers[rows[0]] = False
        who.add(
            strangers, fiber=fibermap["FIBER"], column="FIBER", here=fibermap["FIBER"], there=fibermap["FIBER"] * 0, names=names
        )
        if "FIBERSTATUS" in fibermap and "FIBERSTATUS" in assigned:
            known = _bits(instrument, "POSITIONED") | _bits(instrument, "LISTED")
            _flags(
                flags,
                fibermap,
                assigned,
                rows=rows,
                names=names,
                known=known,
                kept=(instrument.fatal_anywhere & ~amplifiers) | known,
            )
    lead = "one of them was written with another fibermap"
    return who.measured("who and where they are", lead=lead), flags.measured("FIBERSTATUS", lead=lead)


def bad_without_status(tables: Mapping[str, Columns], *, instrument: Instrument = DESI) -> Measured:
    """Number of fibers on nothing of use (OBJTYPE BAD) that no bit of their status excludes.

    Parameters
    ----------
    tables : mapping of str to Columns
        Fibermaps with OBJTYPE and FIBERSTATUS or COADD_FIBERSTATUS, by what they are called.
    instrument : Instrument
        Knows the bits.

    Returns
    -------
    Measured
        Fibers, of all tables together.

    References
    ----------
    desispec #2537.
    """
    conflicts = Conflicts()
    for name, table in tables.items():
        column = next((one for one in ("FIBERSTATUS", "COADD_FIBERSTATUS") if one in table), "")
        if not column or "OBJTYPE" not in table:
            continue
        status = np.asarray(table[column], dtype=np.int64)
        conflicts.compared += len(status)
        wrong = is_bad(table) & ((status & (instrument.fatal_anywhere | 1 << instrument.flags.get("UNASSIGNED", 0))) == 0)
        conflicts.fibers.update(int(one) for one in np.asarray(table["FIBER"])[wrong])
        if wrong.any():
            conflicts.columns[f"OBJTYPE BAD with {column} 0 in {name}"] = int(wrong.sum())
    found = conflicts.measured("OBJTYPE")
    if not conflicts.fibers:
        return found
    said = "; ".join(f"{name} ({count})" for name, count in conflicts.columns.items())
    detail = f"{len(conflicts.fibers)} fibers are BAD without a status bit: {said}; what goes by bits alone takes them for targets"
    return Measured(found.value, error=0.0, sensitivity=1.0, fibers=found.fibers, detail=detail)


def bad_in_one_file(redshifts: Columns, others: Mapping[str, Columns]) -> Measured:
    """Number of fibers that the redshift file or another file calls BAD, and the other does not.

    Parameters
    ----------
    redshifts : Columns
        FIBERMAP of the redshift file, a row per target.
    others : mapping of str to Columns
        Other tables with the same targets.

    Returns
    -------
    Measured
        Fibers; *not measured* where there is no other table.
    """
    conflicts = Conflicts()
    for name, table in others.items():
        mine, theirs = matched(redshifts["TARGETID"], table["TARGETID"])
        conflicts.compared += len(mine)
        here, there = is_bad(redshifts)[mine], is_bad(table)[theirs]
        one, other = (np.where(bad, "BAD", "of use") for bad in (here, there))
        fiber = np.asarray(redshifts["FIBER"])[mine]
        conflicts.add(here != there, fiber=fiber, column="OBJTYPE", here=one, there=other, names=("the redshift file", name))
    return conflicts.measured("OBJTYPE", lead="what follows takes them for targets or sky in one of them")


def _flags(
    conflicts: Conflicts,
    here: Columns,
    there: Columns,
    *,
    rows: tuple[Ints, Ints],
    names: tuple[str, str],
    known: int,
    kept: int,
) -> None:
    """Take the rows that lost a bit of `kept`, or have one of `known` that the exposure does not have."""
    mine, theirs = rows
    conflicts.compared += len(mine)
    one, other = np.asarray(here["FIBERSTATUS"], np.int64)[mine], np.asarray(there["FIBERSTATUS"], np.int64)[theirs]
    lost, gained = other & ~one & kept, one & ~other & known
    fiber, idle = np.asarray(here["FIBER"])[mine], is_bad(here)[mine] | is_bad(there)[theirs]
    conflicts.add(((lost | gained) != 0) & ~idle, fiber=fiber, column="FIBERSTATUS", here=one, there=other, names=names)


_KNOWN = {
    "POSITIONED": ("UNASSIGNED", "MISSINGPOSITION", "BADPOSITION"),
    "LISTED": ("BADFIBER", "BADTRACE", "BADFLAT", "BADARC"),
}
"""Bits that are known when the fibermap of an exposure is put together: from positions, and from lists of the night."""


def _bits(instrument: Instrument, which: str) -> int:
    return sum(1 << instrument.flags[name] for name in _KNOWN[which] if name in instrument.flags)
