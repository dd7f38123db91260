"""Which fiber looked at what: FIBERMAP tables and their status bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.instrument import DESI, Camera
from pytest_specqa.opening import State
from pytest_specqa.production.content import Rows, read_content
from pytest_specqa.production.defects import defect
from pytest_specqa.production.headers import Header

REQUIRED = ("TARGETID", "FIBER", "FIBERSTATUS", "OBJTYPE")
ROSTER = (
    *REQUIRED,
    *("LOCATION", "PETAL_LOC", "DEVICE_LOC", "TARGET_RA", "TARGET_DEC", "DESI_TARGET", "BGS_TARGET", "MWS_TARGET", "EXPTIME"),
    *(f"SV{number}_{name}_TARGET" for number in (1, 2, 3) for name in ("DESI", "BGS", "MWS")),
    "CMX_TARGET",
    *("FIBERASSIGN_X", "FIBERASSIGN_Y", "FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y"),
)
"""Columns that say who was on which fiber, and where that was."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a FITS table; text columns come as stripped ``str`` arrays.

    Attributes
    ----------
    data : numpy.ndarray
        Structured, native-endian, text as bytes.
    header : Mapping
        Header of the HDU.
    path : Path
        Where it was read.
    name : str
        Name of the HDU.
    """

    data: NDArray[Any]
    header: Header
    path: Path
    name: str = "FIBERMAP"
    _text: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.data.dtype.names or ()

    def __len__(self) -> int:
        return len(self.data)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One column; `ProductError` where it is missing."""
        if name not in self.columns:
            raise defect(self.path, self.name, found=f"columns {', '.join(self.columns)}", expected=f"column {name}")
        column: NDArray[Any] = self.data[name]
        if column.dtype.kind != "S":
            return column
        if name not in self._text:
            self._text[name] = np.char.strip(np.char.decode(column, "latin-1"))
        return self._text[name]


class Fibermap(Table):
    """A FIBERMAP: one row per fiber, columns as in the DESI data model (TARGETID, FIBER 0-4999, OBJTYPE ...)."""

    @property
    def status(self) -> NDArray[Any]:
        """FIBERSTATUS, or COADD_FIBERSTATUS in coadded products."""
        return self["FIBERSTATUS" if "FIBERSTATUS" in self else "COADD_FIBERSTATUS"]

    @property
    def is_sky(self) -> NDArray[np.bool_]:
        """Rows whose OBJTYPE is SKY, good or bad."""
        return np.asarray(self["OBJTYPE"] == "SKY")

    @property
    def is_target(self) -> NDArray[np.bool_]:
        """Rows that are on a target: assigned to one, and neither on sky nor of OBJTYPE BAD or NON, which are on nothing of use."""
        on_something = ~np.isin(self["OBJTYPE"], ("SKY", "BAD", "NON"))
        names = [name for name in ("FIBERSTATUS", "COADD_FIBERSTATUS") if name in self]
        assigned = (self[names[0]] & (1 << DESI.flags["UNASSIGNED"])) == 0 if names else True
        return np.asarray(on_something & assigned)

    def select(self, rows: NDArray[Any]) -> Fibermap:
        """The same table with the rows of a boolean mask or an index array."""
        return Fibermap(self.data[rows], self.header, self.path, self.name)

    def of_columns(self, names: Iterable[str]) -> Fibermap:
        """A copy with some of the columns, as far as they are there."""
        kept = [name for name in names if name in self]
        data = np.empty(len(self), dtype=[(name, self.data.dtype[name]) for name in kept])
        for name in kept:
            data[name] = self.data[name]
        return Fibermap(data, self.header, self.path, self.name)

    def with_status(self, bits: NDArray[Any]) -> Fibermap:
        """A copy whose FIBERSTATUS has more bits set, row by row."""
        data = self.data.copy()
        data["FIBERSTATUS"] |= bits.astype(data["FIBERSTATUS"].dtype)
        return Fibermap(data, self.header, self.path, self.name)

    def of_petal(self, petal: int) -> Fibermap:
        """The 500 rows of a petal in order of FIBER; `ProductError` where they are not all there."""
        fiber = self["FIBER"]
        rows = np.flatnonzero(fiber // DESI.fibers == petal)
        rows = rows[np.argsort(fiber[rows], kind="stable")]
        first = DESI.fibers * petal
        if not np.array_equal(fiber[rows], first + np.arange(DESI.fibers)):
            found = f"{len(np.unique(fiber[rows]))} different FIBER of petal {petal} in {len(rows)} rows"
            raise defect(self.path, self.name, found=found, expected=f"{first}-{first + DESI.fibers - 1}, once each")
        return self.select(rows)


def read_fibermap(path: Path, *, as_of: State | None = None) -> Fibermap:
    """Read the FIBERMAP of a file.

    Parameters
    ----------
    path : Path
        A fibermap, or any product that holds one.
    as_of : State, optional
        State of the file when other parts of it were read.

    Returns
    -------
    Fibermap
        Its rows, in the order of the file.

    Raises
    ------
    ProductError
        If there is none, or it lacks TARGETID, FIBER, FIBERSTATUS or OBJTYPE.
    """
    content = read_content(path, {"FIBERMAP": Rows(REQUIRED, most=len(DESI.petals) * DESI.fibers)}, as_of=as_of)
    return Fibermap(content.data["FIBERMAP"], content.headers["FIBERMAP"], path)


def badamp_bits(camera: Camera, amps: Iterable[str]) -> NDArray[np.int32]:
    """FIBERSTATUS bits that bad amplifiers put on the fibers of a petal.

    Parameters
    ----------
    camera : Camera
        The camera whose fibers are asked for.
    amps : iterable of str
        Such as ``r6A``; those of other cameras are passed over.

    Returns
    -------
    numpy.ndarray
        One integer per fiber of the petal: amplifiers A and C read the first half of it, B and D the second.
    """
    bits = np.zeros(DESI.fibers, dtype=np.int32)
    half = DESI.fibers // 2
    badamp = 1 << DESI.flags[f"BADAMP{camera.band.upper()}"]
    for amp in amps:
        if amp[:2] == str(camera):
            bits[slice(None, half) if amp[2:] in ("A", "C") else slice(half, None)] |= badamp
    return bits
