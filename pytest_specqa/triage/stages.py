"""The stages of the reduction in the order in which data flow through them, and which one a record speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_specqa.values import Outcome, Record

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
"""Module name of the expectations (without ``test_``) to what it is called in a sentence; in data-flow order."""

PRODUCT_STAGES = {
    "fiberflatnight": "fiberflat",
    "fiberflatexp": "fiberflat",
    "fluxcalib": "cframe",
    "stdstars": "cframe",
    "redrock": "redshifts",
}
UNPLACED = "other"
CRASH, PRODUCT = "crash", "product"
"""Measures that stand for a check that broke down and for a file that could not be read."""


def stage_of(record: Record) -> str:
    """Name the stage that a record belongs to.

    Parameters
    ----------
    record : mapping
        A measurement record; its ``nodeid`` (the test's module) decides, else the product that was judged.

    Returns
    -------
    str
        A key of `STAGES`, or ``other`` for expectations of other projects that name no product of ours.
    """
    module = re.search(r"test_(\w+)\.py", str(record.get("nodeid", "")))
    if module and module[1] in STAGES:
        return module[1]
    name = str(record.get("product") or "").rsplit("/", 1)[-1].split("-")[0]
    stage = PRODUCT_STAGES.get(name, name)
    return stage if stage in STAGES else UNPLACED


def failed(records: Iterable[Record]) -> list[Record]:
    """Records that failed."""
    return [record for record in records if record["outcome"] == str(Outcome.FAILED)]


def telling(records: Iterable[Record]) -> list[Record]:
    """Failures that speak of the data: those with a value; else unreadable files; crashes only where there is nothing else."""
    bad = failed(records)
    valued = [record for record in bad if record["measure"] not in (CRASH, PRODUCT)]
    return valued or [record for record in bad if record["measure"] != CRASH] or bad


def bad_stages(records: Iterable[Record]) -> list[str]:
    """Stages with a failure, in data-flow order; those of other projects last."""
    found = {stage_of(record) for record in telling(records)}
    return [stage for stage in (*STAGES, UNPLACED) if stage in found]


def first_bad_stage(records: Iterable[Record]) -> str | None:
    """Name the earliest stage with a failure.

    Parameters
    ----------
    records : iterable of mapping
        Measurement records of one run.

    Returns
    -------
    str or None
        A key of `STAGES`; ``None`` if nothing failed in a known stage.
    """
    return next((stage for stage in bad_stages(records) if stage != UNPLACED), None)
