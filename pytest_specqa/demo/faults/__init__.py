"""Named data-quality faults, each with an amplitude knob and the public report that it comes from."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from pytest_specqa.demo.faults.fault import Fault, Place
from pytest_specqa.demo.faults.sky import SKY_FAULTS
from pytest_specqa.errors import UsageError

__all__ = ["FAULTS", "Fault", "Place", "check_faults"]

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in (*SKY_FAULTS,)})


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
