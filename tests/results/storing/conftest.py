"""Records for a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_specqa.values import Record


def _record(
    *, night: int = 20220101, expid: int = 7, camera: str = "r6", measure: str = "chi2", value: float | None = 1.0, **more: Any
) -> Record:
    """Return a record of a camera of the production iron."""
    made: Any = {
        "unit": f"{night}-{expid:08d}-{camera}",
        "kind": "camera",
        "night": night,
        "expid": expid,
        "tile": 100,
        "camera": camera,
        "petal": None,
        "expectation": "test_it",
        "measure": measure,
        "value": value,
        "error": 0.1,
        "value_unit": "",
        "low": None,
        "high": 4.0,
        "warn_low": None,
        "warn_high": None,
        "severity": "fail",
        "outcome": "passed",
        "sensitivity": None,
        "needs": None,
        "fibers": [[500, 524]],
        "waves": [5700.0, 5800.0],
        "product": "exposures/x.fits",
        "source": "derived",
        "message": f"{measure} = {value}",
        "survey": "main",
        "program": "dark",
        "waiver": "",
        "versions": {"production": "iron"},
    }
    return made | more


@pytest.fixture
def judged() -> Callable[..., Record]:
    return _record
