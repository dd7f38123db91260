"""What a table says against what is on disk: which exposures are science, and which a table hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.production import Production
from pytest_specqa.production.nights import NightReport

NIGHT = 20211014
HEAD = "EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,BADAMPS\n"


def table(root: Path, *lines: str, night: int = NIGHT) -> Path:
    path = root / f"exposure_tables/{night // 100}/exposure_table_{night}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return path


def files(root: Path, expid: int, *kinds: str, night: int = NIGHT) -> Path:
    folder = root / f"exposures/{night}/{expid:08d}"
    folder.mkdir(parents=True)
    for kind in kinds:
        (folder / f"{kind}-r6-{expid:08d}.fits.gz").touch()
    return folder


def found(root: Path, night: int = NIGHT) -> tuple[list[int], NightReport]:
    production = Production(root)
    return [exposure.expid for exposure in production.exposures(night)], production.night_report(night)


def test_a_flat_of_the_table_is_no_science_though_it_has_frames_only(tmp_path: Path) -> None:
    files(tmp_path, 1, "frame")
    files(tmp_path, 2, "frame", "sframe")
    assert found(tmp_path)[0] == [1, 2], "without a table file names tell"
    table(tmp_path, "1,flat,-99,all,a6,,", "2,science,7951,all,r6,,")
    expids, report = found(tmp_path)
    assert (expids, report) == ([2], NightReport(tabled=True))


def test_a_flat_of_the_table_with_sky_subtracted_spectra_is_a_contradiction(tmp_path: Path) -> None:
    files(tmp_path, 1, "frame", "sframe")
    table(tmp_path, "1,flat,-99,all,a6,,")
    expids, report = found(tmp_path)
    assert expids == []
    assert report.conflicts == ("exposure 1 is a flat and has sky-subtracted spectra or a sky model on disk",)
    assert Production(tmp_path).nights() == [NIGHT]


@pytest.mark.parametrize(("obstype", "faults"), [("sciense", 2), ("other", 1), ("", 2)])
def test_an_exposure_of_unknown_type_with_products_of_science_is_judged_by_its_row(
    tmp_path: Path, obstype: str, faults: int
) -> None:
    files(tmp_path, 1, "sframe")
    table(tmp_path, f"1,{obstype},7951,all,a6,,", "2,other,-99,all,a6,,")
    expids, report = found(tmp_path)
    assert (expids, len(report.faults), report.unlisted) == ([1], faults, ())
    assert Production(tmp_path).exposures(NIGHT)[0].expected == ("b6", "r6", "z6")


def test_an_exposure_on_disk_that_the_table_does_not_list_is_judged_and_named(tmp_path: Path) -> None:
    files(tmp_path, 1, "sframe")
    files(tmp_path, 2, "frame", "fiberflat")
    table(tmp_path)
    expids, report = found(tmp_path)
    assert (expids, report) == ([1], NightReport(tabled=True, unlisted=(1,)))
    assert Production(tmp_path).exposures(NIGHT)[0].expected is None


def test_a_camera_on_disk_that_the_camera_word_lacks_is_a_contradiction_and_a_bad_one_is_none(tmp_path: Path) -> None:
    files(tmp_path, 1, "sframe")
    table(tmp_path, "1,science,7951,all,b6z6,,")
    assert found(tmp_path)[1].conflicts == ("exposure 1 has products of r6 on disk, which CAMWORD has not",)
    table(tmp_path, "1,science,7951,all,a6,r6,")
    assert found(tmp_path) == ([1], NightReport(tabled=True))
    table(tmp_path, "1,science,7951,ignore,b6,,")
    assert found(tmp_path) == ([], NightReport(tabled=True))


def test_an_exposure_whose_row_cannot_be_read_is_judged_by_its_files(tmp_path: Path) -> None:
    files(tmp_path, 1, "sframe")
    table(tmp_path, "1,science,7951,all,,,", "2,science,7951,soon,a6,,")
    expids, report = found(tmp_path)
    assert (expids, len(report.faults), report.unlisted) == ([1], 2, ())
    assert Production(tmp_path).exposures(NIGHT)[0].cameras == ("r6",)


def test_a_table_that_cannot_be_read_leaves_its_night_to_the_files_and_other_nights_alone(tmp_path: Path) -> None:
    files(tmp_path, 1, "sframe")
    path = table(tmp_path)
    path.unlink()
    path.symlink_to(path)
    table(tmp_path, "5,science,7951,all,a6,,", night=NIGHT + 1)
    table(tmp_path, night=NIGHT + 2).write_bytes(b"\0")
    expids, report = found(tmp_path)
    assert expids == [1]
    assert isinstance(report.unreadable, ProductError)
    assert not report.sound
    assert found(tmp_path, NIGHT + 1) == ([5], NightReport(tabled=True))
    assert Production(tmp_path).nights() == [NIGHT, NIGHT + 1, NIGHT + 2]


def test_folders_that_lead_nowhere_are_named_and_the_rest_is_listed(tmp_path: Path) -> None:
    files(tmp_path, 1, "sframe")
    loop = tmp_path / f"exposures/{NIGHT}/00000002"
    loop.symlink_to(loop)
    (tmp_path / f"exposures/{NIGHT}/00000003").symlink_to(tmp_path / "gone")
    night = tmp_path / f"exposures/{NIGHT + 1}"
    night.symlink_to(night)
    expids, report = found(tmp_path)
    assert expids == [1]
    assert [folder.split(" found ")[0] for folder in report.folders] == ["00000002", "00000003"]
    assert len(found(tmp_path, NIGHT + 1)[1].folders) == 1
    assert Production(tmp_path).nights() == [NIGHT, NIGHT + 1]


@pytest.mark.parametrize("loop", ["exposure_tables", "exposure_tables/202110"])
@pytest.mark.parametrize("target", ["itself", "gone"])
def test_a_folder_of_tables_that_leads_nowhere_is_no_production_without_tables(tmp_path: Path, loop: str, target: str) -> None:
    path = tmp_path / loop
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(path if target == "itself" else tmp_path / target)
    (tmp_path / "tiles").mkdir()
    with pytest.raises(ProductError):
        Production(tmp_path).nights()
    files(tmp_path, 1, "sframe")
    expids, report = found(tmp_path)
    assert (expids, Production(tmp_path).nights()) == ([1], [NIGHT])
    assert report.unreadable


def test_a_night_without_a_table_is_said_only_where_others_have_one(tmp_path: Path) -> None:
    files(tmp_path, 1, "sframe")
    assert found(tmp_path) == ([1], NightReport())
    table(tmp_path, "5,science,7951,all,a6,,", night=NIGHT + 1)
    expids, report = found(tmp_path)
    assert (expids, report.sound) == ([1], True)
    assert report.oddities == (f"night {NIGHT} has no exposure table, though other nights have",)
