"""Products of a pixel of the sky: targets of many tiles, whose FIBERMAP names no fiber."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.production.coadds import read_coadd, read_coadd_tables
from pytest_specqa.production.redshifts import ANY_PETAL, read_redshifts
from pytest_specqa.values import NO_NIGHT, Tile

PIXEL = Tile(27247, NO_NIGHT, "healpix", "main-dark-27247", (), survey="main", program="dark")
KEYWORDS = {"SPGRP": "healpix", "SPGRPVAL": 27247, "HPXPIXEL": 27247, "HPXNSIDE": 64, "SURVEY": "main", "PROGRAM": "dark"}
ROWS = [(7, 104284, 120), (7, 104285, 3120), (7, 104286, 3120), (9, 104284, 4000), (9, 104290, 30)]


def tables(products: Any) -> dict[str, Any]:
    """Two targets: one on three exposures of two fibers, one on two fibers once each."""
    hdus = products.redshifts()
    fibermap = np.zeros(2, dtype=[("TARGETID", "i8"), ("COADD_FIBERSTATUS", "i4"), ("OBJTYPE", "S3")])
    fibermap["TARGETID"], fibermap["OBJTYPE"] = (9, 7), b"TGT"
    exposures = np.array(ROWS, dtype=[("TARGETID", "i8"), ("EXPID", "i4"), ("FIBER", "i4")])
    depth = np.zeros(2, dtype=[("TARGETID", "i8"), ("TSNR2_LRG", "f4")])
    depth["TARGETID"] = fibermap["TARGETID"]
    redshifts = hdus["REDSHIFTS"][:2]
    redshifts["TARGETID"] = fibermap["TARGETID"]
    return {"": None, "REDSHIFTS": redshifts, "FIBERMAP": fibermap, "EXP_FIBERMAP": exposures, "TSNR2": depth}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "redrock-main-dark-27247.fits"


def test_a_target_has_the_fiber_that_it_was_on_most_often(products: Any, place: Path) -> None:
    found = read_redshifts(products.write(place, tables(products), **KEYWORDS), tile=PIXEL, petal=ANY_PETAL)
    assert found.fiber.tolist() == [30, 3120], "the lowest of those that are equally often"
    assert (found.petal, list(found.used)) == (ANY_PETAL, [104284, 104285, 104286, 104290])
    assert found.is_target.all()
    assert found.fibermap.status.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("HPXPIXEL", 27248), ("SURVEY", "sv3"), ("PROGRAM", "bright"), ("SPGRP", "cumulative"), ("SPGRPVAL", 1), ("HPXNSIDE", 32)],
)
def test_a_header_of_another_pixel_is_one_line(products: Any, place: Path, keyword: str, value: Any) -> None:
    products.write(place, tables(products), **KEYWORDS | {keyword: value})
    with pytest.raises(ProductError, match=f"found {keyword} = '{value}'"):
        read_redshifts(place, tile=PIXEL, petal=ANY_PETAL)


@pytest.mark.parametrize(
    ("row", "words"),
    [((8, 104285, 3120), "found no exposure of 1 of 2 targets"), ((7, 104285, 5000), "found FIBER 5000; expected 0-4999")],
)
def test_exposures_that_cannot_be_those_of_the_targets_are_one_line(products: Any, place: Path, row: Any, words: str) -> None:
    hdus = tables(products)
    if row[0] == 8:
        hdus["EXP_FIBERMAP"]["TARGETID"][:3] = 8
    else:
        hdus["EXP_FIBERMAP"][0] = row
    with pytest.raises(ProductError, match=words):
        read_redshifts(products.write(place, hdus, **KEYWORDS), tile=PIXEL, petal=ANY_PETAL)


def test_a_pixel_without_the_table_of_its_exposures_is_one_line(products: Any, place: Path) -> None:
    hdus = tables(products)
    hdus["EXP_FIBERMAP"] = hdus["EXP_FIBERMAP"][["TARGETID", "EXPID"]]
    with pytest.raises(ProductError, match="found no column FIBER"):
        read_redshifts(products.write(place, hdus, **KEYWORDS), tile=PIXEL, petal=ANY_PETAL)


def test_a_tile_without_fiber_stays_a_defect(products: Any, tmp_path: Path) -> None:
    hdus = tables(products)
    tile = Tile(7951, 20211014, "cumulative", "thru20211014", (6,))
    with pytest.raises(ProductError, match="found no column FIBER"):
        read_redshifts(products.write(tmp_path / "redrock-6-7951-thru20211014.fits", hdus), tile=tile, petal=6)


@pytest.mark.parametrize(("keyword", "value"), [("SPGRPVAL", 104285), ("SPGRP", "pernight"), ("TILEID", 7952)])
def test_a_reduction_of_another_exposure_is_one_line(products: Any, tmp_path: Path, keyword: str, value: Any) -> None:
    tile = Tile(7951, 20211014, "perexp", "exp00104284", (6,))
    own = {"SPGRP": "perexp", "SPGRPVAL": 104284, "TILEID": 7951, "PETAL": 6}
    path = products.write(tmp_path / "redrock-6-7951-exp00104284.fits", products.redshifts(), **own)
    assert len(read_redshifts(path, tile=tile, petal=6)) == 500
    products.write(path, products.redshifts(), **own | {keyword: value})
    with pytest.raises(ProductError, match=f"found {keyword}"):
        read_redshifts(path, tile=tile, petal=6)


def test_the_coadd_of_a_pixel_names_the_same_fibers(products: Any, tmp_path: Path) -> None:
    hdus = tables(products)
    wave = 3600 + 0.8 * np.arange(2751)
    flux = np.ones((2, 2751), "f4")
    hdus = {"": None, "FIBERMAP": hdus["FIBERMAP"], "EXP_FIBERMAP": hdus["EXP_FIBERMAP"], "B_WAVELENGTH": wave}
    hdus |= {"B_FLUX": flux, "B_IVAR": flux.copy()}
    path = products.write(tmp_path / "coadd-main-dark-27247.fits", hdus, HPXPIXEL=27247, SURVEY="main", PROGRAM="dark")
    assert read_coadd_tables(path, tile=PIXEL, petal=ANY_PETAL).fibermap["FIBER"].tolist() == [30, 3120]
    assert read_coadd(path, tile=PIXEL, petal=ANY_PETAL, rows=np.array([1])).fibermap["FIBER"].tolist() == [3120]
    products.write(path, hdus, HPXPIXEL=1)
    with pytest.raises(ProductError, match="found HPXPIXEL = '1'"):
        read_coadd(path, tile=PIXEL, petal=ANY_PETAL)
