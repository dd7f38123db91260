"""What a file must hold is stated once, and what it holds instead is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import ProductError
from pytest_specqa.production.content import Rows, read_content


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
