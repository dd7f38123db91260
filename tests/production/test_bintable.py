from __future__ import annotations

from pathlib import Path

import fitsio
import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.production.bintable import row_dtype
from pytest_specqa.production.stream import FitsStream


def read_table(path: Path) -> np.ndarray:
    with FitsStream(path) as stream:
        return next(stream.read(hdu) for hdu in stream if hdu.table)


def test_every_kind_of_column_is_read_as_fitsio_reads_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    kinds = ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8", "?", "c8", "c16"]
    names = [(kind.upper().replace("?", "L"), kind) for kind in kinds] + [("VECTOR", "f4", (3,)), ("CUBE", "i2", (2, 3))]
    written = np.zeros(7, dtype=[*names, ("TEXT", "S5"), ("WORDS", "S4", (2,))])
    for name in written.dtype.names:
        column = written[name]
        column[...] = rng.integers(0, 2 if column.dtype.kind == "b" else 100, column.shape).astype(column.dtype)
    written["U4"][0], written["U2"][0], written["I1"][0] = 2**32 - 1, 2**16 - 1, -128
    fitsio.write(str(tmp_path / "t.fits"), written, extname="T")
    read = read_table(tmp_path / "t.fits")
    assert read.dtype.names == written.dtype.names
    for name in written.dtype.names:
        np.testing.assert_array_equal(read[name], written[name], err_msg=name)
        assert read[name].dtype == written[name].dtype, name
        assert read[name].dtype.isnative


def test_scaled_columns_are_scaled(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    fitsio.write(str(path), np.array([(1,), (3,)], dtype=[("A", "i2")]), header={"TSCAL1": 0.5, "TZERO1": 10.0})
    np.testing.assert_array_equal(read_table(path)["A"], [10.5, 11.5])


def test_a_table_without_rows_is_empty(tmp_path: Path) -> None:
    fitsio.write(str(tmp_path / "t.fits"), np.zeros(0, dtype=[("A", "i4"), ("B", "S3")]))
    read = read_table(tmp_path / "t.fits")
    assert len(read) == 0
    assert read.dtype.names == ("A", "B")


def test_columns_of_variable_length_are_left_out(tmp_path: Path) -> None:
    rows = np.zeros(2, dtype=[("A", "i4"), ("LISTS", "O"), ("B", "f4")])
    rows["LISTS"] = [np.arange(3, dtype="f4"), np.arange(5, dtype="f4")]
    rows["B"] = 2.5, 3.5
    with fitsio.FITS(str(tmp_path / "t.fits"), "rw") as file:
        file.write(rows)
        file.write(np.arange(4), extname="AFTER")
    read = read_table(tmp_path / "t.fits")
    assert read.dtype.names == ("A", "B")
    np.testing.assert_array_equal(read["B"], [2.5, 3.5])
    with FitsStream(tmp_path / "t.fits") as stream:
        assert next(stream.read(hdu).tolist() for hdu in stream if hdu.name == "AFTER") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("form", "dim", "kind", "shape"),
    [
        ("9X", "", "u1", (2,)),
        ("8X", "", "u1", (1,)),
        ("12A", "", "S12", ()),
        ("12A4", "", "S4", (3,)),
        ("24A", "(4,2,3)", "S4", (3, 2)),
        ("6J", "(2,3)", ">i4", (3, 2)),
        ("J", "", ">i4", ()),
    ],
)
def test_a_format_gives_kind_and_shape(form: str, dim: str, kind: str, shape: tuple[int, ...]) -> None:
    (field,) = row_dtype({"TFIELDS": 1, "TTYPE1": "A", "TFORM1": form, "TDIM1": dim}).fields.values()
    assert (field[0].base, field[0].shape) == (np.dtype(kind), shape)


@pytest.mark.parametrize("form", ["5W", "", "one J"])
def test_an_unknown_format_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="TFORM"):
        row_dtype({"TFIELDS": 1, "TTYPE1": "A", "TFORM1": form})


def test_a_scale_that_is_no_number_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    fitsio.write(str(path), np.zeros(3, dtype=[("A", "u2")]), extname="FIBERMAP")
    path.write_bytes(path.read_bytes().replace(b"32768 ", b"3x768 ", 1))
    with pytest.raises(ProductError, match=r"^t.fits HDU FIBERMAP: found a malformed header"):
        read_table(path)


def test_a_row_length_that_does_not_fit_the_columns_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    fitsio.write(str(path), np.zeros(3, dtype=[("A", "i4")]), extname="FIBERMAP")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"TFORM1  = 'J", b"TFORM1  = 'K", 1))
    with pytest.raises(ProductError, match=r"^t.fits HDU FIBERMAP: found a malformed header .*expected BITPIX") as error:
        read_table(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("form", "dim"), [("24A", "(4,2,2)"), ("24A", "(4,2,4)"), ("6J", "(2,2)"), ("6J", "(2,4)")])
def test_a_format_that_its_dimensions_contradict_is_an_error(form: str, dim: str) -> None:
    with pytest.raises(ValueError, match="TFORM"):
        row_dtype({"TFIELDS": 1, "TTYPE1": "A", "TFORM1": form, "TDIM1": dim})
