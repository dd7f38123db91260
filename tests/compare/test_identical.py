"""Units are taken as the same only if every file that they may depend on is."""

from __future__ import annotations

import gzip

import pytest

from pytest_specqa.compare.identical import Inputs, same_content

EXPOSURE, CALIB = "exposures/20211014/00104284", "calibnight/20211014"
TABLE = "exposure_tables/202110/exposure_table_20211014.csv"


@pytest.fixture
def root(write):
    for name in ("sframe-r6-00104284.fits", "sky-r6-00104284.fits", "sframe-r7-00104284.fits", "exposure-qa-00104284.fits"):
        write(f"{EXPOSURE}/{name}")
    write(f"{CALIB}/fiberflatnight-r6-20211014.fits")
    write("tiles/cumulative/7951/20211014/redrock-6-7951-thru20211014.fits")
    write("tiles/cumulative/7951/20211014/redrock-7-7951-thru20211014.fits")
    return write(TABLE)


def units(root, *records):
    return Inputs(root / "before", root / "after").identical_units(records)


def test_units_with_the_same_files_are_the_same(root, record):
    every = [record("camera"), record("camera", camera="r7"), record("exposure"), record("petal"), record("tile")]
    assert units(root, *every) == {item["unit"] for item in every}


@pytest.mark.parametrize(
    ("name", "same"),
    [
        (f"{EXPOSURE}/sframe-r6-00104284.fits", {"r7", "petal", "tile"}),
        (f"{EXPOSURE}/sframe-r7-00104284.fits", {"r6", "petal", "tile"}),
        (f"{EXPOSURE}/stdstars-6-00104284.fits", {"r7", "petal", "tile"}),
        (f"{EXPOSURE}/exposure-qa-00104284.fits", {"petal", "tile"}),
        (f"{CALIB}/fiberflatnight-r6-20211014.fits", {"r7", "petal", "tile"}),
        ("preproc/20211014/00104284/fibermap-00104284.fits", {"petal", "tile"}),
        ("tiles/cumulative/7951/20211014/redrock-7-7951-thru20211014.fits", {"r6", "r7", "exposure"}),
        (TABLE, set()),
    ],
)
def test_a_difference_reaches_every_unit_that_may_depend_on_it(root, write, record, name, same):
    write(name, b"one", b"two")
    every = {
        "r6": record("camera"),
        "r7": record("camera", camera="r7"),
        "exposure": record("exposure"),
        "petal": record("petal"),
        "tile": record("tile"),
    }
    found = units(root, *every.values())
    assert {name for name, item in every.items() if item["unit"] in found} == same


def test_a_file_that_one_side_lacks_is_a_difference(root, write, record):
    write(f"{EXPOSURE}/cframe-r6-00104284.fits", b"there", None)
    assert units(root, record()) == set()


def test_a_night_is_never_the_same(root, record):
    assert units(root, record("night")) == set()


def test_packing_is_no_difference_and_content_is(tmp_path):
    one, two, three = (tmp_path / f"{name}.fits.gz" for name in ("one", "two", "three"))
    one.write_bytes(gzip.compress(b"spectra", mtime=1))
    two.write_bytes(gzip.compress(b"spectra", mtime=2, compresslevel=1))
    three.write_bytes(gzip.compress(b"spectrA", mtime=1))
    assert same_content(one, two)
    assert not same_content(one, three)


def test_what_cannot_be_read_is_the_same_as_nothing(tmp_path):
    bad, good = tmp_path / "bad.fits.gz", tmp_path / "good.fits.gz"
    bad.write_bytes(b"no gzip")
    good.write_bytes(gzip.compress(b"spectra"))
    assert not same_content(bad, good)
    assert not same_content(tmp_path / "none.fits", good)
