"""Expectations on the redshifts of a tile petal."""

from functools import cache

import pytest

from pytest_specqa.errors import MissingProductError
from pytest_specqa.measures.redshifts.by_fiber import by_fiber
from pytest_specqa.measures.redshifts.pileup import redshift_pileup
from pytest_specqa.measures.redshifts.reference import target_classes
from pytest_specqa.measures.redshifts.repeats import repeated_redshifts

pytestmark = pytest.mark.specqa_stage("redshifts")


def test_no_redshift_pileup_in_a_petal(redshifts, tile, production, expect):
    """The targets of a petal do not gather at one redshift more than smooth n(z) and galaxy clustering allow."""
    found = pileup_of(redshifts)
    expect("redshift_pileup", found.significance)
    expect("redshift_pileup_excess", found.excess)
    expect("redshift_pileup_galactic", found.galactic)
    picture_of(found, redshifts, f"Redshifts of tile {tile.tile}, petal {redshifts.petal}", expect=expect)
    if len(found.examples):
        picture_of_examples(production, tile, redshifts, rows=found.examples, waves=found.significance.waves, expect=expect)
    first, kept = redshifts.petal * redshifts.instrument.fibers, cache(lambda: fibers_of(redshifts))
    for name, step in {"redshift": 0, "quality": 0, "spectype": 1, "zwarn": 1, "target": 1}.items():
        expect.keep(name, lambda name=name: getattr(kept(), name), first=first, step=step)


def test_sky_fibers_of_a_petal_share_no_redshift(redshifts, tile, expect):
    """Sky fibers show noise, whose redshifts lie anywhere: the same feature in many spectra gives them one redshift."""
    found = pileup_of(redshifts, of_sky=True)
    expect("sky_fiber_pileup", found.significance)
    picture_of(found, redshifts, f"Redshifts of tile {tile.tile}, petal {redshifts.petal}: sky fibers", expect=expect)


def test_each_redshift_of_a_petal_is_its_own(redshifts, expect):
    """No two targets have the same redshift to all digits: each was fitted for itself."""
    columns = {"zwarn": redshifts["ZWARN"], "targetid": redshifts["TARGETID"], "fiber": redshifts.fiber}
    expect("repeated_redshifts", repeated_redshifts(redshifts["Z"], **columns))
    expect.picture(
        "redshift_pileup", z=redshifts["Z"], fiber=redshifts.fiber, is_sky=redshifts.is_sky, title="Redshifts of the petal"
    )


def pileup_of(redshifts, *, of_sky=False):
    """Search the spectra of a petal."""
    fibermap = redshifts.fibermap
    return redshift_pileup(
        redshifts["Z"],
        fiber=redshifts.fiber,
        spectype=redshifts["SPECTYPE"],
        is_sky=redshifts.is_sky,
        is_target=redshifts.is_target,
        zwarn=redshifts["ZWARN"],
        desi_target=fibermap["DESI_TARGET"] if "DESI_TARGET" in fibermap.columns else None,
        fiberstatus=fibermap.status,
        of_sky=of_sky,
        instrument=redshifts.instrument,
    )


def fibers_of(redshifts):
    """Redshifts of a petal by fiber."""
    known = "DESI_TARGET" in redshifts.fibermap.columns
    return by_fiber(
        redshifts["Z"],
        fiber=redshifts.fiber,
        spectype=redshifts["SPECTYPE"],
        zwarn=redshifts["ZWARN"],
        deltachi2=redshifts["DELTACHI2"],
        is_sky=redshifts.is_sky,
        is_target=redshifts.is_target,
        desi_target=redshifts.fibermap["DESI_TARGET"] if known else None,
        petal=redshifts.petal,
        instrument=redshifts.instrument,
    )


def picture_of(found, redshifts, title, *, expect):
    """Show redshift against fiber, with the window that stands out."""
    known = "DESI_TARGET" in redshifts.fibermap.columns
    bits = redshifts.fibermap["DESI_TARGET"] if known else None
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
        title=title,
    )


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
