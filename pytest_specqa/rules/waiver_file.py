"""``waivers.toml``: reading it strictly, and drafting entries that a person has to complete."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_specqa.errors import WaiverError
from pytest_specqa.instrument import DESI
from pytest_specqa.rules.toml_lines import LinedToml
from pytest_specqa.rules.waivers import Range, Scope, Waiver, pixel_of, side_of
from pytest_specqa.values import Outcome, Record

TABLE = "waiver"
ANSWERS = ("reason", "issue", "owner")
KEYS = (
    "id", "expectation", "measure", "covers", "message", "nights", "expid", "tile", "camera", "petal", "healpix", "fibers",
    "wavelengths",
    *ANSWERS, "expires",
)  # fmt: skip
NO_VALUE = "no value"
LAST_FIBER = 10 * DESI.fibers - 1


def load(path: str | Path) -> list[Waiver]:
    """Read a waivers file.

    Parameters
    ----------
    path : path
        TOML with one ``[[waiver]]`` table per fault.

    Returns
    -------
    list of Waiver
        Expired ones included: who applies them decides, and says so.

    Raises
    ------
    WaiverError
        With the line of the first entry that is malformed, incomplete or doubly named.
    """
    source = LinedToml(Path(path), WaiverError)
    if unknown := [name for name in source.content if name != TABLE]:
        raise source.wrong(unknown[0], 0, f"{unknown[0]!r} is unknown, expected only [[{TABLE}]] tables")
    waivers: list[Waiver] = []
    for index, entry in enumerate(source.tables(TABLE)):
        waiver = _waiver(source, index, entry)
        if any(other.id == waiver.id for other in waivers):
            raise source.wrong(TABLE, index, f"waiver id {waiver.id!r} is used twice; every waiver needs its own", key="id")
        waivers.append(waiver)
    return waivers


def _waiver(source: LinedToml[WaiverError], index: int, entry: dict[str, Any]) -> Waiver:
    source.reject_unknown(TABLE, index, entry, known=KEYS)
    texts = {key: _required_text(source, index, entry, key=key) for key in ("id", "expectation", *ANSWERS)}

    def take(key: str, convert: Any, default: Any) -> Any:
        return source.take(TABLE, index, entry, key=key, convert=convert, default=default)

    if not isinstance(expires := entry.get("expires"), datetime.date) or isinstance(expires, datetime.datetime):
        raise source.wrong(TABLE, index, f"expires = {expires!r}, expected a date without quotes such as 2027-01-31", key="expires")
    covers, message = _covers(source, index, entry)
    scope = Scope(
        expectation=texts["expectation"],
        measures=tuple(covers),
        nights=take("nights", _nights, None),
        expids=take("expid", _numbers, frozenset()),
        tiles=take("tile", _numbers, frozenset()),
        cameras=take("camera", _cameras, frozenset()),
        petals=take("petal", _numbers, frozenset()),
        pixels=take("healpix", _pixels, frozenset()),
    )
    return Waiver(
        id=texts["id"],
        scope=scope,
        covers=covers,
        message=message,
        fibers=take("fibers", _fibers, ()),
        waves=take("wavelengths", _waves, None),
        reason=texts["reason"],
        issue=texts["issue"],
        owner=texts["owner"],
        expires=expires,
        where=source.where(TABLE, index),
    )


def _required_text(source: LinedToml[WaiverError], index: int, entry: Mapping[str, Any], *, key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        name = entry.get("id") or f"number {index + 1}"
        found = "is missing" if key not in entry else f"is {value!r}"
        raise source.wrong(TABLE, index, f"waiver {name!r}: {key!r} {found}, expected text that a person has written", key=key)
    return value.strip()


def _covers(source: LinedToml[WaiverError], index: int, entry: dict[str, Any]) -> tuple[dict[str, float | None], str]:
    """Largest value per measure; a single number needs ``measure`` to say whose."""
    covers, measure = entry.get("covers"), entry.get("measure")

    def wrong(problem: str) -> WaiverError:
        return source.wrong(TABLE, index, f"covers = {covers!r}: {problem}", key="covers")

    if not isinstance(covers, dict):
        if not isinstance(measure, str) or not measure:
            raise wrong('expected also measure = "...", the name of the measure that it covers')
        covers = {measure: covers}
    elif measure is not None or not covers:
        raise wrong("expected either measure and one number, or a table { measure = number }")
    limits: dict[str, float | None] = {}
    for name, value in covers.items():
        if value == NO_VALUE:
            limits[name] = None
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            limits[name] = float(value)
        else:
            raise wrong(f"expected the largest value that may pass, as a finite number, or {NO_VALUE!r}")
    message = entry.get("message", "")
    if (None in limits.values()) != (isinstance(message, str) and bool(message.strip())):
        raise wrong(f'{NO_VALUE!r} and message = "..." (text of the failure that it covers) belong together')
    return limits, message


def _nights(value: object) -> Range:
    found = re.fullmatch(r"(\d{8})(?::(\d{8}))?", str(value))
    if not found:
        raise ValueError('expected one night or "from:to", such as "20211001:20211031"')
    first, last = int(found[1]), int(found[2] or found[1])
    if first > last:
        raise ValueError("expected the earlier night first")
    return first, last


def _numbers(value: object) -> frozenset[int]:
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers):
        raise ValueError("expected a whole number or a list of them")
    return frozenset(numbers)


def _cameras(value: object) -> frozenset[str]:
    words = value if isinstance(value, list) else [value]
    cameras: set[str] = set()
    for word in words:
        if not isinstance(word, str) or not re.fullmatch(r"[brz]|([abrz][0-9]+)+", word):
            raise ValueError("expected a camera r6, a band r, or a camword such as a0123b4")
        for bands, petals in re.findall(r"([abrz])([0-9]*)", word):
            cameras |= {band + petal for band in (DESI.letters if bands == "a" else bands) for petal in (petals or "0123456789")}
    if not cameras:
        raise ValueError("expected at least one camera")
    return frozenset(cameras)


def _pixels(value: object) -> frozenset[str]:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and re.fullmatch(r"[0-9a-z]+-[0-9a-z]+-[0-9]{1,5}", name) for name in names):
        raise ValueError("expected a pixel of the sky such as main-dark-27247, or a list of them")
    return frozenset(names)


def _fibers(value: object) -> tuple[Range, ...]:
    pairs = [[int(end) for end in part.split("-")] for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(pairs, list) or not pairs:
        raise ValueError('expected ranges of FIBER such as "3000-3049, 3100-3149"')
    ranges = [(pair[0], pair[-1]) for pair in pairs]
    if not all(0 <= first <= last <= LAST_FIBER for first, last in ranges):
        raise ValueError(f"expected first-last within 0-{LAST_FIBER}")
    return tuple(ranges)


def _waves(value: object) -> tuple[float, float]:
    if (
        not isinstance(value, list)
        or len(value) != 2
        or not all(isinstance(end, int | float) for end in value)
        or not value[0] < value[1]
    ):
        raise ValueError("expected [shortest, longest] in Angstrom, such as [6500, 6700]")
    return float(value[0]), float(value[1])


def draft(records: Iterable[Record], *, warnings: bool = False) -> str:
    """Write ``[[waiver]]`` entries for what failed; they are refused until a person gives reason, issue, owner and expiry.

    Parameters
    ----------
    records : iterable of dict
        Measurements; what is waived already is left out.
    warnings : bool
        Draft entries for warnings too.

    Returns
    -------
    str
        TOML text; one entry per fault of one camera, petal or tile, its exposures joined; empty if nothing failed.
    """
    outcomes = [Outcome.FAILED, Outcome.WARNED] if warnings else [Outcome.FAILED]
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in records:
        if record["outcome"] in outcomes and not record.get("waiver"):
            same = [record[key] for key in ("expectation", "measure", "tile", "camera", "petal")] + [pixel_of(record)]
            groups[*same, record["message"] if record["value"] is None else side_of(record)].append(record)
    used: dict[str, int] = defaultdict(int)
    return "\n".join(_entry(group, used) for group in groups.values())


def _entry(group: list[Record], used: dict[str, int]) -> str:
    first = group[0]
    nights = sorted({record["night"] for record in group if record["night"]})
    place = first["camera"] or (f"petal{first['petal']}" if first["petal"] is not None else first["tile"]) or first["unit"]
    name = f"{first['measure']}-{place}-{nights[0] if nights else first['unit']}"
    used[name] += 1
    fields: dict[str, Any] = {"id": name if used[name] == 1 else f"{name}-{used[name]}"}
    fields |= {"expectation": first["expectation"], "measure": first["measure"]}
    fields |= _largest(group)
    if nights:
        fields["nights"] = f"{nights[0]}:{nights[-1]}"
    if expids := sorted({record["expid"] for record in group if record["expid"] is not None}):
        fields["expid"] = expids
    fields |= {key: first[key] for key in ("tile", "camera", "petal") if first[key] is not None}
    fields |= {"healpix": pixel_of(first)} if pixel_of(first) else {}
    if all(record["fibers"] for record in group):
        fields["fibers"] = sorted({tuple(pair) for record in group for pair in record["fibers"]})
    if all(record["waves"] for record in group):
        ends = [end for record in group for end in record["waves"] or ()]
        if min(ends) < max(ends):
            fields["wavelengths"] = [min(ends), max(ends)]
    comment = re.sub(r"[\x00-\x1f\x7f]+", " ", first["message"])
    lines = [f"# {comment}", f"[[{TABLE}]]", *(f"{key} = {_toml(value)}" for key, value in fields.items())]
    return "\n".join([*lines, *(f'{key} = ""' for key in (*ANSWERS, "expires")), ""])


def _largest(group: list[Record]) -> dict[str, Any]:
    """The worst value of the group, rounded away from the limit so that it covers itself."""
    values = [record["value"] for record in group if record["value"] is not None]
    if not values:
        return {"covers": NO_VALUE, "message": group[0]["message"]}
    below = side_of(group[0]) < 0
    worst = min(values) if below else max(values)
    if worst == 0:
        return {"covers": 0.0}
    step = 10.0 ** (math.floor(math.log10(abs(worst))) - 2)
    rounded = (math.floor if below else math.ceil)(worst / step) * step
    return {"covers": float(f"{rounded:.6g}")}


def _toml(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") if isinstance(value, str) else repr(value)
