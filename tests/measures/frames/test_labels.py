"""Fibers that hold the light of their neighbours are found by their brightness and by their throughput."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.targets import on_target
from pytest_specqa.measures.frames.labels import neighbours_light, neighbours_throughput
from pytest_specqa.trials.fixtures import camera_fixtures


def light(camera, **columns):
    fibermap = camera_fixtures(camera)["sframe"]().fibermap
    usable = on_target(fibermap, band="r")
    photometry = {"FIBERFLUX_R": fibermap["FIBERFLUX_R"]} | columns
    return neighbours_light(camera.spectra, photometry, band="r", is_target=usable).moved


def test_right_labels_are_left_alone(simulated):
    camera = simulated("r")
    assert light(camera).value == 0
    assert neighbours_throughput(camera.spectra, camera.fiberflat, corrections=camera.sky.thrputcorr).value == 0


@pytest.mark.parametrize("count", [75, 225])
def test_a_run_of_fibers_that_is_one_off_is_found_twice(simulated, count):
    camera = simulated("r", "shifted_labels", float(count))
    rows = camera.truth["shifted_labels"].rows
    first, last = camera.fiber[rows[0]], camera.fiber[rows[-1]]
    for found in (light(camera), neighbours_throughput(camera.spectra, camera.fiberflat, corrections=camera.sky.thrputcorr)):
        assert found.value > 0.3 * count
        assert first - 10 <= found.fibers[0][0]
        assert found.fibers[-1][1] <= last + 10
        assert "hold the light of their neighbours" in found.detail


def test_a_flat_that_was_not_applied_is_no_matter_of_labels(simulated):
    camera = simulated("r")
    pattern = np.exp(np.random.default_rng(0).normal(0, 0.08, 500)).astype(np.float32)
    flat = camera.fiberflat * pattern[:, None]
    spectra = camera.spectra.with_sky(camera.sky.flux * pattern[:, None])
    assert neighbours_throughput(spectra, flat, corrections=np.ones(500)).value == 0


def test_targets_of_unknown_brightness_are_not_judged(simulated):
    camera = simulated("r")
    assert light(camera, FIBERFLUX_R=np.zeros(500)).reason
    assert neighbours_throughput(camera.spectra, np.ones_like(camera.fiberflat), corrections=np.ones(500)).reason
