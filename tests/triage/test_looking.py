"""A finding says how to look at its place."""

from __future__ import annotations

import pytest

from pytest_specqa.triage.findings import findings
from pytest_specqa.triage.looking import look_at
from pytest_specqa.values import DataUnit, Feature, Limit, Measured, Measurement, Outcome


def finding(unit, measured, *, measure="sky_chromatic_block", stage="sky", outcome=Outcome.FAILED):
    """The finding of one value."""
    made = Measurement(unit, "test_it", measured, Limit(measure, high=0.01), outcome, "it is", stage=stage)
    (found,) = findings([made.as_record()])
    return found


CAMERA = DataUnit("camera", 20211014, expid=104284, tile=7951, camera="r8")


def test_a_camera_is_looked_at_around_what_was_found():
    measured = Measured(0.3, fibers=((4353, 4400),), waves=(6458.0, 6606.0))
    assert look_at(finding(CAMERA, measured), "daily") == (
        "specqa look daily --night 20211014 --expid 104284 --camera r8 --fibers 4353-4400 --waves 6438:6626 --out look.html"
    )


@pytest.mark.parametrize("waves", [None, (5760.0, 7620.0)])
def test_what_has_no_place_of_its_own_is_looked_at_whole(waves):
    command = look_at(finding(CAMERA, Measured(0.3, fibers=((4000, 4010), (4400, 4410)), waves=waves)), "my prod")
    assert command == "specqa look 'my prod' --night 20211014 --expid 104284 --camera r8 --out look.html"


def test_redshifts_are_looked_at_as_spectra_of_their_window():
    unit = DataUnit("petal", 20211014, tile=7951, petal=6)
    window = Feature("window", fibers=(3000, 3499), waves=(4.2502, 4.3998), amplitude=100.0, error=10.0, significance=20.0)
    found = finding(unit, Measured(20.0, features=(window,)), measure="redshift_pileup", stage="redshifts")
    assert look_at(found, "daily") == (
        "specqa spectra daily --tile 7951 --night 20211014 --petal 6 --z 4.25:4.4 --out spectra.html"
    )


def test_what_has_no_product_has_nothing_to_look_at():
    assert look_at(finding(DataUnit("night", 20211014), Measured(1.0), measure="missing_tiles", stage="night"), "daily") == ""
    assert look_at(finding(CAMERA, Measured(float("nan"))), "daily") == ""


def test_a_pixel_is_looked_at_by_its_name():
    unit = DataUnit("healpix", 0, group="healpix", suffix="main-dark-27247")
    window = Feature("window", fibers=(0, 4999), waves=(1.0992, 1.1008), amplitude=90.0, error=9.0, significance=20.0)
    found = finding(unit, Measured(20.0, features=(window,)), measure="redshift_pileup", stage="redshifts")
    assert look_at(found, "iron") == "specqa spectra iron --healpix main-dark-27247 --z 1.099:1.101 --out spectra.html"
    assert "pixel main-dark-27247" in found.scope
