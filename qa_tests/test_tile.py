"""Expectations on a whole tile."""

import numpy as np
import pytest

from pytest_specqa.measures.redshifts.pileup import redshift_pileup
from pytest_specqa.measures.redshifts.reference import target_classes

pytestmark = pytest.mark.specqa_stage("tile")


def test_no_redshift_pileup_over_the_tile(tile_redshifts, tile, expect):
    """The spectra of a tile, or of some adjacent petals, do not gather at one redshift."""
    z, spectype, zwarn = (together(tile_redshifts, name) for name in ("Z", "SPECTYPE", "ZWARN"))
    fiber = np.concatenate([petal.fiber for petal in tile_redshifts])
    is_sky = np.concatenate([petal.is_sky for petal in tile_redshifts])
    known = all("DESI_TARGET" in petal.fibermap for petal in tile_redshifts)
    bits = np.concatenate([petal.fibermap["DESI_TARGET"] for petal in tile_redshifts]) if known else None
    status = np.concatenate([petal.fibermap.status for petal in tile_redshifts])
    found = redshift_pileup(
        z,
        fiber=fiber,
        spectype=spectype,
        is_sky=is_sky,
        zwarn=zwarn,
        desi_target=bits,
        fiberstatus=status,
        instrument=tile_redshifts[0].instrument,
    )
    expect("redshift_pileup", found.significance)
    expect("redshift_pileup_excess", found.excess)
    expect.picture(
        "redshift_pileup",
        z=z,
        fiber=fiber,
        is_sky=is_sky,
        target_class=target_classes(bits, tile_redshifts[0].instrument) if known else None,
        window=found.window,
        count=found.count,
        expected=found.expected,
        expected_error=found.error,
        nz_grid=found.nz_grid,
        nz_expected=found.nz_expected if known else None,
        note=found.significance.detail,
        title=f"Redshifts of tile {tile.tile}",
    )


def together(petals, name):
    """One column of all petals."""
    return np.concatenate([petal[name] for petal in petals])
