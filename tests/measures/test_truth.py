"""Values, errors and sensitivities of the searches agree with noise of known size and with what was planted in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from pytest_specqa.measures.sframes.amplifiers import amplifiers
from pytest_specqa.measures.sframes.collimator import DIP, WIDTH, collimator_dip
from pytest_specqa.measures.sframes.fibers import fiber_residuals, fiber_scale
from pytest_specqa.measures.sframes.skylines import fit_lines, line_scale
from pytest_specqa.measures.sframes.wavelength import wavelength_errors
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import MARGIN
from pytest_specqa.measures.where import sky_continuum
from pytest_specqa.values import Measured

SIGMA = 10.0
CONTINUUM = 120.0
N = 500


def camera(seed: int, *, first: float = 5760.0, sigma: float = SIGMA) -> CameraSpectra:
    """Noise of known size under a sky of a continuum and thirty lines; every eleventh fiber is a sky fiber."""
    wave = first + 0.8 * np.arange(2326)
    rng = np.random.default_rng(2)
    sky = np.full(wave.size, CONTINUUM)
    for centre, height in zip(rng.uniform(wave[20], wave[-20], 30), 10 ** rng.uniform(2.5, 3.5, 30), strict=True):
        sky = sky + height * np.exp(-0.5 * ((wave - centre) / 0.8) ** 2)
    flux = (sigma * np.random.default_rng(seed).standard_normal((N, wave.size))).astype(np.float32)
    ivar = np.full(flux.shape, sigma**-2, dtype=np.float32)
    return CameraSpectra(flux, ivar, wave, 3000 + np.arange(N), np.arange(N) % 11 == 0, np.tile(sky, (N, 1)))


def lines(spectra: CameraSpectra) -> np.ndarray:
    return spectra.sky_spectrum - sky_continuum(spectra.sky_spectrum)


def in_rows(rows: slice, shape: Callable[[CameraSpectra], np.ndarray]) -> Callable[[CameraSpectra, float], CameraSpectra]:
    """Plant a shape times an amplitude in some fibers."""

    def plant(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
        flux = spectra.flux.copy()
        flux[rows] += (amplitude * shape(spectra)).astype(np.float32)
        return replace(spectra, flux=flux)

    return plant


def jump(spectra: CameraSpectra) -> np.ndarray:
    return np.where(np.arange(spectra.wave.size) >= spectra.wave.size // 2, 1.0, 0.0)


def dip(spectra: CameraSpectra, amplitude: float) -> CameraSpectra:
    x = (spectra.wave - DIP) / WIDTH
    shape = x * np.exp(0.5 - 0.5 * x**2) * CONTINUUM
    return replace(spectra, flux=spectra.flux + amplitude * np.linspace(-1, 1, N)[:, None] * shape)


@dataclass(frozen=True)
class Search:
    """One value: how it is taken, how a truth is planted, and where; its error may have a part that is no noise of pixels."""

    take: Callable[[CameraSpectra], Measured]
    plant: Callable[[CameraSpectra, float], CameraSpectra]
    fibers: tuple[int, int]
    first: float = 5760.0
    floor: bool = False


SEARCHES = {
    "sky_fiber_light": Search(
        lambda s: fiber_residuals(s).sky_fiber,
        in_rows(slice(110, 111), lambda s: np.ones(s.wave.size)),
        (3110, 3110),
        floor=True,
    ),
    "fiber_below_zero": Search(
        lambda s: fiber_residuals(s).below_zero, in_rows(slice(110, 111), lambda s: -np.ones(s.wave.size)), (3110, 3110)
    ),
    "amplifier_step": Search(lambda s: amplifiers(s).step, in_rows(slice(250, 500), jump), (3250, 3499)),
    "amplifier_offset": Search(
        lambda s: amplifiers(s).offset,
        in_rows(slice(250, 500), lambda s: np.ones(s.wave.size)),
        (3250, 3499),
        floor=True,
    ),
    "sky_line_fiber_scale": Search(fiber_scale, in_rows(slice(37, 38), lines), (3037, 3037)),
    "wavelength_shift_fiber": Search(
        lambda s: wavelength_errors(s).fiber_shift, in_rows(slice(37, 38), lambda s: -np.gradient(lines(s), s.wave)), (3037, 3037)
    ),
    "wavelength_shift_group": Search(
        lambda s: wavelength_errors(s).group_shift, in_rows(slice(100, 125), lambda s: -np.gradient(lines(s), s.wave)), (3100, 3124)
    ),
    "line_spread_group": Search(
        lambda s: wavelength_errors(s).group_width,
        in_rows(slice(100, 125), lambda s: np.gradient(np.gradient(lines(s), s.wave), s.wave)),
        (3100, 3124),
    ),
    "collimator_dip": Search(collimator_dip, dip, (3000, 3499), first=3600.0),
}
each = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)


@each
def test_noise_alone_is_zero_without_a_place(search):
    for seed in range(3):
        found = search.take(camera(seed, first=search.first))
        assert found.value == 0.0
        assert found.fibers == ()
        assert found.features == ()
        assert 0 < found.error < found.sensitivity


@each
def test_error_and_sensitivity_grow_with_the_noise(search):
    quiet = search.take(camera(1, first=search.first))
    loud = search.take(camera(1, first=search.first, sigma=1.5 * SIGMA))
    # Throughputs and flats scatter by half a per cent of the sky: that part of an error does not grow.
    least = 1.0 if search.floor else 1.2
    assert search.floor or least < loud.error / quiet.error < 2.0
    assert least < loud.sensitivity / quiet.sensitivity < 2.0


@each
def test_the_sensitivity_is_what_would_just_have_been_seen(search):
    spectra = camera(1, first=search.first)
    sensitivity = search.take(spectra).sensitivity
    assert search.take(search.plant(spectra, 2.0 * sensitivity)).value > 0.0
    assert search.take(search.plant(spectra, 0.3 * sensitivity)).value == 0.0


@each
def test_the_error_covers_what_was_planted_where_it_was(search):
    size = 3.0 * search.take(camera(0, first=search.first)).sensitivity
    found = [search.take(search.plant(camera(seed, first=search.first), size)) for seed in range(4)]
    for one in found:
        assert one.value + MARGIN * one.error == pytest.approx(size, rel=0.25, abs=4 * one.error)
        low, high = one.fibers[0]
        assert search.fibers[0] <= low <= high <= search.fibers[1] or (low, high) == (3000, 3249)
        assert len(one.features) == 1
        assert one.features[0].error == one.error
        assert one.features[0].significance > 5


def test_the_scale_of_all_lines_is_signed_and_as_certain_as_it_says():
    values, errors = [], []
    for seed in range(12):
        spectra = camera(seed)
        spectra = replace(spectra, flux=spectra.flux - 0.02 * lines(spectra))
        found = line_scale(spectra)
        values.append(found.value)
        errors.append(found.error)
    assert np.mean(values) == pytest.approx(-0.02, abs=3 * np.mean(errors) / np.sqrt(12))
    assert 0.5 < np.std(values) / np.mean(errors) < 2.0


def test_a_fault_of_the_width_is_none_of_the_place_and_the_errors_are_their_own():
    spectra = camera(3)
    found = wavelength_errors(spectra)
    assert found.fiber_shift.error != found.group_width.error
    broad = SEARCHES["line_spread_group"].plant(spectra, 3 * found.group_width.sensitivity)
    assert wavelength_errors(broad).group_shift.value == 0.0
    moved = SEARCHES["wavelength_shift_group"].plant(spectra, 3 * found.group_shift.sensitivity)
    assert wavelength_errors(moved).group_width.value == 0.0


def test_shifts_and_widths_have_the_errors_of_their_own_fit_over_the_whole_spectrum():
    spectra = camera(3)
    fit, found = fit_lines(spectra), wavelength_errors(spectra)
    shift, width = fit.errors[1, :, -1], fit.errors[2, :, -1]
    assert np.isclose(shift, found.fiber_shift.error, rtol=1e-6).any()
    assert found.group_shift.error == pytest.approx(np.median(shift) / 5, rel=0.2)
    assert found.group_width.error == pytest.approx(np.median(width) / 5, rel=0.2)
    assert np.isclose(fit.errors[1, :, :-1], 5 * found.local_shift.error, rtol=0.3).any()
    assert found.local_shift.error > 1.5 * found.group_shift.error
