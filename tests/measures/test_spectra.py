"""What a camera's spectra are made of is checked once, and what is derived from them is derived once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.errors import InputError
from pytest_specqa.instrument import DESI, Instrument
from pytest_specqa.measures.frames.amplifiers import amplifiers
from pytest_specqa.measures.sframes.noise import noise
from pytest_specqa.measures.sframes.shared_lines import shared_lines
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.sframes.vertical_lines import vertical_lines
from pytest_specqa.measures.spectra import CameraSpectra, once

WAVE = 5760.0 + 0.8 * np.arange(2326)
SIGMA = 10.0


def of(fibers: int, *, instrument: Instrument = DESI, first: int = 0, line: float = 0.0) -> CameraSpectra:
    """Noise, and a line at 6120 A in the first 50 fibers."""
    rng = np.random.default_rng(fibers)
    flux = SIGMA * rng.standard_normal((fibers, WAVE.size))
    flux[:50] += line * np.exp(-0.5 * (WAVE - 6120.0) ** 2)
    return CameraSpectra(
        flux=flux,
        ivar=np.full(flux.shape, SIGMA**-2),
        wave=WAVE,
        fiber=first + np.arange(fibers),
        is_sky=np.arange(fibers) % 12 == 0,
        sky=np.full(flux.shape, 120.0),
        instrument=instrument,
    )


@pytest.mark.parametrize("fibers", [501, 600, 812])
def test_a_slit_of_another_size_is_refused_with_what_to_do(fibers):
    with pytest.raises(InputError, match=rf"fibers 0-{fibers - 1} are not of one spectrograph of DESI.*Instrument"):
        of(fibers, line=40.0)


@pytest.mark.parametrize(("fibers", "block", "patch"), [(600, 25, 50), (812, 29, 58), (500, 20, 100)])
def test_another_instrument_has_its_own_groups(fibers, block, patch):
    other = replace(DESI, name="other", fibers=fibers, block=block, patch=patch, spectrographs=4)
    spectra = of(fibers, instrument=other, first=2 * fibers, line=60.0)
    found = vertical_lines(spectra)
    assert found.narrow.value > 5
    first, last = found.narrow.features[0].fibers
    assert (first, last - first + 1) in {(2 * fibers, block), (2 * fibers, patch)}
    assert found.residual.shape == (fibers // patch, WAVE.size)
    assert list(found.first_fiber) == [2 * fibers + patch * k for k in range(fibers // patch)]
    assert amplifiers(spectra).offset.reason == ""
    assert noise(spectra).correlation.value == 0.0


def test_blocks_must_fill_patches_and_patches_the_slit():
    with pytest.raises(InputError, match="600 fibers in patches of 70 and blocks of 25"):
        replace(DESI, fibers=600, patch=70)
    with pytest.raises(InputError, match="expected blocks that fill patches"):
        replace(DESI, block=20)


def test_fibers_that_are_there_twice_or_out_of_order_are_refused():
    spectra = of(100)
    with pytest.raises(InputError, match="is there twice"):
        replace(spectra, fiber=np.minimum(spectra.fiber, 98))
    with pytest.raises(InputError, match="out of order"):
        replace(spectra, fiber=spectra.fiber[::-1])
    with pytest.raises(InputError, match="no fiber"):
        CameraSpectra(np.empty((0, 5)), np.empty((0, 5)), WAVE[:5], np.array([], dtype=int), np.array([], dtype=bool))
    with pytest.raises(InputError, match="fibers 4990-5089 are not of one"):
        replace(spectra, fiber=4990 + np.arange(100))


def test_arrays_of_other_shapes_are_named():
    spectra = of(100)
    with pytest.raises(InputError, match=r"ivar of shape \(100, 2325\): expected \(100, 2326\)"):
        replace(spectra, ivar=spectra.ivar[:, 1:])
    with pytest.raises(InputError, match=r"sky of shape \(99, 2326\)"):
        replace(spectra, sky=spectra.sky[1:])
    with pytest.raises(InputError, match="is_sky of length 99"):
        replace(spectra, is_sky=spectra.is_sky[1:])


def test_without_a_sky_model_noise_is_judged_and_lines_are_not():
    spectra = replace(of(200), sky=None)
    assert noise(spectra).amplifier_width.value == pytest.approx(1.0, abs=0.05)
    with pytest.raises(InputError, match="without a sky model"):
        fit_lines(spectra)


def test_the_sky_may_be_one_spectrum():
    both = of(200)
    one = replace(both, sky=np.full(WAVE.size, 120.0))
    np.testing.assert_allclose(one.sky_spectrum, both.sky_spectrum)
    np.testing.assert_allclose(one.median_sky, both.median_sky)


def test_what_is_derived_is_derived_once_and_not_carried_over_to_changed_spectra():
    calls = []

    @once
    def level(spectra: CameraSpectra) -> float:
        calls.append(spectra)
        return float(spectra.flux.mean())

    spectra = of(100)
    assert level(spectra) == level(spectra)
    assert len(calls) == 1
    assert fit_lines(spectra) is fit_lines(spectra)
    brighter = replace(spectra, flux=spectra.flux + 100.0)
    assert level(brighter) == pytest.approx(level(spectra) + 100.0)
    assert spectra.faint.all()
    assert not brighter.faint.any()


def test_the_sky_is_added_without_deriving_anything_again():
    bare = replace(of(100), sky=None)
    known = bare.signal_to_noise
    with_sky = bare.with_sky(np.full(bare.flux.shape, 120.0))
    assert with_sky.signal_to_noise is known
    assert with_sky.sky_spectrum[0] == 120.0


def with_line(camera, wave: float, *, height: float):
    flux = camera.sframe.flux.copy()
    flux[120:160] += height * np.exp(-0.5 * ((camera.wave - wave) / 0.75) ** 2).astype(np.float32)
    return replace(camera.spectra, flux=flux)


@pytest.mark.parametrize(
    ("band", "line"),
    [(band, line) for band, grid in DESI.bands.items() for line in DESI.nebular if grid.first + 20 < line.wave < grid.last - 20],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.parametrize("height", [60.0, 1000.0])
def test_no_line_of_the_galaxy_is_light_that_fibers_share_by_a_fault(simulated, band, line, height):
    assert shared_lines(with_line(simulated(band), line.wave, height=height)).value == 0.0


@pytest.mark.parametrize(("band", "wave"), [("b", 5400.0), ("r", 6120.0), ("z", 8200.0)])
def test_the_same_light_anywhere_else_is_one(simulated, band, wave):
    assert shared_lines(with_line(simulated(band), wave, height=90.0)).value > 3.0
