"""The sky of a single fiber that was left out, scaled or doubled is found; throughputs and resolution are not taken for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.sframes.fibers import fiber_scale
from pytest_specqa.measures.sframes.sky_levels import fiber_sky


def without_sky(camera, row, share):
    """The spectra with a share of the sky of one fiber left in it, and the model that says so."""
    flux, sky = camera.sframe.flux.copy(), camera.sky.flux.copy()
    flux[row] += np.float32(share) * sky[row]
    sky[row] *= np.float32(1.0 - share)
    return replace(camera.spectra, flux=flux, sky=sky)


@pytest.mark.parametrize("band", "brz")
def test_sound_models_are_one_sky(simulated, band):
    camera = simulated(band)
    assert fiber_sky(camera.spectra, camera.sky.thrputcorr).value < 0.05


@pytest.mark.parametrize("share", [0.33, 0.99, 1.0, -1.0])
def test_a_fiber_whose_sky_was_scaled_is_named(simulated, share):
    camera = simulated("r")
    spectra = without_sky(camera, 123, share)
    for found in (fiber_sky(spectra, camera.sky.thrputcorr), fiber_scale(spectra)):
        assert found.value > 0.25
        assert found.fibers[0] == (3123, 3123)


def test_a_bright_object_hides_no_sky_that_was_left(simulated):
    camera = simulated("r")
    row = int(np.flatnonzero((camera.spectra.signal_to_noise > 3) & ~camera.is_sky)[0])
    assert fiber_scale(without_sky(camera, row, 1.0)).fibers == ((3000 + row, 3000 + row),)


def test_a_model_with_its_throughput_is_sound_with_or_without_it(simulated):
    camera = simulated("r")
    throughput = np.ones(500, dtype=np.float32)
    throughput[40] = 0.8
    sky = camera.sky.flux * throughput[:, None]
    assert fiber_sky(replace(camera.spectra, sky=sky), throughput).value < 0.05
    assert fiber_sky(camera.spectra, throughput).value < 0.05


def test_a_dead_fiber_needs_no_sky(simulated):
    camera = simulated("r")
    sky, ivar = camera.sky.flux.copy(), camera.sframe.ivar.copy()
    sky[7], ivar[7] = 0, 0
    assert fiber_sky(replace(camera.spectra, sky=sky, ivar=ivar), None).value < 0.05
