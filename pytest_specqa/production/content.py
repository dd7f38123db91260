"""What a product must hold: HDUs with their types and shapes, checked before their data are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pytest_specqa.opening import State
from pytest_specqa.production.defects import defect
from pytest_specqa.production.headers import Header
from pytest_specqa.production.identity import check_first, check_once
from pytest_specqa.production.plausible import check_columns
from pytest_specqa.production.sizes import MAX_ROWS
from pytest_specqa.production.stream import HDU, FitsStream
from pytest_specqa.production.verified import LEDGER

# Kinds of columns by which rows are told apart or chosen; a float cannot hold a TARGETID of 63 bits.
_KIND_NAMES = {"iu": "one integer a row", "f": "one float a row", "S": "one text a row"}
_KINDS = {
    **dict.fromkeys(("TARGETID", "FIBER", "FIBERSTATUS", "COADD_FIBERSTATUS", "LOCATION", "EXPID", "ZWARN"), "iu"),
    **dict.fromkeys(("Z", "ZERR", "DELTACHI2", "EXPTIME", "FIBER_X", "FIBER_Y", "TARGET_RA", "TARGET_DEC"), "f"),
    **dict.fromkeys(("OBJTYPE", "SPECTYPE"), "S"),
}


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
    """A table HDU: the columns that it must have and its number of rows (``None``: any number but 0, up to `most`)."""

    columns: tuple[str, ...]
    rows: int | None = None
    required: bool = True
    most: int = MAX_ROWS

    def check(self, path: Path, hdu: HDU) -> None:
        """Raise `ProductError` if a header does not declare such a table."""
        if not hdu.table:
            raise defect(path, hdu.name, found="an image", expected="a binary table")
        names = hdu.dtype.names or ()
        missing = [name for name in self.columns if name not in names]
        if missing:
            has = ", ".join(names[:40]) + (" ..." if len(names) > 40 else "")
            raise defect(path, hdu.name, found=f"no column {', '.join(missing)} (it has {has})", expected=", ".join(self.columns))
        for name in names:
            if name in _KINDS and (hdu.dtype[name].kind not in _KINDS[name] or hdu.dtype[name].shape):
                raise defect(path, hdu.name, found=f"{name} of type {hdu.dtype[name]}", expected=_KIND_NAMES[_KINDS[name]])
        if hdu.shape[0] != (self.rows or max(hdu.shape[0], 1)):
            raise defect(path, hdu.name, found=f"{hdu.shape[0]} rows", expected=str(self.rows or "at least one"))
        if hdu.shape[0] > self.most:
            raise defect(path, hdu.name, found=f"{hdu.shape[0]:,} rows", expected=f"at most {self.most:,}", do="see what wrote it")


@dataclass(frozen=True)
class Content:
    """What was read of one file: data and headers by HDU name; `header` is that of HDU 0, `state` tells if the file has changed."""

    path: Path
    header: Header
    data: Mapping[str, NDArray[Any]]
    headers: Mapping[str, Header]
    state: State

    @property
    def named(self) -> dict[str, Header]:
        """Header of HDU 0, as ``0``, and those of the other HDUs by name."""
        return {"0": self.header} | {name: header for name, header in self.headers.items() if header is not self.header}


def read_content(
    path: Path,
    wanted: Mapping[str, Image | Rows],
    *,
    primary: str = "",
    if_plain: Mapping[str, Image | Rows] | None = None,
    as_of: State | None = None,
) -> Content:
    """Read the wanted HDUs of a file and nothing behind the last of them, unless the run verifies whole files.

    No HDU may occur twice. Of a packed file only those up to the last wanted one are known, unless the run verifies whole files; a
    plain one is walked to its end.

    Parameters
    ----------
    path : Path
        A ``.fits`` or ``.fits.gz`` file.
    wanted : Mapping
        HDU name to what it must be. One that is not required may be absent.
    primary : str
        Name that HDU 0 must have, or is given where it has no EXTNAME, as in older files; empty where it may have any.
    if_plain : Mapping, optional
        More HDUs, wanted only where the file is not packed, so that what lies before them need not be inflated.
    as_of : State, optional
        State of the file when other parts of it were read, which these must belong to.

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
    moved = False
    with FitsStream(path) as stream:
        if as_of is not None:
            stream.require_state(as_of)
        if if_plain and not stream.gzipped:
            wanted = {**wanted, **if_plain}
        for number, hdu in enumerate(stream):
            first = first if number else hdu.header
            name = hdu.name or (primary if number == 0 and hdu.nbytes else "")
            if number == 0:
                check_first(path, hdu.name, primary=primary)
            if number == 1 and _came_first(hdu, first, primary=primary):
                moved, name, first = True, primary, {**first, **hdu.header}
            if name not in wanted or name in data:
                continue
            wanted[name].check(path, replace(hdu, name=name))
            data[name], headers[name] = stream.read(hdu), hdu.header
            check_columns(path, name, data[name])
            if len(data) == len(wanted):
                break
        missing = [name for name, spec in wanted.items() if spec.required and name not in data]
        if missing:
            raise defect(path, None, found=f"HDUs {', '.join(stream.names)}", expected=f"HDU {', '.join(missing)}")
        stream.check_end()
        LEDGER.note(path, stream.verify_rest() if LEDGER.whole else stream.verified, content=stream.content)
        check_once(path, [primary, *stream.names[2:]] if moved else stream.names, primary=primary)
    return Content(path, first, data, headers, stream.state)


def _came_first(hdu: HDU, first: Header, *, primary: str) -> bool:
    """Tell whether HDU 1 is the image that was HDU 0 before the file was packed, which leaves an empty HDU in its place."""
    return bool(primary) and not first.get("NAXIS") and hdu.packed is not None and hdu.name in ("", "COMPRESSED_IMAGE", primary)


def _sizes(shape: tuple[object, ...]) -> str:
    return " x ".join(map(str, shape)) or "none"
