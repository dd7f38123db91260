"""Which reductions a production holds, in whatever layout, and what is looked into to know it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_specqa.errors import MissingProductError, UsageError
from pytest_specqa.production import Production
from pytest_specqa.production.groups import groups_of, own_group
from pytest_specqa.values import NO_NIGHT, Tile

NIGHT, TILE = 20211014, 7951


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def pixel(root: Path, name: str) -> Path:
    survey, program, number = name.split("-")
    return touch(root / f"healpix/{survey}/{program}/{int(number) // 100}/{number}/redrock-{name}.fits")


@contextmanager
def scanned(monkeypatch: pytest.MonkeyPatch, root: Path) -> Iterator[list[str]]:
    """Folders that are listed meanwhile, below a production."""
    found: list[str] = []
    scan = os.scandir
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", lambda path: (found.append(os.path.relpath(path, root)), scan(path))[1])
        yield found


def test_the_group_is_the_first_that_is_there(tmp_path: Path) -> None:
    assert (groups_of(tmp_path), own_group(tmp_path)) == ([], "cumulative")
    pixel(tmp_path, "main-dark-27247")
    assert own_group(tmp_path) == "healpix"
    for folder, group in (("tiles/perexp", "perexp"), ("tiles/pernight", "pernight"), ("tiles/7951", "older")):
        (tmp_path / folder).mkdir(parents=True)
        assert own_group(tmp_path) == group
    (tmp_path / "tiles/cumulative").mkdir()
    (tmp_path / "tiles/1x_depth").mkdir()
    assert groups_of(tmp_path) == ["cumulative", "older", "pernight", "perexp", "healpix", "1x_depth"]


def test_before_everest_a_tile_is_below_tiles_itself_by_night(tmp_path: Path) -> None:
    path = touch(tmp_path / "tiles/80613/20210324/zbest-4-80613-20210324.fits")
    touch(tmp_path / "tiles/80613/deep/zbest-4-80613-deep.fits")
    production = Production(tmp_path)
    (tile,) = production.tiles()
    assert tile == Tile(80613, 20210324, "older", "20210324", (4,))
    assert production.nights() == [20210324]
    assert production.tiles(night=20210325) == []
    assert production.find("redrock", tile=80613, group="older", suffix="20210324", petal=4) == path


def test_a_reduction_of_one_exposure_is_of_its_night(tmp_path: Path) -> None:
    for expid in (104284, 104285, 104286):
        touch(tmp_path / f"tiles/perexp/{TILE}/{expid:08d}/redrock-6-{TILE}-exp{expid:08d}.fits")
    touch(tmp_path / f"exposures/{NIGHT}/00104284/sframe-r6-00104284.fits")
    touch(tmp_path / f"exposures/{NIGHT + 1}/00104285/sframe-r6-00104285.fits")
    production = Production(tmp_path)
    assert [(tile.expid, tile.night) for tile in production.tiles(group="perexp")] == [
        (104284, NIGHT),
        (104285, NIGHT + 1),
        (104286, NO_NIGHT),
    ]
    (tile,) = production.tiles(group="perexp", night=NIGHT)
    assert (tile.suffix, tile.petals) == ("exp00104284", (6,))
    assert production.find("redrock", tile=TILE, group="perexp", suffix=tile.suffix, petal=6).name.endswith("exp00104284.fits")


def test_pixels_are_told_by_the_names_of_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("main-bright-27247", "main-dark-27247", "main-dark-311", "sv3-dark-27247")
    paths = {name: pixel(tmp_path, name) for name in names}
    (tmp_path / "healpix/main/dark/272/old").mkdir()
    production = Production(tmp_path)
    with scanned(monkeypatch, tmp_path) as looked:
        found = production.tiles()
    assert [(one.suffix, one.tile, one.survey, one.program, one.night) for one in found][1:3] == [
        ("main-dark-311", 311, "main", "dark", NO_NIGHT),
        ("main-dark-27247", 27247, "main", "dark", NO_NIGHT),
    ]
    assert not [folder for folder in looked if folder.endswith(("/27247", "/311"))], "no folder of a pixel is looked into"
    assert production.tiles(group="healpix", night=NIGHT) == []
    for one in found:
        assert production.find("redrock", group=one.group, suffix=one.suffix, tile=one.tile, petal=-1) == paths[one.suffix]


def test_some_pixels_are_found_without_listing_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("main-dark-27247", "main-dark-27248", "main-bright-27247", "main-dark-311"):
        pixel(tmp_path, name)
    production = Production(tmp_path)
    with scanned(monkeypatch, tmp_path) as looked:
        assert {one.suffix for one in production.pixels(["27247"])} == {"main-dark-27247", "main-bright-27247"}
        assert [one.suffix for one in production.pixels(["main-dark-27248"])] == ["main-dark-27248"]
    assert "healpix/main/dark/3" not in looked
    assert production.pixels(["272"]) == []
    with pytest.raises(UsageError, match="no pixel 'dark': expected a number"):
        production.pixels(["dark"])


def test_a_pixel_without_a_file_is_missing_and_names_no_other_place(tmp_path: Path) -> None:
    (tmp_path / "healpix/main/dark/3/311").mkdir(parents=True)
    production = Production(tmp_path)
    with pytest.raises(MissingProductError, match=r"redrock-main-dark-311\.fits: not found"):
        production.find("redrock", group="healpix", suffix="main-dark-311", petal=-1)
    for suffix in ("main-dark", "../dark-311", "main-dark-311/../.."):
        with pytest.raises(UsageError, match="SURVEY-PROGRAM-PIXEL"):
            production.expected_path("redrock", group="healpix", suffix=suffix, petal=-1)


@pytest.mark.parametrize(
    ("group", "suffix", "rests"),
    [
        ("cumulative", f"thru{NIGHT}", (True, True, False)),
        ("pernight", str(NIGHT), (False, True, False)),
        ("older", str(NIGHT), (False, True, False)),
        ("perexp", "exp00000002", (False, True, False)),
    ],
)
def test_a_reduction_rests_on_exposures_by_its_group(group: str, suffix: str, rests: tuple[bool, ...]) -> None:
    tile = Tile(TILE, NIGHT, group, suffix, (6,))
    assert tuple(tile.may_rest_on(night, expid) for night, expid in ((NIGHT - 1, 1), (NIGHT, 2), (NIGHT + 1, 3))) == rests
