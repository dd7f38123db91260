"""The skies of petals against each other, and the lines and corrections of a camera against its other exposures."""

import numpy as np
import pytest

from pytest_specqa.measures.focal.skies import petals_see_one_sky, sky_left
from pytest_specqa.measures.focal.steadiness import barycentric_corrections, line_changes
from pytest_specqa.measures.sframes.barycenter import barycentric_velocity
from pytest_specqa.measures.sframes.sky_state import SkyState


def state(petal, *, expid=1, level=3.0, offset=0.0, width=1.7, lines=4, left=0.0, velocity=15.0, expected=15.2):
    places = np.array([0.03, -0.02, 0.01, 0.05, np.nan])
    places[lines:] = np.nan
    widths = np.where(np.isnan(places), np.nan, width)
    return SkyState(f"r{petal}", "r", petal, expid, level, places + offset, widths, left, 2e-4, velocity, expected)


def test_a_petal_with_more_sky_is_found_and_few_petals_are_not_compared():
    states = [state(petal, level=3.4 if petal == 2 else 3.0) for petal in range(10)]
    found = petals_see_one_sky(states)
    assert found.value == pytest.approx(0.4)
    assert found.fibers == ((1000, 1499),)
    assert petals_see_one_sky(states[:4]).reason


def test_lines_that_jump_in_one_exposure_are_found():
    states = [state(petal, expid=expid, offset=0.2 * (expid == 2 and petal == 1)) for petal in range(3) for expid in (1, 2, 3)]
    found = line_changes(states).offset
    assert found.value == pytest.approx(0.2, abs=0.02)
    assert "r1" in found.detail
    assert "exposure 2" in found.detail


def test_a_line_that_is_too_faint_in_one_exposure_changes_nothing():
    found = line_changes([state(1, expid=1, lines=4), state(1, expid=2, lines=3)])
    assert found.offset.value == pytest.approx(0)
    assert line_changes([state(1)]).offset.reason


def test_what_all_petals_keep_of_the_sky_is_found_and_one_petal_is_another_matter():
    found = sky_left([state(petal, left=0.002) for petal in range(10)])
    assert found.value == pytest.approx(0.00193, abs=1e-5)
    assert found.fibers == ((0, 4999),)
    assert found.sensitivity < 0.0005
    assert sky_left([state(petal, left=0.02 * (petal == 3)) for petal in range(10)]).value == 0
    assert sky_left([state(petal) for petal in range(3)]).reason


# By astropy 6.1, `SkyCoord.radial_velocity_correction`, in km/s.
@pytest.mark.parametrize(
    ("ra", "dec", "mjd", "velocity"),
    [(48.357, -6.56, 59502.30127, 10.025), (200.0, 60.0, 59900.4, 15.044), (310.0, -15.0, 59400.3, 12.685)],
)
def test_the_velocity_toward_a_target_is_the_one_that_astropy_gives(ra, dec, mjd, velocity):
    assert barycentric_velocity(ra, dec, mjd) == pytest.approx(velocity, abs=0.05)


def test_a_correction_that_does_not_follow_the_earth_is_found():
    moving = [state(petal, expid=expid, velocity=15 + expid, expected=15.2 + expid) for expid in (1, 2, 3) for petal in (0, 1)]
    assert barycentric_corrections(moving).change.value == pytest.approx(0)
    assert barycentric_corrections(moving).spread.value == 0
    stale = [state(0, expid=expid, velocity=15.0, expected=15.0 + (expid == 2)) for expid in (1, 2, 3)]
    assert barycentric_corrections(stale).change.value == pytest.approx(1)
    mixed = [state(0), state(1, velocity=16.0)]
    assert barycentric_corrections(mixed).spread.value == pytest.approx(1)
    assert barycentric_corrections(mixed).change.reason
    assert barycentric_corrections([state(0, velocity=np.nan)]).spread.reason
