"""Petals against each other and against images, the cameras of a petal, the exposures of a tile, and light on a line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.instrument import DESI
from pytest_specqa.measures.focal.camera_joins import camera_joins
from pytest_specqa.measures.focal.levels import exposure_levels
from pytest_specqa.measures.focal.streaks import light_streak
from pytest_specqa.measures.focal.vectors import calibration_vectors
from pytest_specqa.measures.focal.visits import compare_visits
from pytest_specqa.measures.models.light import BINS, FiberLight, fiber_light

N = 60
SKY = np.arange(N) % 12 == 0
STAR = np.arange(N) % 6 == 1


def light(petal, *, band="r", expid=1, level=1.0, stars=1.0, vector=0.0, rng=None):
    """Fibers of a camera with some scatter around their images; all targets `level` times as bright, and stars another factor."""
    rng = rng or np.random.default_rng([petal, expid, ord(band)])
    imaged = np.where(SKY, 0.0, 10 ** np.random.default_rng(petal).uniform(1, 2, N))
    scatter = np.exp(0.05 * np.random.default_rng([petal, 7]).standard_normal(N))
    flux = imaged * scatter * level * np.where(STAR, stars, 1.0) + 0.1 * rng.standard_normal(N)
    error = np.full(N, 0.1)
    angle = 2 * np.pi * (petal + rng.random(N)) / 10
    radius = 400 * np.sqrt(rng.random(N))
    shared = {pair: (flux, error) for pair in DESI.overlaps if band in pair.split(" and ")}
    return FiberLight(
        camera=f"{band}{petal}",
        band=band,
        petal=petal,
        expid=expid,
        fiber=500 * petal + np.arange(N),
        flux=flux,
        error=error,
        expected=imaged,
        target=~SKY,
        star=STAR,
        sky=SKY,
        x=radius * np.cos(angle),
        y=radius * np.sin(angle),
        joins=shared,
        vector=np.full(BINS, 4.0 + vector),
    )


def exposure(changed=None, *, band="r", expid=1, petals=range(10), **change):
    """One band of an exposure; the changes are for one petal, or for all."""
    return [light(petal, band=band, expid=expid, **(change if changed in (None, petal) else {})) for petal in petals]


def test_a_petal_that_is_brighter_than_the_others_is_found_and_named():
    found = exposure_levels(exposure(3, level=1.2)).petal
    assert found.value == pytest.approx(0.17, abs=0.03)
    assert found.fibers == ((1500, 1999),)
    assert "petal 3" in found.detail
    assert "brighter" in found.detail


def test_clean_petals_do_not_differ_and_one_in_fifteen_would_have_been_seen():
    found = exposure_levels(exposure())
    assert found.petal.value == 0
    assert found.petal.sensitivity < 1 / 15
    assert found.exposure.value == pytest.approx(1, abs=0.02)


def test_petals_that_all_gain_light_over_their_images_are_found_as_a_whole():
    found = exposure_levels(exposure(level=1.32))
    assert found.petal.value == 0
    assert found.exposure.value > 1.25
    assert "all 10 petals are 3" in found.exposure.detail


def test_galaxies_that_lose_light_to_seeing_are_no_fault_while_stars_keep_theirs():
    found = exposure_levels(exposure(level=0.7, stars=1 / 0.7))
    assert found.exposure.value == pytest.approx(1, abs=0.02)


def test_a_fainter_night_is_common_to_the_bands_and_colors_a_single_camera():
    others = exposure(3, level=1.2, band="b") + exposure(3, level=1.2, band="z")
    assert exposure_levels(exposure(3, level=1.2) + others).color.value == 0
    assert exposure_levels(exposure(3, level=1.2) + exposure(band="b") + exposure(band="z")).color.value > 0.1


@pytest.mark.parametrize("petals", [[3], [2, 3, 4, 5]])
def test_a_few_petals_have_nothing_to_be_compared_with(petals):
    found = exposure_levels(exposure(3, level=2.0, petals=petals))
    assert found.petal.reason
    assert found.exposure.reason
    assert calibration_vectors(exposure(petals=petals)).throughput.reason


def test_a_camera_breaks_from_its_neighbour_where_they_overlap():
    bands = exposure(band="b") + exposure(3, level=1.2) + exposure(band="z")
    found = camera_joins(bands)
    assert found.value == pytest.approx(np.log(1.2), abs=0.06)
    assert found.fibers == ((1500, 1999),)
    assert camera_joins(exposure(band="b") + exposure()).value == 0
    assert camera_joins(exposure()).reason


def test_vectors_of_a_petal_differ_in_level_or_in_shape():
    assert calibration_vectors(exposure(4, vector=0.3)).throughput.value == pytest.approx(0.3)
    assert calibration_vectors(exposure(4, vector=0.3)).shape.value == pytest.approx(0)
    tilted = exposure(4, vector=np.linspace(-0.4, 0.4, BINS))
    assert calibration_vectors(tilted).shape.value == pytest.approx(0.4)
    assert calibration_vectors(tilted).throughput.value == pytest.approx(0, abs=1e-6)


def test_a_petal_or_an_exposure_that_changes_is_found_between_visits():
    first, third = exposure(expid=1), exposure(expid=3)
    petal = compare_visits(first + exposure(4, expid=2, level=1.2, vector=-0.18) + third)
    assert petal.petal.value > 0.1
    assert petal.petal.fibers == ((2000, 2499),)
    assert petal.vector.value == pytest.approx(0.18)
    assert petal.exposure.value < 0.05
    whole = compare_visits(first + exposure(expid=2, level=1.32) + third)
    assert whole.exposure.value > 0.2
    assert "exposure 2" in whole.exposure.detail
    assert whole.petal.value == 0


def test_weather_between_visits_is_in_the_vectors_of_all_petals():
    found = compare_visits(exposure(expid=1) + exposure(expid=2, vector=-0.7))
    assert (found.petal.value, found.exposure.value) == (0, 0)
    assert found.vector.value == pytest.approx(0)
    assert compare_visits(exposure()).petal.reason


def with_line(lights, *, count, jitter=0.0):
    """The same exposure with light in fibers that are moved to a line across the focal plane."""
    made = list(lights)
    for number, along in enumerate(np.linspace(-350, 350, count)):
        petal = number * len(made) // count
        x, y, flux = (getattr(made[petal], name).copy() for name in ("x", "y", "flux"))
        row = 2 + number
        x[row], y[row] = along, 0.4 * along + 20 + jitter * (-1) ** number
        flux[row] += 500
        made[petal] = replace(made[petal], x=x, y=y, flux=flux)
    return made


def test_five_fibers_with_light_on_a_line_are_a_satellite():
    found = light_streak(with_line(exposure(), count=5))
    assert found.value == 5
    assert "satellite" in found.detail
    assert len(found.fibers) == 5


def test_bright_fibers_that_lie_anywhere_are_no_line():
    assert light_streak(with_line(exposure(), count=5, jitter=15.0)).value == 0
    assert light_streak(exposure()).value == 0


def test_a_share_of_the_light_that_is_the_same_everywhere_was_never_computed():
    wave = np.arange(5760.0, 7620.4, 0.8)
    fibermap = {"OBJTYPE": np.full(N, "TGT"), "FIBERSTATUS": np.zeros(N, int), "FIBERFLUX_R": np.ones(N)}
    flux = np.ones((N, wave.size), dtype=np.float32)

    def expected(share):
        return fiber_light(
            flux, flux, wave, fibermap=fibermap, fiber=np.arange(N), camera="r0", expid=1, fluxcalib=flux, share=share
        ).expected

    assert expected(np.full(N, 0.789)) == pytest.approx(expected(None))
    varied = np.linspace(0.77, 0.8, N)
    assert expected(varied) == pytest.approx(expected(None) / varied)
