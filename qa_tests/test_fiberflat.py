"""Expectations on fiber flats."""

import pytest

from pytest_specqa.measures.fibermaps.targets import flagged_fibers
from pytest_specqa.measures.models.fiberflats import flat_level, flat_shape, plane_gradient

pytestmark = pytest.mark.specqa_stage("fiberflat")


def test_fiberflat_is_smooth_and_near_one(fiberflat, sframe, expect):
    """Unflagged fibers of a flat respond alike, smoothly in wavelength, with no lamp missing and no stray light."""
    flagged = flagged_fibers(sframe.fibermap["FIBERSTATUS"], band=sframe.band, instrument=sframe.instrument)
    found = flat_shape(fiberflat.fiberflat, fiberflat.ivar, fiberflat.wave, fiber=sframe.fiber, flagged=flagged)
    expect("fiberflat_lowest_fiber", found.low_fibers)
    expect("fiberflat_extremes", found.extremes)
    expect("fiberflat_edges", found.edges)
    expect("fiberflat_narrow_feature", found.narrow)
    expect.picture("per_fiber", fiber=sframe.fiber, value=found.level, label="median response", title="Fiber flat")


def test_fiberflat_has_no_gradient(fiberflat, sframe, expect):
    """The flat-field screen was lit evenly: the response has no slope over the focal plane."""
    fibermap = sframe.fibermap
    level = flat_level(
        fiberflat.fiberflat,
        fiberflat.ivar,
        flagged=flagged_fibers(fibermap["FIBERSTATUS"], band=sframe.band, instrument=sframe.instrument),
    )
    expect(
        "fiberflat_gradient",
        plane_gradient(
            level, fibermap["FIBERASSIGN_X"], fibermap["FIBERASSIGN_Y"], fiber=sframe.fiber, instrument=sframe.instrument
        ),
    )
