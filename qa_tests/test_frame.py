"""Expectations on frames and the fibers behind them."""

import pytest

from pytest_specqa.measures.fibermaps.coverage import good_pixels, masked_columns, sky_fibers_left
from pytest_specqa.measures.fibermaps.targets import (
    flagged_fibers,
    identity_conflicts,
    misplaced_cassette,
    misplaced_fibers,
    standard_stars,
)

pytestmark = pytest.mark.specqa_stage("frame")


def test_unflagged_fibers_have_data(frame, expect):
    """Fibers that nobody flagged have their pixels, enough of them on sky, and no wavelength is masked in many fibers."""
    flagged = flagged_fibers(frame.fibermap["FIBERSTATUS"], band=frame.band, instrument=frame.instrument)
    expect("good_pixel_fraction", good_pixels(frame.ivar, fiber=frame.fiber, flagged=flagged))
    expect("sky_fibers_left", sky_fibers_left(frame.ivar, fiber=frame.fiber, is_sky=frame.is_sky))
    expect("masked_columns", masked_columns(frame.ivar, frame.wave, fiber=frame.fiber))


def test_fibers_are_who_they_say(frame, expect):
    """Every fiber of a petal has its own number, place and target."""
    fibermap = frame.fibermap
    expect(
        "identity_conflicts",
        identity_conflicts(
            fibermap["FIBER"], fibermap["LOCATION"], fibermap["TARGETID"], petal=frame.petal, instrument=frame.instrument
        ),
    )


def test_fibers_are_on_target(frame, expect):
    """The positioners of a petal reached their targets, all over the petal."""
    fibermap = frame.fibermap
    expect("misplaced_fibers", misplaced_fibers(fibermap["DELTA_X"], fibermap["DELTA_Y"], fiber=frame.fiber, tolerance=0.030))
    expect(
        "misplaced_cassette",
        misplaced_cassette(
            fibermap["DELTA_X"], fibermap["DELTA_Y"], fiber=frame.fiber, tolerance=0.030, instrument=frame.instrument
        ),
    )


def test_petal_has_standard_stars(frame, expect):
    """Enough standard stars of a petal have data to calibrate the others."""
    flagged = flagged_fibers(frame.fibermap["FIBERSTATUS"], band=frame.band, instrument=frame.instrument)
    flagged |= frame.fibermap["OBJTYPE"] == "BAD"
    expect(
        "standard_stars",
        standard_stars(frame.fibermap["DESI_TARGET"], frame.ivar, fiber=frame.fiber, flagged=flagged, instrument=frame.instrument),
    )
