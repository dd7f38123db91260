"""Which spectra to look at: by fiber, target, class, redshift, warning or sky, in any combination."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.errors import SelectionError, UsageError
from pytest_specqa.look.words import nearest

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Choice:
    """What the command line asks for; empty parts ask for everything.

    Attributes
    ----------
    fibers, targetids, petals : tuple of int
        FIBER (0-4999), TARGETID and petals.
    spectypes : tuple of str
        In capitals.
    z : tuple of (float, float)
        Ranges of redshift, ends included.
    zwarn : bool
        Whether to keep only fits with a warning.
    sky : bool
        Whether to keep only sky fibers.
    """

    fibers: tuple[int, ...] = ()
    targetids: tuple[int, ...] = ()
    petals: tuple[int, ...] = ()
    spectypes: tuple[str, ...] = ()
    z: tuple[tuple[float, float], ...] = ()
    zwarn: bool = False
    sky: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for but whole petals."""
        return not (self.fibers or self.targetids or self.spectypes or self.z or self.zwarn or self.sky)

    @property
    def of_fit(self) -> bool:
        """Whether it asks for something that only a fit of the redshift has."""
        return bool(self.spectypes or self.z or self.zwarn)


@dataclass(frozen=True)
class Chosen:
    """Rows that were chosen.

    Attributes
    ----------
    rows : ndarray of int
        In order of FIBER.
    steps : tuple of (str, int)
        What was asked for, and how many spectra were left by it.
    notes : tuple of str
        What was asked for and is not there, although other things are.
    """

    rows: NDArray[np.intp]
    steps: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


def numbers(text: str, *, what: str) -> tuple[int, ...]:
    """Read numbers and inclusive ranges such as ``3000,3250-3260``; a TARGETID may be negative. `UsageError` otherwise."""
    found: list[int] = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(-?\d+)(?:-(\d+))?", word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if not first <= last <= first + 5000:
            raise UsageError(f"{word[:40]!r} names no {what}: expected numbers and ranges like 3000,3250-3260")
        found.extend(range(first, last + 1))
    if not found:
        raise UsageError(f"no {what} in {text[:40]!r}: expected numbers and ranges like 3000,3250-3260")
    return tuple(dict.fromkeys(found))


def redshift_range(text: str) -> tuple[float, float]:
    """Read ``4.25:4.40``, or with one end open ``4:``; `UsageError` otherwise."""
    low, colon, high = text.partition(":")
    try:
        ends = float(low or "-inf"), float(high or "inf")
    except ValueError:
        ends = (1.0, 0.0)
    if not colon or not text.strip(": ") or not ends[0] <= ends[1]:
        raise UsageError(f"{text[:40]!r} is no range of redshifts: expected one like 4.25:4.40, low first")
    return ends


def choose(choice: Choice, columns: Columns, *, where: str) -> Chosen:
    """Apply what is asked for, one thing after the other.

    Parameters
    ----------
    choice : Choice
        What is asked for.
    columns : Mapping
        FIBER, TARGETID, SKY (bool) of each spectrum, and of its fit SPECTYPE, Z and ZWARN; those without a fit have an empty
        SPECTYPE and Z = NaN.
    where : str
        What holds the spectra, for messages.

    Returns
    -------
    Chosen
        At least one row.

    Raises
    ------
    SelectionError
        If nothing is left, with how many were left by each part, or the nearest choices; one line.
    """
    keep = np.ones(len(columns["FIBER"]), dtype=bool)
    steps = [(f"spectra of {where}", len(keep))]
    notes: list[str] = []
    for name, test in _tests(choice, columns, notes=notes, where=where):
        before = keep
        keep = keep & test(keep)
        steps.append((name, int(keep.sum())))
        if not keep.any():
            raise SelectionError(_nothing(steps, columns, rows=before))
    rows = np.flatnonzero(keep)
    return Chosen(rows[np.argsort(columns["FIBER"][rows], kind="stable")], tuple(steps), tuple(notes))


_Test = Callable[[NDArray[np.bool_]], NDArray[np.bool_]]


def _tests(choice: Choice, columns: Columns, *, notes: list[str], where: str) -> Iterable[tuple[str, _Test]]:
    for asked, name, what in ((choice.fibers, "FIBER", "fiber"), (choice.targetids, "TARGETID", "TARGETID")):
        if asked:
            notes += _absent(asked, columns[name], what=what, where=where)
            yield f"{what} {_short(asked)}", lambda _, asked=asked, name=name: np.isin(columns[name], asked)  # type: ignore[misc]
    if choice.sky:
        yield "sky fibers", lambda _: columns["SKY"]
    if choice.spectypes:
        there = [str(name) for name in np.unique(columns["SPECTYPE"]) if name]
        for name in choice.spectypes:
            if name not in there:
                near = difflib.get_close_matches(name, there, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise SelectionError(f"no SPECTYPE {name[:20]!r} in {where}: there are {', '.join(there) or 'none'}{hint}")
        yield f"SPECTYPE {' or '.join(choice.spectypes)}", lambda _: np.isin(columns["SPECTYPE"], choice.spectypes)
    if choice.z:
        yield f"z {' or '.join(map(range_text, choice.z))}", lambda _: _inside(columns["Z"], choice.z)
    if choice.zwarn:
        yield "ZWARN not 0", lambda _: (columns["ZWARN"] != 0) & (columns["SPECTYPE"] != "")


def _inside(z: NDArray[Any], ranges: Iterable[tuple[float, float]]) -> NDArray[np.bool_]:
    found = np.zeros(z.shape, dtype=bool)
    for low, high in ranges:
        found |= (z >= low) & (z <= high)
    return found


def range_text(ends: tuple[float, float]) -> str:
    """Write a range as it is asked for."""
    low, high = ("" if np.isinf(end) else f"{end:g}" for end in ends)
    return f"{low}:{high}"


def _absent(asked: Sequence[int], there: NDArray[Any], *, what: str, where: str) -> list[str]:
    """Say which are not there; `SelectionError` with the nearest if none is."""
    lost = sorted(set(asked) - set(there.tolist()))
    if not lost:
        return []
    if len(lost) == len(set(asked)):
        raise SelectionError(f"no {what} {_short(lost)} in {where}: nearest are {nearest(lost[0], there)}")
    return [f"{what} {_short(lost)}: not in {where}"]


def _short(asked: Sequence[int]) -> str:
    """Write numbers as ranges, at most six of them."""
    ranges: list[list[int]] = []
    for one in sorted(set(asked)):
        if ranges and one == ranges[-1][1] + 1:
            ranges[-1][1] = one
        else:
            ranges.append([one, one])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return ",".join(words[:6]) + (f" and {len(words) - 6} more" if len(words) > 6 else "")


def _nothing(steps: Sequence[tuple[str, int]], columns: Columns, *, rows: NDArray[np.bool_]) -> str:
    """Say where the last spectra were lost, and what there was to choose from."""
    told = ", ".join(f"{count:,} {'' if number == 0 else 'left by '}{name}" for number, (name, count) in enumerate(steps))
    last = steps[-1][0]
    z = columns["Z"][rows]
    hint = ""
    if last.startswith("z ") and np.isfinite(z).any():
        hint = f"; these have z {np.nanmin(z):.3f} to {np.nanmax(z):.3f}"
    elif last.startswith("SPECTYPE"):
        hint = f"; these are {', '.join(sorted({str(one) for one in columns['SPECTYPE'][rows] if one})) or 'without a fit'}"
    elif last.startswith(("fiber", "TARGETID")):
        hint = f"; these are fibers {int(columns['FIBER'][rows].min())}-{int(columns['FIBER'][rows].max())}"
    return f"nothing matches: {told}{hint}"
