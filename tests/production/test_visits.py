"""Exposures of a tile, as tables, lists and folders of a production tell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import MissingProductError, ProductError
from pytest_specqa.instrument import Camera
from pytest_specqa.production import Production
from pytest_specqa.production.coadds import read_coadd_tables
from pytest_specqa.production.frames import read_frame
from pytest_specqa.production.redshifts import read_redshifts
from pytest_specqa.values import Tile

NIGHT = 20211014
TILE = Tile(tile=7951, night=NIGHT, group="cumulative", suffix=f"thru{NIGHT}", petals=(6,))
HEAD = "EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,EXPTIME,EFFTIME_ETC\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two nights of a tile, with the cframes of one petal in the second."""
    for night, rows in (
        (NIGHT - 1, "1,science,7951,all,a6,z6,900,500\n"),
        (NIGHT, "2,science,7951,skysub,a67,,1000,0\n3,science,1,all,a6,,9,9\n"),
    ):
        path = tmp_path / f"exposure_tables/202110/exposure_table_{night}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + rows)
    folder = tmp_path / f"exposures/{NIGHT}/00000002"
    folder.mkdir(parents=True)
    for name in ("cframe-r6-00000002.fits.gz", "cframe-b7-00000002.fits", "sframe-z6-00000002.fits.gz"):
        (folder / name).touch()
    return tmp_path


def test_tables_of_the_nights_that_lists_and_folders_name_are_read(root: Path) -> None:
    assert [visit.expid for visit in Production(root).visits(TILE, 6, used={}) or ()] == [2]
    (root / "exposures-daily.csv").write_text(f"NIGHT,EXPID,TILEID\n{NIGHT - 1},1,7951\nbad,2,x\n")
    first, second = Production(root).visits(TILE, 6, used={}) or ()
    assert (first.night, first.expid, first.cameras, first.spectra) == (NIGHT - 1, 1, ("b6", "r6"), ())
    assert (second.laststep, second.cameras, second.spectra, second.efftime) == ("skysub", ("b6", "r6", "z6"), ("r6",), 0)
    (root / "exposures-daily.csv").unlink()
    (root / f"tiles/cumulative/7951/{NIGHT - 1}").mkdir(parents=True)
    assert [visit.expid for visit in Production(root).visits(TILE, 6, used={}) or ()] == [1, 2]


def test_what_redshifts_rest_on_is_told_whatever_the_table_says(root: Path) -> None:
    found = {visit.expid: visit for visit in Production(root).visits(TILE, 6, used={3: NIGHT, 4: NIGHT, 5: 20300101}) or ()}
    assert (found[3].tile, found[3].laststep) == (1, "all")
    assert (found[4].tile, found[4].laststep) == (None, "")
    assert 5 not in found, "its night has no table"


def test_a_list_of_exposures_that_cannot_be_read_tells_nothing_and_stops_nothing(root: Path) -> None:
    os.mkfifo(root / "exposures-a.csv")
    (root / "exposures-b.csv").write_text(f"NIGHT,TILEID\n{NIGHT - 1},{'7' * 100_000}\n")
    assert [visit.expid for visit in Production(root).visits(TILE, 6, used={}) or ()] == [2]


def test_a_table_without_science_is_a_table_that_does_not_list_the_exposure(root: Path) -> None:
    (root / f"exposure_tables/202110/exposure_table_{NIGHT}.csv").write_text(HEAD)
    (visit,) = Production(root).visits(TILE, 6, used={2: NIGHT}) or ()
    assert (visit.expid, visit.laststep) == (2, "")


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "exposures").mkdir()
    assert Production(tmp_path).visits(TILE, 6, used={}) is None


def test_the_roster_of_an_exposure_comes_from_preproc_or_from_a_product_that_is_not_packed(
    root: Path, products: Any, fibermap: Any
) -> None:
    where = {"night": NIGHT, "expid": 2, "petal": 6}
    with pytest.raises(MissingProductError, match="fibermap-00000002"):
        Production(root).read_exposure_fibermap(**where)
    products.write(root / f"exposures/{NIGHT}/00000002/sframe-r6-00000002.fits", products.frame(), EXPID=2)
    assert len(Production(root).read_exposure_fibermap(**where)) == 500
    products.write(root / f"preproc/{NIGHT}/00000002/fibermap-00000002.fits", {"": None, "FIBERMAP": fibermap((5, 6))})
    found = Production(root).read_exposure_fibermap(**where)
    assert (found["FIBER"][0], found.path.name) == (3000, "fibermap-00000002.fits")


def test_the_fibermap_of_a_plain_frame_comes_with_it(products: Any, tmp_path: Path, packed: bool) -> None:
    path = products.write(tmp_path / "frame-r6-00104284.fits", products.frame(), packed=packed)
    frame = read_frame(path, "frame", night=NIGHT, expid=104284, camera=Camera.parse("r6"))
    assert (frame.own_fibermap is None) == packed


def exposures(fibermap: Any) -> np.ndarray:
    rows = np.zeros(1000, dtype=[("TARGETID", "i8"), ("EXPID", "i4"), ("NIGHT", "i4")])
    rows["TARGETID"] = np.tile(fibermap()["TARGETID"], 2)
    rows["EXPID"], rows["NIGHT"] = np.repeat([104285, 104284], 500), NIGHT
    return rows


def test_redshifts_tell_their_exposures(products: Any, fibermap: Any, tmp_path: Path) -> None:
    path = tmp_path / "redrock-6-7951-thru20211014.fits"
    older = products.redshifts()
    hdus = {"": None, "ZBEST": older["REDSHIFTS"], "FIBERMAP": older["FIBERMAP"]}
    old = read_redshifts(products.write(tmp_path / "zbest-6-7951-thru20211014.fits", hdus), tile=TILE, petal=6)
    assert (old.used, old.tsnr2) == ({}, None)
    new = read_redshifts(products.write(path, products.redshifts(EXP_FIBERMAP=exposures(fibermap))), tile=TILE, petal=6)
    assert new.used == {104284: NIGHT, 104285: NIGHT}
    assert new.is_target.sum() == 450


def test_a_redshift_file_that_several_jobs_wrote_is_one_line(products: Any, tmp_path: Path) -> None:
    path = products.write(tmp_path / "redrock-6-7951-thru20211014.fits", products.redshifts(), checksum=True)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"QSO", b"QQO", 1))
    with pytest.raises(ProductError, match="HDU REDSHIFTS: found data that are not what their DATASUM says"):
        read_redshifts(path, tile=TILE, petal=6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda rows: np.zeros_like(rows[:100]),
            "is not that of the redshift; 100 rows of REDSHIFTS are empty",
        ),
        (
            lambda rows: rows[250:350],
            "is not that of the redshift; 100 rows of REDSHIFTS repeat others",
        ),
    ],
)
def test_rows_that_were_lost_or_written_twice_are_counted(products: Any, tmp_path: Path, change: Any, words: str) -> None:
    hdus = products.redshifts()
    hdus["REDSHIFTS"][:100] = change(hdus["REDSHIFTS"])
    path = products.write(tmp_path / "redrock-6-7951-thru20211014.fits", hdus)
    with pytest.raises(ProductError, match=f"found 100 of 500 rows whose TARGETID {words}"):
        read_redshifts(path, tile=TILE, petal=6)


def test_targets_that_both_tables_repeat_are_one_line(products: Any, tmp_path: Path) -> None:
    hdus = products.redshifts()
    for name in ("REDSHIFTS", "FIBERMAP"):
        hdus[name][:100] = hdus[name][250:350]
    path = products.write(tmp_path / "redrock-6-7951-thru20211014.fits", hdus)
    with pytest.raises(ProductError, match="100 of 500 rows that repeat the TARGETID of another"):
        read_redshifts(path, tile=TILE, petal=6)


def test_tables_of_a_coadd_are_read_without_its_spectra(products: Any, fibermap: Any, tmp_path: Path, packed: bool) -> None:
    hdus = {"": None, "FIBERMAP": fibermap(), "EXP_FIBERMAP": exposures(fibermap), "R_FLUX": np.zeros((2, 2), "f4")}
    path = products.write(tmp_path / "coadd-6-7951-thru20211014.fits", hdus, packed=packed)
    found = read_coadd_tables(path, tile=TILE, petal=6)
    assert (len(found.fibermap), len(found.exposures or ())) == (500, 1000)
    del hdus["EXP_FIBERMAP"]
    older = products.write(tmp_path / "older/coadd-6-7951-thru20211014.fits", hdus, packed=packed)
    assert read_coadd_tables(older, tile=TILE, petal=6).exposures is None
