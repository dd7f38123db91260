"""What a damaged file says, by other means than the suite: astropy reads it, and it is laid beside the sound one."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import warnings
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from .bytewise import USED
from .fits import join, split

SLACK = {"EXPTIME": 1e-3, "MJD-OBS": 1e-6, "HELIOCOR": 1e-8}
"""Difference that rounding makes."""
_CAMERA = ("NIGHT", "EXPID", "TILEID", "CAMERA", "FLAVOR", "OBSTYPE", "SPECGRPH", "FIBERMIN", *SLACK)
_TILE = ("TILEID", "PETAL")
TOLD = {
    **dict.fromkeys(("frame", "sframe", "cframe", "sky", "fluxcalib"), _CAMERA),
    "fiberflatnight": ("CAMERA", "NIGHT", "FLAVOR", "OBSTYPE"),
    "fibermap": ("NIGHT", "EXPID", "TILEID"),
    "redrock": _TILE,
    "coadd": _TILE,
}
"""Keywords of each kind of file that the path or another file says too."""
ONE_SAYS = ("FIBERFLT", "BADAMPS", "TARGTRA", "TARGTDEC")
"""Keywords that checks use and no other file must say."""
GZIP_ONLY = "gzip sum only"
BEHIND = "behind what is read"
COLUMNS = {"FIBERCORR": ["PSF_TO_FIBER_FLUX"]}
"""Columns of a table that checks rest on, where it is not all of them."""
NEVER = 1e20
"""No flux, time or weight is as large."""


@dataclass(frozen=True)
class Opinion:
    """Whether a damage matters, and by what it can be told.

    Attributes
    ----------
    material : bool
        Whether anything that checks rest on is different.
    told : str
        What tells: ``unreadable``, ``sum``, ``schema``, ``values``, ``second file``; empty where nothing does.
    words : str
        What is different.
    """

    material: bool
    told: str = ""
    words: str = ""


def opinion(kind: str, *, sound: Path, damaged: Path) -> Opinion:
    """Compare two files of a kind."""
    if not damaged.is_file() or not (raw := damaged.read_bytes()):
        return Opinion(True, "unreadable", "no file")
    whole = _inflated(sound.read_bytes())
    before = _read(io.BytesIO(whole), kind)
    try:
        found = _compared(before, _inflated(raw), kind)
        packed = raw[:2] == b"\x1f\x8b"
        return replace(found, told=BEHIND) if packed and found.words.endswith("'") and found.told == "schema" else found
    except (OSError, EOFError, zlib.error) as error:
        # What is missing is taken for zeros: a reader that needs it cannot have passed.
        found = _compared(before, _salvaged(raw).ljust(len(whole), b"\0"), kind)
        told = "sum" if before["PRIMARY" if "PRIMARY" in before else next(iter(before))].summed else GZIP_ONLY
        return Opinion(found.material, told if found.material else "", f"{error}; {found.words}")


@dataclass(frozen=True)
class _Hdu:
    data: NDArray[Any] | None
    said: dict[str, Any]
    summed: bool
    agrees: bool


def _read(file: io.BytesIO, kind: str) -> dict[str, _Hdu]:
    """HDUs that are used, by name; one that occurs twice has a second name."""
    found: dict[str, _Hdu] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(file, memmap=False, lazy_load_hdus=False) as hdus:
            for number, hdu in enumerate(hdus):
                name = hdu.name if hdu.name in USED[kind] else "PRIMARY" if number == 0 else ""
                if not name:
                    continue
                name += "'" * sum(one.rstrip("'") == name for one in found)
                stated = hdu.header.get("DATASUM")
                agrees = stated is None or str(stated).strip() == str(_datasum(hdu))
                data = None if hdu.data is None else np.asarray(hdu.data)
                if data is not None and data.dtype.names and set(COLUMNS.get(hdu.name, ())) <= set(data.dtype.names):
                    data = data[COLUMNS.get(hdu.name, list(data.dtype.names))]
                telling = number == 0 or (hdu.name == "FIBERMAP" and kind == "fibermap")
                said = {key: hdu.header.get(key) for key in (*TOLD[kind], *ONE_SAYS) if telling}
                found[name] = _Hdu(data, said, stated is not None, agrees and _header_agrees(hdu))
    return found


def _datasum(hdu: Any) -> int:
    """Sum of the data as they are stored; astropy would change them first where they have an offset."""
    hdu._file.seek(hdu._data_offset)
    raw = hdu._file.read(hdu._data_size)
    words = np.frombuffer(raw[: len(raw) // 4 * 4], dtype=">u4")
    total = int(words.sum(dtype=np.uint64))
    while total > 0xFFFFFFFF:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _header_agrees(hdu: Any) -> bool:
    """Whether header and data together sum up to what CHECKSUM makes them, all ones."""
    if "CHECKSUM" not in hdu.header:
        return True
    hdu._file.seek(hdu._header_offset)
    raw = hdu._file.read(hdu._data_offset - hdu._header_offset + hdu._data_size)
    total = int(np.frombuffer(raw[: len(raw) // 4 * 4], dtype=">u4").sum(dtype=np.uint64))
    while total > 0xFFFFFFFF:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total in (0, 0xFFFFFFFF)


def _compared(before: dict[str, _Hdu], content: bytes, kind: str) -> Opinion:
    try:
        after = _reread(content, kind)
    except Exception as error:
        return Opinion(True, "unreadable", f"astropy: {type(error).__name__}: {error}"[:100])
    if differ := sorted(set(before) ^ set(after)):
        return Opinion(True, "schema", f"HDUs {', '.join(differ)}")
    changed = [name for name in before if not _same(before[name].data, after[name].data)]
    keys = [
        (name, key)
        for name in before
        for key, value in before[name].said.items()
        if value is not None and not _says(before[name].said, after[name].said, key)
    ]
    if not changed and not keys:
        return Opinion(False)
    told = {
        "sum": any(not after[name].agrees for name in (*changed, *(name for name, _ in keys))),
        "schema": any(not _alike(before[name].data, after[name].data) for name in changed),
        "values": any(_impossible(after[name].data, name) and not _impossible(before[name].data, name) for name in changed),
        "second file": any(key in TOLD[kind] and after[name].said[key] is not None for name, key in keys),
    }
    surest = next((what for what, tells in told.items() if tells), "")
    words = ", ".join([*changed, *(f"{key} of {name}" for name, key in keys)])
    return Opinion(True, surest, words if surest else _untold(keys, after, changed))


def _reread(content: bytes, kind: str) -> dict[str, _Hdu]:
    try:
        return _read(io.BytesIO(content), kind)
    except (fits.VerifyError, OSError, AttributeError):
        # AttributeError: what astropy makes of an HDU whose first card it cannot read has no data.
        return _read(io.BytesIO(_plain(content)), kind)


def _untold(keys: list[tuple[str, str]], after: dict[str, _Hdu], changed: list[str]) -> str:
    """Kind of a damage that nothing tells."""
    if keys and all(after[name].said[key] is None for name, key in keys):
        return "keyword that is missing, in a header without sum or with a right one"
    if keys:
        return "keyword that no other file says, in a header without sum or with a right one"
    return f"plausible data of a file {'whose sum was made of them' if after[changed[0]].summed else 'without any sum'}"


def _says(before: dict[str, Any], after: dict[str, Any], key: str) -> bool:
    one, other = before[key], after[key]
    if isinstance(one, (int, float)) and isinstance(other, (int, float)) and not isinstance(other, bool):
        return abs(one - other) <= SLACK.get(key, 0.0)
    return str(one).strip().casefold() == str(other).strip().casefold() and type(one) is type(other)


def _alike(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one.dtype == other.dtype and one.shape == other.shape


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return _alike(one, other) and one.tobytes() == other.tobytes()


def _impossible(data: Any, name: str) -> bool:
    """Whether an image holds what is no measurement."""
    if data is None or data.dtype.names or data.dtype.kind != "f":
        return False
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(data) < NEVER) if name != "IVAR" else ~((data >= 0) & (data < NEVER))
    return bool(wrong.any())


def _inflated(raw: bytes) -> bytes:
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def _salvaged(raw: bytes) -> bytes:
    """What can be inflated of a damaged packed file."""
    inflate, parts, step = zlib.decompressobj(wbits=31), [], 1 << 14
    for at in range(0, len(raw), step):
        before = inflate.copy()
        try:
            parts.append(inflate.decompress(raw[at : at + step]))
        except zlib.error:
            with contextlib.suppress(zlib.error):
                for byte in range(at, at + step):
                    parts.append(before.decompress(raw[byte : byte + 1]))
            break
    return b"".join(parts)


def _plain(content: bytes) -> bytes:
    """The file without the comments of its cards: astropy takes a card with a bad comment for none."""
    units = split(content)
    return join(replace(unit, cards=tuple(_without_comment(card) for card in unit.cards)) for unit in units)


def _without_comment(card: bytes) -> bytes:
    found = re.match(rb"[A-Z0-9_-]+ *= +(?:'(?:[^']|'')*'|[^ '/]+)", card)
    return found[0].ljust(80) if found else card
