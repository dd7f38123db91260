"""Redshifts in the order of the fibers of a petal."""

from __future__ import annotations

import numpy as np

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.redshifts.by_fiber import by_fiber

BITS = [1 << DESI.targets[name] for name in ("LRG", "BGS", "STD_FAINT")]
COLUMNS = {
    "fiber": np.array([3002, 3000, 3499, 3001, 3000]),
    "spectype": np.array(["GALAXY", "QSO ", "STAR", "", "GALAXY"]),
    "zwarn": np.array([0, 4, 0, 1 << 9, 0]),
    "deltachi2": np.array([100.0, 9.0, 1e6, 0.0, 50.0]),
    "is_sky": np.array([False, True, False, True, False]),
    "is_target": np.array([True, False, True, False, True]),
    "desi_target": np.array([BITS[0], 0, BITS[2], 0, BITS[0] | BITS[1]]),
}
Z = np.array([0.7, 1.5, 0.0, 0.2, 0.3])


def test_each_number_is_at_the_place_of_its_fiber_and_a_target_goes_before_sky():
    found = by_fiber(Z, petal=6, **COLUMNS)
    here = [0, 1, 2, 499]
    assert found.redshift[here].tolist() == [0.3, 0.2, 0.7, 0.0]
    assert found.spectype[here].tolist() == [1, 0, 1, 3]
    assert found.zwarn[here].tolist() == [0, 512, 0, 0]
    assert found.quality[here].tolist() == [50, 0, 100, 1e6]
    assert found.target[here].tolist() == [1 + 16, 2, 1 + 16, 1 + 4 + 128]
    assert np.isnan(np.delete(found.redshift, here)).all()


def test_without_bits_a_target_is_a_target_and_of_no_known_class():
    found = by_fiber(Z, petal=6, **{**COLUMNS, "desi_target": None})
    assert found.target[[0, 1]].tolist() == [1, 2]


def test_fibers_of_another_petal_have_no_place():
    assert np.isnan(by_fiber(Z, petal=5, **COLUMNS).redshift).all()
