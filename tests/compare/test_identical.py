"""Units are taken as the same only if every file that they may depend on is."""

from __future__ import annotations

import gzip

import pytest

from pytest_specqa.compare.identical import Inputs, same_content

EXPOSURE, CALIB = "exposures/20211014/00104284", "calibnight/20211014"
TILE = "tiles/cumulative/7951/20211014"
TABLE = "exposure_tables/202110/exposure_table_20211014.csv"


@pytest.fixture
def root(write):
    for camera in ("r6", "r7"):
        for kind in ("sframe", "sky"):
            write(f"{EXPOSURE}/{kind}-{camera}-00104284.fits")
    write(f"{EXPOSURE}/exposure-qa-00104284.fits")
    write(f"{CALIB}/fiberflatnight-r6-20211014.fits")
    write(f"{TILE}/redrock-6-7951-thru20211014.fits")
    write(f"{TILE}/redrock-7-7951-thru20211014.fits")
    return write(TABLE)


def units(root, *records):
    return Inputs(root / "before", root / "after").identical_units(records)


@pytest.fixture
def every(record):
    """A record of each unit, by what it is called here."""
    made = {"r6": record(), "r7": record(camera="r7")}
    return made | {kind: record(kind) for kind in ("exposure", "petal", "tile")}


def same(root, every):
    found = units(root, *every.values())
    return {name for name, one in every.items() if one["unit"] in found}


def test_units_with_the_same_files_are_the_same(root, every):
    assert same(root, every) == set(every)


@pytest.mark.parametrize(
    ("name", "unchanged"),
    [
        (f"{EXPOSURE}/sframe-r6-00104284.fits", {"r7", "petal", "tile"}),
        (f"{EXPOSURE}/sky-r7-00104284.fits", {"r6", "petal", "tile"}),
        (f"{EXPOSURE}/exposure-qa-00104284.fits", {"r6", "r7", "exposure", "petal", "tile"}),
        (f"{CALIB}/fiberflatnight-r6-20211014.fits", {"r6", "r7", "exposure", "petal", "tile"}),
        (f"{TILE}/redrock-7-7951-thru20211014.fits", {"r6", "r7", "exposure", "petal"}),
        (TABLE, set()),
    ],
)
def test_a_difference_reaches_every_unit_that_read_the_file(root, write, every, name, unchanged):
    write(name, b"one", b"two")
    assert same(root, every) == unchanged


def test_a_camera_that_read_the_flat_depends_on_it(root, write, record):
    one = record()
    one["products"].append(f"{CALIB}/fiberflatnight-r6-20211014.fits")
    assert units(root, one)
    write(one["products"][-1], b"one", b"two")
    assert not units(root, one)


def test_a_tile_that_reads_sky_models_depends_on_each(root, write, record):
    skies = [f"{EXPOSURE}/sky-{camera}-00104284.fits" for camera in ("r6", "r7")]
    tile = record("tile", products=skies)
    assert units(root, tile) == {tile["unit"]}
    write(skies[1], b"one", b"two")
    assert units(root, tile) == set()


@pytest.mark.parametrize("doubt", [{"products": []}, {"products": None}, {"beyond_products": True}])
@pytest.mark.parametrize("kind", ["camera", "exposure", "petal", "tile", "night"])
def test_a_unit_is_judged_again_where_a_single_record_names_not_all_it_rests_on(root, record, kind, doubt):
    sound = record("tile") | {"unit": "one", "kind": kind}
    assert units(root, sound) == {"one"}
    assert units(root, sound, sound | doubt) == set()


def test_results_of_older_versions_are_judged_again(root, record):
    old = record()
    del old["products"]
    assert units(root, old) == set()


@pytest.mark.parametrize(
    ("name", "unchanged"),
    [
        (f"{EXPOSURE}/cframe-r6-00104284.fits", {"r7"}),
        (f"{EXPOSURE}/sframe-r6-00104284.fits.gz", {"r7"}),
        (f"{EXPOSURE}/sframe-r8-00104284.fits", {"r6", "r7"}),
        ("exposures/20211014/00104285/sframe-r6-00104285.fits", {"r6", "r7", "exposure"}),
        (f"{TILE}/redrock-8-7951-thru20211014.fits", {"r6", "r7", "exposure"}),
    ],
)
def test_a_file_that_one_side_lacks_is_a_difference_for_all_who_would_see_it(root, write, every, name, unchanged):
    write(name, None, b"there")
    assert same(root, every) == unchanged


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
