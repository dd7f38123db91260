"""Residuals of single fibers in bins: alike in scatter whatever the object, and a fault that stays adds up."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from pytest_specqa.measures.sframes.fiber_bins import LARGEST, WIDTH, bin_edges, fiber_bins
from pytest_specqa.measures.spectra import CameraSpectra
from pytest_specqa.measures.statistics import mad_scale

WAVE = 5760.0 + 0.8 * np.arange(2326)
N = 120
BRIGHTNESS = np.repeat([0.0, 0.5, 20.0, 400.0], N // 4)
"""Of sky, faint, ordinary and bright objects, in electron/Angstrom; the noise of a pixel is about 3."""


@lru_cache(maxsize=16)
def camera(seed: int = 1) -> CameraSpectra:
    """Fibers with another object in each exposure: a bent continuum, an emission line, a break; variance raised at sky lines."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, WAVE.size)
    shape = 1 + 0.4 * rng.normal(size=(N, 1)) * x + 0.2 * rng.normal(size=(N, 1)) * x**2
    line = np.exp(-0.5 * np.square((WAVE - rng.uniform(WAVE[0], WAVE[-1], (N, 1))) / 2.0))
    light = BRIGHTNESS[:, None] * (shape + 0.15 * (rng.uniform(WAVE[0], WAVE[-1], (N, 1)) < WAVE))
    light += 25.0 * line * (rng.random((N, 1)) < 0.3) * (BRIGHTNESS > 0)[:, None]
    sky_lines = 1 + 8 * np.exp(-0.5 * np.square(((WAVE - WAVE[0]) % 170 - 85) / 1.5))
    variance = 9.0 * sky_lines + np.abs(light)
    stated = variance * np.where(sky_lines > 1.5, 2.0, 1.0)
    flux = light + np.sqrt(variance) * rng.normal(size=light.shape)
    cosmic = rng.random(flux.shape) < 2e-4
    flux[cosmic] += 500.0
    return CameraSpectra(
        flux.astype(np.float32), (1 / stated).astype(np.float32), WAVE, 1500 + np.arange(N), is_sky=BRIGHTNESS == 0, sky=None
    )


def stacked(fault: np.ndarray, rows: np.ndarray, n_exposure: int = 12) -> np.ndarray:
    """Sum over exposures of the residuals of some fibers, in sigmas, with a fault in all of them; none says more than five."""
    found = []
    for seed in range(n_exposure):
        spectra = camera(seed)
        flux = spectra.flux.copy()
        flux[rows] += fault.astype(np.float32)
        found.append(np.clip(fiber_bins(replace(spectra, flux=flux)).residual[rows], -5, 5))
    return np.sum(found, axis=0) / np.sqrt(n_exposure)


@pytest.mark.parametrize("level", sorted(set(BRIGHTNESS.tolist())))
def test_all_kinds_of_objects_scatter_alike_about_zero(level):
    found = np.concatenate([fiber_bins(camera(seed)).residual[level == BRIGHTNESS] for seed in range(4)])
    assert 0.8 < mad_scale(found.ravel()) < 1.1
    assert abs(found.mean()) < 0.1
    assert np.abs(found.mean(axis=0)).max() < 5 / np.sqrt(len(found)) * found.std()


def test_bins_cover_the_spectrum_and_all_fibers_have_them():
    spectra = camera()
    found = fiber_bins(spectra)
    assert found.residual.shape == (N, WAVE.size // WIDTH)
    assert np.isfinite(found.residual).all()
    assert found.edges[[0, 1, -1]] == pytest.approx([WAVE[0] - 0.4, WAVE[0] - 0.4 + 0.8 * WIDTH, WAVE[-1] + 0.4])
    assert np.array_equal(found.edges, bin_edges(spectra))


@pytest.mark.parametrize(("width", "least", "most"), [(4, 0.27, 0.38), (80, 0.5, 0.85)])
def test_a_fault_in_one_place_adds_up_over_exposures(width, least, most):
    rows = np.array([0, 1, 30, 31, 60, 61])
    starts = np.searchsorted(WAVE, bin_edges(camera()))
    first = starts[40] + 10
    fault = np.zeros(WAVE.size)
    fault[first : first + width] = 1.5
    best = 1.5 * np.sqrt(12 * camera().ivar[rows, first : first + width].sum(axis=1))
    bins = slice(40, np.searchsorted(starts, first + width))
    change = (stacked(fault, rows) - stacked(np.zeros(WAVE.size), rows))[:, bins].sum(axis=1) / np.sqrt(bins.stop - bins.start)
    assert least < np.mean(change / best) < most


def test_the_lines_of_objects_and_cosmic_rays_do_not_add_up():
    found = np.abs(stacked(np.zeros(WAVE.size), np.arange(N)))
    assert found[BRIGHTNESS < 400].max() < 5
    assert np.quantile(found[BRIGHTNESS == 400], 0.99) < 5


def test_a_bin_near_a_sky_line_counts_as_much_as_any_other():
    found = np.concatenate([fiber_bins(camera(seed)).residual for seed in range(4)])
    assert np.ptp(mad_scale(found, axis=0)) < 0.45


def test_what_grows_with_the_light_of_the_objects_is_no_fault_of_a_fiber():
    spectra = camera()
    band = np.where((WAVE > 6800) & (WAVE < 6815), 0.7, 1.0)
    absorbed = fiber_bins(replace(spectra, flux=(spectra.flux * band).astype(np.float32))).residual
    place = np.searchsorted(fiber_bins(spectra).edges, 6807) - 1
    assert abs(np.median(absorbed[BRIGHTNESS == 400, place])) < 1.0


def test_bins_and_fibers_without_data_are_not_known():
    spectra = camera()
    ivar, flux = spectra.ivar.copy(), spectra.flux.copy()
    ivar[3] = 0
    starts = np.searchsorted(WAVE, bin_edges(spectra))
    ivar[5, starts[10] : starts[11] - 7] = 0
    flux[7, ::2], ivar[8, 1::2] = np.nan, np.inf
    flux[9, 100] = np.inf
    found = fiber_bins(replace(spectra, ivar=ivar, flux=flux))
    assert np.isnan(found.residual[3]).all()
    assert np.isnan(found.error[3])
    assert np.flatnonzero(np.isnan(found.residual[5])).tolist() == [10]
    others = np.delete(np.arange(N), [3, 5])
    assert np.isfinite(found.residual[others]).all()
    assert np.abs(found.residual[[7, 8, 9]]).max() < 12


def test_a_residual_beyond_all_bounds_is_one_that_can_be_stored():
    spectra = camera()
    flux = spectra.flux.copy()
    flux[0, 320:352] = 1e30
    assert fiber_bins(replace(spectra, flux=flux)).residual[0].max() <= LARGEST


def test_the_error_is_that_of_the_mean_over_a_bin():
    found = fiber_bins(camera()).error[BRIGHTNESS == 0]
    assert found == pytest.approx(3.0 / np.sqrt(WIDTH), rel=0.25)


@pytest.mark.parametrize("n_wave", [5, 40])
def test_spectra_shorter_than_the_continuum_are_no_crash(n_wave):
    spectra = camera()
    short = replace(spectra, flux=spectra.flux[:, :n_wave], ivar=spectra.ivar[:, :n_wave], wave=WAVE[:n_wave])
    found = fiber_bins(short)
    assert found.residual.shape == (N, 1)
    assert found.edges.shape == (2,)
