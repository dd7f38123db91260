"""What ``write_production`` leaves on disk: the layout, HDUs, types and units of the data model."""

from __future__ import annotations

import csv
import gzip
import hashlib
from pathlib import Path

import fitsio
import numpy as np
import pytest

from pytest_specqa.demo import write_production
from pytest_specqa.demo.production import MARKER
from pytest_specqa.errors import UsageError
from pytest_specqa.production import Production, flat_fielded

NIGHT = 20211014
FRAME_HDUS = ["FLUX", "IVAR", "MASK", "WAVELENGTH", "RESOLUTION", "FIBERMAP", "CHI2PIX", "SCORES"]
SKY_HDUS = ["SKY", "IVAR", "MASK", "WAVELENGTH", "STATIVAR", "THRPUTCORR", "THRPUTCORR_MOD", "SKYTARGETID"]
FLAT_HDUS = ["FIBERFLAT", "IVAR", "MASK", "MEANSPEC", "WAVELENGTH", "FIBERMAP"]
CALIB_HDUS = ["FLUXCALIB", "IVAR", "MASK", "WAVELENGTH", "FIBERCORR", "STDSTAR_FIBERMAP"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_production(tmp_path_factory.mktemp("demo") / "made", petals=[6], progress=False, workers=1)


def _path(demo: Path, kind: str, *, variant: str = "before", expid: int = 104284) -> Path:
    return demo / variant / "exposures" / str(NIGHT) / f"{expid:08d}" / f"{kind}-r6-{expid:08d}.fits.gz"


@pytest.mark.parametrize(
    ("kind", "hdus", "unit"),
    [
        ("frame", FRAME_HDUS, "electron/Angstrom"),
        ("sframe", FRAME_HDUS, "electron/Angstrom"),
        ("cframe", FRAME_HDUS, "10**-17 erg/(s cm2 Angstrom)"),
        ("sky", SKY_HDUS, "electron/Angstrom"),
        ("fluxcalib", CALIB_HDUS, "10**+17 cm2 count s / erg"),
    ],
)
def test_hdus_types_and_units(demo: Path, kind: str, hdus: list[str], unit: str) -> None:
    with fitsio.FITS(_path(demo, kind)) as file:
        assert [hdu.get_extname() for hdu in file] == hdus
        header = file[0].read_header()
        assert header["BUNIT"].strip() == unit
        assert (header["NIGHT"], header["EXPID"], header["TILEID"], header["CAMERA"]) == (NIGHT, 104284, 7951, "r6")
        assert (header["FLAVOR"], header["OBSTYPE"], header["FIBERMIN"]) == ("science", "SCIENCE", 3000)
        assert file[0].read().dtype == np.float32
        assert file["IVAR"].read().dtype == np.float32
        assert file["MASK"].read().dtype == np.uint32
        wide = kind in {"frame", "sframe", "cframe"}
        assert file["WAVELENGTH"].read().dtype == (np.float64 if wide else np.float32)
        assert file[0].get_dims() == [500, 2326]
        if wide:
            assert file["RESOLUTION"].get_dims() == [500, 11, 2326]
            assert file["FIBERMAP"].get_nrows() == 500
            assert file["FIBERMAP"].read_header()["SURVEY"].strip() == "main"
            resolution = file["RESOLUTION"][3:4, :, 100:101].ravel()
            assert resolution.sum() == pytest.approx(1.0, abs=1e-5)


def test_resolution_is_the_line_spread_of_each_fiber(demo: Path) -> None:
    with fitsio.FITS(_path(demo, "sframe")) as file:
        resolution = file["RESOLUTION"].read()
    offsets = 0.8 * (5 - np.arange(11))
    np.testing.assert_allclose(resolution.sum(axis=1), 1.0, atol=1e-5)
    sigma = np.sqrt((resolution[:, :, 100] * offsets**2).sum(axis=1))
    assert np.median(sigma) == pytest.approx(0.76, rel=0.05)
    assert np.unique(sigma.round(5)).size > 400, "no two fibers are alike"


def test_headers_say_where_each_amplifier_reads(demo: Path) -> None:
    header = fitsio.read_header(_path(demo, "cframe"))
    assert [header[f"CCDSEC{amp}"].strip() for amp in "ABCD"] == [
        "[1:2057, 1:2064]",
        "[2058:4114, 1:2064]",
        "[1:2057, 2065:4128]",
        "[2058:4114, 2065:4128]",
    ]
    assert header["BIASSECA"].strip() == "[2062:2125, 1:2064]"
    assert header["BIASSECB"].strip() == "[2126:2189, 1:2064]", "the overscans of two amplifiers meet in the middle"
    assert all(header[f"OBSRDN{amp}"] > 0 for amp in "ABCD")


def test_files_of_full_size_do_not_pack(tmp_path: Path) -> None:
    options = {"bands": "r", "petals": [6], "variants": ["after"], "progress": False, "workers": 1}
    made = write_production(tmp_path / "full", full_size=True, **options) / "after"  # type: ignore[arg-type]
    sframe = _path(made.parent, "sframe", variant="after")
    assert 25e6 < sframe.stat().st_size < 50e6
    with fitsio.FITS(sframe) as file:
        resolution = file["RESOLUTION"][0:20, :, :]
    assert 5e-4 < resolution[:, 5].std(axis=1).mean() < 2e-3


def test_flat_and_tile_files(demo: Path) -> None:
    flat = demo / "before" / "calibnight" / str(NIGHT) / f"fiberflatnight-r6-{NIGHT}.fits"
    with fitsio.FITS(flat) as file:
        assert [hdu.get_extname() for hdu in file] == FLAT_HDUS
        assert np.median(file["FIBERFLAT"].read()) == pytest.approx(1.0, abs=0.05)
    folder = demo / "before" / "tiles" / "cumulative" / "7951" / str(NIGHT)
    with fitsio.FITS(folder / f"redrock-6-7951-thru{NIGHT}.fits") as file:
        assert [hdu.get_extname() for hdu in file] == ["", "REDSHIFTS", "FIBERMAP", "EXP_FIBERMAP", "TSNR2"]
        assert file["EXP_FIBERMAP"].get_nrows() == 1000
        assert (file["REDSHIFTS"]["TARGETID"][:] == file["FIBERMAP"]["TARGETID"][:]).all()
        assert file["REDSHIFTS"].read(rows=[0])["COEFF"].shape == (1, 10)
    with fitsio.FITS(folder / f"coadd-6-7951-thru{NIGHT}.fits.gz") as file:
        names = [hdu.get_extname() for hdu in file]
        assert names == ["", "FIBERMAP", "EXP_FIBERMAP", "R_WAVELENGTH", "R_FLUX", "R_IVAR", "R_MASK", "SCORES"]
    with fitsio.FITS(demo / "before" / "preproc" / str(NIGHT) / "00104284" / "fibermap-00104284.fits") as file:
        assert file["FIBERMAP"].get_nrows() == 5000


def test_files_are_one_gzip_member(demo: Path) -> None:
    raw = gzip.decompress(_path(demo, "sky").read_bytes())
    assert len(raw) % 2880 == 0
    assert raw.startswith(b"SIMPLE  =                    T")


@pytest.mark.parametrize("variant", ["before", "after"])
def test_production_room_reads_it_and_the_algebra_closes(demo: Path, variant: str) -> None:
    production = Production(demo / variant)
    assert production.nights() == [NIGHT]
    assert [exposure.expid for exposure in production.exposures(NIGHT)] == [104282, 104284, 104285, 104286]
    assert all(exposure.cameras == exposure.expected == ("r6",) for exposure in production.exposures(NIGHT))
    where = {"night": NIGHT, "expid": 104284, "camera": "r6"}
    frame, sframe = production.read_frame("frame", **where), production.read_frame("sframe", **where)
    sky, flat = production.read_sky(**where), production.read_fiberflat(night=NIGHT, camera="r6")
    assert 30 <= frame.is_sky.sum() <= 50
    applied = np.stack([np.interp(frame.wave, flat.wave * frame.heliocor, row) for row in flat.fiberflat.astype(float)])
    difference = (frame.flux / applied - flat_fielded(sframe, sky)) * np.sqrt(sframe.ivar)
    assert np.abs(difference).max() < 0.1


def test_redshifts_pile_up_before_the_fix_only(demo: Path) -> None:
    piled = {}
    for variant in ("before", "after"):
        production = Production(demo / variant)
        tile = next(tile for tile in production.tiles() if tile.tile == 7951)
        z = production.read_redshifts(tile, 6)["Z"]
        piled[variant] = int(((z > 4.2) & (z < 4.5)).sum())
    assert piled["before"] > 60
    assert piled["after"] <= 3


def test_other_tiles_have_the_same_redshifts_in_both_variants(demo: Path) -> None:
    tables = []
    for variant in ("before", "after"):
        production = Production(demo / variant)
        tile = next(tile for tile in production.tiles() if tile.tile == 1298)
        tables.append(production.read_redshifts(tile, 6)["Z"])
    assert (tables[0] == tables[1]).mean() > 0.99


def test_frames_are_shared_between_the_variants(demo: Path) -> None:
    assert _path(demo, "frame").read_bytes() == _path(demo, "frame", variant="after").read_bytes()
    assert _path(demo, "sky").read_bytes() != _path(demo, "sky", variant="after").read_bytes()


def test_flat_is_one_for_the_night(demo: Path) -> None:
    header = fitsio.read_header(_path(demo, "frame"))
    assert header["FIBERFLT"].strip() == f"SPECPROD/calibnight/{NIGHT}/fiberflatnight-r6-{NIGHT}.fits"
    assert header["HELIOCOR"] != 1.0


def test_exposure_table(demo: Path) -> None:
    table = demo / "after" / "exposure_tables" / "202110" / f"exposure_table_{NIGHT}.csv"
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["TILEID"] for row in rows] == ["1298", "7951", "7951", "6699"]
    assert {row["CAMWORD"] for row in rows} == {"r6"}
    assert {row["LASTSTEP"] for row in rows} == {"all"}


def test_no_scratch_is_left(demo: Path) -> None:
    assert [entry.name for entry in demo.parent.iterdir()] == [demo.name]
    assert sorted(entry.name for entry in demo.iterdir()) == ["after", "before", MARKER]
    assert not list(demo.rglob("*.partial"))


def test_same_seed_same_files(demo: Path, tmp_path: Path) -> None:
    again = write_production(tmp_path / "again", petals=[6], variants=["before"], progress=False, workers=1)
    for kind in ("sframe", "sky"):
        digests = [hashlib.sha256(_path(root, kind).read_bytes()).hexdigest() for root in (demo, again)]
        assert digests[0] == digests[1]


def test_folder_with_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError, match="holds other files"):
        write_production(tmp_path, petals=[6], progress=False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": "g"}, "bands 'g'"),
        ({"petals": [11]}, "petals"),
        ({"variants": ["now"]}, "variants now"),
        ({"faults": {"cte": 1.0}}, "cte_offset"),
    ],
)
def test_impossible_demos_are_refused_before_anything_is_written(tmp_path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        write_production(tmp_path / "demo", progress=False, **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
