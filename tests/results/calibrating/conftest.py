"""Small stores of a production whose values are known."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.rules import limits_file
from pytest_specqa.values import DataUnit, Measured, Measurement, Record

Values = Callable[[np.random.Generator, int], dict[str, np.ndarray]]
LIMITS = limits_file.load([limits_file.default_file()])


def nights_of(count: int) -> Iterator[int]:
    start = datetime.date(2021, 9, 1)
    return (int(f"{start + datetime.timedelta(days=day):%Y%m%d}") for day in range(count))


def record(unit: DataUnit, measure: str, value: float, **more: Any) -> Record:
    """Return the record of a judged value."""
    limit, measured = LIMITS.find(measure, unit), Measured(value)
    outcome = limit.judge(measured)
    made: Any = Measurement(
        unit, f"test_{measure}", measured, limit, outcome, f"{measure} = {value}", survey="main", program="dark",
        versions={"production": "iron"},
    ).as_record()  # fmt: skip
    return cast("Record", made | more)


def make_store(folder: Path, values: Values, *, nights: int = 30, change: Any = None) -> Store:
    """Make a store: for each night the values of some measures, an array of one for each exposure and camera."""
    generator = np.random.default_rng(11)
    made = Store.create(folder / "store", production="iron")
    records = []
    for number, night in enumerate(nights_of(nights)):
        for measure, found in values(generator, number).items():
            for place, value in enumerate(found):
                unit = DataUnit("camera", night, expid=1000 * number + place // 2, tile=9, camera=("b0", "r0")[place % 2])
                one = record(unit, measure, float(value))
                records += change(one) if change else [one]
    made.add(records)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Store]:
    """Give `make_store` a folder."""
    return partial(make_store, tmp_path)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of clean values that many tests read."""
    return make_store(
        tmp_path_factory.mktemp("plain"),
        lambda generator, _: {
            "vertical_lines_narrow": generator.normal(0.0, 1.0, 40),
            "sky_line_residual": generator.normal(0.02, 0.002, 40),
        },
    )
