"""Spectra are split by what their targets are, where that is known and divides them."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.redshifts.samples import GALAXIES, OTHER, SKY, TARGETS, samples_of

SKY_FIBER = np.arange(900) < 300
EVERYTHING = np.ones(900, dtype=bool)


@pytest.mark.parametrize(
    ("classes", "samples"),
    [
        (("", ""), {TARGETS, SKY}),
        (("QSO", "QSO"), {TARGETS, SKY}),
        (("QSO", GALAXIES[0]), {TARGETS, SKY, OTHER}),
    ],
)
def test_targets_of_no_galaxy_sample_are_one_where_galaxies_stand_beside_them(classes, samples):
    found = samples_of(np.where(np.arange(900) % 2, *classes), SKY_FIBER, keep=EVERYTHING)
    assert set(found) == samples
    np.testing.assert_array_equal(found[SKY], SKY_FIBER)
    if OTHER in found:
        np.testing.assert_array_equal(found[OTHER], ~SKY_FIBER & (np.arange(900) % 2 == 1))
