"""What changed over the nights, as frozen values that are kept beside the store."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pytest_specqa.errors import ResultsError

KEPT = "history.json"
"""File of a store that holds what was found in it."""
SCOPES = ("camera", "amplifier", "group", "fiber", "petal", "night")
SHAPES = ("one-off", "step", "drift", "intermittent")
MAX_CHANGES = 1_000_000
"""More than any production of twenty years has; a list that is longer is no list of changes."""


@dataclass(frozen=True)
class Change:
    """One thing that was different from what is usual, over a range of dates.

    Attributes
    ----------
    what : str
        The measure or the vector that shows it, or ``redshift outliers`` or ``redshift pile-up``.
    scope : str
        One of `SCOPES`.
    shape : str
        One of `SHAPES`.
    camera : str
        Name such as ``r6``; empty where there is none.
    fibers : tuple of int or None
        First and last FIBER (0-4999), both included.
    waves : tuple of float or None
        Wavelength range in Angstrom.
    first, last : tuple of (int, int or None)
        Night and exposure of the first and the last bad exposure; no exposure where a whole night is meant.
    ongoing : bool
        It is still so on the last night of the store.
    size, error : float
        Deviation from `level` and its standard error, in `unit`. NaN where it cannot be told.
    unit : str
        Unit of `size`, `error` and `level`.
    level : float
        The usual value of this series.
    significance : float
        Gaussian sigmas after the whole search.
    bad, seen : int
        Exposures (or objects) that are off, of those inside the interval.
    detail : str
        One phrase for a person.
    joined : tuple of str
        What else shows the same.
    cause : str
        What it suggests, hedged; empty where nothing is known.
    """

    what: str
    scope: str
    shape: str
    camera: str
    fibers: tuple[int, int] | None
    waves: tuple[float, float] | None
    first: tuple[int, int | None]
    last: tuple[int, int | None]
    ongoing: bool
    size: float
    error: float
    unit: str
    level: float
    significance: float
    bad: int
    seen: int
    detail: str
    joined: tuple[str, ...] = ()
    cause: str = ""


def overlap(one: Change, other: Change) -> bool:
    """Tell whether two changes share dates."""
    return one.first[0] <= other.last[0] and other.first[0] <= one.last[0]


def apart(changes: Iterable[Change]) -> list[Change]:
    """Keep the most significant of changes that show in the same at the same fibers over dates that overlap, in that order."""
    kept: list[Change] = []
    for change in sorted(changes, key=lambda change: -change.significance):
        others = [other for other in kept if (other.what, other.fibers) == (change.what, change.fibers)]
        if not any(overlap(change, other) for other in others):
            kept.append(change)
    return kept


TEXTS = ("what", "scope", "shape", "camera", "unit", "detail", "cause")
REALS = ("size", "error", "level", "significance")
COUNTS = ("bad", "seen")


def as_json(changes: Iterable[Change], *, told: dict[str, Any] | None = None) -> str:
    """Write changes as JSON; what is not finite becomes ``null``.

    Parameters
    ----------
    changes : iterable of Change
        In the order in which they are told.
    told : dict or None
        What is said of the search as a whole, such as how many series were searched.

    Returns
    -------
    str
        One object with ``format``, ``told`` and ``changes``, a change a line.
    """
    lines = [json.dumps(_plain(change), sort_keys=True, allow_nan=False) for change in changes]
    head = json.dumps(told or {}, sort_keys=True, allow_nan=False)
    return '{"format": 1, "told": ' + head + ', "changes": [\n' + ",\n".join(lines) + "\n]}\n"


def _plain(change: Change) -> dict[str, Any]:
    plain = asdict(change)
    return plain | {name: plain[name] if math.isfinite(plain[name]) else None for name in REALS}


def from_json(text: str, *, where: str = "history") -> list[Change]:
    """Read what `as_json` wrote.

    Parameters
    ----------
    text : str
        The JSON.
    where : str
        File, for the message.

    Returns
    -------
    list of Change
        In the order of the file.

    Raises
    ------
    ResultsError
        If the text is damaged or holds anything but changes.
    """
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise ResultsError(f"{where}: found no JSON, expected a list of changes; write it again with specqa history") from None
    rows = read.get("changes") if isinstance(read, dict) and read.get("format") == 1 else None
    if not isinstance(rows, list) or len(rows) > MAX_CHANGES:
        raise ResultsError(f"{where}: found no list of changes of format 1; write it again with specqa history")
    return [_change(row, where=where) for row in rows]


def _change(row: object, *, where: str) -> Change:
    """Build one change of what was read."""
    if not isinstance(row, dict):
        raise ResultsError(f"{where}: found {reprlib.repr(row)}, expected a change; write it again with specqa history")
    fields: dict[str, Any] = {name: row.get(name) for name in TEXTS}
    fields |= {name: math.nan if row.get(name) is None else row[name] for name in REALS}
    fields |= {name: row.get(name) for name in COUNTS} | {"ongoing": row.get("ongoing")}
    fields |= {name: _pair(row.get(name)) for name in ("fibers", "waves", "first", "last")}
    fields["joined"] = tuple(row["joined"]) if isinstance(row.get("joined"), list) else None
    wrong = next((name for name, value in fields.items() if not _holds(name, value)), None)
    if wrong:
        raise ResultsError(f"{where}: {wrong!r} is {reprlib.repr(row.get(wrong))}; write it again with specqa history")
    return Change(**fields)


def _pair(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _holds(name: str, value: Any) -> bool:
    """Whether a field has the type that it must have."""
    kinds: dict[str, Callable[[Any], bool]] = {
        **dict.fromkeys(TEXTS, _is_text),
        **dict.fromkeys(REALS, _is_real),
        **dict.fromkeys(COUNTS, _is_whole),
    }
    kinds |= {"scope": SCOPES.__contains__, "shape": SHAPES.__contains__, "joined": _are_texts, "ongoing": _is_flag}
    kinds |= {"fibers": _are_fibers, "waves": _are_waves, "first": _is_moment, "last": _is_moment}
    return kinds[name](value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(map(_is_text, value))


def _are_fibers(value: object) -> bool:
    return value is None or (isinstance(value, tuple) and len(value) == 2 and all(map(_is_whole, value)))


def _are_waves(value: object) -> bool:
    return value is None or (isinstance(value, tuple) and len(value) == 2 and all(map(_is_real, value)))


def _is_moment(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and _is_whole(value[0]) and (value[1] is None or _is_whole(value[1]))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
