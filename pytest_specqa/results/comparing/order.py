"""The order in which records are listed: as data flow through the reduction, and the largest first."""

from __future__ import annotations

from pytest_specqa.triage import STAGES, excess, stage_of
from pytest_specqa.values import Record


def data_flow(record: Record) -> tuple[int, float, str, str]:
    """Key that sorts records by stage, then by how far they lie beyond their limit, largest first.

    Parameters
    ----------
    record : Record
        A measurement record.

    Returns
    -------
    tuple
        Place of the stage in the data flow (last where none is declared), minus the excess, unit and measure.
    """
    stages = list(STAGES)
    stage = stage_of(record)
    return stages.index(stage) if stage else len(stages), -excess(record), record["unit"], record["measure"]
