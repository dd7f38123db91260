"""The stages of the reduction in the order in which data flow through them, and which one a record speaks of."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_specqa.values import NoValue, Outcome, Record

STAGES = {
    "production": "files and tables",
    "fiberflat": "fiber flat",
    "frame": "extraction",
    "sky": "sky model",
    "sframe": "sky subtraction",
    "cframe": "flux calibration",
    "redshifts": "redshifts",
    "tile": "tile",
    "night": "night",
}
"""What an expectation can declare, and what that is called in a sentence; in data-flow order."""


def stage_of(record: Record) -> str:
    """Name the stage that a record belongs to.

    Parameters
    ----------
    record : Record
        A measurement record.

    Returns
    -------
    str
        A key of `STAGES`, as the expectation declares it; empty where it declares none.
    """
    stage = record.get("stage", "")
    return stage if stage in STAGES else ""


def failed(records: Iterable[Record]) -> list[Record]:
    """Records that failed."""
    return [record for record in records if record["outcome"] == str(Outcome.FAILED)]


def telling(records: Iterable[Record]) -> list[Record]:
    """Failures that speak of the data: those with a value; else unreadable files; crashes only where there is nothing else."""
    bad = failed(records)
    valued = [record for record in bad if record["measure"] not in (NoValue.CRASH, NoValue.PRODUCT)]
    return valued or [record for record in bad if record["measure"] != NoValue.CRASH] or bad


def bad_stages(records: Iterable[Record]) -> list[str]:
    """Stages with a failure, in data-flow order; failures of expectations that declare no stage are in none."""
    found = {stage_of(record) for record in telling(records)}
    return [stage for stage in STAGES if stage in found]


def first_bad_stage(records: Iterable[Record]) -> str | None:
    """Name the earliest stage with a failure.

    Parameters
    ----------
    records : iterable of mapping
        Measurement records of one run.

    Returns
    -------
    str or None
        A key of `STAGES`; ``None`` if nothing failed in a declared stage.
    """
    return next(iter(bad_stages(records)), None)
