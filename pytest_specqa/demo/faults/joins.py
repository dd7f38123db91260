"""Faults that no single file shows: what one of them says, another denies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_specqa.demo.faults.fault import Fault, Place

NOWHERE = (float("nan"), float("nan"))
"""Redshifts of a fault that changes none."""
_STRANGER = 39_627_999_000_000_000


def _other_targets(table: NDArray[Any], fibermap: NDArray[Any], amplitude: float, rng: np.random.Generator) -> Place:
    targets = np.flatnonzero(fibermap["OBJTYPE"] == b"TGT")
    rows = np.sort(rng.permutation(targets)[: max(round(abs(amplitude)), 1)])
    for each in (table, fibermap):
        each["TARGETID"][rows] = _STRANGER + fibermap["FIBER"][rows].astype(np.int64)
    return Place(rows, NOWHERE)


def _exposure_left_out(table: NDArray[Any], fibermap: NDArray[Any], amplitude: float, rng: np.random.Generator) -> Place:  # noqa: ARG001
    most = int(fibermap["COADD_NUMEXP"].max())
    left = max(most - max(round(abs(amplitude)), 1), 1)
    rows = np.flatnonzero(fibermap["COADD_NUMEXP"] > left)
    fibermap["COADD_EXPTIME"][rows] *= left / most
    fibermap["COADD_NUMEXP"][rows] = left
    return Place(rows, NOWHERE)


JOIN_FAULTS = (
    Fault(
        "other_targets",
        "F65",
        "desispec#967",
        "redshift",
        "fibers",
        6.0,
        "The redshift file names targets that its frames do not hold.",
        cause="tables",
        redshifts=_other_targets,
        product="redshifts",
    ),
    Fault(
        "exposure_left_out",
        "F66",
        "desispec#1504",
        "redshift",
        "exposures",
        1.0,
        "A good exposure is not in the coadd and the redshifts: its cframes came after them.",
        cause="tables",
        redshifts=_exposure_left_out,
        product="redshifts",
    ),
)
