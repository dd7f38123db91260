"""A production without exposure tables goes by its lists of exposures and tiles, as public releases have them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_specqa.production import Production

NIGHT, TILE = 20211014, 7951
HEAD = "NIGHT,EXPID,TILEID,SURVEY,PROGRAM,FAPRGRM,EXPTIME\n"


def exposure(root: Path, expid: int, *names: str, night: int = NIGHT) -> None:
    folder = root / f"exposures/{night}/{expid:08d}"
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}-{expid:08d}.fits.gz").touch()


def tile(root: Path, number: int, night: int) -> None:
    folder = root / f"tiles/cumulative/{number}/{night}"
    folder.mkdir(parents=True)
    (folder / f"redrock-6-{number}-thru{night}.fits").touch()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A night with an arc, two exposures of the list and one that the release left out; three tiles, one of no list."""
    root = tmp_path / "iron"
    exposure(root, 104280, "frame-r6", "fit-psf-r6")
    exposure(root, 104284, "sframe-r6", "cframe-r6", "sframe-b6")
    exposure(root, 104285, "cframe-r6")
    exposure(root, 104286, "sframe-r6")
    (root / "exposures-iron.csv").write_text(
        HEAD + f"{NIGHT},104284,{TILE},main,dark,dark1b,901.5\n{NIGHT},104285,{TILE},main,dark,,\n20211015,104300,80,main,dark,,9\n"
    )
    tile(root, TILE, NIGHT)
    tile(root, 80, 20211015)
    tile(root, 90, NIGHT)
    (root / "tiles-iron.csv").write_text(f"TILEID,SURVEY,PROGRAM,LASTNIGHT\n{TILE},main,dark,{NIGHT}\n80,sv3,bright,20211015\n")
    return root


@pytest.fixture
def scanned(release: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (found.append(os.path.relpath(path, release)), scan(path))[1])
    return found


def test_exposures_are_those_of_the_list_with_what_it_says(release: Path, scanned: list[str]) -> None:
    production = Production(release)
    first, second = production.exposures(NIGHT)
    assert (first.expid, first.tile, first.survey, first.program, first.exptime) == (104284, TILE, "main", "dark1b", 901.5)
    assert (first.cameras, first.expected) == (("b6", "r6"), None), "the list does not say which cameras there must be"
    assert (second.expid, second.program, second.exptime != second.exptime) == (104285, "dark", True)
    assert production.nights() == [NIGHT], "what of the list is not on disk is not a night of it"
    assert not [folder for folder in scanned if "00104280" in folder or folder.startswith("preproc")]
    assert len(scanned) == len(set(scanned))


def test_tiles_are_those_of_the_list_and_what_it_does_not_know(release: Path, scanned: list[str]) -> None:
    found = {one.tile: one for one in Production(release).tiles()}
    assert {number: (one.night, one.survey, one.petals) for number, one in found.items()} == {
        TILE: (NIGHT, "main", (6,)),
        80: (20211015, "sv3", (6,)),
        90: (NIGHT, "", (6,)),
    }
    assert f"tiles/cumulative/{TILE}" not in scanned, "the list tells what is below a tile"
    assert "tiles/cumulative/90" in scanned


def test_tiles_of_other_nights_are_not_looked_into(release: Path, scanned: list[str]) -> None:
    assert [one.tile for one in Production(release).tiles(night=20211015)] == [80]
    assert not [folder for folder in scanned if folder.startswith(f"tiles/cumulative/{TILE}")]


def test_a_tile_whose_list_names_another_night_is_found_all_the_same(release: Path) -> None:
    (release / "tiles-iron.csv").write_text(f"TILEID,LASTNIGHT\n{TILE},{NIGHT - 1}\n")
    assert (TILE, NIGHT) in {(one.tile, one.night) for one in Production(release).tiles()}


def test_what_is_listed_and_not_there_is_told(release: Path) -> None:
    production = Production(release)
    assert production.night_report(NIGHT).oddities == ()
    with (release / "exposures-iron.csv").open("a") as file:
        file.write(f"{NIGHT},104290,{TILE},main,dark,,9\n")
    (told,) = Production(release).night_report(NIGHT).oddities
    assert told == "1 of the exposures of exposures-iron.csv without products on disk (104290)"


def test_a_line_that_cannot_be_read_hides_no_exposure(release: Path) -> None:
    with (release / "exposures-iron.csv").open("a") as file:
        file.write("2021,104286,7951,main,dark,,9\n")
    assert [one.expid for one in Production(release).exposures(NIGHT)] == [104284, 104285, 104286]


def test_a_night_that_the_list_does_not_know_is_told_by_its_folders(release: Path) -> None:
    exposure(release, 104400, "sframe-r6", night=20211016)
    production = Production(release)
    assert production.nights() == [NIGHT, 20211016]
    assert [one.expid for one in production.exposures(20211016)] == [104400]


def test_the_list_of_the_production_itself_is_taken(release: Path) -> None:
    (release / "exposures-daily.csv").write_text(HEAD + f"{NIGHT},104286,{TILE},main,dark,,9\n")
    assert [one.expid for one in Production(release).exposures(NIGHT)] == [104284, 104285]


def test_an_exposure_table_has_the_last_word(release: Path) -> None:
    path = release / f"exposure_tables/202110/exposure_table_{NIGHT}.csv"
    path.parent.mkdir(parents=True)
    path.write_text("EXPID,OBSTYPE,TILEID,CAMWORD\n104286,science,7951,r6\n")
    assert [one.expid for one in Production(release).exposures(NIGHT)] == [104284, 104285, 104286]
    assert Production(release).exposure(NIGHT, 104286).expected == ("r6",)  # type: ignore[union-attr]


def test_without_a_list_folders_tell(release: Path) -> None:
    (release / "exposures-iron.csv").unlink()
    (release / "tiles-iron.csv").unlink()
    production = Production(release)
    assert [one.expid for one in production.exposures(NIGHT)] == [104284, 104285, 104286]
    assert [one.tile for one in production.tiles()] == [80, 90, TILE]


def test_reductions_by_night_and_by_exposure_are_named_by_the_list_of_exposures(release: Path) -> None:
    for group, folder, suffix in (("pernight", str(NIGHT), str(NIGHT)), ("perexp", "00104285", "exp00104285")):
        path = release / f"tiles/{group}/{TILE}/{folder}"
        path.mkdir(parents=True)
        (path / f"redrock-6-{TILE}-{suffix}.fits").touch()
        (found,) = Production(release).tiles(group=group)
        assert (found.tile, found.night, found.suffix) == (TILE, NIGHT, suffix)


def test_tiles_alone_tell_their_nights_by_the_list(tmp_path: Path) -> None:
    tile(tmp_path, TILE, NIGHT)
    (tmp_path / "tiles-x.csv").write_text(f"TILEID,LASTNIGHT\n{TILE},{NIGHT}\n80,20211015\n")
    assert Production(tmp_path).nights() == [NIGHT]
