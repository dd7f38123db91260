"""A small store of clean nights, in which a test plants what it looks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.vectors import Vector, encode

NIGHTS, EXPOSURES, FIBERS, BINS = 40, 2, 100, 3
CAMERAS = ("r0", "r1", "r2", "r3")
SIGMA = 0.5
"""Of one exposure in one bin of one fiber."""


class Nights:
    """Numbers of clean nights, to be changed before they are stored.

    Attributes
    ----------
    days : list of int
        Nights, with a gap.
    residual : ndarray, shape (n_camera, nights, exposures, fibers, bins)
        With a step in all cameras in the middle, as a new version of the code gives.
    width : ndarray, shape (n_camera, nights, exposures)
        A measure.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        self.days = [20240101 + day + (69 if day > 25 else 0) for day in range(NIGHTS)]
        shape = (len(CAMERAS), NIGHTS, EXPOSURES)
        self.residual = rng.normal(0, SIGMA, (*shape, FIBERS, BINS))
        self.residual += rng.normal(0, 1.0, (1, NIGHTS, EXPOSURES, 1, 1))
        self.residual[:, NIGHTS // 2 :] += 3.0
        self.width = 1.5 + 0.1 * rng.standard_normal(shape) + rng.normal(0, 0.5, (1, NIGHTS, EXPOSURES))

    def expid(self, night: int, exposure: int) -> int:
        """Return the number of an exposure."""
        return 1000 + 10 * night + exposure

    def records(self) -> list[Any]:
        """Return what a run would have kept."""
        return [
            self._record(number, night, exposure)
            for night in range(NIGHTS)
            for exposure in range(EXPOSURES)
            for number in range(len(CAMERAS))
        ]

    def _record(self, number: int, night: int, exposure: int) -> dict[str, Any]:
        camera, expid = CAMERAS[number], self.expid(night, exposure)
        values = self.residual[number, night, exposure]
        vector = Vector("residual", 500 * number, values, 0.1, tuple(6000.0 + 50 * edge for edge in range(BINS + 1)), "sigma")
        empty = dict.fromkeys(("error", "low", "high", "warn_low", "warn_high", "sensitivity", "needs", "waves", "petal"))
        return {
            "unit": f"{self.days[night]}-{expid:08d}-{camera}", "kind": "camera", "night": self.days[night], "expid": expid,
            "tile": 7, "camera": camera, "expectation": "test_width", "measure": "sky_line_width", "outcome": "passed",
            "value": float(self.width[number, night, exposure]), "value_unit": "", "severity": "fail", "fibers": [], "product": "",
            "source": "", "message": "", "survey": "main", "program": "bright" if exposure else "dark", "waiver": "",
            "versions": {"production": "made"}, "vectors": [encode(vector)],
        } | empty  # fmt: skip


@pytest.fixture
def nights() -> Nights:
    return Nights()


@pytest.fixture
def keep(tmp_path) -> Callable[[Nights], Store]:
    def put(nights: Nights) -> Store:
        store = Store.create(tmp_path / "store", production="made")
        store.add(nights.records())
        return store

    return put
