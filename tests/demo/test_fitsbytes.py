"""FITS bytes that every reader understands."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import fitsio
import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.demo.fitsbytes import card, compress_block, image_hdu, rounded, table_hdu, write_file


def test_image_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    flux, mask = rng.normal(size=(7, 11)).astype("f4"), rng.integers(0, 2**32, (7, 11), dtype=np.uint32)
    parts = [image_hdu("FLUX", flux, cards={"BUNIT": "electron/Angstrom"}, primary=True), image_hdu("MASK", mask)]
    write_file(tmp_path / "a.fits", parts)
    with fits.open(tmp_path / "a.fits") as file:
        file.verify("exception")
        assert (file["FLUX"].data == flux).all()
        assert (file["MASK"].data == mask).all()
        assert file[0].header["BUNIT"] == "electron/Angstrom"
    assert fitsio.read(tmp_path / "a.fits", "MASK").dtype == np.uint32


def test_shared_block_is_spliced_into_one_member(tmp_path: Path) -> None:
    block = compress_block(image_hdu("RESOLUTION", np.ones((50, 11, 30), "f4")))
    last = image_hdu("END", np.arange(5, dtype="f8"))
    first = image_hdu("FLUX", np.arange(40, dtype="f4"), primary=True)
    write_file(tmp_path / "a.fits.gz", [first, block, last])
    assert gzip.decompress((tmp_path / "a.fits.gz").read_bytes()) == first + block.raw + last
    with fitsio.FITS(tmp_path / "a.fits.gz") as file:
        assert [hdu.get_extname() for hdu in file] == ["FLUX", "RESOLUTION", "END"]
        assert (file["END"].read() == np.arange(5)).all()


def test_table_round_trip(tmp_path: Path) -> None:
    rows = np.zeros(3, dtype=[("TARGETID", "i8"), ("Z", "f8"), ("OBJTYPE", "S3"), ("GOOD", "?"), ("COEFF", "f8", (4,))])
    rows["TARGETID"], rows["Z"], rows["OBJTYPE"] = [1, -2, 3], [0.1, 0.2, 0.3], [b"SKY", b"TGT", b""]
    rows["GOOD"], rows["COEFF"] = [True, False, True], np.arange(12).reshape(3, 4)
    write_file(tmp_path / "t.fits", [image_hdu("", None, primary=True), table_hdu("T", rows, units={"Z": "mm"})])
    back = fitsio.read(tmp_path / "t.fits", "T")
    for name in rows.dtype.names or ():
        assert (back[name] == (rows[name].astype("U3") if name == "OBJTYPE" else rows[name])).all()
    assert fitsio.read_header(tmp_path / "t.fits", "T")["TUNIT2"] == "mm"


def test_sums_are_those_that_other_readers_want(tmp_path: Path) -> None:
    """Of many headers, so that every letter of a CHECKSUM comes up."""
    rng, rows = np.random.default_rng(3), np.zeros(3, dtype=[("Z", "f8"), ("OBJTYPE", "S3"), ("GOOD", "?")])
    hdus = [image_hdu("", None, primary=True), table_hdu("T", rows)]
    hdus += [image_hdu(f"I{n}", rng.normal(size=(n, 11)).astype("f4"), cards={"SEED": float(rng.normal())}) for n in range(1, 150)]
    hdus += [image_hdu("MASK", rng.integers(0, 2**32, (7, 11), dtype=np.uint32))]
    write_file(tmp_path / "a.fits", hdus)
    with warnings.catch_warnings(), fits.open(tmp_path / "a.fits", checksum=True) as file:
        warnings.simplefilter("error")
        assert [(hdu.verify_datasum(), hdu.verify_checksum()) for hdu in file] == [(1, 1)] * len(hdus)
    with fitsio.FITS(tmp_path / "a.fits") as file:
        assert [hdu.verify_checksum() for hdu in file] == [None] * len(hdus)


@pytest.mark.parametrize("value", [True, 7, -1.5e-30, "it's", 104284.25])
def test_cards_are_read_back(value: bool | int | float | str) -> None:
    text = card("KEY", value)
    assert len(text) == 80
    assert fits.Card.fromstring(text).value == value


def test_rounding_keeps_the_relative_precision() -> None:
    values = np.random.default_rng(2).normal(size=1000).astype("f4") * 1e4
    error = np.abs(rounded(values, 10) / values - 1)
    assert 0 < error.max() <= 2.0**-11
    assert (rounded(np.zeros(3, "f4"), 10) == 0).all()
