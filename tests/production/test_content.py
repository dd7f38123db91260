"""What a file must hold is stated once, and what it holds instead is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import ProductError
from pytest_specqa.production.content import Image, Rows, read_content
from pytest_specqa.production.verified import LEDGER


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of 500 rows and 41 columns."""
    rows = np.zeros(500, dtype=[(f"C{number}", "i4") for number in range(41)])
    path = tmp_path / "x.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(rows, name="FIBERMAP")]).writeto(path)
    return path


@pytest.mark.parametrize("rows", [500, None])
def test_a_table_of_the_right_size_is_read(table: Path, rows: int | None) -> None:
    assert len(read_content(table, {"FIBERMAP": Rows(("C0", "C40"), rows)}).data["FIBERMAP"]) == 500


@pytest.mark.parametrize("rows", [499, 501])
def test_another_number_of_rows_is_one_line(table: Path, rows: int) -> None:
    with pytest.raises(ProductError, match=f"^x.fits HDU FIBERMAP: found 500 rows; expected {rows};"):
        read_content(table, {"FIBERMAP": Rows(("C0",), rows)})


def test_a_missing_column_is_named_with_the_first_forty_that_are_there(table: Path) -> None:
    with pytest.raises(ProductError) as error:
        read_content(table, {"FIBERMAP": Rows(("C3", "TARGETID", "Z"))})
    assert "found no column TARGETID, Z (it has C0, C1, " in str(error.value)
    assert "C39 ...); expected C3, TARGETID, Z" in str(error.value)


def test_an_hdu_twice_behind_all_that_is_read_is_found_where_whole_files_are_verified(
    tmp_path: Path, pack_file: Callable[[Path], Path]
) -> None:
    first, again = (fits.ImageHDU(np.zeros(4000, "f4"), name=name) for name in ("FLUX", "OTHER"))
    for name, twice in (("FLUX", True), ("THIRD", False)):
        hdus = fits.HDUList([fits.PrimaryHDU(), first.copy(), again.copy(), fits.ImageHDU(np.ones(4000, "f4"), name=name)])
        hdus.writeto(tmp_path / "one.fits", overwrite=True)
        path = pack_file(tmp_path / "one.fits")
        wanted = {"FLUX": Image(("f4",), (4000,))}
        LEDGER.begin(whole=False)
        read_content(path, wanted)
        LEDGER.begin(whole=True)
        try:
            if twice:
                with pytest.raises(ProductError, match="HDU FLUX: found 2 HDUs of this name"):
                    read_content(path, wanted)
            else:
                assert list(read_content(path, wanted).data) == ["FLUX"]
        finally:
            LEDGER.begin(whole=False)
        path.unlink()
