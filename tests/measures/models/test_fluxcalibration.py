"""A calibration is finite, honest about its error, free of lines, and applied to flux and ivar alike."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.models.fluxcalibration import calibrated_alike, calibration_lines, largest_ivar, usable_calibration


@pytest.mark.parametrize("band", "brz")
def test_a_sound_calibration_passes(simulated, band):
    camera = simulated(band)
    vector, ivar = camera.fluxcalib.fluxcalib, camera.fluxcalib.ivar
    assert usable_calibration(vector, ivar, fiber=camera.fiber, expected=np.ones(500, dtype=bool)).value == 1.0
    assert largest_ivar(ivar, fiber=camera.fiber).value < 1e10
    assert calibration_lines(vector, ivar, camera.wave, fiber=camera.fiber).value < 0.01


def test_zero_and_absurd_vectors_are_told(simulated):
    camera = simulated("r")
    vector = camera.fluxcalib.fluxcalib.copy()
    vector[:250] = 0
    vector[250] = np.nan
    found = usable_calibration(vector, camera.fluxcalib.ivar, fiber=camera.fiber, expected=np.ones(500, dtype=bool))
    assert found.value == pytest.approx(249 / 500)
    assert found.fibers == ((3000, 3250),)
    assert usable_calibration(vector, camera.fluxcalib.ivar, fiber=camera.fiber, expected=np.zeros(500, dtype=bool)).reason
    ivar = np.array(camera.fluxcalib.ivar)
    ivar[3, 5] = np.inf
    assert largest_ivar(ivar, fiber=camera.fiber).value == np.inf
    assert largest_ivar(ivar, fiber=camera.fiber).fibers == ((3003, 3003),)


def test_an_interstellar_line_is_measured_and_named(simulated):
    camera = simulated("b")
    dip = 1 - 0.03 * np.exp(-0.5 * ((camera.wave - 3934.8) / 3) ** 2)
    found = calibration_lines(camera.fluxcalib.fluxcalib * dip, camera.fluxcalib.ivar, camera.wave, fiber=camera.fiber)
    assert found.value == pytest.approx(0.03, abs=0.006)
    assert "Ca II K" in found.detail


def test_the_same_spectra_before_and_after_calibration(simulated):
    camera = simulated("r")
    arrays = (camera.cframe.flux, camera.cframe.ivar, camera.sframe.flux, camera.sframe.ivar)
    options = {"fluxcalib": camera.fluxcalib.fluxcalib, "fiber": camera.fiber}
    flux, ivar = calibrated_alike(*arrays, **options)
    assert flux.value < 0.01
    assert ivar.value == pytest.approx(1.0, abs=0.01)
    twice = camera.cframe.flux - camera.sky.flux / camera.fluxcalib.fluxcalib
    assert calibrated_alike(twice, *arrays[1:], **options)[0].value > 1.0
    unsquared = camera.cframe.ivar.copy()
    row = int(np.flatnonzero(camera.is_sky)[1])
    unsquared[row] /= 28
    ivar = calibrated_alike(arrays[0], unsquared, *arrays[2:], **options)[1]
    assert ivar.value == pytest.approx(1 / 28, rel=0.05)
    assert ivar.fibers == ((3000 + row, 3000 + row),)
    assert calibrated_alike(arrays[0], 0 * unsquared, *arrays[2:], **options)[0].reason


def test_a_dip_far_from_every_known_line_is_called_unknown(simulated):
    camera = simulated("b")
    dip = 1 - 0.03 * np.exp(-0.5 * ((camera.wave - 4600.0) / 3) ** 2)
    found = calibration_lines(camera.fluxcalib.fluxcalib * dip, camera.fluxcalib.ivar, camera.wave, fiber=camera.fiber)
    assert found.waves[0] < 4600 < found.waves[1]
    assert "no known line" in found.detail


@pytest.mark.parametrize(("factor", "told"), [(1.5, 1.5), (0.6, 1.0)])
def test_a_bright_fiber_may_lose_weight_and_not_gain_it(simulated, factor, told):
    camera = simulated("r")
    bright = int(np.nanargmax(np.median(camera.sframe.flux * np.sqrt(camera.sframe.ivar), axis=1)))
    ivar = camera.cframe.ivar.copy()
    ivar[bright] *= factor
    found = calibrated_alike(
        camera.cframe.flux,
        ivar,
        camera.sframe.flux,
        camera.sframe.ivar,
        fluxcalib=camera.fluxcalib.fluxcalib,
        fiber=camera.fiber,
    )[1]
    assert found.value == pytest.approx(told, abs=0.01)
