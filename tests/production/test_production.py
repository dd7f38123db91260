from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import MissingProductError, ProductError, UsageError
from pytest_specqa.production import Production
from pytest_specqa.production.stream import FitsStream
from pytest_specqa.values import Tile

NIGHT, EXPID, TILE = 20211014, 104284, 7951
UNIT: dict[str, Any] = {"night": NIGHT, "expid": EXPID, "camera": "r6"}
HEAD = "EXPID,OBSTYPE,TILEID,LASTSTEP,CAMWORD,BADCAMWORD,BADAMPS,EXPTIME,SURVEY,FAPRGRM\n"


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def tabulate(root: Path, *lines: str, night: int = NIGHT) -> None:
    path = root / f"exposure_tables/{night // 100}/exposure_table_{night}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(line + "\n" for line in lines))


def exposure_files(expid: int, *stems: str, night: int = NIGHT) -> list[str]:
    return [f"exposures/{night}/{expid:08d}/{stem}-{expid:08d}.fits" for stem in stems]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    touch(tmp_path, *exposure_files(EXPID, "frame-r6", "sframe-r6", "sky-b2"))
    return tmp_path


def test_a_folder_without_products_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no production: it has neither exposures/ nor tiles/; give the folder that holds them"):
        Production(tmp_path)


def test_without_a_table_the_folders_tell(root: Path) -> None:
    production = Production(root)
    assert production.name == root.name
    assert production.nights() == [NIGHT]
    (exposure,) = production.exposures(NIGHT)
    assert (exposure.expid, exposure.tile, exposure.cameras, exposure.expected) == (EXPID, None, ("b2", "r6"), None)
    assert production.expected_products(exposure, "r6") is None
    assert production.exposures(20200101) == []


def test_calibrations_and_strange_files_are_no_science(root: Path) -> None:
    touch(root, *exposure_files(104200, "frame-r6", "fiberflat-r6"), *exposure_files(104201, "frame-r6", "fit-psf-r6"))
    touch(root, *exposure_files(104202, "psf-r6"), f"exposures/{NIGHT}/00104203/sframe-r6-00104299.fits")
    touch(root, f"exposures/{NIGHT}/00104204/sframe-q6-00104204.fits", f"exposures/{NIGHT}/README", "exposures/old/x")
    assert [exposure.expid for exposure in Production(root).exposures(NIGHT)] == [EXPID]


def test_the_table_adds_cameras_that_are_expected_but_absent(root: Path) -> None:
    tabulate(root, f"{EXPID},science,{TILE},all,a67,r7,r6A,1000,main,dark")
    production = Production(root)
    (exposure,) = production.exposures(NIGHT)
    assert exposure.expected == ("b6", "b7", "r6", "z6", "z7")
    assert exposure.cameras == ("b2", "b6", "b7", "r6", "z6", "z7")
    assert (exposure.tile, exposure.badamps, exposure.survey, exposure.program) == (TILE, ("r6A",), "main", "dark")
    full = ("frame", "sky", "sframe", "fluxcalib", "cframe")
    assert production.expected_products(exposure, "r6") == full
    assert production.expected_products(exposure, "b7") == ("frame", "sky", "sframe"), "petal 7 lacks r, so it is not calibrated"
    assert production.expected_products(exposure, "b2") == ()


def test_laststep_limits_what_is_expected(root: Path) -> None:
    tabulate(root, f"{EXPID},science,{TILE},skysub,a6,,,1000,main,dark")
    production = Production(root)
    assert production.expected_products(production.exposures(NIGHT)[0], "r6") == ("frame", "sky", "sframe")


def test_exposures_that_only_the_table_knows_appear_unless_ignored(root: Path) -> None:
    tabulate(
        root,
        f"{EXPID},science,{TILE},ignore,a6,,,1000,main,dark",
        "104285,science,7951,skysub,r6,,,1000,main,dark",
        "104286,science,7951,ignore,r6,,,1000,main,dark",
        "104287,flat,-99,all,a0123456789,,,1,,",
    )
    tabulate(root, "105000,science,5,all,a0,,,900,main,bright", night=20211016)
    tabulate(root, "105100,zero,-99,all,a0,,,0,,", night=20211017)
    production = Production(root)
    assert production.nights() == [NIGHT, 20211016]
    assert [exposure.expid for exposure in production.exposures(NIGHT)] == [104285]
    everything = production.exposures(NIGHT, ignored=True)
    assert [(exposure.expid, exposure.expected) for exposure in everything] == [(EXPID, ()), (104285, ("r6",))]
    assert production.exposures(20211016)[0].cameras == ("b0", "r0", "z0")


def test_listing_opens_no_product(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tabulate(root, f"{EXPID},science,{TILE},all,a6,,,1000,main,dark")
    touch(root, f"tiles/cumulative/{TILE}/{NIGHT}/redrock-6-{TILE}-thru{NIGHT}.fits")
    opened: list[str] = []
    real_open = builtins.open
    monkeypatch.setattr(
        builtins, "open", lambda name, *args, **kwargs: (opened.append(str(name)), real_open(name, *args, **kwargs))[1]
    )
    monkeypatch.setattr(FitsStream, "__init__", lambda _, path: opened.append(str(path)))
    production = Production(root)
    assert production.nights()
    assert production.exposures(NIGHT)
    assert production.tiles()
    assert not [name for name in opened if ".fits" in name]


def test_a_folder_is_listed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (scanned.append(str(path)), scan(path))[1])
    production = Production(root)
    for _ in range(3):
        production.nights()
        production.exposures(NIGHT)
    assert len(scanned) == len(set(scanned))


def test_the_tile_comes_from_the_table_a_file_name_or_at_last_a_header(products: Any, root: Path) -> None:
    products.write(root / exposure_files(EXPID, "sframe-r6")[0], products.frame(RESOLUTION=None))
    assert Production(root).exposures(NIGHT)[0].tile is None
    assert Production(root).tile_of(NIGHT, EXPID) == 7951
    touch(root, f"preproc/{NIGHT}/{EXPID:08d}/tilepix-80605.json")
    assert Production(root).exposures(NIGHT)[0].tile == 80605
    tabulate(root, f"{EXPID},science,1234,all,a6,,,1000,main,dark")
    assert Production(root).tile_of(NIGHT, EXPID) == 1234
    assert Production(root).tile_of(NIGHT, 1) is None


def test_tiles_are_listed_with_petals_on_disk_and_expected(root: Path) -> None:
    folder = f"tiles/cumulative/{TILE}/{NIGHT}"
    touch(root, *(f"{folder}/{kind}-{petal}-{TILE}-thru{NIGHT}.fits" for kind in ("redrock", "coadd") for petal in (6, 3)))
    touch(
        root, f"{folder}/tile-qa-{TILE}-thru{NIGHT}.fits", f"{folder}/redrock-9-1-thru{NIGHT}.fits", "tiles/cumulative/1/20211013/x"
    )
    assert Production(root).tiles() == [Tile(TILE, NIGHT, "cumulative", f"thru{NIGHT}", (3, 6))]
    tabulate(root, f"{EXPID},science,{TILE},all,a678,r8,,1000,main,dark", f"104285,science,{TILE},skysub,a1,,,1000,main,dark")
    (tile,) = Production(root).tiles(night=NIGHT)
    assert tile.petals == (3, 6, 7), "petal 8 lacks a camera, and petal 1 ends with sky subtraction"
    assert (tile.survey, tile.program) == ("main", "dark")
    assert Production(root).tiles(night=20211015) == []


def test_a_tile_expects_the_petals_of_its_own_exposures_only(root: Path) -> None:
    for tile, petal in ((TILE, 6), (80605, 2)):
        touch(root, f"tiles/cumulative/{tile}/{NIGHT}/redrock-{petal}-{tile}-thru{NIGHT}.fits")
    rows = (f"{EXPID},science,{TILE},all,a6,,,1000,main,dark", "104285,science,80605,all,a23,,,900,sv1,bright")
    tabulate(root, *rows, f"104286,science,{TILE},ignore,a9,,,1,main,dark")
    found = {tile.tile: (tile.petals, tile.survey, tile.program) for tile in Production(root).tiles()}
    assert found == {TILE: ((6,), "main", "dark"), 80605: ((2, 3), "sv1", "bright")}


def test_other_groups_have_their_own_suffixes(root: Path) -> None:
    touch(root, f"tiles/perexp/{TILE}/{EXPID:08d}/redrock-6-{TILE}-exp{EXPID:08d}.fits")
    touch(root, f"tiles/1x_depth/{TILE}/2/zbest-6-{TILE}-1xsubset2.fits")
    production = Production(root)
    assert production.tiles(group="perexp") == [Tile(TILE, NIGHT, "perexp", f"exp{EXPID:08d}", (6,))]
    (subset,) = production.tiles(group="1x_depth")
    assert subset == Tile(TILE, 0, "1x_depth", "1xsubset2", (6,))
    with pytest.raises(ProductError, match=r"zbest-6-7951-1xsubset2.fits: found an empty file"):
        production.read_redshifts(subset, 6)


def test_a_production_of_tiles_has_the_nights_of_its_tiles(tmp_path: Path) -> None:
    touch(tmp_path, f"tiles/cumulative/{TILE}/{NIGHT}/redrock-6-{TILE}-thru{NIGHT}.fits")
    assert Production(tmp_path).nights() == [NIGHT]


def test_products_are_read_by_unit(products: Any, root: Path, packed: bool) -> None:
    for name in exposure_files(EXPID, "frame-r6", "sframe-r6", "sky-b2"):
        (root / name).unlink()
    for kind in ("frame", "sframe", "cframe"):
        products.write(root / exposure_files(EXPID, f"{kind}-r6")[0], products.frame(), packed=packed)
    products.write(root / exposure_files(EXPID, "sky-r6")[0], products.sky(), packed=packed)
    products.write(root / exposure_files(EXPID, "fluxcalib-r6")[0], products.fluxcalib(), packed=packed)
    products.write(root / f"calibnight/{NIGHT}/fiberflatnight-r6-{NIGHT}.fits", products.fiberflat(), packed=packed)
    products.write(root / f"tiles/cumulative/{TILE}/{NIGHT}/redrock-6-{TILE}-thru{NIGHT}.fits", products.redshifts())
    production = Production(root)
    assert [production.read_frame(kind, **UNIT).kind for kind in ("frame", "sframe", "cframe")] == ["frame", "sframe", "cframe"]
    assert production.read_sky(**UNIT).camera == "r6"
    assert production.read_fluxcalib(**UNIT).camera == "r6"
    assert production.read_fiberflat(night=NIGHT, camera="r6").night == NIGHT
    assert len(production.read_redshifts(production.tiles()[0], 6)) == 500
    with pytest.raises(MissingProductError, match=f"coadd-6-7951-thru{NIGHT}.fits: not found"):
        production.read_coadd(production.tiles()[0], 6)
    with pytest.raises(UsageError, match="no frame 'xframe'"):
        production.read_frame("xframe", **UNIT)


def test_the_fibermap_of_the_exposure_is_preferred_and_read_once(
    products: Any, fibermap: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = fibermap(tuple(range(10)))
    rows["OBJTYPE"] = np.where(rows["FIBER"] % 4 == 0, b"SKY", b"TGT")
    products.write(root / f"preproc/{NIGHT}/{EXPID:08d}/fibermap-{EXPID:08d}.fits", {"": None, "FIBERMAP": rows})
    products.write(root / exposure_files(EXPID, "sframe-r6")[0], products.frame())
    products.write(root / exposure_files(EXPID, "frame-r6")[0], products.frame())
    tabulate(root, f"{EXPID},science,{TILE},all,a6,,r6A;b6B,1000,main,dark")
    opened: list[str] = []
    begin = FitsStream.__init__
    monkeypatch.setattr(FitsStream, "__init__", lambda self, path: (opened.append(path.name), begin(self, path))[1])
    production = Production(root)
    frames = [production.read_frame(kind, **UNIT) for kind in ("sframe", "frame")]
    for frame in frames:
        assert frame.fibermap["OBJTYPE"][4] == "SKY"
        assert np.flatnonzero(frame.is_sky).tolist() == list(range(252, 500, 4)), "amplifier A of r6 is bad"
    assert opened.count(f"fibermap-{EXPID:08d}.fits") == 1
    own = production.read_frame("sframe", **UNIT, hdus=("FIBERMAP",))
    assert own.fibermap["OBJTYPE"][4] == "TGT", "the FIBERMAP of the file is used when it is asked for"


def test_only_a_few_fibermaps_are_kept(products: Any, fibermap: Any, root: Path) -> None:
    production = Production(root)
    for expid in range(10):
        products.write(root / f"preproc/{NIGHT}/{expid:08d}/fibermap-{expid:08d}.fits", {"": None, "FIBERMAP": fibermap()})
        production._fibermap(NIGHT, expid)
    assert len(production._fibermaps) == 4
    assert (NIGHT, 9) in production._fibermaps
