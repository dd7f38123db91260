"""Units and times as astropy has them, from what limits, headers and tables say in words."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

from astropy import units
from astropy.table import Table
from astropy.time import Time

from pytest_specqa.production.fibermap import Table as Rows
from pytest_specqa.production.headers import Header
from pytest_specqa.production.identity import CALIBRATED, COUNTED

_PER = re.compile(r"per ([0-9.]+) ([A-Za-z]+)")
_OF_COLUMNS = {
    "deg": ("TARGET_RA", "TARGET_DEC", "FIBER_RA", "FIBER_DEC"),
    "mm": ("FIBERASSIGN_X", "FIBERASSIGN_Y", "FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y"),
    "s": ("EXPTIME", "COADD_EXPTIME"),
    "Angstrom": ("LAMBDA_REF",),
}
"""Units of columns of a FIBERMAP, for files that do not say; data model of DESI, https://desidatamodel.readthedocs.io."""
_UNIT_OF = {name: unit for unit, names in _OF_COLUMNS.items() for name in names}


@cache
def unit_of(text: str) -> Any:
    """Unit that a word of a limits file stands for.

    Parameters
    ----------
    text : str
        Such as ``electron/Angstrom``, ``%`` or ``per 1000 s``; or what is counted, such as ``fibers``.

    Returns
    -------
    astropy.units.UnitBase
        Dimensionless for what is counted, and for what is no unit.
    """
    if per := _PER.fullmatch(text.strip()):
        return (float(per[1]) * units.Unit(per[2])) ** -1
    try:
        return units.Unit(text)
    except ValueError:
        return units.dimensionless_unscaled


def counted() -> Any:
    """Unit of extracted spectra: electron/Angstrom."""
    return units.Unit(COUNTED)


def calibrated() -> Any:
    """Unit of calibrated spectra: 1e-17 erg/(s cm2 Angstrom)."""
    return units.Unit(CALIBRATED, format="fits")


def seconds(value: object) -> units.Quantity | None:
    """Turn a number of seconds into a quantity; ``None`` for what is no finite number."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return units.Quantity(value, units.s) if known else None


def begin_of(header: Header) -> Time | None:
    """Begin of an exposure, in UTC.

    Parameters
    ----------
    header : Mapping
        With MJD-OBS, or DATE-OBS.

    Returns
    -------
    astropy.time.Time or None
        ``None`` where neither is there, or what is there is no time.
    """
    for keyword, form in (("MJD-OBS", "mjd"), ("DATE-OBS", "isot")):
        value = header.get(keyword)
        if value is None or isinstance(value, bool):
            continue
        try:
            found = Time(str(value).strip() if form == "isot" else float(value), format=form, scale="utc")
        except ValueError:
            continue
        if math.isfinite(found.jd):
            return found
    return None


def table_of(rows: Rows) -> Table:
    """Rows of a product as a table of astropy.

    Parameters
    ----------
    rows : pytest_specqa.production.fibermap.Table
        Such as a FIBERMAP.

    Returns
    -------
    astropy.table.Table
        Text decoded and stripped; units from TUNIT of the header, else those of the data model of DESI. The header is its ``meta``.
    """
    table = Table({name: rows[name] for name in rows.columns}, meta=dict(rows.header))
    for number, name in _numbered(rows.header).items():
        said = str(rows.header.get(f"TUNIT{number}") or "").strip()
        if name in table.columns and said:
            table[name].unit = units.Unit(said, parse_strict="silent")
    for name in table.colnames:
        if table[name].unit is None and name in _UNIT_OF:
            table[name].unit = _UNIT_OF[name]
    return table


def _numbered(header: Header) -> dict[int, str]:
    """Columns by their number in the file."""
    count = header.get("TFIELDS")
    numbers = range(1, count + 1) if isinstance(count, int) else ()
    return {number: str(header.get(f"TTYPE{number}") or "").strip() for number in numbers}
