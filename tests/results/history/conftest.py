"""A small store of clean nights, in which a test plants what it looks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.vectors import Vector, encode

NIGHTS, EXPOSURES, FIBERS, BINS = 60, 2, 200, 2
CAMERAS = ("r0", "r1", "r2", "r3", "r4")
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

    struck = 0
    """Exposures in which an intermittent fault shows."""

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        self.days = [20240101 + day + (70 if day >= 30 else 0) for day in range(NIGHTS)]
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


@pytest.fixture(scope="session")
def clean(keep) -> Store:
    """A store in which nothing is wrong."""
    return keep(Nights())


@pytest.fixture(scope="session")
def planted(keep) -> tuple[Nights, Store]:
    """A store in which five things are wrong, of which none may be changed by a test."""
    nights = Nights()
    nights.residual[1, 12:30, :, 33:35, 1] += 4  # two neighbouring fibers of r1, in one bin
    nights.residual[2, 35:, :, 50:75] -= 1.5  # a block of r2
    nights.residual[3, 20:32, :, :100] += 1.5  # an amplifier of r3
    struck = np.random.default_rng(3).random((20, EXPOSURES)) < 0.5
    nights.residual[4, 10:30, :, 133, 1] += 10 * struck  # half of the exposures, in a fiber of r4
    nights.width[0, 40:] += 1.5  # a measure of r0
    nights.struck = int(struck.sum())
    return nights, keep(nights)


@pytest.fixture(scope="session")
def keep(tmp_path_factory) -> Callable[[Nights], Store]:
    def put(nights: Nights) -> Store:
        store = Store.create(tmp_path_factory.mktemp("history") / "store", production="made")
        store.add(nights.records())
        return store

    return put
