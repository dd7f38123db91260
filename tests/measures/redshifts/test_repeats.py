"""Redshifts that were copied have the digits of another."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.redshifts.repeats import repeated_redshifts

FIBER = 1500 + np.arange(200)
Z = np.random.default_rng(1474).uniform(0.1, 1.6, 200)


def count(z, **changes):
    return repeated_redshifts(z, **({"zwarn": np.zeros(200, dtype=int), "targetid": FIBER, "fiber": FIBER} | changes))


def test_redshifts_of_their_own_do_not_repeat():
    assert count(Z).value == 0
    assert count(np.where(FIBER == 1600, Z[0] + 1e-13, Z)).value == 0


def test_the_second_half_of_a_table_repeats_the_first():
    found = count(np.tile(Z[:100], 2))
    assert found.value == 100
    assert found.fibers == ((1500, 1699),)
    assert "1500 and 1600" in found.detail


@pytest.mark.parametrize("bit", [5, 9, 10])
def test_what_was_not_fitted_may_repeat(bit):
    z = np.where(FIBER < 1540, 0.3, Z)
    assert count(z).value == 39
    assert count(z, zwarn=np.where(FIBER < 1540, 1 << bit, 0)).value == 0


def test_a_target_that_is_there_twice_has_one_redshift():
    z, target = np.where(FIBER == 1501, Z[0], Z), np.where(FIBER == 1501, FIBER[0], FIBER)
    assert count(z).value == 1
    assert count(z, targetid=target).value == 0


def test_nothing_fitted_is_not_measured():
    assert count(Z, zwarn=np.full(200, 1 << 9)).reason
