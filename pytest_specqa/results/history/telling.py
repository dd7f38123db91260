"""The table of what changed, for a person at two in the morning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_specqa.measures.history.chance import HIGHEST
from pytest_specqa.results.history.changes import Change
from pytest_specqa.results.history.nightly import PEERS, PETALS
from pytest_specqa.results.history.wording import called

if TYPE_CHECKING:
    from pytest_specqa.results.history.finding import Extent

HEADER = ("where", "what", "since", "until", "shape", "how large", "sure")
MOST = 60
"""Changes that are printed; the file holds all."""


def table(changes: Sequence[Change]) -> str:
    """Lay out changes as lines of a table, each with its phrase below."""
    rows = [_row(change) for change in changes[:MOST]]
    widths = [max(len(row[column]) for row in (HEADER, *rows)) for column in range(len(HEADER))]
    lines = [_line(HEADER, widths)]
    for change, row in zip(changes, rows, strict=False):
        lines += [_line(row, widths), "    " + _phrase(change)]
    if len(changes) > MOST:
        lines.append(f"and {len(changes) - MOST} more, all in history.json")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _row(change: Change) -> tuple[str, ...]:
    until = "still so" if change.ongoing else moment(change.last)
    sure = f"> {HIGHEST:.0f} sigma" if change.significance >= HIGHEST else f"{change.significance:.1f} sigma"
    return where(change), called(change.what), moment(change.first), until, change.shape, size(change), sure


def where(change: Change) -> str:
    """Name the place of a change: camera, fibers, wavelengths."""
    parts = [change.camera] if change.camera else []
    if change.scope in ("camera", "night") or change.fibers is None:
        pass
    elif change.scope == "petal":
        parts.append(f"petal {change.fibers[0] // (change.fibers[1] - change.fibers[0] + 1)}")
    elif change.fibers[0] == change.fibers[1]:
        parts.append(f"fiber {change.fibers[0]}")
    else:
        parts.append(f"fibers {change.fibers[0]}-{change.fibers[1]}")
    if change.waves is not None:
        parts.append(f"{change.waves[0]:.0f}-{change.waves[1]:.0f} A")
    return " ".join(parts)


def moment(at: tuple[int, int | None]) -> str:
    """Write a night, and the exposure where there is one."""
    return str(at[0]) if at[1] is None else f"{at[0]} {at[1]:08d}"


def size(change: Change) -> str:
    """Write a size with its error, in the digits that it is known to."""
    if not math.isfinite(change.size):
        return "?"
    if not (math.isfinite(change.error) and change.error > 0):
        return f"{change.size:+.3g} {change.unit}".strip()
    digits = min(8, max(0, 1 - math.floor(math.log10(change.error))))
    return f"{change.size:+.{digits}f} +- {change.error:.{digits}f} {change.unit}".strip()


def _phrase(change: Change) -> str:
    parts = [change.detail]
    # Redshifts say how many objects, which are no exposures.
    if change.shape != "intermittent" and not change.what.startswith("redshift"):
        parts.append(f"{change.bad} of {change.seen} exposures")
    if change.joined:
        parts.append("also: " + ", ".join(change.joined))
    if change.cause:
        parts.append(change.cause)
    return "; ".join(parts)


def sentence(changes: Sequence[Change], extent: Extent, *, rate: float) -> str:
    """Say what was searched, and with what rate of false alarms."""
    series = sum(extent.tally.series.values())
    found = "nothing changed" if not changes else f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}"
    return (
        f"{found}: {series:,} series over {extent.tally.ranges:,} ranges of dates in {len(extent.nights)} nights "
        f"({extent.nights[0]}-{extent.nights[-1]}); at most {rate:g} false alarms per 1,000 clean nights"
    ) + _unsearched(extent.few)


def _unsearched(few: dict[str, int]) -> str:
    """Say what cannot be searched in bands of few cameras, which have no others to be compared with."""
    if not few:
        return ""
    bands = " and ".join(f"{number} {_counted(band, number)}" for band, number in sorted(few.items()))
    return (
        f"; {bands}: fewer than {PEERS} are not compared with each other: their measures were not searched, and of what all fibers "
        "of a camera share only how the two halves of its slit differ"
    )


def _counted(band: str, number: int) -> str:
    return f"petal{'s' * (number > 1)}" if band == PETALS else f"camera{'s' * (number > 1)} of {band}"


def told(extent: Extent, *, rate: float) -> dict[str, Any]:
    """Return what was searched, for the file."""
    return {
        "nights": list(extent.nights),
        "series": sum(extent.tally.series.values()),
        "ranges": extent.tally.ranges,
        "rate": rate,
    }
