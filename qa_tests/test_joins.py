"""What two files both say must agree: who was observed, in which exposures, for how long, and how it is flagged."""

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.exposure_joins import coadd_sums, depth_sums, exposure_facts, left_out, not_asked_for
from pytest_specqa.measures.fibermaps.flag_joins import bad_in_one_file, bad_without_status, fibermaps_beside, flags_of_spectra
from pytest_specqa.measures.fibermaps.product_joins import KEYWORDS, SHARED, grids_beside, said_otherwise, versions_beside
from pytest_specqa.measures.fibermaps.redshift_joins import same_coadd, same_targets

pytestmark = pytest.mark.specqa_stage("production")
RAW = ("frame", "sframe", "cframe", "sky", "fluxcalib")
BEFORE_EVEREST = "a redshift file from before Everest does not tell its exposures"


def test_products_of_a_camera_agree_on_what_it_is(camera_products, exposure, expect):
    """The products of a camera name the same exposure, tile and time, have the same wavelengths, and were made by one version."""
    made = {kind: camera_products[kind] for kind in RAW if kind in camera_products}
    headers = {kind: product.header for kind, product in made.items()}
    expect("header_conflicts", said_otherwise(headers, keywords=KEYWORDS, told=told_of(exposure, made)))
    expect(
        "wavelength_conflicts", grids_beside({kind: product.wave for kind, product in made.items()}, flat=flat_of(camera_products))
    )
    expect("pipeline_versions", versions_beside(headers))
    own = {kind: product.own_fibermap for kind, product in made.items() if getattr(product, "own_fibermap", None) is not None}
    if own:
        who, flags = fibermaps_beside(own, next(made[kind].fibermap for kind in own))
        expect("fibermap_conflicts", who)
        expect("fibermap_flags", flags)


def said_of(sframe):
    """What the header of a camera says of its exposure, which all cameras share."""
    versions = {key: value for key, value in sframe.header.items() if key.startswith(("DEPNAM", "DEPVER"))}
    return sframe.camera, versions | {key: sframe.header[key] for key in SHARED if key in sframe.header}


@pytest.mark.specqa_reduces(by=said_of)
def test_cameras_of_an_exposure_agree_on_what_it_is(exposure_reduced, exposure, expect):
    """All cameras of an exposure name the same tile, time and barycentric factor, and were reduced by one version."""
    said = dict(exposure_reduced(said_of))
    expect("exposure_conflicts", said_otherwise(said, keywords=SHARED, told=told_of(exposure, {})))
    expect("pipeline_versions", versions_beside(said))


def test_redshifts_are_of_the_targets_that_the_frames_hold(redshifts, visit_fibermaps, expect):
    """Every redshift is that of the target that its fiber was on, in each exposure, by the fibermap of that exposure."""
    expect("redshift_targets", same_targets(redshifts.fibermap, redshifts.exposures, assigned=visit_fibermaps))
    maps = {f"the fibermap of exposure {expid}": fibermap for expid, fibermap in visit_fibermaps.items()}
    expect("bad_in_one_file", bad_in_one_file(redshifts.fibermap, maps))


def test_redshifts_rest_on_every_good_exposure(redshifts, visits, tile, expect):
    """The redshifts of a petal rest on all exposures of the tile that the table calls good and that have spectra, and no others."""
    if redshifts.exposures is None:
        expect.not_expected(BEFORE_EVEREST)
        return
    expect("exposures_left_out", left_out(redshifts.used, visits, tile=tile, petal=redshifts.petal))
    expect("exposures_not_asked_for", not_asked_for(redshifts.used, visits, tile=tile, petal=redshifts.petal))


def test_redshifts_add_up_to_their_exposures(redshifts, visits, visit_fibermaps, tile, expect):
    """Number of exposures, exposure time, flags and depth of each target are what its exposures add up to."""
    if redshifts.exposures is None:
        expect.not_expected(BEFORE_EVEREST)
        return
    expect("coadd_sums", coadd_sums(redshifts.fibermap, redshifts.exposures, instrument=redshifts.instrument))
    expect("exposure_facts", exposure_facts(redshifts.exposures, visits, tile=tile, assigned=visit_fibermaps))
    expect("depth_conflicts", depth_sums(redshifts.table, redshifts.tsnr2, fiber=redshifts.fiber))


def test_redshifts_and_coadd_agree(redshifts, coadd_tables, expect):
    """The redshift file and the coadd of a petal speak of the same targets and exposures."""
    found = same_coadd(redshifts.fibermap, coadd_tables.fibermap, exposures=redshifts.exposures, coadded=coadd_tables.exposures)
    expect("coadd_conflicts", found)
    expect("bad_in_one_file", bad_in_one_file(redshifts.fibermap, {"the coadd": coadd_tables.fibermap}))


def test_flags_of_a_fiber_are_the_same_in_all_files(redshifts, visit_fibermaps, expect):
    """No file forgets a flag of a fiber that the fibermap of the exposure has, and fibers on nothing of use are flagged."""
    if redshifts.exposures is not None:
        expect("flag_conflicts", flags_of_spectra(redshifts.exposures, assigned=visit_fibermaps, instrument=redshifts.instrument))
    maps = {f"the fibermap of exposure {expid}": fibermap for expid, fibermap in visit_fibermaps.items()}
    expect("bad_without_status", bad_without_status({"the redshift file": redshifts.fibermap, **maps}))


def told_of(exposure, made):
    """What the exposure table and the fibermap of the exposure say of it."""
    said = {"the exposure table": {"NIGHT": exposure.night, "TILEID": exposure.tile, "EXPTIME": exposure.exptime}}
    frame = next((made[kind] for kind in ("frame", "sframe", "cframe") if kind in made), None)
    if frame is not None and "EXPTIME" in frame.fibermap and frame.fibermap.path != frame.path:
        said["the fibermap"] = {key: frame.fibermap.header.get(key) for key in ("NIGHT", "TILEID")}
        said["the fibermap"]["EXPTIME"] = float(np.median(frame.fibermap["EXPTIME"]))
    return said


def flat_of(products):
    """Wavelengths of the fiber flat, where there is one."""
    return products["fiberflat"].wave if "fiberflat" in products else None
