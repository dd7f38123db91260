"""Faults at the size of their report: found or not, by which expectation, at the right stage and in the right place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.faults import FAULTS
from pytest_specqa.demo.faults.fault import Fault
from pytest_specqa.triage.stages import STAGES, stage_of
from pytest_specqa.values import Outcome, Record

if TYPE_CHECKING:
    from pytest_specqa.trials.trials import Result

TOLERANCE = 10.0
"""Angstrom by which a place may miss: the bins of the broad searches."""
_STAGE_OF_PRODUCT = {
    "fluxcalib": ("cframe",),
    "fibermap": ("production", "frame"),
    "redshifts": ("production", "redshifts", "tile"),
}
_APPLIED = "flattened"
"""Stage of the simulation at which the flat is applied: the fault is one of the flat, though its file is sound."""


class Truth(NamedTuple):
    """Where a fault acted: FIBERs, and first and last wavelength in Angstrom."""

    fibers: NDArray[np.integer]
    waves: tuple[float, float]


@dataclass(frozen=True)
class Report:
    """What became of the trials of one fault at one amplitude.

    Attributes
    ----------
    trials, failed, warned : int
        How many there were; how many failed in some expectation; how many at least warned.
    first : str
        The expectation that most often was the first to fail, or to warn where none failed.
    staged, placed, told : int
        How many of those that failed or warned name the right stage, and the right place; how many name a place at all.
    """

    trials: int
    failed: int
    warned: int
    first: str
    staged: int
    placed: int
    told: int


def right_stages(fault: Fault) -> tuple[str, ...]:
    """Stages at which a fault can first be seen: that of the first product that it changes, or of the flat that was misapplied.

    Parameters
    ----------
    fault : Fault
        Of the library.

    Returns
    -------
    tuple of str
        Keys of `STAGES`.
    """
    if fault.stage == _APPLIED:
        return ("fiberflat",)
    product = fault.product.partition(".")[0]
    return _STAGE_OF_PRODUCT.get(product, (product,))


def earliest(records: Iterable[Record]) -> list[Record]:
    """Records of the earliest stage at which something failed, or warned where nothing failed.

    Parameters
    ----------
    records : iterable of Record
        Of one unit.

    Returns
    -------
    list of Record
        The first of them belongs to the first expectation; empty where nothing failed or warned, or none declares a stage.
    """
    known = [record for record in records if stage_of(record)]
    for outcome in (Outcome.FAILED, Outcome.WARNED):
        bad = [record for record in known if record["outcome"] == str(outcome)]
        if bad:
            stage = min((stage_of(record) for record in bad), key=list(STAGES).index)
            return [record for record in bad if stage_of(record) == stage]
    return []


def overlap(records: Sequence[Record], truth: Iterable[Truth]) -> bool | None:
    """Tell whether one of the records names a place where a fault acted.

    Parameters
    ----------
    records : sequence of Record
        What failed or warned.
    truth : iterable of Truth
        Where faults were planted.

    Returns
    -------
    bool or None
        ``None`` where no record names a place.
    """
    placed = [record for record in records if record["fibers"]]
    if not placed:
        return None
    return any(_meets(record, place) for record in placed for place in truth)


def _meets(record: Record, place: Truth) -> bool:
    fibers = any(bool(((place.fibers >= low) & (place.fibers <= high)).any()) for low, high in record["fibers"])
    if not record["waves"]:
        return fibers
    low, high = record["waves"]
    return fibers and low <= place.waves[1] + TOLERANCE and high >= place.waves[0] - TOLERANCE


def reports(results: Iterable[Result], parts: Sequence[float]) -> dict[tuple[str, str], dict[float, Report]]:
    """Collect what became of each fault at parts of its reported size.

    Parameters
    ----------
    results : iterable of Result
        Of trials with faults.
    parts : sequence of float
        Amplitudes in units of the default.

    Returns
    -------
    dict of (str, str) to dict of float to Report
        Kind of unit and fault; by part.
    """
    found: dict[tuple[str, str], dict[float, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        fault = FAULTS[result.trial.case]
        for part in parts:
            if abs(result.trial.amplitude - part * fault.amplitude) < 1e-6 * abs(fault.amplitude):
                found[result.trial.kind, fault.name][part].append(result)
    return {key: {part: _report(FAULTS[key[1]], made) for part, made in sorted(sizes.items())} for key, sizes in found.items()}


def _report(fault: Fault, results: Sequence[Result]) -> Report:
    ours = [{name: one for name, one in result.outcomes.items() if ":" not in name} for result in results]
    told = [result for result in results if result.first]
    firsts = Counter(result.first for result in told)
    return Report(
        trials=len(results),
        failed=sum(str(Outcome.FAILED) in found.values() for found in ours),
        warned=sum(bool({str(Outcome.FAILED), str(Outcome.WARNED)} & set(found.values())) for found in ours),
        first=firsts.most_common(1)[0][0] if firsts else "",
        staged=sum(result.stage in right_stages(fault) for result in told),
        placed=sum(result.placed is True for result in told),
        told=sum(result.placed is not None for result in told),
    )
