"""Expectations on the redshifts of a tile petal."""

import pytest

from pytest_specqa.errors import MissingProductError
from pytest_specqa.measures.redshifts.pileup import redshift_pileup
from pytest_specqa.measures.redshifts.reference import target_classes

pytestmark = pytest.mark.specqa_stage("redshifts")


def test_no_redshift_pileup_in_a_petal(redshifts, tile, production, expect):
    """The spectra of a petal do not gather at one redshift more than smooth n(z) and galaxy clustering allow."""
    fibermap = redshifts.fibermap
    known = "DESI_TARGET" in fibermap.columns
    bits = fibermap["DESI_TARGET"] if known else None
    found = redshift_pileup(
        redshifts["Z"],
        fiber=redshifts.fiber,
        spectype=redshifts["SPECTYPE"],
        is_sky=redshifts.is_sky,
        zwarn=redshifts["ZWARN"],
        desi_target=bits,
        fiberstatus=fibermap.status,
        instrument=redshifts.instrument,
    )
    expect("redshift_pileup", found.significance)
    expect("redshift_pileup_excess", found.excess)
    expect.picture(
        "redshift_pileup",
        z=redshifts["Z"],
        fiber=redshifts.fiber,
        is_sky=redshifts.is_sky,
        target_class=target_classes(bits, redshifts.instrument) if known else None,
        window=found.window,
        count=found.count,
        expected=found.expected,
        expected_error=found.error,
        nz_grid=found.nz_grid,
        nz_expected=found.nz_expected if known else None,
        note=found.significance.detail,
        title=f"Redshifts of tile {tile.tile}, petal {redshifts.petal}",
    )
    if len(found.examples):
        picture_of_examples(production, tile, redshifts, rows=found.examples, waves=found.significance.waves, expect=expect)


def picture_of_examples(production, tile, redshifts, *, rows, waves, expect):
    """Show spectra of the pile-up where the tile has coadds."""
    try:
        coadd = production.read_coadd(tile, redshifts.petal, rows=rows)
    except MissingProductError:
        return
    bands = list(coadd.flux)
    expect.picture(
        "spectra",
        wave=[value for band in bands for value in coadd.wave[band]],
        flux=[[value for band in bands for value in coadd.flux[band][k]] for k in range(len(rows))],
        ivar=[[value for band in bands for value in coadd.ivar[band][k]] for k in range(len(rows))],
        labels=[f"fiber {redshifts.fiber[row]}" for row in rows],
        z=[float(redshifts["Z"][row]) for row in rows],
        ranges=[waves] if waves else [],
        title=f"Spectra that share a redshift, tile {tile.tile}, petal {redshifts.petal}",
    )
