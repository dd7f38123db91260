"""The sky of petals against each other, and the lines of a camera against its other exposures."""

import numpy as np
import pytest

from pytest_specqa.measures.sframes.sky_state import SkyState, line_changes, petals_see_one_sky


def state(petal, *, expid=1, level=3.0, offset=0.0, width=1.7, lines=4):
    places = np.array([0.03, -0.02, 0.01, 0.05, np.nan])
    places[lines:] = np.nan
    return SkyState(f"r{petal}", "r", petal, expid, level, places + offset, np.where(np.isnan(places), np.nan, width), 1.0)


def test_a_petal_with_more_sky_is_found_and_few_petals_are_not_compared():
    states = [state(petal, level=3.4 if petal == 2 else 3.0) for petal in range(10)]
    found = petals_see_one_sky(states)
    assert found.value == pytest.approx(0.4)
    assert found.fibers == ((1000, 1499),)
    assert petals_see_one_sky(states[:4]).reason


def test_lines_that_jump_in_one_exposure_are_found():
    states = [state(petal, expid=expid, offset=0.2 * (expid == 2 and petal == 1)) for petal in range(3) for expid in (1, 2, 3)]
    found = line_changes(states).offset
    assert found.value == pytest.approx(0.2)
    assert "r1" in found.detail
    assert "exposure 2" in found.detail


def test_a_line_that_is_too_faint_in_one_exposure_changes_nothing():
    found = line_changes([state(1, expid=1, lines=4), state(1, expid=2, lines=3)])
    assert found.offset.value == pytest.approx(0)
    assert line_changes([state(1)]).offset.reason
