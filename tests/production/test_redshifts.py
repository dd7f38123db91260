from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_specqa.errors import ProductError
from pytest_specqa.production.redshifts import Redshifts, read_redshifts
from pytest_specqa.values import Tile

UNIT = Tile(tile=7951, night=20211014, group="cumulative", suffix="thru20211014", petals=(6,))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "redrock-6-7951-thru20211014.fits"


def read(path: Path) -> Redshifts:
    return read_redshifts(path, tile=UNIT, petal=6)


def message(path: Path) -> str:
    with pytest.raises(ProductError) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(path.name)
    return str(error.value)


def test_redshifts_come_with_their_fibermap(products: Any, place: Path, packed: bool) -> None:
    redshifts = read(products.write(place, products.redshifts(), packed=packed, PETAL=6, TILEID=7951))
    assert len(redshifts) == 500
    np.testing.assert_allclose(redshifts["Z"], np.linspace(0.1, 3, 500))
    assert set(redshifts["SPECTYPE"]) == {"QSO"}, "text comes stripped"
    assert redshifts.fiber.tolist() == list(range(3000, 3500))
    assert redshifts.is_sky.sum() == 50
    assert "ZWARN" in redshifts.columns


def test_before_everest_the_fibermap_is_matched_by_target(products: Any, fibermap: Any, tmp_path: Path) -> None:
    hdus = products.redshifts()
    zbest = hdus["REDSHIFTS"][::-1][:200]
    rows = np.concatenate([fibermap(), fibermap()])
    path = products.write(tmp_path / "zbest-6-7951-thru20211014.fits", {"": None, "ZBEST": zbest, "FIBERMAP": rows})
    redshifts = read(path)
    np.testing.assert_array_equal(redshifts.fibermap["TARGETID"], redshifts["TARGETID"])
    assert redshifts.fiber[0] == 3499
    lost = {"": None, "ZBEST": zbest, "FIBERMAP": rows[100:101]}
    assert "HDU FIBERMAP: found no row for 200 of 200 targets" in message(products.write(path, lost))


def test_rows_that_do_not_match_are_one_line(products: Any, place: Path) -> None:
    hdus = products.redshifts()
    hdus["FIBERMAP"] = hdus["FIBERMAP"][::-1]
    assert "found 500 of 500 rows whose TARGETID is not that of the redshift" in message(products.write(place, hdus))


def test_bad_redshift_files_are_one_line(products: Any, place: Path, packed: bool) -> None:
    hdus = products.redshifts()
    hdus["REDSHIFTS"]["Z"][:3] = np.nan
    assert "HDU REDSHIFTS: found 3 of 500 values NaN or infinite" in message(products.write(place, hdus, packed=packed))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"REDSHIFTS": None}, "found HDUs #0, FIBERMAP, EXP_FIBERMAP, TSNR2; expected HDU REDSHIFTS"),
        ({"FIBERMAP": None}, "expected HDU FIBERMAP"),
        ({"EXP_FIBERMAP": None}, "expected HDU EXP_FIBERMAP"),
        ({"TSNR2": None}, "expected HDU TSNR2"),
        ({"REDSHIFTS": np.ones((4, 4), "f4")}, "HDU REDSHIFTS: found an image; expected a binary table"),
        (
            {"REDSHIFTS": np.zeros(5, dtype=[("TARGETID", "i8")])},
            "found no column Z, ZERR, ZWARN, SPECTYPE, DELTACHI2 (it has TARGETID)",
        ),
    ],
)
def test_missing_parts_are_one_line(products: Any, place: Path, changes: dict[str, Any], words: str) -> None:
    assert words in message(products.write(place, products.redshifts(**changes)))


def test_an_empty_table_is_one_line(products: Any, place: Path) -> None:
    hdus = products.redshifts()
    assert "HDU REDSHIFTS: found 0 rows; expected at least one" in message(
        products.write(place, {name: None if data is None else data[:0] for name, data in hdus.items()})
    )


@pytest.mark.parametrize(("keyword", "value"), [("TILEID", 80605), ("PETAL", 3)])
def test_a_header_of_another_tile_or_petal_is_one_line(products: Any, place: Path, keyword: str, value: int) -> None:
    assert f"found {keyword} = '{value}'" in message(products.write(place, products.redshifts(), **{keyword: value}))


def test_fibers_of_another_petal_are_one_line(products: Any, place: Path) -> None:
    assert "HDU FIBERMAP: found FIBER 3500; expected fibers of petal 6" in message(products.write(place, products.redshifts(7)))
