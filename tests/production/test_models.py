from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.instrument import Camera
from pytest_specqa.production.models import read_fiberflat, read_fluxcalib, read_sky

UNIT: dict[str, Any] = {"night": 20211014, "expid": 104284, "camera": Camera("r", 6)}
FLAT: dict[str, Any] = {"night": 20211014, "camera": Camera("r", 6)}


def test_a_sky_model_comes_back_as_written(products: Any, tmp_path: Path, packed: bool) -> None:
    corrections = np.linspace(0.9, 1.1, 500).astype("f4")
    path = products.write(tmp_path / "sky-r6-00104284.fits", products.sky(THRPUTCORR=corrections), packed=packed)
    sky = read_sky(path, **UNIT)
    assert (sky.flux == 100).all()
    assert (sky.flux.shape, sky.flux.dtype, sky.mask.dtype) == ((500, 2326), "f4", "u4")
    np.testing.assert_array_equal(sky.thrputcorr, corrections)
    assert sky.stativar is not None
    assert sky.wave.dtype == "f8"
    assert sky.fiber[[0, -1]].tolist() == [3000, 3499]


def test_a_sky_model_without_throughput_corrections_is_read_and_not_whole(products: Any, tmp_path: Path, packed: bool) -> None:
    path = products.write(tmp_path / "sky-r6-00104284.fits", products.sky(THRPUTCORR=None), packed=packed)
    sky = read_sky(path, **UNIT)
    assert sky.thrputcorr is None
    with pytest.raises(ProductError, match="found no HDU THRPUTCORR"):
        sky.require_whole()
    read_sky(
        products.write(tmp_path / "sky-r6-00104285.fits", products.sky(), packed=packed), **UNIT | {"expid": 104284}
    ).require_whole()


def test_optional_parts_of_a_sky_model_may_be_absent(products: Any, tmp_path: Path) -> None:
    hdus = products.sky(STATIVAR=None, SKYGRADPCACOEFF=None)
    sky = read_sky(products.write(tmp_path / "sky-r6-00104284.fits", hdus), **UNIT)
    assert sky.stativar is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"THRPUTCORR": np.full(500, np.nan, "f4")}, "HDU THRPUTCORR: found 500 of 500 values NaN"),
        ({"THRPUTCORR": np.ones(400, "f4")}, "HDU THRPUTCORR: found shape 400; expected 500"),
        ({"SKY": np.full((500, 2326), np.nan, "f4")}, "HDU SKY: found 1163000 of 1163000 values NaN or infinite where IVAR > 0"),
        ({"SKY": None, "IVAR": np.ones((500, 2326), "f4")}, "expected HDU SKY"),
        ({"WAVELENGTH": None}, "expected HDU WAVELENGTH"),
        ({"WAVELENGTH": np.arange(2326)}, "HDU WAVELENGTH: found type i8; expected f4 or f8"),
    ],
)
def test_a_bad_sky_model_is_one_line(products: Any, tmp_path: Path, packed: bool, changes: dict[str, Any], words: str) -> None:
    hdus = {"": None, **products.sky()} if "SKY" in changes and changes["SKY"] is None else products.sky()
    path = products.write(tmp_path / "sky-r6-00104284.fits", hdus | changes, packed=packed)
    with pytest.raises(ProductError) as error:
        read_sky(path, **UNIT)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_flat_may_come_from_another_night_but_not_from_another_camera(products: Any, tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "fiberflatnight-r6-20211014.fits"
    linked = products.write(path, products.fiberflat(), packed=packed, CAMERA="r6", NIGHT=20211010)
    flat = read_fiberflat(linked, **FLAT)
    assert (flat.fiberflat == 1).all()
    assert flat.meanspec.shape == (2326,)
    linked.unlink()
    with pytest.raises(ProductError, match="found CAMERA = 'z1'; expected r6"):
        read_fiberflat(products.write(path, products.fiberflat(), CAMERA="z1"), **FLAT)


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_flux_calibration_may_be_single_or_double(products: Any, tmp_path: Path, kind: str) -> None:
    calib = read_fluxcalib(products.write(tmp_path / "fluxcalib-r6-00104284.fits", products.fluxcalib(kind=kind)), **UNIT)
    assert calib.fluxcalib.dtype == kind
    assert (calib.fluxcalib == 1).all()


def test_negative_weights_of_a_flux_calibration_are_one_line(products: Any, tmp_path: Path) -> None:
    path = products.write(tmp_path / "fluxcalib-r6-00104284.fits", products.fluxcalib(IVAR=np.full((500, 2326), -1, "f4")))
    with pytest.raises(ProductError, match="HDU IVAR: found 1163000 negative of 1163000 values"):
        read_fluxcalib(path, **UNIT)
