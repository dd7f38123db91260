"""A record as the run writes it, and names of tests that do not depend on the hour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import pytest

from pytest_specqa.values import DataUnit, Limit, Measured, Measurement

# Runs of pytest within a test forget what they import, and numba cannot be imported twice; some of it is at the first compilation.
numba.njit(lambda value: value)(1)

MakeRecord = Callable[..., dict[str, Any]]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their length: their content may hold the time of packing, and workers must collect the same names."""
    return f"{len(val)}bytes" if isinstance(val, bytes) else None


@pytest.fixture
def record() -> MakeRecord:
    """Make one record: a camera of one exposure, judged against an upper limit of 1."""

    def make(
        value: float = 0.5,
        *,
        error: float | None = 0.1,
        night: int = 20211014,
        expid: int | None = 104284,
        camera: str | None = "r6",
        expectation: str = "test_sky_model_smooth",
        measure: str = "sky_chromatic",
        limit: Limit | None = None,
        measured: Measured | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        unit = DataUnit("camera" if camera else "night", night, expid=expid, tile=7951, camera=camera)
        limit = limit or Limit(measure, high=1.0, unit="fraction", source="measured")
        measured = measured or Measured(value, error=error)
        judged = Measurement(
            unit, expectation, measured, limit, limit.judge(measured), f"{measure} = {value}", survey="main", program="dark"
        )
        return judged.as_record() | changes

    return make
