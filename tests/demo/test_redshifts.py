"""Simulated redshift tables have the n(z) of the reference, and nothing at redshifts where nothing belongs."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_specqa.demo import TileConditions, simulate_redshifts
from pytest_specqa.demo.redshifts import NODATA, SimRedshifts

LRG, ELG_LOP, QSO = 0, 5, 2
# Reference n(z) of dark tiles: fraction valid, peak, and fraction in the window of each tracer (data-model section 14).
REFERENCE = {
    LRG: (0.943, 0.80, 0.787, (0.4, 1.0)),
    ELG_LOP: (0.554, 0.93, 0.481, (0.6, 1.6)),
    QSO: (0.520, 1.75, 0.318, (0.9, 2.1)),
}


@pytest.fixture(scope="module")
def tile() -> SimRedshifts:
    return simulate_redshifts(TileConditions(), np.random.default_rng(8))


def _good(tile: SimRedshifts) -> np.ndarray:
    bits = tile.fibermap["COADD_FIBERSTATUS"]
    return np.asarray((bits & 2147452677) == 0)


@pytest.mark.parametrize("bit", [LRG, ELG_LOP, QSO])
def test_n_of_z_of_each_class(tile: SimRedshifts, bit: int) -> None:
    valid, peak, share, window = REFERENCE[bit]
    rows = ((tile.fibermap["DESI_TARGET"] >> bit) & 1 == 1) & _good(tile)
    sure = tile.redshifts["DELTACHI2"] > 50
    if bit == QSO:
        sure = sure & (tile.redshifts["SPECTYPE"] == b"QSO")
    z = tile.redshifts["Z"][rows & sure]
    assert sure[rows].mean() == pytest.approx(valid, abs=0.09)
    assert np.median(z) == pytest.approx(peak, abs=0.25)
    assert ((z > window[0]) & (z < window[1])).sum() / rows.sum() == pytest.approx(share, abs=0.09)


def test_high_redshifts_are_rare(tile: SimRedshifts) -> None:
    high = (tile.redshifts["Z"] > 4.2) & (tile.redshifts["Z"] < 4.5)
    assert np.bincount(tile.fibermap["PETAL_LOC"][high], minlength=10).max() <= 8
    assert (high & (tile.redshifts["DELTACHI2"] > 50)).sum() <= 5


def test_sky_fibers_are_broad_and_uncertain(tile: SimRedshifts) -> None:
    z = tile.redshifts["Z"][tile.is_sky]
    assert tile.is_sky.sum() == 400
    assert np.median(tile.redshifts["DELTACHI2"][tile.is_sky]) < 9
    assert np.histogram(z, bins=np.arange(0, 1.8, 0.1))[0].max() < 0.15 * z.size


def test_rows_are_matched_and_in_order(tile: SimRedshifts) -> None:
    assert (tile.redshifts["TARGETID"] == tile.fibermap["TARGETID"]).all()
    assert (tile.fibermap["FIBER"] == np.arange(5000)).all()
    assert len(np.unique(tile.fibermap["TARGETID"])) == 5000
    assert len(tile.petal(3).redshifts) == 500


def test_galaxies_share_their_walls_over_the_tile() -> None:
    tile = simulate_redshifts(TileConditions(wall=0.08), np.random.default_rng(4))
    lrg = (tile.fibermap["DESI_TARGET"] & 1 == 1) & (tile.redshifts["DELTACHI2"] > 50)
    counts = np.stack(
        [
            np.histogram(tile.redshifts["Z"][lrg & (tile.fibermap["PETAL_LOC"] // 5 == half)], np.arange(0.4, 1.1, 0.01))[0]
            for half in (0, 1)
        ]
    )
    wall = int(counts.sum(axis=0).argmax())
    assert (counts[:, wall] > 2.5 * np.median(counts, axis=1)).all()


def test_masked_spectra_have_nodata_and_one_redshift() -> None:
    tile = simulate_redshifts(TileConditions(masked_spectra=40), np.random.default_rng(4), petals=(2,))
    blank = (tile.redshifts["ZWARN"] & NODATA) != 0
    assert blank.sum() == 40
    assert len(np.unique(tile.redshifts["Z"][blank])) == 1


def test_short_exposures_measure_fewer_redshifts() -> None:
    good = []
    for efftime in (0.1, 1.0):
        tile = simulate_redshifts(TileConditions(efftime=efftime), np.random.default_rng(4), petals=(2,))
        good.append((tile.redshifts["DELTACHI2"] > 50).mean())
    assert good[0] < 0.75 * good[1]


def test_same_seed_same_tile() -> None:
    one, other = (simulate_redshifts(TileConditions(), np.random.default_rng(4), petals=(2, 5)) for _ in range(2))
    assert np.array_equal(one.redshifts["Z"], other.redshifts["Z"])
