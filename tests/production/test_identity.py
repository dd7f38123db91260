"""What a file says that it is: HDUs that occur twice or were swapped, units, types, keywords and values that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import ProductError
from pytest_specqa.instrument import Camera
from pytest_specqa.production.frames import read_frame
from pytest_specqa.production.identity import read_headers
from pytest_specqa.production.models import read_fiberflat, read_fluxcalib, read_sky
from pytest_specqa.production.redshifts import read_redshifts
from pytest_specqa.values import Tile

NIGHT, EXPID = 20211014, 104284
WHERE: dict[str, Any] = {"night": NIGHT, "expid": EXPID, "camera": Camera.parse("r6")}
TILE = Tile(tile=7951, night=NIGHT, group="cumulative", suffix=f"thru{NIGHT}", petals=(6,))
UNITS = {"sframe": "electron/Angstrom", "cframe": "10**-17 erg/(s cm2 Angstrom)"}


def sframe(path: Path) -> Any:
    return read_frame(path, "sframe", **WHERE)


def change(path: Path, hdu: int | str, **keywords: Any) -> Path:
    with fits.open(path, mode="update") as hdus:
        hdus[hdu].header.update({name.replace("_", "-"): value for name, value in keywords.items()})
    return path


@pytest.fixture
def plain(products: Any, tmp_path: Path) -> Path:
    return products.write(tmp_path / "sframe-r6-00104284.fits", products.frame())


@pytest.mark.parametrize("twice", ["IVAR", "CHI2PIX"])
def test_an_hdu_that_occurs_twice_is_one_line(plain: Path, twice: str) -> None:
    with fits.open(plain, mode="append") as hdus:
        for _ in range(1 if twice in hdus else 2):
            hdus.append(fits.ImageHDU(np.zeros(4, "f4"), name=twice))
    with pytest.raises(ProductError, match=rf"HDU {twice}: found 2 HDUs of this name; expected one; .*write the file again$"):
        sframe(plain)


def test_an_hdu_behind_the_last_wanted_one_is_known_of_plain_files_only(plain: Path, pack_file: Any) -> None:
    with fits.open(plain, mode="append") as hdus:
        hdus.append(fits.ImageHDU(np.zeros(4, "f4"), name="RESOLUTION"))
    with pytest.raises(ProductError, match="HDU RESOLUTION: found 2 HDUs"):
        sframe(plain)
    assert sframe(pack_file(plain)).camera == "r6"


@pytest.mark.parametrize("unit", ["electron/Angstrom", "electrons / Angstrom", "count/A", ""])
def test_units_that_mean_the_same_are_taken(plain: Path, unit: str) -> None:
    assert sframe(change(plain, 0, BUNIT=unit)).kind == "sframe"


@pytest.mark.parametrize("unit", ["10**-17 erg/(s cm2 Angstrom)", "electron", "electron/nm", "Angstrom"])
def test_another_unit_is_one_line(plain: Path, unit: str) -> None:
    with pytest.raises(ProductError, match=r"HDU FLUX: found BUNIT = .*; expected electron/Angstrom;"):
        sframe(change(plain, 0, BUNIT=unit))


def test_a_calibrated_spectrum_has_another_unit(products: Any, tmp_path: Path) -> None:
    path = products.write(tmp_path / "cframe-r6-00104284.fits", products.frame(), BUNIT="1e-17 erg/s/cm2/Angstrom")
    assert read_frame(path, "cframe", **WHERE).kind == "cframe"
    for unit in (UNITS["sframe"], "10**-18 erg/(s cm2 Angstrom)"):
        with pytest.raises(ProductError, match="HDU FLUX: found BUNIT"):
            read_frame(change(path, 0, BUNIT=unit), "cframe", **WHERE)


def test_swapped_names_of_flux_and_ivar_are_one_line(plain: Path) -> None:
    change(change(plain, 1, EXTNAME="FLUX"), 0, EXTNAME="IVAR")
    with pytest.raises(
        ProductError, match="HDU 0: found EXTNAME = 'IVAR'; expected FLUX, which comes first; two HDUs may be swapped"
    ):
        sframe(plain)


def test_an_ivar_in_the_unit_of_flux_is_one_line(plain: Path) -> None:
    with pytest.raises(ProductError, match="HDU IVAR: found BUNIT = 'electron/Angstrom'; expected the inverse square"):
        sframe(change(plain, "IVAR", BUNIT="electron/Angstrom"))


@pytest.mark.parametrize("keyword", ["EXPID", "NIGHT"])
def test_hdus_of_one_file_may_not_disagree(plain: Path, keyword: str) -> None:
    with pytest.raises(ProductError, match=f"HDU WAVELENGTH: found {keyword} = '20211015'; expected .*, as in the file name"):
        sframe(change(plain, "WAVELENGTH", **{keyword: 20211015}))


@pytest.mark.parametrize("value", ["long", "", np.nan, -1000.0, 0.0, 1e30, True])
def test_an_exposure_time_that_is_none_is_not_known(products: Any, tmp_path: Path, value: Any) -> None:
    card = "NaN" if isinstance(value, float) and np.isnan(value) else value
    path = products.write(tmp_path / "sframe-r6-00104284.fits", products.frame(), EXPTIME=card)
    assert np.isnan(sframe(path).exptime)
    assert sframe(change(path, 0, EXPTIME=930.0)).exptime == 930.0


@pytest.mark.parametrize(
    ("value", "words"), [(1e30, "1 of 1163000 values beyond 1e+09 where IVAR > 0"), (-1e30, "1 of 1163000 values beyond")]
)
def test_an_absurd_flux_is_one_line(products: Any, tmp_path: Path, value: float, words: str) -> None:
    hdus = products.frame()
    hdus["FLUX"][3, 7], hdus["FLUX"][4, 7] = value, 2e6
    path = products.write(tmp_path / "sframe-r6-00104284.fits", hdus)
    with pytest.raises(ProductError) as error:
        sframe(path)
    assert words in str(error.value)
    hdus["IVAR"][3, 7] = 0
    assert sframe(products.write(path, hdus)).flux[4, 7] == 2e6


@pytest.mark.parametrize(("value", "words"), [(1e30, "1 above 1e"), (-1e-9, "1 negative of"), (np.inf, "1 infinite of")])
def test_an_absurd_ivar_is_one_line(products: Any, tmp_path: Path, value: float, words: str) -> None:
    hdus = products.frame()
    hdus["IVAR"][3, 7] = value
    with pytest.raises(ProductError) as error:
        sframe(products.write(tmp_path / "sframe-r6-00104284.fits", hdus))
    assert words in str(error.value)


READERS: dict[str, Any] = {
    "sky": lambda path: read_sky(path, **WHERE),
    "fluxcalib": lambda path: read_fluxcalib(path, **WHERE),
    "fiberflat": lambda path: read_fiberflat(path, night=NIGHT, camera=Camera.parse("r6")),
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("sky", "SKY"), ("sky", "THRPUTCORR"), ("fiberflat", "FIBERFLAT"), ("fiberflat", "MEANSPEC"), ("fluxcalib", "FLUXCALIB")],
)
def test_absurd_models_are_one_line(products: Any, tmp_path: Path, kind: str, name: str) -> None:
    hdus = getattr(products, kind)()
    hdus[name].flat[5] = 1e30
    path = products.write(tmp_path / f"{kind}-r6-00104284.fits", hdus)
    with pytest.raises(ProductError, match=f"HDU {name}: found 1 of [0-9]+ values beyond"):
        READERS[kind](path)
    hdus[name].flat[5] = 2.0
    assert READERS[kind](products.write(path, hdus)).camera == "r6"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("Z", 1e30, "1 of 500 values beyond 20"),
        ("Z", -1.0, "1 of 500 values of Z at or below -1"),
        ("ZERR", 1e30, "1 of 500 values of ZERR with ZWARN 0"),
        ("DELTACHI2", np.nan, "1 of 500 values of DELTACHI2 with ZWARN 0"),
        ("DELTACHI2", 1e30, "1 of 500 values of DELTACHI2 with ZWARN 0"),
    ],
)
def test_absurd_redshifts_are_one_line(products: Any, tmp_path: Path, column: str, value: float, words: str) -> None:
    hdus = products.redshifts()
    hdus["REDSHIFTS"][column][4] = value
    path = tmp_path / "redrock-6-7951-thru20211014.fits"
    with pytest.raises(ProductError) as error:
        read_redshifts(products.write(path, hdus), tile=TILE, petal=6)
    assert words in str(error.value)
    hdus["REDSHIFTS"]["ZWARN"][4] = 1 << 10
    if column != "Z":
        assert len(read_redshifts(products.write(path, hdus), tile=TILE, petal=6)) == 500


def test_a_targetid_of_floats_is_one_line(products: Any, tmp_path: Path) -> None:
    hdus = products.redshifts()
    table = hdus["REDSHIFTS"]
    names = [(name, "f8" if name == "TARGETID" else table.dtype[name]) for name in table.dtype.names]
    hdus["REDSHIFTS"] = table.astype(names)
    with pytest.raises(ProductError, match=r"HDU REDSHIFTS: found TARGETID of type >f8; expected one integer a row"):
        read_redshifts(products.write(tmp_path / "redrock-6-7951-thru20211014.fits", hdus), tile=TILE, petal=6)


@pytest.mark.parametrize("keywords", [{"SPGRP": "pernight"}, {"SPGRPVAL": 20211013}, {"PETAL": ""}])
def test_redshifts_of_another_group_are_one_line(products: Any, tmp_path: Path, keywords: dict[str, Any]) -> None:
    path = tmp_path / "redrock-6-7951-thru20211014.fits"
    with pytest.raises(ProductError, match=f"HDU 0: found {next(iter(keywords))} = "):
        read_redshifts(products.write(path, products.redshifts(), **keywords), tile=TILE, petal=6)
    same = {"SPGRP": "cumulative", "SPGRPVAL": NIGHT, "PETAL": 6}
    assert len(read_redshifts(products.write(path, products.redshifts(), **same), tile=TILE, petal=6)) == 500


def test_headers_are_read_without_data(plain: Path, pack_file: Any) -> None:
    assert list(read_headers(plain)) == ["0", "IVAR", "MASK", "WAVELENGTH", "RESOLUTION", "FIBERMAP"]
    assert list(read_headers(pack_file(plain))) == ["0"]


@pytest.mark.parametrize("value", [1e30, -1e30, np.inf])
def test_an_absurd_place_of_a_fiber_is_one_line(products: Any, tmp_path: Path, value: float) -> None:
    hdus = products.frame()
    hdus["FIBERMAP"]["FIBER_X"][[3, 8]] = value, np.nan
    path = tmp_path / "sframe-r6-00104284.fits"
    with pytest.raises(ProductError, match=r"HDU FIBERMAP: found 1 of 500 values of FIBER_X beyond 1e\+06; expected"):
        sframe(products.write(path, hdus))
    hdus["FIBERMAP"]["FIBER_X"][3] = 409.0
    assert np.isnan(sframe(products.write(path, hdus)).fibermap["FIBER_X"][8])
