"""A petal without sure redshifts stands out of its tile."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.redshifts.success import petal_shortfall

LIMIT = 0.2


def tile(rng, shares, *, size=500):
    """ZWARN, FIBER and targets of petals with these shares of sure redshifts."""
    fiber = np.concatenate([500 * petal + np.arange(size) for petal in range(len(shares))])
    sure = rng.random(fiber.size) < np.repeat(shares, size)
    return {"zwarn": np.where(sure, 0, 4), "fiber": fiber, "is_target": fiber % 500 % 11 > 0}


def measure(spectra, **more):
    return petal_shortfall(spectra["zwarn"], fiber=spectra["fiber"], is_target=spectra["is_target"], **more)


@pytest.mark.parametrize("petals", [3, 10])
def test_a_petal_off_its_targets_is_named(petals):
    rng = np.random.default_rng(1648)
    found = measure(tile(rng, [0.75] * (petals - 1) + [0.3]))
    assert found.value > LIMIT
    assert found.fibers == ((500 * (petals - 1), 500 * petals - 1),)
    assert f"petal {petals - 1}" in found.detail


@pytest.mark.parametrize("share", [0.2, 0.5, 0.98])
def test_petals_of_a_sound_tile_are_alike(share):
    rng = np.random.default_rng(1648)
    for _ in range(20):
        found = measure(tile(rng, np.clip(share + rng.normal(0, 0.02, 10), 0, 1)))
        assert found.value == 0
        assert found.sensitivity < LIMIT


def test_few_targets_cannot_tell():
    rng = np.random.default_rng(1648)
    assert measure(tile(rng, [0.7] * 10, size=30)).sensitivity > LIMIT
    assert measure(tile(rng, [0.7] * 2)).reason


def test_spectra_known_to_be_bad_do_not_count():
    spectra = tile(np.random.default_rng(1648), [0.75] * 9 + [0.3])
    status = np.where(spectra["fiber"] >= 4500, 1 << 23, 0)
    assert measure(spectra, fiberstatus=status).value == 0
