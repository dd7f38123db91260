"""How much a record tells: its outcome, and how far its value lies beyond the limit."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pytest_specqa.values import Outcome, Record


def excess(record: Record) -> float:
    """Say how many times over its limit a value is.

    Parameters
    ----------
    record : Record
        A measurement record.

    Returns
    -------
    float
        1 at the limit that it is judged by (that of the warning where it only warns), more beyond it; infinite where there is no
        value, or where the limit is zero and the value is not; 0 where it has no limit on the side where it lies.
    """
    value = record["value"]
    if value is None:
        return math.inf
    failed = record["outcome"] == str(Outcome.FAILED)
    # Results of other writers may lack limits.
    low, high = (record.get("low"), record.get("high")) if failed else (record.get("warn_low"), record.get("warn_high"))
    if high is not None and value > high:
        return value / high if high > 0 else math.inf
    if low is not None and value < low:
        # Below a lower limit the ratio is turned over, so that more is worse on both sides.
        return low / value if value > 0 else 1 + (low - value) / abs(low) if low else math.inf
    return 0.0


def worst_first(records: Iterable[Record]) -> list[Record]:
    """Sort records by outcome, then by how far they lie beyond their limits, then by unit and measure."""
    return sorted(records, key=_weight)


def lead(records: Iterable[Record]) -> Record:
    """Return the record that tells most: what a row says, and what its picture shows."""
    return min(records, key=_weight)


def _weight(record: Record) -> tuple[int, float, str, str]:
    return -Outcome(record["outcome"]).rank, -excess(record), record["unit"], record["measure"]
