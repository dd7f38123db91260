"""What two tables say of the same fibers: exact comparisons, row by row.

Where nothing is wrong both are copies of one original, so that no noise stands between them: one row that differs is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.measures.fibermaps.targets import NAMED, Columns
from pytest_specqa.measures.statistics import Bools, Ints
from pytest_specqa.measures.where import fiber_ranges
from pytest_specqa.values import Measured

SHOWN = 3
"""Disagreements that are written out; their number is in the value."""

IDENTITY: Mapping[str, float] = {
    "TARGETID": 0,
    "LOCATION": 0,
    "PETAL_LOC": 0,
    "DEVICE_LOC": 0,
    "OBJTYPE": 0,
    "DESI_TARGET": 0,
    "BGS_TARGET": 0,
    "MWS_TARGET": 0,
    **dict.fromkeys((f"SV{number}_{name}_TARGET" for number in (1, 2, 3) for name in ("DESI", "BGS", "MWS")), 0),
    "CMX_TARGET": 0,
    "TARGET_RA": 1e-7,
    "TARGET_DEC": 1e-7,
}
"""Columns that say who is on a fiber, with the difference that they may have: positions in degrees to 0.4 milliarcsec."""

KEYS = ("TARGETID", "FIBER", "LOCATION", "PETAL_LOC", "DEVICE_LOC")
"""Columns that name a row."""

PLACES: Mapping[str, float] = dict.fromkeys(("FIBERASSIGN_X", "FIBERASSIGN_Y", "FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y"), 1e-4)
"""Places on the focal plane in mm; they are stored in four bytes, to 3e-5 mm at the rim."""


@dataclass
class Conflicts:
    """Fibers that two tables say different things of, gathered table by table.

    Attributes
    ----------
    fibers : set of int
        FIBER of each.
    said : list of str
        What the first of them are said to be, by both.
    columns : dict of str to int
        Rows that differ, by column.
    compared : int
        Rows that were compared.
    """

    fibers: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)
    compared: int = 0

    def add(
        self, found: Bools, *, fiber: Ints, column: str, here: NDArray[Any], there: NDArray[Any], names: tuple[str, str]
    ) -> None:
        """Take the rows of one column that differ."""
        rows = np.flatnonzero(found)
        if not len(rows):
            return
        self.columns[column] = self.columns.get(column, 0) + len(rows)
        self.fibers.update(int(fiber[row]) for row in rows)
        for row in rows[: max(SHOWN - len(self.said), 0)]:
            self.said.append(f"fiber {fiber[row]} {column} {shown(here[row])} in {names[0]}, {shown(there[row])} in {names[1]}")

    def measured(self, what: str, *, lead: str = "") -> Measured:
        """Return the number of fibers that disagree.

        Parameters
        ----------
        what : str
            What they disagree on, for the message.
        lead : str
            What a disagreement suggests.

        Returns
        -------
        Measured
            Exact; *not measured* where no row was compared.
        """
        if not self.compared:
            return Measured.impossible(f"no other file at hand tells {what} of these fibers")
        fiber = np.array(sorted(self.fibers), dtype=int)
        ranges = fiber_ranges(fiber, np.ones(len(fiber), dtype=bool)) if len(fiber) and np.all(np.diff(fiber) == 1) else ()
        ranges = ranges or tuple((int(one), int(one)) for one in fiber[:NAMED])
        return Measured(float(len(fiber)), error=0.0, sensitivity=1.0, fibers=ranges, detail=self._detail(what, lead))

    def _detail(self, what: str, lead: str) -> str:
        if not self.fibers:
            return ""
        columns = ", ".join(f"{name} ({count})" for name, count in self.columns.items())
        more = " ..." if len(self.fibers) > len(self.said) else ""
        return f"{len(self.fibers)} fibers differ in {what}, {columns}: {'; '.join(self.said)}{more}{'; ' + lead if lead else ''}"


def shown(value: Any) -> str:
    """Write one value of a table."""
    return f"{value:.6f}" if isinstance(value, float | np.floating) else str(value)[:30] or "''"


def compare(
    conflicts: Conflicts,
    here: Columns,
    there: Columns,
    *,
    rows: tuple[Ints, Ints],
    columns: Mapping[str, float],
    names: tuple[str, str],
) -> None:
    """Compare rows of two tables in the columns that both have.

    Parameters
    ----------
    conflicts : Conflicts
        Takes what differs.
    here, there : Columns
        The tables; `here` has FIBER.
    rows : tuple of ndarray of int
        Rows of each that speak of the same fiber.
    columns : mapping of str to float
        Columns with the difference that is allowed; values that are NaN in both agree. Of fibers that one of them calls BAD only
        `KEYS` are compared: whatever else is said of them is of no use.
    names : tuple of str
        What the tables are called.
    """
    mine, theirs = rows
    conflicts.compared += len(mine)
    fiber = np.asarray(here["FIBER"])[mine]
    idle = is_bad(here)[mine] | is_bad(there)[theirs]
    for column, slack in columns.items():
        if column not in here or column not in there:
            continue
        one, other = np.asarray(here[column])[mine], np.asarray(there[column])[theirs]
        wrong = differ(one, other, slack=slack) & ~(idle & (column not in KEYS))
        conflicts.add(wrong, fiber=fiber, column=column, here=one, there=other, names=names)


def is_bad(table: Columns) -> Bools:
    """Tell which fibers are on nothing of use (OBJTYPE BAD, or NON of no target at all); none where the table does not say."""
    if "OBJTYPE" not in table:
        return np.zeros(len(table["FIBER"]), dtype=bool)
    return np.asarray(np.isin(np.asarray(table["OBJTYPE"]), ("BAD", "NON")))


def differ(one: NDArray[Any], other: NDArray[Any], *, slack: float) -> Bools:
    """Tell which values of two columns differ by more than an allowance; NaN equals NaN."""
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return np.asarray(one != other)
    both = np.isnan(one) & np.isnan(other)
    with np.errstate(invalid="ignore"):
        return np.asarray(~(np.abs(one - other) <= slack) & ~both & (one != other))


def matched(here: Ints, there: Ints) -> tuple[Ints, Ints]:
    """Rows of two tables with the same key, which is unique in the second; keys that only one has are left out."""
    if not len(there):
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    order = np.argsort(there, kind="stable")
    place = np.searchsorted(there[order], here).clip(max=len(there) - 1)
    same = there[order][place] == here
    return np.flatnonzero(same), order[place][same]


def missing_rows(conflicts: Conflicts, keys: Sequence[NDArray[Any]], *, fiber: Ints, name: str, names: tuple[str, str]) -> None:
    """Take the rows of the first table whose key the second does not have.

    Parameters
    ----------
    conflicts : Conflicts
        Takes them.
    keys : sequence of ndarray
        Keys of both tables.
    fiber : ndarray of int
        FIBER of the rows of the first.
    name : str
        Name of the key.
    names : tuple of str
        What the tables are called.
    """
    here, there = keys
    if np.array_equal(here, there):
        return
    nothing = np.full(len(here), "nothing")
    conflicts.add(~np.isin(here, there), fiber=fiber, column=name, here=here, there=nothing, names=names)
