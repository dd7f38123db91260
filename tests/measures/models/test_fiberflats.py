"""Dead fibers, missing lamps, stray light and tilts show in a flat; normal differences of fibers do not."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.models.fiberflats import flat_level, flat_shape, plane_gradient


def measure(camera, flat=None, **options):
    return flat_shape(camera.flat.fiberflat if flat is None else flat, camera.flat.ivar, camera.wave, fiber=camera.fiber, **options)


@pytest.mark.parametrize("band", "brz")
def test_a_sound_flat_passes_every_shape(simulated, band):
    camera = simulated(band, dead_fibers=0)
    found = measure(camera)
    assert found.low_fibers.value > 0.7
    assert found.extremes.value == 0.0
    assert found.edges.value < 0.05
    assert found.narrow.value == 0.0
    assert np.isfinite(found.level).all()


def test_a_broken_fiber_counts_unless_it_is_flagged(simulated):
    camera = simulated("r", dead_fibers=0)
    flat = camera.flat.fiberflat.copy()
    flat[77] *= 0.4
    assert measure(camera, flat).low_fibers.value < 0.6
    assert measure(camera, flat).low_fibers.fibers == ((3077, 3077),)
    assert measure(camera, flat, flagged=np.arange(500) == 77).low_fibers.value > 0.7


def test_a_missing_lamp_changes_the_ends(simulated):
    found = measure(simulated("r", "flat_lamp_off", 2.0))
    assert found.edges.value > 0.5
    assert found.extremes.value > 0.9


def test_stray_light_on_one_fiber_is_placed(simulated):
    camera = simulated("r", "flat_stray_light", 0.2)
    found = measure(camera).narrow
    assert found.value == pytest.approx(0.2, abs=0.06)
    assert found.waves[0] < 5880 < found.waves[1]


def test_a_tilt_is_measured_in_size(simulated):
    camera = simulated("r")
    x, y = camera.fibermap["FIBERASSIGN_X"], camera.fibermap["FIBERASSIGN_Y"]
    level = 1 + 0.1 * x / 407 + np.random.default_rng(0).normal(0, 0.01, 500)
    level[:20] = 5.0
    found = plane_gradient(level, x, y, fiber=camera.fiber)
    assert found.value == pytest.approx(0.1, abs=0.02)
    assert plane_gradient(1 + 0 * level, x, y, fiber=camera.fiber).value < 1e-6


def test_no_places_or_no_response_is_not_measured():
    nothing = np.full(500, np.nan)
    assert plane_gradient(np.ones(500), nothing, nothing, fiber=np.arange(500)).reason
    assert plane_gradient(None, nothing, nothing, fiber=np.arange(500)).reason


def test_a_masked_flat_is_not_measured(simulated):
    camera = simulated("r")
    found = flat_shape(camera.flat.fiberflat, 0 * camera.flat.ivar, camera.wave, fiber=camera.fiber)
    assert found.low_fibers.reason
    assert found.narrow.reason


def test_the_level_leaves_out_flagged_and_masked_fibers(simulated):
    camera = simulated("r")
    ivar = np.array(camera.flat.ivar)
    ivar[9] = 0
    level = flat_level(camera.flat.fiberflat, ivar, flagged=np.arange(500) == 8)
    assert np.isnan(level[[8, 9]]).all()
    np.testing.assert_allclose(level[20:], np.median(camera.flat.fiberflat[20:], axis=1), rtol=0.02)
