from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.instrument import Camera
from pytest_specqa.production.frames import Frame, read_frame
from pytest_specqa.production.stream import FitsStream

UNIT: dict[str, Any] = {"night": 20211014, "expid": 104284}
BINS = 2326
Change = Callable[[dict[str, Any]], None]


def read(path: Path, camera: str = "r6", **more: Any) -> Frame:
    return read_frame(path, "sframe", camera=Camera.parse(camera), **UNIT, **more)


def message(path: Path, camera: str = "r6") -> str:
    with pytest.raises(ProductError) as error:
        read(path, camera)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(path.name)
    return str(error.value)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "sframe-r6-00104284.fits"


def test_a_frame_comes_back_as_written(products: Any, place: Path, packed: bool) -> None:
    rng = np.random.default_rng(3)
    flux, ivar = rng.normal(size=(500, BINS)).astype("f4"), rng.random((500, BINS)).astype("f4")
    mask = rng.integers(0, 2**32, (500, BINS), dtype="u4")
    path = products.write(place, products.frame(FLUX=flux, IVAR=ivar, MASK=mask), packed=packed, HELIOCOR=1.00005, EXPTIME=1000.5)
    frame = read(path)
    np.testing.assert_array_equal(frame.flux, flux)
    np.testing.assert_array_equal(frame.ivar, ivar)
    np.testing.assert_array_equal(frame.mask, mask)
    assert [array.dtype for array in (frame.flux, frame.ivar, frame.mask, frame.wave)] == ["f4", "f4", "u4", "f8"]
    assert (frame.camera, frame.night, frame.expid, frame.tile, frame.petal) == ("r6", 20211014, 104284, 7951, 6)
    assert (frame.heliocor, frame.exptime) == (1.00005, 1000.5)
    assert frame.fiber.tolist() == list(range(3000, 3500))


@pytest.mark.parametrize("camera", ["b0", "r6", "z9"])
def test_every_band_has_its_grid(products: Any, tmp_path: Path, camera: str) -> None:
    frame = read(products.write(tmp_path / f"sframe-{camera}-00104284.fits", products.frame(camera)), camera)
    assert frame.flux.shape == (500, {"b": 2751, "r": 2326, "z": 2881}[camera[0]])
    assert frame.heliocor == 1


def test_resolution_is_not_inflated_until_asked_for(products: Any, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    positions: list[int] = []
    leave = FitsStream.__exit__
    monkeypatch.setattr(FitsStream, "__exit__", lambda self, *args: (positions.append(self.position), leave(self, *args))[1])
    resolution = np.full((500, 2, BINS), 0.5, "f4")
    frame = read(products.write(place, products.frame(RESOLUTION=resolution), packed=True))
    wanted = 3 * 4 * 500 * BINS + 8 * BINS
    assert positions[-1] < wanted + 10 * 2880
    assert frame.resolution is not None
    np.testing.assert_array_equal(frame.resolution, resolution)
    assert positions[-1] > wanted + resolution.nbytes


def test_a_file_without_resolution_has_none(products: Any, place: Path) -> None:
    assert read(products.write(place, products.frame(RESOLUTION=None))).resolution is None


def test_the_fibermap_of_the_file_is_used_by_default(products: Any, fibermap: Any, place: Path, packed: bool) -> None:
    rows = fibermap()
    rows["OBJTYPE"] = b"TGT"
    rows["OBJTYPE"][[3, 5, 7]] = b"SKY"
    rows["FIBERSTATUS"][5], rows["FIBERSTATUS"][7] = 1 << 23, 1 << 22
    frame = read(products.write(place, products.frame(FIBERMAP=rows), packed=packed))
    assert np.flatnonzero(frame.fibermap["OBJTYPE"] == "SKY").tolist() == [3, 5, 7]
    assert np.flatnonzero(frame.is_sky).tolist() == [3, 7], "BADAMPR is fatal in r, BADAMPB is not"


def test_rows_select_spectra_with_their_fibers(products: Any, place: Path) -> None:
    flux = np.arange(500, dtype="f4")[:, None] * np.ones(BINS, "f4")
    frame = read(products.write(place, products.frame(FLUX=flux)), hdus=("RESOLUTION", "FIBERMAP"))
    sky = frame.rows(OBJTYPE="SKY")
    assert sky.fiber.tolist() == list(range(3000, 3500, 10))
    np.testing.assert_array_equal(sky.flux[:, 0], np.arange(0, 500, 10))
    assert sky.fibermap["FIBER"].tolist() == sky.fiber.tolist()
    again = sky.rows(FIBER=3050)
    assert again.flux[0, 0] == 50
    assert again.fiber.tolist() == [3050]
    assert again.resolution is not None
    assert again.resolution.shape == (1, 2, BINS)
    assert len(frame.rows(OBJTYPE="NONE").flux) == 0


def test_bad_amplifiers_of_the_header_reach_the_status(products: Any, place: Path) -> None:
    frame = read(products.write(place, products.frame(), BADAMPS="r6B,b6A"))
    bad = (frame.fibermap.status & (1 << 23)) > 0
    assert not bad[:250].any()
    assert bad[250:].all()


def test_old_files_without_a_name_for_hdu_0_are_read(products: Any, place: Path) -> None:
    path = products.write(place, products.frame())
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"EXTNAME = 'FLUX", b"OLDNAME = 'FLUX", 1))
    assert read(path).flux.shape == (500, BINS)


def nan_where_used(hdus: dict[str, Any]) -> None:
    hdus["FLUX"][7, 100:110] = np.nan


def all_nan(hdus: dict[str, Any]) -> None:
    hdus["FLUX"][:], hdus["IVAR"][:] = np.nan, 0


def infinite(hdus: dict[str, Any]) -> None:
    hdus["FLUX"][7, 100] = -np.inf


def bad_ivar(hdus: dict[str, Any]) -> None:
    hdus["IVAR"][0, :6] = -1, np.nan, np.inf, -2, 0.0, 0.5


def falling(hdus: dict[str, Any]) -> None:
    hdus["WAVELENGTH"][10:12] = hdus["WAVELENGTH"][[11, 10]]


def standing(hdus: dict[str, Any]) -> None:
    hdus["WAVELENGTH"][10:13] = hdus["WAVELENGTH"][10]


def no_wave(hdus: dict[str, Any]) -> None:
    hdus["WAVELENGTH"][5] = np.nan


def shifted(hdus: dict[str, Any]) -> None:
    hdus["WAVELENGTH"] += 5


def replaced(name: str, kind: str | None = None, shape: tuple[int, ...] = (500, BINS)) -> Change:
    def change(hdus: dict[str, Any]) -> None:
        hdus[name] = None if kind is None else np.ones(shape, kind)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (nan_where_used, "HDU FLUX: found 10 of 1163000 values NaN or infinite where IVAR > 0; expected finite numbers"),
        (all_nan, "HDU FLUX: found 1163000 of 1163000 values NaN"),
        (infinite, "HDU FLUX: found 1 of 1163000 values NaN or infinite where IVAR > 0"),
        (bad_ivar, "HDU IVAR: found 1 NaN, 2 negative, 1 infinite of 1163000 values; expected finite and not negative"),
        (falling, "HDU WAVELENGTH: found 1 steps that do not rise; expected strictly rising"),
        (standing, "HDU WAVELENGTH: found 2 steps that do not rise; expected strictly rising"),
        (no_wave, "HDU WAVELENGTH: found 1 of 2326 values NaN"),
        (shifted, "HDU WAVELENGTH: found 5765.0-7625.0 A; expected 5760-7620 A of band r"),
        (replaced("FLUX", "f8"), "HDU FLUX: found type f8; expected f4"),
        (replaced("FLUX", "i2"), "HDU FLUX: found type i2; expected f4"),
        (replaced("MASK", "i4"), "HDU MASK: found type i4; expected u4"),
        (replaced("WAVELENGTH", "f4", (BINS,)), "HDU WAVELENGTH: found type f4; expected f8"),
        (replaced("FLUX", "f4", (499, BINS)), "HDU FLUX: found shape 499 x 2326; expected 500 x 2326"),
        (replaced("IVAR", "f4", (500, 2300)), "HDU IVAR: found shape 500 x 2300; expected 500 x 2326"),
        (replaced("FLUX", "f4", (BINS,)), "HDU FLUX: found shape 2326; expected 500 x 2326"),
        (replaced("IVAR"), "found HDUs FLUX, MASK, WAVELENGTH, RESOLUTION, FIBERMAP; expected HDU IVAR"),
    ],
)
def test_bad_content_is_one_line(products: Any, place: Path, packed: bool, change: Change, words: str) -> None:
    hdus = products.frame()
    change(hdus)
    assert words in message(products.write(place, hdus, packed=packed))


def test_a_table_in_place_of_an_image_is_one_line(products: Any, fibermap: Any, place: Path) -> None:
    assert "HDU IVAR: found a table; expected an image" in message(products.write(place, products.frame(IVAR=fibermap())))


def test_nan_without_weight_is_allowed(products: Any, place: Path) -> None:
    hdus = products.frame()
    hdus["FLUX"][3], hdus["IVAR"][3] = np.nan, 0
    assert np.isnan(read(products.write(place, hdus)).flux[3]).all()


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"CAMERA": "r7"}, "HDU 0: found CAMERA = 'r7'; expected r6, as in the file name"),
        ({"CAMERA": "b6"}, "HDU 0: found CAMERA = 'b6'; expected r6, as in the file name"),
        ({"EXPID": 104285}, "found EXPID = '104285'; expected 104284"),
        ({"EXPID": 104283}, "found EXPID = '104283'; expected 104284"),
        ({"NIGHT": "20211015"}, "found NIGHT = '20211015'; expected 20211014"),
        ({"HELIOCOR": 2.0}, "found HELIOCOR = '2.0'; expected a factor within 0.001 of 1"),
        ({"HELIOCOR": "none"}, "found HELIOCOR = 'none'"),
        ({"BADAMPS": "r6X"}, "found BADAMPS = 'r6X'; expected amplifiers"),
    ],
)
def test_a_header_that_disagrees_is_one_line(products: Any, place: Path, keywords: dict[str, Any], words: str) -> None:
    assert words in message(products.write(place, products.frame(), **keywords))


@pytest.mark.parametrize("keywords", [{"CAMERA": "R6"}, {"CAMERA": None, "NIGHT": None, "EXPID": None}, {"NIGHT": "20211014"}])
def test_case_type_and_absence_of_keywords_do_not_matter(products: Any, place: Path, keywords: dict[str, Any]) -> None:
    assert read(products.write(place, products.frame(), **keywords)).camera == "r6"


@pytest.mark.parametrize("column", ["FIBER", "OBJTYPE", "FIBERSTATUS"])
def test_a_fibermap_without_a_needed_column_is_one_line(products: Any, fibermap: Any, place: Path, column: str) -> None:
    rows = fibermap()
    kept = rows[[name for name in rows.dtype.names if name != column]]
    frame = read(
        products.write(
            place, products.frame(FIBERMAP=np.array(kept.tolist(), dtype=[(n, rows.dtype[n]) for n in kept.dtype.names]))
        )
    )
    with pytest.raises(ProductError, match=re.escape(f"HDU FIBERMAP: found no column {column} (it has TARGETID")):
        _ = frame.fibermap


def test_a_fibermap_of_another_petal_is_one_line(products: Any, fibermap: Any, place: Path) -> None:
    frame = read(products.write(place, products.frame(FIBERMAP=fibermap((7,)))))
    with pytest.raises(ProductError, match="found 0 different FIBER of petal 6 in 0 rows; expected 3000-3499, once each"):
        _ = frame.is_sky


@pytest.mark.parametrize("rows", [499, 501])
def test_a_fibermap_of_other_fibers_is_one_line(products: Any, place: Path, rows: int) -> None:
    fibermap = products.frame()["FIBERMAP"]
    path = products.write(place, products.frame(FIBERMAP=np.resize(fibermap, rows)))
    with pytest.raises(ProductError, match=f"different FIBER of petal 6 in {rows} rows; expected 3000-3499, once each"):
        _ = read(path).fibermap


@pytest.mark.parametrize(("written", "tile"), [(7951, 7951), (0, 0), (-1, None), (-99, None), ("none", None), (7951.5, None)])
def test_what_is_no_tile_number_is_no_tile(products: Any, place: Path, written: Any, tile: int | None) -> None:
    assert read(products.write(place, products.frame(), TILEID=written)).tile == tile
