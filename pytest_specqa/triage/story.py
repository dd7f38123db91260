"""The finding of a run in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_specqa.triage.cause import likely_cause
from pytest_specqa.triage.scope import MANY, scope
from pytest_specqa.triage.stages import STAGES, failed, first_bad_stage
from pytest_specqa.values import NoValue, Outcome, Record


def story(records: Iterable[Record]) -> str:
    """Say where the failures begin, how far they reach and what they suggest.

    Parameters
    ----------
    records : iterable of mapping
        Measurement records of one run, good ones included and those left out that a waiver or the baseline excuses.

    Returns
    -------
    str
        Such as ``first bad stage: sky model; petals 6-8 of the r cameras, both exposures of tile 7951, ...; suggests ...``. Where
        nothing failed, the measures that warn; empty for a good run.
    """
    everything = list(records)
    if not failed(everything):
        return _warnings(everything)
    stage = first_bad_stage(everything)
    crashed = sum(record["measure"] == NoValue.CRASH for record in failed(everything))
    parts = (
        _unusable(everything),
        f"first bad stage: {STAGES[stage]}" if stage else "",
        scope(everything),
        likely_cause(everything),
        f"{crashed} check{'s' * (crashed > 1)} crashed" if crashed else "",
    )
    return "; ".join(part for part in parts if part)


def _unusable(records: Iterable[Record]) -> str:
    """Name the files that could not be used: many checks fail on each, for one reason."""
    named = Counter(str(record["message"]).split(": ")[0] for record in failed(records) if record["measure"] == NoValue.PRODUCT)
    if not named:
        return ""
    more = f" and {len(named) - MANY} more" if len(named) > MANY else ""
    some = ", ".join(name for name, _ in named.most_common(MANY))
    return f"{len(named)} file{'s' * (len(named) > 1)} cannot be used ({some}{more}), which fails {named.total()} checks"


def _warnings(records: Iterable[Record]) -> str:
    """Name the measures that warn, most frequent first."""
    counts = Counter(str(record["measure"]) for record in records if record["outcome"] == str(Outcome.WARNED))
    names = [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return f"what warns: {', '.join(names[:MANY])}{more}" if names else ""
