"""Expectations on the redshifts of a pixel of the sky, whose spectra are coadded over tiles, nights and fibers."""

import pytest

from pytest_specqa.measures.fibermaps.exposure_joins import coadd_sums, depth_sums
from pytest_specqa.measures.fibermaps.flag_joins import bad_in_one_file, bad_without_status
from pytest_specqa.measures.fibermaps.redshift_joins import same_coadd
from pytest_specqa.measures.redshifts.pileup import redshift_pileup
from pytest_specqa.measures.redshifts.reference import target_classes
from pytest_specqa.measures.redshifts.repeats import repeated_redshifts

pytestmark = pytest.mark.specqa_stage("redshifts")
NODATA = 1 << 9


def test_redshifts_of_a_pixel_are_usable(pixel_redshifts, expect):
    """The redshifts of a pixel can be read and most of its targets were fitted."""
    if not pixel_redshifts.is_target.any():
        expect.not_expected("no target of the pixel has an exposure of use")
        return
    fitted = (pixel_redshifts["ZWARN"][pixel_redshifts.is_target] & NODATA) == 0
    expect("redshift_fit_fraction", fitted.mean())


def test_no_redshift_pileup_in_a_pixel(pixel_redshifts, expect):
    """The targets of a pixel do not gather at one redshift more than smooth n(z) and galaxy clustering allow."""
    found = pileup_of(pixel_redshifts)
    expect("redshift_pileup", found.significance)
    expect("redshift_pileup_excess", found.excess)
    expect("redshift_pileup_galactic", found.galactic)
    picture_of(found, pixel_redshifts, expect=expect)


def test_sky_fibers_of_a_pixel_share_no_redshift(pixel_redshifts, expect):
    """Sky fibers, where a pixel has any, do not gather at one redshift."""
    if not pixel_redshifts.is_sky.any():
        expect.not_expected("the pixel has no sky fibers: coadds of pixels are made of targets")
        return
    found = pileup_of(pixel_redshifts, of_sky=True)
    expect("sky_fiber_pileup", found.significance)
    picture_of(found, pixel_redshifts, expect=expect)


def test_each_redshift_of_a_pixel_is_its_own(pixel_redshifts, expect):
    """No two targets of a pixel have the same redshift to all digits."""
    if len(pixel_redshifts) < 2:
        expect.not_expected("the pixel has one target: nothing can be the same")
        return
    columns = {"zwarn": pixel_redshifts["ZWARN"], "targetid": pixel_redshifts["TARGETID"], "fiber": pixel_redshifts.fiber}
    expect("repeated_redshifts", repeated_redshifts(pixel_redshifts["Z"], **columns))


@pytest.mark.specqa_stage("production")
def test_redshifts_of_a_pixel_add_up_to_their_exposures(pixel_redshifts, expect):
    """Number of exposures, exposure time, flags and depth of each target are what its exposures add up to."""
    expect("coadd_sums", coadd_sums(pixel_redshifts.fibermap, pixel_redshifts.exposures, instrument=pixel_redshifts.instrument))
    expect("depth_conflicts", depth_sums(pixel_redshifts.table, pixel_redshifts.tsnr2, fiber=pixel_redshifts.fiber))
    expect("bad_without_status", bad_without_status({"the redshift file": pixel_redshifts.fibermap}))


@pytest.mark.specqa_stage("production")
def test_redshifts_and_coadd_of_a_pixel_agree(pixel_redshifts, pixel_coadd_tables, expect):
    """The redshift file and the coadd of a pixel speak of the same targets and exposures."""
    coadd, exposures = pixel_coadd_tables, pixel_redshifts.exposures
    expect("coadd_conflicts", same_coadd(pixel_redshifts.fibermap, coadd.fibermap, exposures=exposures, coadded=coadd.exposures))
    expect("bad_in_one_file", bad_in_one_file(pixel_redshifts.fibermap, {"the coadd": coadd.fibermap}))


def pileup_of(redshifts, *, of_sky=False):
    """Search the spectra of a pixel; the fiber of each is the one that it was on in most exposures."""
    return redshift_pileup(
        redshifts["Z"],
        fiber=redshifts.fiber,
        spectype=redshifts["SPECTYPE"],
        is_sky=redshifts.is_sky,
        is_target=redshifts.is_target,
        zwarn=redshifts["ZWARN"],
        desi_target=bits_of(redshifts),
        fiberstatus=redshifts.fibermap.status,
        of_sky=of_sky,
        instrument=redshifts.instrument,
    )


def picture_of(found, redshifts, *, expect):
    """Show redshift against fiber, with the window that stands out."""
    bits = bits_of(redshifts)
    expect.picture(
        "redshift_pileup",
        z=redshifts["Z"],
        fiber=redshifts.fiber,
        is_sky=redshifts.is_sky,
        target_class=None if bits is None else target_classes(bits, redshifts.instrument),
        window=found.window,
        count=found.count,
        expected=found.expected,
        expected_error=found.error,
        nz_grid=found.nz_grid,
        nz_expected=None if bits is None else found.nz_expected,
        note=found.significance.detail,
        title=f"Redshifts of pixel {redshifts.tile.suffix}",
    )


def bits_of(redshifts):
    """DESI_TARGET, or None where the survey has other columns."""
    known = "DESI_TARGET" in redshifts.fibermap.columns
    return redshifts.fibermap["DESI_TARGET"] if known else None
