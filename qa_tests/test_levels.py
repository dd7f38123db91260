"""Expectations on the brightness of calibrated spectra: over all cameras of an exposure, and over the exposures of a tile."""

import pytest

from pytest_specqa.measures.focal.camera_joins import camera_joins
from pytest_specqa.measures.focal.levels import exposure_levels
from pytest_specqa.measures.focal.streaks import excess_light, light_streak
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
    expect.picture("per_petal", shows="petal_level", label="ln(petal / median)", title="Light of the targets against their images")
    expect.picture(
        "per_petal", shows="exposure_level", label="ln(spectra / images)", title="Light of the targets against their images"
    )


@pytest.mark.specqa_reduces(by=light_of)
def test_calibration_vectors_are_alike(exposure_reduced, expect):
    """The calibration vectors of each petal have the level and the shape of the others, but for its throughput."""
    found = calibration_vectors(exposure_reduced(light_of))
    expect("calibration_throughput", found.throughput)
    expect("calibration_shape", found.shape)
    expect.picture(
        "per_petal", shows="calibration_throughput", label="ln(petal / median)", title="Calibration vectors of the petals"
    )
    title = "Calibration vectors of the petals in one piece of the band, less their mean difference"
    expect.picture("per_petal", shows="calibration_shape", label="ln(petal / median)", title=title)


@pytest.mark.specqa_reduces(by=light_of)
def test_cameras_of_a_petal_join(exposure_reduced, expect):
    """Two cameras of a petal see the same light: at the wavelengths that they share, and against the images of their targets."""
    lights = exposure_reduced(light_of)
    expect("camera_join", camera_joins(lights))
    expect("petal_color", exposure_levels(lights).color)
    expect.picture("per_petal", shows="camera_join", label="ln(blue / red)", title="Light of two cameras where they overlap")
    expect.picture("per_petal", shows="petal_color", label="ln(band / others)", title="Light of one band against the other bands")


@pytest.mark.specqa_reduces(by=light_of)
def test_no_light_on_a_line_over_the_focal_plane(exposure_reduced, expect):
    """No satellite and no aircraft crossed: fibers that are brighter than their images do not lie on one straight line."""
    lights = exposure_reduced(light_of)
    expect("light_streak", light_streak(lights))
    light = excess_light(lights)
    expect.picture(
        "focal_plane",
        x=light.x,
        y=light.y,
        fiber=light.fiber,
        after=light.sigmas,
        caption="light beyond the image of the target",
        unit="errors",
        title="Light that is not of the targets",
    )


@pytest.mark.specqa_reduces(by=light_of)
def test_exposures_of_a_tile_are_calibrated_alike(tile_reduced, expect):
    """The exposures of a tile give the same light of the same targets, petal by petal and as a whole."""
    found = compare_visits(tile_reduced(light_of))
    expect("visit_petal", found.petal)
    expect("visit_level", found.exposure)
    expect("visit_calibration", found.vector)
    title = "Light of the targets against the other exposures of the tile"
    expect.picture("per_petal", shows="visit_petal", label="ln(petal / median)", title=f"{title}, petal by petal")
    expect.picture("per_petal", shows="visit_level", label="ln(this / others)", title=title)
    expect.picture("per_petal", shows="visit_calibration", label="ln(this / others)", title="Calibration vectors of the exposures")
