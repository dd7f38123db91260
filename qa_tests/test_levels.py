"""Expectations on the brightness of calibrated spectra: over all cameras of an exposure, and over the exposures of a tile."""

import pytest

from pytest_specqa.measures.focal.camera_joins import camera_joins
from pytest_specqa.measures.focal.levels import exposure_levels
from pytest_specqa.measures.focal.streaks import light_streak
from pytest_specqa.measures.focal.vectors import calibration_vectors
from pytest_specqa.measures.focal.visits import compare_visits
from pytest_specqa.measures.models.light import fiber_light

pytestmark = pytest.mark.specqa_stage("cframe")


def light_of(cframe, fluxcalib):
    """Reduce one camera to the light of its fibers."""
    return fiber_light(
        cframe.flux,
        cframe.ivar,
        cframe.wave,
        fibermap=cframe.fibermap,
        fiber=cframe.fiber,
        camera=cframe.camera,
        expid=cframe.expid,
        fluxcalib=fluxcalib.fluxcalib,
        share=fluxcalib.share if cframe.kept is None or fluxcalib.share is None else fluxcalib.share[cframe.kept],
        instrument=cframe.instrument,
    )


@pytest.mark.specqa_reduces(by=light_of)
def test_petals_are_calibrated_alike(exposure_reduced, expect):
    """Spectra are as bright as the images of their targets: each petal as the others, and stars exactly."""
    found = exposure_levels(exposure_reduced(light_of))
    expect("petal_level", found.petal)
    expect("exposure_level", found.exposure)


@pytest.mark.specqa_reduces(by=light_of)
def test_calibration_vectors_are_alike(exposure_reduced, expect):
    """The calibration vectors of each petal have the level and the shape of the others, but for its throughput."""
    found = calibration_vectors(exposure_reduced(light_of))
    expect("calibration_throughput", found.throughput)
    expect("calibration_shape", found.shape)


@pytest.mark.specqa_reduces(by=light_of)
def test_cameras_of_a_petal_join(exposure_reduced, expect):
    """Two cameras of a petal see the same light: at the wavelengths that they share, and against the images of their targets."""
    lights = exposure_reduced(light_of)
    expect("camera_join", camera_joins(lights))
    expect("petal_color", exposure_levels(lights).color)


@pytest.mark.specqa_reduces(by=light_of)
def test_no_light_on_a_line_over_the_focal_plane(exposure_reduced, expect):
    """No satellite and no aircraft crossed: fibers that are brighter than their images do not lie on one straight line."""
    expect("light_streak", light_streak(exposure_reduced(light_of)))


@pytest.mark.specqa_reduces(by=light_of)
def test_exposures_of_a_tile_are_calibrated_alike(tile_reduced, expect):
    """The exposures of a tile give the same light of the same targets, petal by petal and as a whole."""
    found = compare_visits(tile_reduced(light_of))
    expect("visit_petal", found.petal)
    expect("visit_level", found.exposure)
    expect("visit_calibration", found.vector)
