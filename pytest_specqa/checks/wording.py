"""How units, values and limits are put into words: one line each, the same in terminal, report and results."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from pytest_specqa.printable import joined
from pytest_specqa.values import NO_NIGHT, DataUnit, Limit, Measured, Measurement, NoValue, Outcome

SIGNIFICANT = 4
LENGTH = 160
"""Characters of a sentence with the name of its measure in brackets: two lines of a terminal."""
NAMED = 2
"""Ranges of fibers that a sentence names."""
DOTS = " ..."
PLACE = re.compile(r"\b(?:fibers?|petals?|exposures?|cameras?|amplifiers?|tiles?) (?:[A-Zbrz]?\d|[ABCD]\b)")
CLAUSE = re.compile(r"(?:[,;:](?= [^\d+-]))|(?: (?=\())")
"""Where a clause ends: no comma between numbers does."""
NO_VALUE = {
    NoValue.CRASH: "the check crashed",
    NoValue.PRODUCT: "a file cannot be used",
    NoValue.NOTHING: "the check measured nothing",
    NoValue.SKIPPED: "there is nothing to judge",
    NoValue.UNREACHABLE: "a file could not be read from its server",
}
"""What the measures are called that stand for a check without a value."""


def number(value: float) -> str:
    """Write a number with four significant digits."""
    return f"{value:.{SIGNIFICANT}g}"


def place(unit: DataUnit) -> str:
    """Name a unit in full: ``night 20211014 expid 00104284 tile 7951 camera r6``."""
    if unit.kind == "healpix":
        return f"healpix pixel {unit.suffix}"
    parts = [f"night {unit.night}"] if unit.night != NO_NIGHT else []
    if unit.expid is not None:
        parts.append(f"expid {unit.expid:08d}")
    if unit.tile is not None:
        parts.append(f"tile {unit.tile}")
    if unit.camera is not None:
        parts.append(f"camera {unit.camera}")
    if unit.petal is not None and unit.camera is None:
        parts.append(f"petal {unit.petal}")
    return " ".join(parts)


def ranges(pairs: Iterable[tuple[int, int]]) -> str:
    """Write inclusive ranges: ``3000-3049, 3100``."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in pairs)


def allowed(limit: Limit) -> str:
    """Write what a limit allows: ``at most 0.02``, ``0.8 to 1.2``."""
    return _bounds(limit.low, limit.high)


def _bounds(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"{number(low)} to {number(high)}"
    if math.isfinite(high):
        return f"at most {number(high)}"
    if math.isfinite(low):
        return f"at least {number(low)}"
    return "none"


def describe(measured: Measured, limit: Limit, *, outcome: Outcome) -> str:
    """Say in one sentence what was found, where, and how it compares with its limit.

    Parameters
    ----------
    measured : Measured
        The value, with the fibers and wavelengths it speaks of.
    limit : Limit
        What it was compared with.
    outcome : Outcome
        Chooses the bound that is quoted: that of the warning if the value only warns.

    Returns
    -------
    str
        Such as ``the sky model of fibers 3250-3299 is 21.1% above the median at 6546 A: 0.211 > 0.01 fraction of sky``. With the
        name of the limit in brackets it has at most `LENGTH` characters, unless the numbers alone are longer.
    """
    room = LENGTH - len(f" [{limit.name}]")
    name = limit.plain or limit.name
    if measured.reason:
        return shortened(f"{name} not measured: {measured.reason}", room)
    unit = f" {limit.unit}" if limit.unit else ""
    if outcome is Outcome.NOT_MEASURED and measured.sensitivity is not None:
        return shortened(
            f"{name} not measured: these data reach {number(measured.sensitivity)}, {number(limit.needs)}{unit} is needed", room
        )
    verdict = f": {_compared(measured, limit, outcome=outcome)}{unit}{' (warns)' if outcome is Outcome.WARNED else ''}"
    claim, _, rest = measured.detail.partition(": ")
    if not (claim[:1].isalpha() and PLACE.search(claim)):
        # A bare amount, or "this fiber": the sentence has to say of what it speaks.
        claim, rest = ", ".join([name, *_place(measured)]), measured.detail
    claim = shortened(claim, room - len(verdict))
    rest = clauses(rest, room - len(f"{claim}{verdict}; "))
    return f"{claim}{verdict}{f'; {rest}' if rest else ''}"


def _place(measured: Measured) -> list[str]:
    """Say where a value was found, briefly: the record has all of it."""
    parts = []
    if measured.fibers:
        first, others = list(measured.fibers[:NAMED]), len(measured.fibers) - NAMED
        single = len(measured.fibers) == 1 and first[0][0] == first[0][1]
        more = f" and {others} more" if others > 0 else ""
        parts.append(f"fiber{'' if single else 's'} {ranges(first)}{more}")
    if measured.waves:
        parts.append(f"{measured.waves[0]:.0f}-{measured.waves[1]:.0f} A")
    return parts


def _compared(measured: Measured, limit: Limit, *, outcome: Outcome) -> str:
    """Write a value beside the bound that it misses, or between those that it keeps."""
    value = measured.value
    low, high = limit.low, limit.high
    if outcome is Outcome.WARNED and low <= value <= high:
        low, high = limit.warn_low, limit.warn_high
    if math.isnan(value):
        return f"no number (NaN), where {_bounds(low, high)} is allowed"
    error = f" +- {measured.error:.2g}" if measured.error else ""
    told = f"{number(value)}{error}"
    if value > high:
        return f"{told} > {number(high)}"
    if value < low:
        return f"{told} < {number(low)}"
    below, above = (f"{number(low)} <= " if math.isfinite(low) else ""), (f" <= {number(high)}" if math.isfinite(high) else "")
    return f"{below}{told}{above}"


def shortened(text: str, room: int) -> str:
    """Cut a phrase where a clause ends, so that it takes no more than `room`.

    Parameters
    ----------
    text : str
        One or more clauses.
    room : int
        Characters that there are; may be negative.

    Returns
    -------
    str
        Whole clauses from the start of `text`; where the first is too long, its words up to the last that is no number and needs
        none, and three dots. A number is never cut, and never parted from its unit or sign. Empty if nothing fits.
    """
    if len(text) <= room:
        return text
    if found := clauses(text, room):
        return found
    kept = text[: max(room - len(DOTS), 0) + 1].split(" ")[:-1]
    while kept and not kept[-1].isalpha():
        kept.pop()
    return " ".join(kept) + DOTS if kept else ""


def clauses(text: str, room: int) -> str:
    """Return as many whole clauses from the start of a phrase as fit into `room` characters; empty if none does."""
    if len(text) <= room:
        return text
    ends = [found.start() for found in CLAUSE.finditer(text) if found.start() <= room and _balanced(text[: found.start()])]
    return text[: ends[-1]] if ends else ""


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def claim(expectation: str) -> str:
    """Write the name of a test as the claim that it is: ``amplifiers agree``."""
    return expectation.removeprefix("test_").replace("_", " ")


def one_line(text: str) -> str:
    """Fold whitespace, so that nothing a file or an exception says can break a line-based report."""
    return " ".join(text.split())


def failure(measurements: Sequence[Measurement], *, rerun: str) -> str:
    """Give the text of a failed test: a line for each failed measurement, and one with unit, files and command."""
    if not measurements:
        return ""
    lines = [f"{found.message} [{found.limit.name}]" for found in measurements]
    files = ", ".join(dict.fromkeys(found.product for found in measurements if found.product))
    told = f" | file {files}" if files else ""
    return joined([*lines, f"{place(measurements[0].unit)}{told} | rerun: {rerun}"])


def count(amount: int, noun: str) -> str:
    """Write ``1 exposure``, ``2 exposures``."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def counts(outcomes: Mapping[str, int]) -> str:
    """Write the outcomes, worst first, with their numbers; of what was unreachable only where there is any."""
    told = [one for one in reversed(Outcome) if one is not Outcome.UNREACHABLE or outcomes.get(str(one))]
    return ", ".join(f"{outcomes.get(str(outcome), 0)} {outcome}" for outcome in told)
