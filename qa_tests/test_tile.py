"""Expectations on a whole tile."""

import numpy as np
import pytest

from pytest_specqa.measures.redshifts.pileup import redshift_pileup
from pytest_specqa.measures.redshifts.reference import target_classes
from pytest_specqa.measures.redshifts.repeats import repeated_redshifts
from pytest_specqa.measures.redshifts.success import petal_shortfall

pytestmark = pytest.mark.specqa_stage("tile")


def test_no_redshift_pileup_over_the_tile(tile_redshifts, tile, expect):
    """The targets of a tile, or of some adjacent petals, do not gather at one redshift."""
    found = pileup_of(tile_redshifts)
    expect("redshift_pileup", found.significance)
    expect("redshift_pileup_excess", found.excess)
    expect("redshift_pileup_galactic", found.galactic)
    picture_of(found, tile_redshifts, f"Redshifts of tile {tile.tile}", expect=expect)


def test_sky_fibers_of_a_tile_share_no_redshift(tile_redshifts, tile, expect):
    """The sky fibers of a tile, or of some adjacent petals, do not gather at one redshift."""
    found = pileup_of(tile_redshifts, of_sky=True)
    expect("sky_fiber_pileup", found.significance)
    picture_of(found, tile_redshifts, f"Redshifts of tile {tile.tile}: sky fibers", expect=expect)


def test_each_redshift_of_a_tile_is_its_own(tile_redshifts, expect):
    """No two targets of a tile have the same redshift to all digits."""
    z, zwarn, targetid = (together(tile_redshifts, name) for name in ("Z", "ZWARN", "TARGETID"))
    expect("repeated_redshifts", repeated_redshifts(z, zwarn=zwarn, targetid=targetid, fiber=fibers_of(tile_redshifts)))
    where = {"fiber": fibers_of(tile_redshifts), "is_sky": sky_of(tile_redshifts)}
    expect.picture("redshift_pileup", z=z, title="Redshifts of the tile", **where)


def test_petals_yield_redshifts_alike(tile_redshifts, expect):
    """No petal has much fewer sure redshifts than the others of its tile."""
    if len(tile_redshifts) < 3:
        expect.not_expected(f"{len(tile_redshifts)} of the petals of this tile are there: at least 3 can be compared")
        return
    found = petal_shortfall(
        together(tile_redshifts, "ZWARN"),
        fiber=fibers_of(tile_redshifts),
        is_target=targets_of(tile_redshifts),
        fiberstatus=np.concatenate([petal.fibermap.status for petal in tile_redshifts]),
        instrument=tile_redshifts[0].instrument,
    )
    expect("redshift_shortfall", found)
    expect.picture("per_petal", label="share", title="Sure redshifts of the petals")


def pileup_of(petals, *, of_sky=False):
    """Search the spectra of all petals."""
    z, spectype, zwarn = (together(petals, name) for name in ("Z", "SPECTYPE", "ZWARN"))
    return redshift_pileup(
        z,
        fiber=fibers_of(petals),
        spectype=spectype,
        is_sky=sky_of(petals),
        is_target=targets_of(petals),
        zwarn=zwarn,
        desi_target=bits_of(petals),
        fiberstatus=np.concatenate([petal.fibermap.status for petal in petals]),
        of_sky=of_sky,
        instrument=petals[0].instrument,
    )


def picture_of(found, petals, title, *, expect):
    """Show redshift against fiber, with the window that stands out."""
    bits = bits_of(petals)
    expect.picture(
        "redshift_pileup",
        z=together(petals, "Z"),
        fiber=fibers_of(petals),
        is_sky=sky_of(petals),
        target_class=None if bits is None else target_classes(bits, petals[0].instrument),
        window=found.window,
        count=found.count,
        expected=found.expected,
        expected_error=found.error,
        nz_grid=found.nz_grid,
        nz_expected=None if bits is None else found.nz_expected,
        note=found.significance.detail,
        title=title,
    )


def together(petals, name):
    """One column of all petals."""
    return np.concatenate([petal[name] for petal in petals])


def fibers_of(petals):
    """FIBER of all petals."""
    return np.concatenate([petal.fiber for petal in petals])


def sky_of(petals):
    """Sky fibers of all petals."""
    return np.concatenate([petal.is_sky for petal in petals])


def targets_of(petals):
    """Fibers on targets of all petals."""
    return np.concatenate([petal.is_target for petal in petals])


def bits_of(petals):
    """DESI_TARGET of all petals, or None where one lacks it."""
    known = all("DESI_TARGET" in petal.fibermap for petal in petals)
    return np.concatenate([petal.fibermap["DESI_TARGET"] for petal in petals]) if known else None
