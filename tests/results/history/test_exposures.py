"""A change is told from the exposures of its own series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from pytest_specqa.results.history.explaining import Cluster
from pytest_specqa.results.history.exposures import read_exposures
from pytest_specqa.results.history.found import FIBERS, Found
from pytest_specqa.results.storing.dataset import Kept, Store
from pytest_specqa.vectors import Vector

NIGHTS = (20240101, 20240102, 20240103, 20240104)


@dataclass
class Rebinned:
    """A store whose bins are `width` Angstrom wide from its third night on."""

    width: float

    def vectors(self, name, camera=None, nights=()):
        for night in nights:
            step = 50.0 if night < NIGHTS[2] else self.width
            values = np.zeros((200, 3))
            values[7, 1] = night - NIGHTS[0] + 1.0
            vector = Vector(name, 500, values, 0.1, tuple(6000 + step * edge for edge in range(4)), "sigma")
            yield Kept(night=night, expid=night, tile=7, camera=camera, petal=None, program="dark", vector=vector)


def _seen(width: float) -> tuple[list[int], list[float]]:
    head = Found("residual", "", "fiber", "r1", (507, 507), (1, 1), (6050.0, 6100.0), 1, 2, 9.0, 1e-9, FIBERS, np.zeros(4), 1.0, "")
    ((_, exposures),) = read_exposures(cast("Store", Rebinned(width)), [Cluster.of(head)], NIGHTS)
    return exposures.night.tolist(), exposures.values.tolist()


def test_exposures_of_other_bins_are_another_series():
    assert _seen(50.0) == ([0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0])
    assert _seen(10.0) == ([0, 1], [1.0, 2.0])
