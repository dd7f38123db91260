"""Known faults of an older production in a newer one: which are gone, still there, back or new, and which cannot be told."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import bdtrc, ndtri_exp

from pytest_specqa.errors import ResultsError
from pytest_specqa.instrument import DESI
from pytest_specqa.measures.history.chances import log_tail, log_weights
from pytest_specqa.opening import read_text
from pytest_specqa.printable import printable
from pytest_specqa.results.history.changes import KEPT, Change, as_json, from_json, overlap
from pytest_specqa.results.history.outliers import FAILURES, OUTLIERS
from pytest_specqa.results.history.pileups import PILEUP
from pytest_specqa.results.history.telling import moment, size, where
from pytest_specqa.results.history.tiles import load
from pytest_specqa.results.history.wording import called

if TYPE_CHECKING:
    from pytest_specqa.results.storing.dataset import Store

LIMIT = 500_000_000
"""Bytes of a history beyond which it is none."""
OF_REDSHIFTS = (OUTLIERS, FAILURES, PILEUP)
OF_SPECTRA = ("residual", *OF_REDSHIFTS)
"""What one defect of a detector shows in, now in the one and then in the other."""
OF_FIBERS = ("fiber", "group")
POWER = 0.9
"""Chance with which a fault of the old size would have been found; with less nothing is said of it."""
SERIES, RANGES, RATE = 5_000_000.0, 100.0, 0.05
"""Search that is assumed where a history does not tell its own: of a production of all cameras."""


class State(StrEnum):
    """What became of a fault."""

    GONE = "gone"
    STILL = "still there"
    BACK = "back"
    NEW = "new"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Known:
    """Changes of one production.

    Attributes
    ----------
    name : str
        What it is called: the folder or file.
    changes : tuple of Change
        What was found in it.
    """

    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Compared:
    """One fault in both productions.

    Attributes
    ----------
    state : State
        What became of it.
    was, now : Change or None
        In the older and in the newer production.
    why : str
        One phrase: what that rests on.
    """

    state: State
    was: Change | None
    now: Change | None
    why: str


def read_known(path: Path) -> Known:
    """Read what was found in an older production: a store, or its ``history.json``.

    Raises
    ------
    ResultsError
        If there is no history or it is damaged.
    """
    file = path / KEPT if path.is_dir() else path
    try:
        text = read_text(file, limit=LIMIT)
    except FileNotFoundError:
        raise ResultsError(f"{file}: found no history, expected what specqa history {path} writes; run that first") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{file}: cannot be read as a history ({printable(error)}); give a store or its {KEPT}") from None
    return Known(str(path), tuple(from_json(text, where=str(file))))


def same_place(one: Change, other: Change) -> bool:
    """Tell whether two changes are of one fault: what shows them and its sign, scope, camera or petal, fibers and wavelengths."""
    if one.what != other.what and not {one.what, other.what} <= set(OF_SPECTRA):
        return False
    if one.what == other.what and one.size * other.size < 0:
        return False
    if one.scope != other.scope and not {one.scope, other.scope} <= set(OF_FIBERS):
        return False
    if one.camera and other.camera and one.camera != other.camera:
        return False
    if one.fibers is not None and other.fibers is not None and not _meet(one.fibers, other.fibers):
        return False
    return one.waves is None or other.waves is None or _meet(one.waves, other.waves)


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def compare(store: Store, now: Sequence[Change], known: Sequence[Known], *, searched: dict[str, Any]) -> list[Compared]:
    """Compare what was found in a store with what older productions had.

    Parameters
    ----------
    store : Store
        Of the newer production.
    now : sequence of Change
        What was found in it.
    known : sequence of Known
        Older productions, the latest first. A fault that the latest lacks and one before it had is back.
    searched : mapping
        What is told of the search of `store`: series, ranges and rate, which say how large a fault must be to be found.

    Returns
    -------
    list of Compared
        Faults of the latest of `known` in its order, then what is new or back. One is gone only if the same dates of this store
        have so much data that it would have been found with a chance of 90 % at the size that it had.
    """
    latest, *before = known
    result: list[Compared] = []
    taken: set[int] = set()
    for was in latest.changes:
        places = [number for number, each in enumerate(now) if same_place(was, each)]
        there = [number for number in places if overlap(was, now[number])]
        taken.update(there)
        if there:
            again = max((now[number] for number in there), key=lambda change: change.significance)
            result.append(Compared(State.STILL, was, again, f"{size(was)} then, {size(again)} now"))
        else:
            result.append(_absent(store, was, searched))
    for number, change in enumerate(now):
        if number not in taken:
            result.append(_appeared(change, latest, before))
    return result


def _appeared(change: Change, latest: Known, before: Iterable[Known]) -> Compared:
    """Say whether something that the latest production lacks on these dates has been there before."""
    ended = [was for was in latest.changes if same_place(was, change) and was.last[0] < change.first[0]]
    if ended:
        was = max(ended, key=lambda each: each.last)
        return Compared(State.BACK, was, change, f"it had ended on {was.last[0]}, and is there again from {change.first[0]}")
    for older in before:
        found = next((was for was in older.changes if same_place(was, change) and overlap(was, change)), None)
        if found is not None:
            return Compared(State.BACK, found, change, f"{older.name} had it, {latest.name} did not")
    return Compared(State.NEW, None, change, f"nothing at this place in {latest.name}")


def _absent(store: Store, was: Change, searched: dict[str, Any]) -> Compared:
    """Say whether a fault that was not found again is gone or could not have been seen."""
    number, things = _observations(store, was)
    if not number:
        what = f"no {things} of {was.first[0]}-{was.last[0]} in this store"
        return Compared(State.UNKNOWN, was, None, what)
    chance = power(was, number, searched)
    told = f"{number} {things} of these dates (there were {was.seen}) would show it with a chance of {100 * chance:.0f} %"
    return Compared(State.GONE if chance >= POWER else State.UNKNOWN, was, None, told)


def _observations(store: Store, was: Change) -> tuple[int, str]:
    """Count what this store has of the dates of a change, never more than there was: exposures, or objects of the fiber."""
    nights = [night for night in store.nights if was.first[0] <= night <= was.last[0]]
    if was.what in OF_REDSHIFTS and was.fibers is not None:
        petal, column = divmod(was.fibers[0], DESI.fibers)
        objects = load(store, nights, petal=petal)
        number = sum(int(np.count_nonzero(each.tracer[:, column] >= 0)) for each in objects)
        return min(number, was.seen), "objects"
    query = (
        "SELECT count(DISTINCT coalesce(expid, night)) FROM all_records "
        "WHERE measure = ? AND coalesce(camera, '') = ? AND night BETWEEN ? AND ?"
    )
    values = [was.what, was.camera, was.first[0], was.last[0]]
    (found,) = store.ask(lambda connection: connection.execute(query, values).fetchall())
    number = int(found[0]) or len({kept.expid for kept in store.vectors(was.what, camera=was.camera or None, nights=nights)})
    return min(number, was.seen), "exposures"


def power(was: Change, number: int, searched: dict[str, Any]) -> float:
    """Chance that a fault of this size is found in so many observations.

    Parameters
    ----------
    was : Change
        The fault.
    number : int
        Exposures or objects of its dates.
    searched : mapping
        ``series``, ``ranges`` and ``rate`` of the search.

    Returns
    -------
    float
        For shares of objects from the binomial distribution; otherwise Gaussian, with an error that falls with the root of the
        number of observations. 0 where the size has no error.
    """
    trials = float(searched.get("series") or SERIES) * RANGES
    log_p = math.log(float(searched.get("rate") or RATE)) - math.log(trials)
    if was.what in OF_REDSHIFTS:
        weights, expected = log_weights(0.0), max(was.level, 1e-3) / 100.0 * number
        need = next((k for k in range(1, number + 1) if log_tail(k, expected, 0.0, weights) <= log_p), number + 1)
        return float(bdtrc(need - 1, number, min(max((was.size + was.level) / 100.0, 0.0), 1.0))) if need <= number else 0.0
    if not (math.isfinite(was.size) and math.isfinite(was.error) and was.error > 0 and was.seen > 0):
        return 0.0
    excess = abs(was.size) / (was.error * math.sqrt(was.seen / number)) + float(ndtri_exp(log_p))
    return 0.5 * math.erfc(-excess / math.sqrt(2.0))


def as_text(compared: Sequence[Compared]) -> str:
    """Write a comparison as JSON: each with its state, what it was and is, and why."""
    rows = [{"state": str(each.state), "why": each.why, "was": _plain(each.was), "now": _plain(each.now)} for each in compared]
    return json.dumps({"format": 1, "compared": rows}, indent=1, allow_nan=False) + "\n"


def _plain(change: Change | None) -> Any:
    return None if change is None else json.loads(as_json([change]))["changes"][0]


def table(compared: Sequence[Compared]) -> str:
    """Lay out a comparison as lines for a person, states in the order of `State`."""
    rows: list[tuple[str, ...]] = [("state", "where", "what", "then", "now", "why")]
    for each in sorted(compared, key=lambda each: list(State).index(each.state)):
        change = each.now or each.was
        if change is not None:
            dates = (_dates(one) for one in (each.was, each.now))
            rows.append((str(each.state), where(change), called(change.what), *dates, printable(each.why)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _dates(change: Change | None) -> str:
    return "-" if change is None else f"{moment(change.first)} to {moment(change.last)}"
