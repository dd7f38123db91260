from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_specqa.errors import MissingProductError, ProductError, UsageError
from pytest_specqa.production import Production
from pytest_specqa.production.layout import find_product, product_path, resolve

ROOT = Path("/p")
CAMERA = {"night": 20211014, "expid": 104284, "camera": "r6"}


@pytest.mark.parametrize(
    ("product", "fields", "path"),
    [
        ("sframe", CAMERA, "exposures/20211014/00104284/sframe-r6-00104284.fits"),
        ("fibermap", CAMERA, "preproc/20211014/00104284/fibermap-00104284.fits"),
        ("fiberflatnight", CAMERA, "calibnight/20211014/fiberflatnight-r6-20211014.fits"),
        ("exposure_table", {"night": 20211014}, "exposure_tables/202110/exposure_table_20211014.csv"),
        (
            "redrock",
            {"tile": 7951, "petal": 6, "night": 20211014},
            "tiles/cumulative/7951/20211014/redrock-6-7951-thru20211014.fits",
        ),
        (
            "coadd",
            {"tile": 7951, "petal": 6, "group": "pernight", "suffix": "20211014"},
            "tiles/pernight/7951/20211014/coadd-6-7951-20211014.fits",
        ),
        (
            "redrock",
            {"tile": 7951, "petal": 6, "group": "perexp", "suffix": "exp00104284"},
            "tiles/perexp/7951/00104284/redrock-6-7951-exp00104284.fits",
        ),
        (
            "redrock",
            {"tile": 7951, "petal": 6, "group": "1x_depth", "suffix": "1xsubset2"},
            "tiles/1x_depth/7951/2/redrock-6-7951-1xsubset2.fits",
        ),
    ],
)
def test_products_lie_where_the_data_model_says(product: str, fields: dict[str, Any], path: str) -> None:
    assert product_path(ROOT, product, fields=fields) == ROOT / path


@pytest.mark.parametrize(
    ("product", "fields"),
    [
        ("sframe", CAMERA | {"camera": "../r6"}),
        ("sframe", CAMERA | {"camera": None}),
        ("nothing", CAMERA),
        ("redrock", {"tile": 1, "petal": 1, "suffix": "../../etc/1"}),
        ("redrock", {"tile": 1, "petal": 1, "suffix": "thru1", "group": "../.."}),
    ],
)
def test_nothing_else_becomes_part_of_a_path(product: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        product_path(ROOT, product, fields=fields)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("end", [".gz", ".fz"])
def test_a_packed_file_is_found_but_not_two(tmp_path: Path, end: str) -> None:
    plain, packed = tmp_path / "sky-r6-00104284.fits", tmp_path / f"sky-r6-00104284.fits{end}"
    with pytest.raises(MissingProductError, match=r"^sky-r6-00104284.fits: not found; expected /.*\.fits\[.gz\]; process it"):
        find_product(plain)
    packed.touch()
    assert find_product(plain) == packed
    plain.touch()
    with pytest.raises(
        ProductError, match=rf"found sky-r6-00104284.fits beside sky-r6-00104284.fits{end}; expected only one of them"
    ):
        find_product(plain)
    packed.unlink()
    assert find_product(plain) == plain


@pytest.mark.parametrize(("name", "packed"), [("sky-r0-00000001.fits", True), ("exposure_table_20211014.csv", False)])
def test_what_is_missing_is_named_with_the_ways_it_may_be_packed(tmp_path, name, packed):
    with pytest.raises(MissingProductError) as caught:
        find_product(tmp_path / name)
    assert f"expected {tmp_path / name}{'[.gz]' if packed else ''};" in str(caught.value)


def test_a_dangling_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.fits").symlink_to(tmp_path / "gone.fits")
    with pytest.raises(MissingProductError, match="a link that leads nowhere"):
        find_product(tmp_path / "x.fits")


def test_a_production_is_named_by_path_by_name_or_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    redux = tmp_path / "redux"
    (redux / "daily").mkdir(parents=True)
    environ = {"DESI_SPECTRO_REDUX": str(redux), "SPECPROD": "daily"}
    assert resolve(str(redux / "daily"), {}) == redux / "daily"
    assert resolve("redux/daily", environ) == Path("redux/daily")
    assert resolve("daily", environ | {"SPECPROD": "other"}) == redux / "daily"
    assert resolve(None, environ) == redux / "daily"


@pytest.mark.parametrize(
    ("specprod", "environ", "words"),
    [
        (None, {}, "use --specprod PATH, or set DESI_SPECTRO_REDUX and SPECPROD"),
        (None, {"SPECPROD": "daily"}, "use --specprod PATH, or set DESI_SPECTRO_REDUX and SPECPROD"),
        (None, {"DESI_SPECTRO_REDUX": "/nowhere"}, "use --specprod PATH"),
        ("daily", {}, "no production daily: give --specprod the path"),
        ("daily", {"DESI_SPECTRO_REDUX": "/nowhere"}, "no production daily or /nowhere/daily: give"),
        (None, {"DESI_SPECTRO_REDUX": "/nowhere", "SPECPROD": "daily"}, "no production /nowhere/daily: give"),
        ("usr/share", {"DESI_SPECTRO_REDUX": "/"}, "no production usr/share: give"),
    ],
)
def test_without_a_production_one_line_says_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, specprod: str | None, environ: dict[str, str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as error:
        resolve(specprod, environ)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_loop_of_links_is_no_missing_product(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    path.symlink_to(path)
    with pytest.raises(ProductError, match="found a loop of links; expected a regular file; mend the link") as caught:
        find_product(path)
    assert not isinstance(caught.value, MissingProductError)


@pytest.mark.parametrize("end", ["", ".gz", ".fz"])
def test_packed_files_are_listed_and_found_by_their_names_and_the_older_name_of_redshifts_too(tmp_path: Path, end: str) -> None:
    night, expid = 20211014, 104284
    for name in (
        f"exposures/{night}/{expid:08d}/sframe-r6-{expid:08d}.fits{end}",
        f"tiles/cumulative/7951/{night}/zbest-6-7951-thru{night}.fits{end}",
        f"tiles/cumulative/7951/{night}/zbest-7-7951-thru{night}.fits.xz",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    production = Production(tmp_path)
    assert [one.cameras for one in production.exposures(night)] == [("r6",)]
    (tile,) = production.tiles()
    assert tile.petals == (6,)
    assert production.find("sframe", night=night, expid=expid, camera="r6").name.endswith(f".fits{end}")
    found = production.find("redrock", tile=7951, group="cumulative", suffix=tile.suffix, petal=6)
    assert found.name == f"zbest-6-7951-thru{night}.fits{end}"
