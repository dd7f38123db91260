from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.production.coadds import read_coadd
from pytest_specqa.values import Tile

UNIT = Tile(tile=7951, night=20211014, group="cumulative", suffix="thru20211014", petals=(6,))
BINS = {"b": (3600.0, 2751), "r": (5760.0, 2326), "z": (7520.0, 2881)}


def coadd(fibermap: Any, bands: str = "brz", rows: int = 20) -> dict[str, Any]:
    hdus: dict[str, Any] = {"": None, "FIBERMAP": fibermap()[:rows]}
    for band in bands:
        start, bins = BINS[band]
        flux = np.arange(rows, dtype="f4")[:, None] * np.ones(bins, "f4")
        name = band.upper()
        hdus |= {f"{name}_WAVELENGTH": start + 0.8 * np.arange(bins), f"{name}_FLUX": flux, f"{name}_IVAR": flux + 1}
        hdus[f"{name}_MASK"] = np.zeros(flux.shape, "i4")
    return hdus


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "coadd-6-7951-thru20211014.fits"


def test_bands_and_chosen_rows_are_read(products: Any, fibermap: Any, place: Path, packed: bool) -> None:
    path = products.write(place, coadd(fibermap), packed=packed)
    whole = read_coadd(path, tile=UNIT, petal=6)
    assert {band: flux.shape for band, flux in whole.flux.items()} == {band: (20, bins) for band, (_, bins) in BINS.items()}
    some = read_coadd(path, tile=UNIT, petal=6, rows=np.array([3, 17]))
    assert some.flux["r"][:, 0].tolist() == [3, 17]
    assert some.ivar["z"][:, 5].tolist() == [4, 18]
    assert some.fibermap["FIBER"].tolist() == [3003, 3017]


@pytest.mark.parametrize(
    "rows", [np.array([3, 20]), np.ones(21, dtype=bool), np.ones(19, dtype=bool)], ids=["index", "long", "short"]
)
def test_rows_of_another_file_are_one_line(products: Any, fibermap: Any, place: Path, rows: np.ndarray) -> None:
    path = products.write(place, coadd(fibermap))
    with pytest.raises(ProductError, match="HDU FIBERMAP: found 20 spectra; expected one for each redshift"):
        read_coadd(path, tile=UNIT, petal=6, rows=rows)
    assert len(read_coadd(path, tile=UNIT, petal=6, rows=np.array([], dtype=int)).fibermap) == 0


def test_a_single_band_is_enough(products: Any, fibermap: Any, place: Path) -> None:
    assert set(read_coadd(products.write(place, coadd(fibermap, "r")), tile=UNIT, petal=6).flux) == {"r"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"R_IVAR": None}, "found no HDU R_IVAR; expected FLUX, IVAR and WAVELENGTH of band r"),
        ({"R_FLUX": np.ones((19, 2326), "f4")}, "HDU R_FLUX: found 19 spectra, 20 IVAR; expected 20 as in FIBERMAP"),
        ({"R_FLUX": np.full((20, 2326), np.nan, "f4")}, "HDU R_FLUX: found 46520 of 46520 values NaN"),
        ({"R_FLUX": None, "R_IVAR": None, "R_WAVELENGTH": None}, "expected spectra of at least one band"),
        ({"R_WAVELENGTH": np.arange(2326.0)}, "HDU WAVELENGTH: found 0.0-2325.0 A"),
    ],
)
def test_a_bad_coadd_is_one_line(products: Any, fibermap: Any, place: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ProductError) as error:
        read_coadd(products.write(place, coadd(fibermap, "r") | changes), tile=UNIT, petal=6)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
