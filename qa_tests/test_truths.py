"""What is true whatever was observed: no position that cannot be, no sky that is dark. See docs/truths.md."""

import pytest

from pytest_specqa.measures.fibermaps.positions import impossible_positions
from pytest_specqa.measures.fibermaps.targets import flagged_fibers
from pytest_specqa.measures.models.truths import sky_lowest


@pytest.mark.specqa_stage("frame")
def test_fibers_are_where_they_can_be(sframe, expect):
    """Fibers lie on their petal, where their positioner reaches, and look at the part of the sky that is there."""
    fibermap = sframe.fibermap
    idle = (fibermap["OBJTYPE"] != "TGT") & (fibermap["OBJTYPE"] != "SKY")
    flagged = flagged_fibers(fibermap["FIBERSTATUS"], band=sframe.band, instrument=sframe.instrument) | idle
    found = impossible_positions(fibermap, fiber=sframe.fiber, flagged=flagged, instrument=sframe.instrument)
    expect("impossible_positions", found, product=fibermap.path)
    expect.picture(
        "focal_plane",
        x=fibermap["FIBERASSIGN_X"],
        y=fibermap["FIBERASSIGN_Y"],
        fiber=sframe.fiber,
        after=flagged.astype(float),
        caption="1: flagged or on nothing of use",
        unit="",
        title="Where the fibers are said to be",
    )


@pytest.mark.specqa_stage("sky")
def test_no_sky_is_dark(sky, expect):
    """The sky model is positive in every fiber and at every wavelength."""
    expect("sky_lowest", sky_lowest(sky.flux, sky.ivar, sky.wave, fiber=sky.fiber))
    expect.picture(
        "fiber_image",
        image=sky.flux,
        wave=sky.wave,
        fiber=sky.fiber,
        relative="spectrum",
        label="sky over that of the typical fiber",
        title="Sky model",
    )
