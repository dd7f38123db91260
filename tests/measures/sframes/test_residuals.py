"""Continuum and lines of a sky, and the residual that each pixel may have, are where they are."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.measures.sframes.residuals import (
    BIN,
    CONTINUUM_TOLERANCE,
    LINE_TOLERANCE,
    SHIFT_TOLERANCE,
    WIDTH_TOLERANCE,
    line_template,
    object_brightness,
)

WAVE = 5760.0 + 0.8 * np.arange(2326)


def test_the_continuum_of_a_slope_is_that_slope():
    slope = 100.0 + 0.05 * (WAVE - WAVE[0])
    template = line_template(slope, WAVE)
    inside = slice(200, -200)
    # The lower quartile of a bin of eight lies 1.75 bins below its middle.
    np.testing.assert_allclose(template.continuum[inside], slope[inside] - 0.05 * 0.8 * 1.75, atol=0.01)
    assert template.lines[inside].max() < 0.1


def test_a_line_is_no_continuum_and_may_leave_what_its_shape_allows():
    line = 1000 * np.exp(-0.5 * ((WAVE - 6500) / 0.8) ** 2)
    template = line_template(100 + line, WAVE)
    peak, flank = int(np.argmax(line)), int(np.argmax(np.abs(np.gradient(line))))
    assert template.continuum[peak] == pytest.approx(100, rel=0.01)
    assert template.lines[peak] == pytest.approx(1000, rel=0.02)
    expected = SHIFT_TOLERANCE * abs(np.gradient(line, WAVE)[flank]) + LINE_TOLERANCE * line[flank] + CONTINUUM_TOLERANCE * 100
    second = abs(np.gradient(np.gradient(line, WAVE), WAVE)[flank])
    assert template.floor[flank] == pytest.approx(expected + WIDTH_TOLERANCE * second, rel=0.02)
    assert template.floor[100] == pytest.approx(CONTINUUM_TOLERANCE * 100, rel=0.01)


def test_nan_is_no_sky():
    sky = np.full(WAVE.size, 50.0)
    sky[1000:1040] = np.nan
    template = line_template(sky, WAVE)
    assert np.isfinite(template.floor).all()
    assert template.continuum[500] == pytest.approx(50.0)


def test_the_brightness_of_an_object_is_its_continuum_at_its_place():
    step = np.where(np.arange(WAVE.size) < 1200, 10.0, 30.0)
    spectra = np.stack([step, np.full(WAVE.size, 5.0), np.zeros(WAVE.size)]).astype(np.float32)
    weight = np.ones_like(spectra)
    weight[2] = 0
    weight[1, 400:420] = 0
    spectra[1, 400:420] = 1e6
    brightness, found = object_brightness(spectra, weight)
    continuum = found.pixels
    assert brightness[1] == pytest.approx(5.0)
    np.testing.assert_allclose(continuum[1], 5.0)
    assert continuum[0, 1200 - 8 * BIN] == pytest.approx(10.0)
    assert continuum[0, 1200 + 8 * BIN] == pytest.approx(30.0)
    middle = int(np.flatnonzero(continuum[0] > 20)[0])
    assert abs(middle - 1200) <= BIN
    assert (continuum[2] == 0).all()
