"""What is true whatever was observed: no position that cannot be, no sky that is dark. See docs/truths.md."""

import pytest

from pytest_specqa.measures.fibermaps.positions import impossible_positions
from pytest_specqa.measures.fibermaps.targets import flagged_fibers
from pytest_specqa.measures.models.truths import sky_truths


@pytest.mark.specqa_stage("frame")
def test_fibers_are_where_they_can_be(sframe, expect):
    """Fibers lie on their petal, where their positioner reaches, and look at the part of the sky that is there."""
    fibermap = sframe.fibermap
    idle = (fibermap["OBJTYPE"] != "TGT") & (fibermap["OBJTYPE"] != "SKY")
    flagged = flagged_fibers(fibermap["FIBERSTATUS"], band=sframe.band, instrument=sframe.instrument) | idle
    found = impossible_positions(fibermap, fiber=sframe.fiber, flagged=flagged, instrument=sframe.instrument)
    expect("impossible_positions", found, product=fibermap.path)


@pytest.mark.specqa_stage("sky")
def test_every_fiber_has_the_sky_of_the_camera(sky, expect):
    """The sky model is positive in every fiber and at every wavelength, and as bright as that of the other fibers."""
    found = sky_truths(sky.flux, sky.ivar, sky.wave, fiber=sky.fiber)
    expect("sky_fiber_level", found.level)
    expect("sky_lowest", found.lowest)
