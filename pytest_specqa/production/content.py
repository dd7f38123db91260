"""What a product must hold: HDUs with their types and shapes, checked before their data are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.production.defects import defect
from pytest_specqa.production.headers import Header
from pytest_specqa.production.stream import HDU, FitsStream
from pytest_specqa.production.verified import LEDGER


@dataclass(frozen=True)
class Image:
    """An image HDU: the types that it may have on disk and its shape (``None``: any length)."""

    dtypes: tuple[str, ...]
    shape: tuple[int | None, ...]
    required: bool = True

    def check(self, path: Path, hdu: HDU) -> None:
        """Raise `ProductError` if a header does not declare such an image."""
        if hdu.table:
            raise defect(path, hdu.name, found="a table", expected="an image")
        if hdu.dtype.str[1:] not in self.dtypes:
            raise defect(path, hdu.name, found=f"type {hdu.dtype.str[1:]}", expected=" or ".join(self.dtypes))
        fits = len(hdu.shape) == len(self.shape) and all(
            want in (None, have) for have, want in zip(hdu.shape, self.shape, strict=True)
        )
        if not fits:
            wanted = tuple("any" if want is None else want for want in self.shape)
            raise defect(path, hdu.name, found=f"shape {_sizes(hdu.shape)}", expected=_sizes(wanted))


@dataclass(frozen=True)
class Rows:
    """A table HDU: the columns that it must have and its number of rows (``None``: any number but 0)."""

    columns: tuple[str, ...]
    rows: int | None = None
    required: bool = True

    def check(self, path: Path, hdu: HDU) -> None:
        """Raise `ProductError` if a header does not declare such a table."""
        if not hdu.table:
            raise defect(path, hdu.name, found="an image", expected="a binary table")
        names = hdu.dtype.names or ()
        missing = [name for name in self.columns if name not in names]
        if missing:
            has = ", ".join(names[:40]) + (" ..." if len(names) > 40 else "")
            raise defect(path, hdu.name, found=f"no column {', '.join(missing)} (it has {has})", expected=", ".join(self.columns))
        if hdu.shape[0] != (self.rows or max(hdu.shape[0], 1)):
            raise defect(path, hdu.name, found=f"{hdu.shape[0]} rows", expected=str(self.rows or "at least one"))


@dataclass(frozen=True)
class Content:
    """What was read of one file: data and headers by HDU name; `header` is that of HDU 0."""

    path: Path
    header: Header
    data: Mapping[str, NDArray[Any]]
    headers: Mapping[str, Header]


def read_content(
    path: Path,
    wanted: Mapping[str, Image | Rows],
    *,
    primary: str = "",
    if_plain: Mapping[str, Image | Rows] | None = None,
) -> Content:
    """Read the wanted HDUs of a file and nothing behind the last of them, unless the run verifies whole files.

    Parameters
    ----------
    path : Path
        A ``.fits`` or ``.fits.gz`` file.
    wanted : Mapping
        HDU name to what it must be. One that is not required may be absent.
    primary : str
        Name of HDU 0 where it has no EXTNAME, as in older files.
    if_plain : Mapping, optional
        More HDUs, wanted only where the file is not packed, so that what lies before them need not be inflated.

    Returns
    -------
    Content
        Native-endian data.

    Raises
    ------
    ProductError
        If the file is not as wanted; one line.
    """
    data: dict[str, NDArray[Any]] = {}
    headers: dict[str, Header] = {}
    first: Header = {}
    with FitsStream(path) as stream:
        if if_plain and not stream.gzipped:
            wanted = {**wanted, **if_plain}
        for number, hdu in enumerate(stream):
            first = first if number else hdu.header
            name = hdu.name or (primary if number == 0 and hdu.nbytes else "")
            if name not in wanted or name in data:
                continue
            wanted[name].check(path, replace(hdu, name=name))
            data[name], headers[name] = stream.read(hdu), hdu.header
            if len(data) == len(wanted):
                break
        missing = [name for name, spec in wanted.items() if spec.required and name not in data]
        if missing:
            raise defect(path, None, found=f"HDUs {', '.join(stream.names)}", expected=f"HDU {', '.join(missing)}")
        stream.check_end()
        LEDGER.note(path, stream.verify_rest() if LEDGER.whole else stream.verified)
    return Content(path, first, data, headers)


def check_ivar(path: Path, name: str, ivar: NDArray[Any]) -> None:
    """Raise `ProductError` unless every inverse variance is finite and not negative."""
    if ivar.size and ivar.min() >= 0 and ivar.max() < np.inf:
        return
    wrong = {"NaN": np.isnan(ivar), "negative": ivar < 0, "infinite": np.isposinf(ivar)}
    counts = [f"{int(bad.sum())} {what}" for what, bad in wrong.items() if bad.any()]
    raise defect(path, name, found=f"{', '.join(counts)} of {ivar.size} values", expected="finite and not negative")


def check_values(path: Path, name: str, values: NDArray[Any], *, ivar: NDArray[Any] | None = None) -> None:
    """Raise `ProductError` for values that are no finite numbers; where `ivar` is 0 a single value may be anything."""
    bad = ~np.isfinite(values)
    counted = bad if ivar is None else bad & (ivar > 0)
    if bad.size and not counted.any() and not bad.all():
        return
    where = "" if ivar is None or not counted.any() else " where IVAR > 0"
    count = int(counted.sum()) or int(bad.sum())
    raise defect(path, name, found=f"{count} of {values.size} values NaN or infinite{where}", expected="finite numbers")


def check_identity(path: Path, header: Header, *, expected: Mapping[str, str | int]) -> None:
    """Raise `ProductError` where a keyword that is present disagrees with the file name.

    Text is compared without regard to case, numbers as numbers.
    """
    for keyword, value in expected.items():
        found = header.get(keyword)
        if found is None:
            continue
        text = str(found).strip()
        same = text.casefold() == value.casefold() if isinstance(value, str) else text.isdigit() and int(text) == value
        if not same:
            raise defect(
                path, "0", found=f"{keyword} = {text[:40]!r}", expected=f"{value}, as in the file name", do="see which is right"
            )


def _sizes(shape: tuple[object, ...]) -> str:
    return " x ".join(map(str, shape)) or "none"
