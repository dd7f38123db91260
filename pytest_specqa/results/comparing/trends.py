"""Trends that one of two runs lacks: a value that is as its own past has it leaves no record, nor does a run without a history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from pytest_specqa.values import TREND, Limit, Measured, Outcome, Record, Severity, judged_as, key_of

BOUNDS = {"low": float("-inf"), "high": float("inf"), "warn_low": float("-inf"), "warn_high": float("inf")}


def with_trends_of_both(before: Iterable[Record], after: Iterable[Record]) -> tuple[list[Record], list[Record]]:
    """Judge the values of each of two runs by the trends that only the other has.

    Parameters
    ----------
    before, after : iterable of Record
        Measurements of the two runs.

    Returns
    -------
    before, after : list of Record
        The same, with a trend added for each that only the other run has where the value is there: it is outside of what its
        past allows, as in the other, or not. So a trend is new only if the value moved, not because a run was given a history.
    """
    runs = list(before), list(after)
    trends = [[record for record in run if record["measure"].endswith(TREND)] for run in runs]
    return runs[0] + _judged(runs[0], trends[1]), runs[1] + _judged(runs[1], trends[0])


def _judged(run: Sequence[Record], trends: Sequence[Record]) -> list[Record]:
    if not trends:
        return []
    there = {key_of(record): record for record in run}
    found = []
    for trend in trends:
        own = there.get((trend["unit"], trend["expectation"], judged_as(trend)))
        if key_of(trend) not in there and own is not None and own["value"] is not None:
            found.append(_as_trend(own, own["value"], trend))
    return found


def _as_trend(own: Record, value: float, trend: Record) -> Record:
    told: dict[str, Any] = {name: trend.get(name) for name in (*BOUNDS, "measure", "severity", "source", "plain")}
    bounds: dict[str, Any] = {name: none if told[name] is None else float(told[name]) for name, none in BOUNDS.items()}
    outcome = Limit(trend["measure"], severity=Severity(told["severity"] or Severity.FAIL), **bounds).judge(Measured(value))
    # Who answers for the trend of one run answers for the same of the other.
    waiver = trend.get("waiver") if outcome is Outcome.FAILED else ""
    return cast("Record", own | told | {"outcome": str(outcome), "waiver": waiver or ""})
