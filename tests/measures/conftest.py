"""Simulated cameras, clean or with one planted fault, shared by the tests of the measures."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from pytest_specqa.demo.conditions import Conditions
from pytest_specqa.demo.simulate import simulate_camera


@lru_cache(maxsize=4)
def _simulate(band, fault, amplitude, seed, conditions):
    faults = {fault: amplitude} if fault else {}
    return simulate_camera(Conditions(band=band, petal=6, **dict(conditions)), np.random.default_rng(seed), faults=faults)


@pytest.fixture(scope="session")
def simulated():
    """Give one camera: ``simulated("r", "dead_fiber", 0.55, n_sky=40)``."""

    def make(band="r", fault=None, amplitude=0.0, *, seed=5, **conditions):
        return _simulate(band, fault, amplitude, seed, tuple(sorted(conditions.items())))

    return make
