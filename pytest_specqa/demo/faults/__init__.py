"""Named data-quality faults, each with an amplitude knob and the public report that it comes from."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from pytest_specqa.demo.faults.bookkeeping import BOOKKEEPING_FAULTS
from pytest_specqa.demo.faults.calibration import CALIBRATION_FAULTS
from pytest_specqa.demo.faults.ccd import CCD_FAULTS
from pytest_specqa.demo.faults.extraction import EXTRACTION_FAULTS
from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.fibers import FIBER_FAULTS
from pytest_specqa.demo.faults.flat import FLAT_FAULTS
from pytest_specqa.demo.faults.joins import JOIN_FAULTS
from pytest_specqa.demo.faults.leaks import REDSHIFT_FAULTS
from pytest_specqa.demo.faults.levels import LEVEL_FAULTS
from pytest_specqa.demo.faults.sky import SKY_FAULTS
from pytest_specqa.demo.faults.traces import TRACE_FAULTS
from pytest_specqa.errors import UsageError

__all__ = ["FAULTS", "Fault", "Place", "check_faults"]

BY_STAGE = (
    CCD_FAULTS,
    EXTRACTION_FAULTS,
    TRACE_FAULTS,
    FLAT_FAULTS,
    SKY_FAULTS,
    FIBER_FAULTS,
    CALIBRATION_FAULTS,
    LEVEL_FAULTS,
    REDSHIFT_FAULTS,
    BOOKKEEPING_FAULTS,
    JOIN_FAULTS,
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for group in BY_STAGE for fault in group})
"""All faults by name, in the order of the stages where they act."""


def check_faults(faults: Mapping[str, float]) -> dict[str, float]:
    """Refuse fault names that do not exist.

    Parameters
    ----------
    faults : mapping of str to float
        Fault name to amplitude.

    Returns
    -------
    dict
        The same.

    Raises
    ------
    UsageError
        A name that is not in `FAULTS`; the message lists the nearest.
    """
    for name in faults:
        if name not in FAULTS:
            near = difflib.get_close_matches(name, FAULTS, n=4, cutoff=0.3) or sorted(FAULTS)[:4]
            raise UsageError(f"fault {name!r} does not exist: nearest are {', '.join(near)}")
    return dict(faults)
