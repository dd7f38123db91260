"""Slit blocks whose sky lines lie elsewhere are found in the frame, whatever the sky model made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.frames.line_places import line_places


@pytest.mark.parametrize("size", [0.35 / 3, 0.35, 1.05])
def test_a_correction_that_was_repeated_for_each_bundle_is_a_stair(simulated, size):
    found = line_places(simulated("r", "repeated_barycenter", size).spectra)
    assert found.value > min(3 * size, 2.0)
    if size < 1:
        assert "step by" in found.detail


@pytest.mark.parametrize("band", "brz")
def test_sound_blocks_agree(simulated, band):
    found = line_places(simulated(band).spectra)
    assert found.value == 0.0
    assert found.sensitivity < 0.1


def test_an_error_that_all_blocks_share_is_another_checks(simulated):
    spectra = simulated("r").spectra
    assert line_places(replace(spectra, heliocor=spectra.heliocor * 1.00005)).value == 0.0


def test_one_block_that_is_off_is_named(simulated):
    spectra = simulated("r").spectra
    flux, sky = spectra.flux.copy(), spectra.sky.copy()
    for one in (flux, sky):
        one[75:100] = np.roll(one[75:100], 1, axis=1)
    found = line_places(replace(spectra, flux=flux, sky=sky))
    first = int(spectra.fiber[75])
    assert found.value == pytest.approx(0.8, abs=0.1)
    assert found.fibers == ((first, first + 24),)
    assert "slit block" in found.detail


def test_without_a_line_nothing_is_measured(simulated):
    spectra = simulated("r").spectra
    assert line_places(replace(spectra, sky=np.ones_like(spectra.sky), flux=0 * spectra.flux)).reason
