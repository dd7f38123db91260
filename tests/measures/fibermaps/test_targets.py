"""Fibers are where and who they should be, and hold the light of their own targets."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.targets import (
    flagged_fibers,
    identity_conflicts,
    misplaced_cassette,
    misplaced_fibers,
    on_target,
    standard_stars,
)
from pytest_specqa.measures.models.imaging import imaging_agreement

FIBER = 3000 + np.arange(500)


def columns(camera):
    table = {name: camera.fibermap[name] for name in camera.fibermap.dtype.names}
    return table | {"OBJTYPE": np.char.strip(np.char.decode(table["OBJTYPE"]))}


def agreement(camera, *, rows=slice(None)):
    table = columns(camera)
    return imaging_agreement(
        camera.cframe.flux[rows],
        camera.cframe.ivar[rows],
        camera.wave,
        fiber=camera.fiber,
        photometry=table,
        band="r",
        is_target=on_target(table, band="r"),
    )


def test_misplaced_fibers_are_counted_where_they_are():
    x = np.full(500, 0.005)
    x[50:100] = 0.5
    assert misplaced_fibers(x, 0 * x, fiber=FIBER, tolerance=0.03).value == pytest.approx(0.1)
    found = misplaced_cassette(x, 0 * x, fiber=FIBER, tolerance=0.03)
    assert found.value == 1.0
    assert found.fibers == ((3050, 3099),)


def test_unknown_places_are_not_measured():
    nothing = np.zeros(500)
    assert misplaced_fibers(nothing, nothing, fiber=FIBER, tolerance=0.03).reason
    assert misplaced_cassette(nothing * np.nan, nothing, fiber=FIBER, tolerance=0.03).reason


def test_standards_must_be_unflagged_and_have_data():
    target = np.zeros(500, dtype=np.int64)
    target[[3, 4, 5, 6]] = [1 << 33, 1 << 34, 1 << 35, 1 << 33]
    ivar = np.ones((500, 10))
    ivar[3] = 0
    assert standard_stars(target, ivar, fiber=FIBER, flagged=np.arange(500) == 4).value == 2
    assert standard_stars(0 * target, ivar, fiber=FIBER, flagged=target > 0).reason


def test_identities_that_contradict_themselves_are_counted():
    location, targetid = 6000 + np.arange(500), 1000 + np.arange(500)
    assert identity_conflicts(FIBER, location, targetid, petal=6).value == 0
    twice = targetid.copy()
    twice[10] = twice[11]
    assert identity_conflicts(FIBER, location, twice, petal=6).fibers == ((3010, 3011),)
    assert identity_conflicts(FIBER, location - 1000, targetid, petal=6).value == 500
    assert identity_conflicts(FIBER, location, np.full(500, -1), petal=6).value == 0
    assert identity_conflicts(FIBER[::-1], location, targetid, petal=6).value == 499


def test_fatal_bits_depend_on_the_band():
    status = np.array([0, 1, 1 << 2, 1 << 23, 1 << 22])
    np.testing.assert_array_equal(flagged_fibers(status, band="r"), [False, False, True, True, False])


def test_targets_hold_their_light(simulated):
    found = agreement(simulated("r"))
    assert found.level.value == pytest.approx(1.0, abs=0.2)
    assert found.swapped.value == 0


def test_a_petal_off_target_and_a_wrong_calibration_change_the_level(simulated):
    assert agreement(simulated("r", "mispositioned_petal", 0.98)).level.value < 0.3
    assert agreement(simulated("r", "fluxcalib_scale", 2.0)).level.value < 0.45


def test_an_exchange_of_two_targets_is_found(simulated):
    camera = simulated("r")
    table = columns(camera)
    light = np.where(on_target(table, band="r") & (camera.cframe.ivar > 0).any(axis=1), table["FIBERFLUX_R"], 0)
    bright = int(np.argmax(light))
    faint = int(np.flatnonzero(light > 0)[np.argmin(np.abs(np.log(light[light > 0] / light[bright]) + 2.5))])
    rows = np.arange(500)
    rows[[bright, faint]] = faint, bright
    found = agreement(camera, rows=rows).swapped
    assert found.value == 1
    assert set(found.fibers) == {(3000 + bright, 3000 + bright), (3000 + faint, 3000 + faint)}


def test_without_imaging_nothing_is_measured(simulated):
    camera = simulated("r")
    found = imaging_agreement(
        camera.cframe.flux,
        camera.cframe.ivar,
        camera.wave,
        fiber=FIBER,
        photometry={},
        band="r",
        is_target=np.ones(500, dtype=bool),
    )
    assert found.level.reason
    assert found.swapped.reason


@pytest.mark.parametrize(("placed", "reason"), [(250, False), (249, True)])
def test_half_of_the_fibers_must_have_a_measured_place(placed, reason):
    x = np.where(np.arange(500) < placed, 0.01, 0.0)
    assert bool(misplaced_fibers(x, 0 * x, fiber=FIBER, tolerance=0.03).reason) is reason


def test_fibers_without_a_place_are_neither_on_nor_off_target():
    x = np.where(np.arange(500) < 300, 0.01, np.nan)
    x[:30] = 0.2
    found = misplaced_fibers(x, 0 * x, fiber=FIBER, tolerance=0.03)
    assert found.value == pytest.approx(30 / 300)
    assert found.fibers == ((3000, 3029),)
    assert found.detail.startswith("30 of 300 fibers are more than 30 micron off")


def test_the_distance_counts_both_coordinates():
    assert misplaced_fibers(np.full(500, 0.03), np.full(500, 0.04), fiber=FIBER, tolerance=0.049).value == 1.0
    assert misplaced_fibers(np.full(500, 0.03), np.full(500, 0.04), fiber=FIBER, tolerance=0.051).value == 0.0


def test_the_worst_patch_is_named_whatever_the_others_lack():
    x = np.full(500, 0.01)
    x[:50], x[200:230], x[410:420] = np.nan, 0.2, 0.2
    found = misplaced_cassette(x, 0 * x, fiber=FIBER, tolerance=0.03)
    assert found.value == pytest.approx(0.6)
    assert found.fibers == ((3200, 3229),)


@pytest.mark.parametrize(("lost", "usable"), [(5, 4), (6, 3)])
def test_a_standard_star_may_lose_half_of_its_pixels(lost, usable):
    target = np.where(np.arange(500) < 4, 1 << 33, 1 << 60)
    ivar = np.ones((500, 10))
    ivar[2, :lost] = 0
    found = standard_stars(target, ivar, fiber=FIBER, flagged=np.zeros(500, dtype=bool))
    assert found.value == usable
    assert found.fibers == (() if usable == 4 else ((3002, 3002),))


def test_every_kind_of_conflict_counts_alone():
    location, targetid = 6000 + np.arange(500), 1000 + np.arange(500)

    def conflicts(fiber=FIBER, location=location, targetid=targetid):
        return identity_conflicts(fiber, location, targetid, petal=6).fibers

    assert conflicts() == ()
    assert conflicts(location=np.where(FIBER == 3007, 5007, location)) == ((3007, 3007),)
    assert conflicts(location=np.where(FIBER == 3007, 7007, location)) == ((3007, 3007),)
    assert conflicts(location=np.where(FIBER == 3007, 6008, location)) == ((3007, 3008),)
    assert conflicts(targetid=np.where(FIBER < 3004, 0, targetid)) == ()
    assert conflicts(fiber=np.where(FIBER == 3499, 3500, FIBER)) == ((3500, 3500),)
