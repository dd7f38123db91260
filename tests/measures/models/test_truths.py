"""A sky that is dark, a vector that jumps, a flat without weight and lines that differ are named; sound models pass."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.models.fiberflats import flat_shape
from pytest_specqa.measures.models.line_evenness import line_evenness
from pytest_specqa.measures.models.truths import calibration_truths, sky_lowest


def sky_of(camera, flux=None, ivar=None):
    sky = camera.sky
    return sky_lowest(sky.flux if flux is None else flux, sky.ivar if ivar is None else ivar, camera.wave, fiber=camera.fiber)


def calibration_of(camera, vectors=None, ivar=None):
    given = camera.fluxcalib
    return calibration_truths(
        given.fluxcalib if vectors is None else vectors,
        given.ivar if ivar is None else ivar,
        camera.wave,
        fiber=camera.fiber,
        expected=np.ones(len(camera.fiber), dtype=bool),
    )


@pytest.mark.parametrize("band", "brz")
def test_sound_models_pass(simulated, band):
    camera = simulated(band, exptime=150.0)
    sky, calibration = sky_of(camera), calibration_of(camera)
    assert sky.value > 0.8
    assert calibration.roughness.value < 0.005
    assert calibration.fiber_roughness.value < 0.01
    assert calibration.fiber_level.value < 0.1
    assert calibration.certainty.value < 1e3


def test_a_dark_range_is_placed_and_what_has_no_weight_is_not(simulated):
    camera = simulated("r")
    flux, ivar = camera.sky.flux.copy(), np.array(camera.sky.ivar)
    inside = (camera.wave > 6200) & (camera.wave < 6500)
    flux[np.ix_([77, 78], np.flatnonzero(inside))] *= -1
    ivar[78] = 0
    found = sky_of(camera, flux, ivar)
    assert found.value < 0
    assert found.fibers == ((3077, 3077),)
    assert 6150 < found.waves[0] < 6250
    assert 6450 < found.waves[1] < 6550


def test_a_sky_that_is_negative_in_all_fibers_is_lowest(simulated):
    camera = simulated("r")
    found = sky_of(camera, -camera.sky.flux)
    assert found.value == 0.0
    assert sky_of(camera, ivar=0 * camera.sky.ivar).reason


@pytest.mark.parametrize("size", [0.5, 0.5 / 3])
def test_a_rough_chunk_is_placed(simulated, size):
    camera = simulated("r", "rough_calibration", size)
    found = calibration_of(camera).roughness
    assert found.value == pytest.approx(size, rel=0.5)
    low, high = camera.truth["rough_calibration"].waves
    assert low - 45 < found.waves[0]
    assert found.waves[1] < high + 45


def test_noise_that_the_ivar_admits_is_not_rough(simulated):
    camera = simulated("r")
    noise = 1 + 0.1 * np.random.default_rng(1).standard_normal(camera.wave.size)
    vectors = camera.fluxcalib.fluxcalib * noise.astype(np.float32)
    admits = (1 / (0.1 * vectors) ** 2).astype(np.float32)
    assert calibration_of(camera, vectors).roughness.value > 0.08
    assert calibration_of(camera, vectors, admits).roughness.value < 0.06


def test_one_vector_of_another_kind_is_named(simulated):
    camera = simulated("r")
    vectors = camera.fluxcalib.fluxcalib.copy()
    vectors[77] *= 10
    vectors[99] *= 1 + 0.2 * np.random.default_rng(1).standard_normal(camera.wave.size).astype(np.float32)
    found = calibration_of(camera, vectors)
    assert found.fiber_level.value == pytest.approx(np.log(10), abs=0.05)
    assert found.fiber_level.fibers == ((3077, 3077),)
    assert found.fiber_roughness.fibers == ((3099, 3099),)
    assert found.roughness.value < 0.005


def test_a_vector_that_claims_to_be_exact_is_seen(simulated):
    camera = simulated("r")
    assert calibration_of(camera, ivar=1e8 * camera.fluxcalib.ivar).certainty.value > 1e5
    assert calibration_of(camera, ivar=0 * camera.fluxcalib.ivar).roughness.reason


@pytest.mark.parametrize("part", [1.0, 1 / 3])
def test_a_masked_flat_is_a_finding_of_the_flat(simulated, part):
    camera = simulated("r", "flat_masked", part)
    assert flat_shape(camera.fiberflat, camera.flat.ivar, camera.wave, fiber=camera.fiber).masked.value == pytest.approx(
        part, abs=0.01
    )
    flagged = np.ones(len(camera.fiber), dtype=bool)
    assert flat_shape(camera.fiberflat, camera.flat.ivar, camera.wave, fiber=camera.fiber, flagged=flagged).masked.reason


def test_lines_scatter_where_the_flat_was_not_applied(simulated):
    camera = simulated("r", throughput_scatter=0.017, sky_gradient=0.026)
    assert line_evenness(camera.spectra, camera.sky.thrputcorr).value < 0.03
    faulty = simulated("r", "flat_applied_again", -1.0)
    assert line_evenness(faulty.spectra, faulty.sky.thrputcorr).value > 0.035
