"""The flat of the file is compared at the wavelengths of the observer, between its bins too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.models.applied_flat import applied_flat
from pytest_specqa.measures.spectra import CameraSpectra

WAVE = 5760.0 + 0.8 * np.arange(2000)
FIBER = np.arange(40)
HELIOCOR = 1.00006
X = np.linspace(-1, 1, WAVE.size)
FLAT = (1 + 0.3 * X**3 + 0.01 * FIBER[:, None] / FIBER.size).astype(np.float32)


def measured(flat: np.ndarray) -> float:
    """Value for a frame that was made with `flat`, if the file holds `FLAT`."""
    flux, sky = np.full(FLAT.shape, 5.0, np.float32), np.full(FLAT.shape, 100.0, np.float32)
    spectra = CameraSpectra(flux, np.ones_like(flux), WAVE, FIBER, FIBER % 10 == 0, sky, heliocor=HELIOCOR)
    return applied_flat(spectra, (flux + sky) * flat, np.ones_like(flux), fiberflat=FLAT).shape.value


def test_a_flat_between_its_bins_is_a_straight_line():
    observed = np.stack([np.interp(WAVE / HELIOCOR, WAVE, row) for row in FLAT.astype(float)]).astype(np.float32)
    assert measured(observed) < 3e-6


@pytest.mark.parametrize("bins", [0.5, -0.5])
def test_half_a_bin_beside_is_seen(bins):
    beside = np.stack([np.interp(WAVE / HELIOCOR + 0.8 * bins, WAVE, row) for row in FLAT.astype(float)]).astype(np.float32)
    assert measured(beside) > 1e-4


def algebra(camera, **changes):
    """What the algebra of a simulated camera gives, some of its arrays exchanged."""
    given = {"flux": camera.sframe.flux, "sky": camera.sky.flux, "fiberflat": camera.fiberflat} | changes
    spectra = replace(camera.spectra, flux=given["flux"], sky=given["sky"])
    return applied_flat(
        spectra, camera.frame.flux, camera.frame.ivar, fiberflat=given["fiberflat"], thrputcorr=camera.sky.thrputcorr
    )


@pytest.mark.parametrize("band", "brz")
def test_a_flat_that_was_applied_once_is_recognised_exactly(simulated, band):
    found = algebra(simulated(band, heliocor=1.00007))
    assert found.exponent.value == pytest.approx(1.0, abs=1e-3)
    assert found.exponent.sensitivity < 0.01
    assert found.pattern.value == 0.0
    assert found.sky.value < 0.01


@pytest.mark.parametrize(("again", "power"), [(1.0, 2.0), (1 / 3, 4 / 3), (-1.0, 0.0)])
def test_a_flat_applied_again_or_not_at_all_shows_its_power(simulated, again, power):
    found = algebra(simulated("r", "flat_applied_again", again))
    assert found.exponent.value == pytest.approx(power, abs=0.1)
    assert found.sky.reason, "what is left of the sky cannot be told"


def test_the_flat_of_the_neighbour_is_told_by_its_pixels(simulated):
    found = algebra(simulated("r", "flat_of_other_fibers", 1 / 3)).pattern
    assert found.value == pytest.approx(1 / 3, abs=0.02)
    assert algebra(simulated("r"), fiberflat=simulated("r", seed=6).fiberflat).pattern.value > 0.9


def test_a_flat_that_is_alike_in_all_fibers_is_told_by_its_pixels():
    flux, sky = np.full(FLAT.shape, 5.0, np.float32), np.full(FLAT.shape, 100.0, np.float32)
    spectra = CameraSpectra(flux, np.ones_like(flux), WAVE, FIBER, FIBER % 10 == 0, sky)
    flat = np.broadcast_to((1 + 0.3 * X**3).astype(np.float32), FLAT.shape)
    assert applied_flat(spectra, (flux + sky) * flat, np.ones_like(flux), fiberflat=flat).exponent.value == pytest.approx(
        1.0, abs=0.01
    )
    assert applied_flat(spectra, (flux + sky) * flat**2, np.ones_like(flux), fiberflat=flat).exponent.value > 1.9
    nothing = applied_flat(spectra, flux + sky, np.ones_like(flux), fiberflat=np.ones_like(flux))
    assert nothing.exponent.reason
    assert nothing.pattern.reason


def test_a_fiber_that_kept_a_part_of_its_sky_is_named(simulated):
    camera = simulated("r")
    flux = camera.sframe.flux.copy()
    flux[77] += 0.11 * camera.sky.flux[77]
    found = algebra(camera, flux=flux).sky
    assert found.value == pytest.approx(0.11, abs=0.01)
    assert found.fibers == ((3077, 3077),)
    assert "0.89" in found.detail


def test_a_sky_that_was_subtracted_twice_is_no_fault_of_the_flat(simulated):
    found = algebra(simulated("r", "double_sky", 1.0))
    assert found.sky.value == pytest.approx(1.0, abs=0.01)
    assert found.shape.value < 1e-3
    assert found.exponent.value == pytest.approx(1.0, abs=0.01)


def test_a_feature_of_the_sframe_alone_is_no_fault_of_flat_or_sky(simulated):
    found = algebra(simulated("r", "vertical_feature", 0.35))
    assert found.exponent.value == pytest.approx(1.0, abs=0.05)
    assert found.pattern.value < 0.02
    assert found.sky.value < 0.05
