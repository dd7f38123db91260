"""A trap that keeps light back shows in the sky lines of its fiber."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_specqa.measures.frames.traps import light_kept_back


def test_a_trap_is_found_from_its_place_on(simulated):
    camera = simulated("r")
    lost, row = camera.sframe.flux.copy(), int(np.flatnonzero(camera.is_sky)[3])
    lost[row, 1300:] -= np.float32(0.2) * camera.sky.flux[row, 1300:]
    found = light_kept_back(replace(camera.spectra, flux=lost))
    assert found.value > 0.1
    assert found.fibers == ((int(camera.fiber[row]),) * 2,)
    assert abs(found.waves[0] - camera.wave[1300]) < 250
    assert "trap" in found.detail


def test_sound_fibers_keep_nothing(simulated):
    assert light_kept_back(simulated("r").spectra).value == 0.0


def test_a_fiber_that_is_fainter_everywhere_has_no_trap(simulated):
    camera = simulated("r")
    dim, row = camera.sframe.flux.copy(), int(np.flatnonzero(camera.is_sky)[3])
    dim[row] -= np.float32(0.2) * camera.sky.flux[row]
    assert light_kept_back(replace(camera.spectra, flux=dim)).value == 0.0
