"""Steps, offsets and row noise are found where an amplifier causes them, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.frames.amplifiers import amplifiers, has_two_amplifiers


def measure(camera, *, two_amp=False, **changes):
    return amplifiers(replace(camera.spectra, **changes), two_amp=two_amp)


@pytest.mark.parametrize("band", "brz")
def test_sound_amplifiers_agree(simulated, band):
    found = measure(simulated(band))
    assert (found.step.value, found.offset.value, found.row_noise.value) == (0.0, 0.0, 0.0)
    assert max(found.step.sensitivity, found.offset.sensitivity) < 3.0


def test_a_step_is_measured_in_its_half(simulated):
    camera = simulated("r")
    flux = camera.sframe.flux.copy()
    flux[250:, 1163:] += 15.0
    found = measure(camera, flux=flux)
    assert found.step.value == pytest.approx(15.0, abs=5.0)
    first, last = found.step.fibers[0]
    assert first % 500 // 250 == last % 500 // 250
    assert found.offset.value > 4.0


def test_a_charge_trap_in_part_of_an_amplifier_is_found(simulated):
    found = measure(simulated("r", "cte_offset", 12.0))
    assert max(found.step.value, found.offset.value) > 3.0


def test_row_noise_is_found_along_curved_rows(simulated):
    assert measure(simulated("r", "noisy_amp", 9.5)).row_noise.value > 1.5
    assert measure(simulated("r", "bad_bias", 10.0)).row_noise.value > 1.5


def test_what_all_fibers_share_is_no_fault_of_an_amplifier(simulated):
    camera = simulated("r")
    shared = np.where(camera.wave > 6690, 10.0, -10.0).astype(np.float32)
    found = measure(camera, flux=camera.sframe.flux + shared)
    assert (found.step.value, found.offset.value) == (0.0, 0.0)


def test_two_amplifiers_have_no_middle_row(simulated):
    assert measure(simulated("r"), two_amp=True).step.reason
    assert has_two_amplifiers({"OBSRDNA": 3.0, "OBSRDNB": 3.0})
    assert not has_two_amplifiers({f"OBSRDN{letter}": 3.0 for letter in "ABCD"})
    assert not has_two_amplifiers({})


def test_a_half_without_fibers_is_not_measured(simulated):
    camera = simulated("r")
    ivar = camera.sframe.ivar.copy()
    ivar[:250] = 0
    found = measure(camera, ivar=ivar, is_sky=camera.is_sky & (ivar > 0).any(axis=1))
    assert found.step.reason
    assert found.offset.reason
    assert found.row_noise.reason


def test_half_of_the_reported_step_is_found(simulated):
    found = measure(simulated("r", "amp_bias_step", 5.0))
    assert max(found.step.value, found.offset.value) > 2.0


def test_what_only_the_sky_model_has_is_no_fault_of_an_amplifier(simulated):
    camera = simulated("r")
    bump = 0.3 * camera.sky.flux * np.exp(-0.5 * ((camera.wave - 6690) / 60) ** 2) * (np.arange(500) < 50)[:, None]
    model = (camera.sky.flux + bump).astype(np.float32)
    found = measure(camera, sky=model, flux=camera.sframe.flux + camera.sky.flux - model)
    assert (found.step.value, found.offset.value) == (0.0, 0.0)


def test_a_gradient_of_all_of_the_sky_is_no_fault_of_an_amplifier(simulated):
    camera = simulated("r")
    slope = np.linspace(-0.03, 0.03, 500)[:, None]
    found = measure(camera, flux=(camera.sframe.flux + slope * camera.sky.flux).astype(np.float32))
    assert (found.step.value, found.offset.value) == (0.0, 0.0)
