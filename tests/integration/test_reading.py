"""What a check reads is named in its records, and a comparison believes that."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_specqa.compare.identical import Inputs

SKIES_OF_TILE = """
def test_skies(specqa_tile, production, expect):
    exposures = [one for one in production.exposures(specqa_tile.night) if one.tile == specqa_tile.tile]
    for one in exposures:
        for camera in one.cameras:
            production.read_sky(night=one.night, expid=one.expid, camera=camera)
    expect("value", 0)

def test_camera(sky, expect): expect("value", 0)
"""


@dataclass(frozen=True)
class Spectra:
    """Stands for a frame whose fibermap is another file."""

    path: Path
    load_fibermap: Callable[[], SimpleNamespace]
    load_resolution: Callable[[], None] | None = None

    @property
    def fibermap(self) -> SimpleNamespace:
        return self.load_fibermap()

    @property
    def is_sky(self) -> bool:
        return bool(self.fibermap.path)


@pytest.fixture
def filled(tree, monkeypatch):
    """A tile with two exposures, another tile, and readers that need no FITS."""
    for expid, tile in ((104284, 7951), (104285, 7951), (104286, 6699)):
        tree.exposure(expid, ("r6", "r7"), kinds=("sframe", "sky"))
        tree.row(expid, TILEID=tile, CAMWORD="r67")
    tree.tile(7951)

    def read_frame(path: Path, kind: str, **_: object) -> Spectra:
        return Spectra(path, lambda: SimpleNamespace(path=path.with_name(f"fibermap-{path.name[7:9]}.fits")))

    monkeypatch.setattr("pytest_specqa.production.production.read_frame", read_frame)
    for name in ("sky", "redshifts", "coadd"):
        monkeypatch.setattr(f"pytest_specqa.production.production.read_{name}", lambda path, **_: SimpleNamespace(path=path))
    return tree


def sky(expid: int, camera: str) -> str:
    return f"exposures/20211014/{expid:08d}/sky-{camera}-{expid:08d}.fits.gz"


def test_a_tile_whose_sky_model_was_exchanged_is_judged_again(project, run, filled, records):
    project(SKIES_OF_TILE)
    run("--specqa-results", "r.jsonl")
    found = records()
    (tile,) = [one for one in found if one["expectation"] == "test_skies"]
    assert tile["products"] == [sky(expid, camera) for expid in (104284, 104285) for camera in ("r6", "r7")]
    assert tile["product"] == ""
    assert "beyond_products" not in tile
    other = filled.root.parent / "other"
    shutil.copytree(filled.root, other)
    units = {one["unit"] for one in found}
    assert Inputs(filled.root, other).identical_units(found) == units
    (other / sky(104285, "r7")).write_bytes(b"another model")
    assert Inputs(filled.root, other).identical_units(found) == units - {"7951-20211014", "20211014-00104285-r7"}


FIBERMAPS = """
def test_first(sframe, expect): expect("value", 0); sframe.fibermap
def test_second(sframe, expect): expect("value", 0)
def test_third(sframe, sky, expect): sframe.fibermap; sframe.fibermap; expect("value", 0); expect("other", 0)
"""


def test_only_what_a_check_asked_for_is_named_whoever_loaded_it(project, run, filled, records):
    project(FIBERMAPS)
    run("--expid", 104284, "--camera", "r6", "--specqa-results", "r.jsonl")
    sframe, fibermap = "exposures/20211014/00104284/sframe-r6-00104284.fits.gz", "exposures/20211014/00104284/fibermap-r6.fits"
    assert {one["expectation"]: one["products"] for one in records()} == {
        "test_first": [sframe, fibermap],
        "test_second": [sframe],
        "test_third": [sframe, sky(104284, "r6"), fibermap],
    }
    assert {one["product"] for one in records()} == {sframe}


def test_spectra_name_the_fibermap_whoever_loaded_them(project, run, filled, records, monkeypatch):
    shown = SimpleNamespace(path=Path("spectra"))
    monkeypatch.setattr("pytest_specqa.measures.spectra.CameraSpectra", lambda **given: shown if given["is_sky"] else None)
    for name in ("flux", "ivar", "wave", "fiber", "heliocor", "exptime", "instrument", "night", "expid", "camera"):
        monkeypatch.setattr(Spectra, name, None, raising=False)
    project("""
def test_first(sframe_spectra, expect): expect("value", 0)
def test_second(sframe_spectra, expect): expect("value", 0)
""")
    run("--expid", 104284, "--camera", "r6", "--specqa-results", "r.jsonl")
    assert [Path(one["products"][-1]).name for one in records()] == ["fibermap-r6.fits"] * 2


def test_cameras_of_an_exposure_are_named_when_they_are_reached(project, run, filled, records):
    project("def test_value(exposure_skies, expect): exposure_skies[1]; expect('value', 0)\n")
    run("--expid", 104284, "--specqa-results", "r.jsonl")
    assert [one["products"] for one in records()] == [[sky(104284, "r7")]]


@pytest.mark.parametrize(
    ("look", "beyond"),
    [
        ("production.name", False),
        ("production.find('redrock', tile=7951, night=20211014, petal=6)", False),
        ("production.read_redshifts(production.find and tile, 6)", False),
        ("production.exposures(20211014)", False),
        ("production.read_frame('sframe', night=20211014, expid=104284, camera='r6').fibermap", False),
        ("production.exposures(20211015)", True),
        ("production.tiles()", True),
        ("production.root", True),
        ("production.expected_path('redrock', tile=7951, night=20211014, petal=6).exists()", True),
        ("absent(production.read_coadd, tile, 6)", True),
        ("absent(production.find, 'sky', night=20211014, expid=1, camera='r6')", True),
    ],
)
def test_a_look_beyond_files_is_told(project, run, filled, records, look, beyond):
    project(
        f"""
from pytest_specqa.errors import MissingProductError

def absent(read, *args, **more):
    try:
        read(*args, **more)
    except MissingProductError:
        return
    raise AssertionError("it is there")

def test_value(redshifts, tile, production, expect):
    {look}
    expect("value", 0)
"""
    )
    run("--specqa-results", "r.jsonl").assert_outcomes(passed=1)
    (one,) = records()
    assert one["products"][0].startswith("tiles/cumulative/7951/20211014/redrock-6")
    assert one.get("beyond_products", False) is beyond


def test_a_camera_that_asks_for_the_exposures_of_its_night_looks_beyond_its_files(project, run, filled, records):
    project("def test_value(sky, exposures, expect): expect('value', 0)\n")
    run("--camera", "r6", "--specqa-results", "r.jsonl")
    assert all(one["beyond_products"] for one in records())


def test_a_damaged_file_is_no_input_to_compare(project, run, tree, records):
    tree.exposure(1)
    project("def test_value(sframe, expect): expect('value', 0)\n")
    run("--specqa-results", "r.jsonl").assert_outcomes(failed=1)
    assert [(one["products"], one["beyond_products"]) for one in records()] == [([], True)]


def test_a_test_without_a_unit_gets_the_production_itself(project, run, filled):
    project("def test_it(production): assert type(production).__name__ == 'Production'\n")
    run().assert_outcomes(passed=1)


ACROSS = """
def test_tile(tile_exposures, tile_skies, expect):
    assert [one.expid for one in tile_exposures] == [104284, 104285]
    assert len(tile_skies) == 4
    expect("value", sum(1 for sky in tile_skies if sky) - 4)

def test_first_only(tile_skies, expect):
    tile_skies[0]
    expect("value", 0)
"""


def test_the_cameras_of_a_tile_are_those_of_its_exposures_and_are_noted_as_they_are_reached(project, run, filled, records):
    project(ACROSS)
    assert run("--specqa-results", "r.jsonl").ret == 0
    products = {one["expectation"]: one["products"] for one in records()}
    assert products["test_tile"] == [sky(expid, camera) for expid in (104284, 104285) for camera in ("r6", "r7")]
    assert products["test_first_only"] == [sky(104284, "r6")]


def test_a_tile_that_was_narrowed_has_what_is_left(project, run, filled, records):
    project('def test_tile(tile_skies, expect): expect("value", len([*tile_skies]) - 1)')
    assert run("--specqa-results", "r.jsonl", "--expid", "104285", "--camera", "r6").ret == 0
    assert records()[0]["products"] == [sky(104285, "r6")]
