"""Products of an exposure that are not what their names say, and keywords that hold what they cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.flag_joins import flags_of_spectra
from pytest_specqa.measures.fibermaps.product_identity import Told, product_conflicts
from pytest_specqa.measures.fibermaps.targets import desi_targets

TOLD = Told(night=20211014, expid=104284, tile=7951, exptime=930.4)
RAW = {
    **{"NIGHT": 20211014, "EXPID": 104284, "TILEID": 7951, "FLAVOR": "science", "OBSTYPE": "SCIENCE", "PROGRAM": "DARK"},
    **{"EXPTIME": 930.0, "MJD-OBS": 59502.28, "HELIOCOR": 1.00004, "AIRMASS": 1.2, "TARGTRA": 33.9, "TARGTDEC": -2.1},
}
FLAT = "fiberflatnight-r6-20211014.fits"


def files() -> dict[str, dict[str, dict[str, Any]]]:
    camera = {**RAW, "CAMERA": "r6", "SPECGRPH": 6, "FIBERMIN": 3000, "NSPEC": 500}
    inputs = {
        "IN_SKY": "SPECPROD/exposures/20211014/00104284/sky-r6-00104284.fits.gz",
        "FIBERFLT": f"SPECPROD/calibnight/20211014/{FLAT}",
    }
    placed = {name: RAW[name] for name in ("NIGHT", "EXPID", "TILEID")}
    return {
        "sframe-r6-00104284.fits.gz": {"0": camera | inputs, "FIBERMAP": dict(placed)},
        "sky-r6-00104284.fits": {"0": dict(camera)},
        "cframe-b6-00104284.fits": {"0": camera | {"CAMERA": "B6", "EXPTIME": 930.5, "MJD-OBS": 59502.280001}},
        "fibermap-00104284.fits": {"0": {}, "FIBERMAP": dict(placed)},
        FLAT: {"0": {"NIGHT": 20211014, "CAMERA": "r6", "FLAVOR": "flat", "OBSTYPE": "FLAT"}},
    }


def test_products_that_agree_are_quiet() -> None:
    found = product_conflicts(files(), told=TOLD)
    assert (found.value, found.detail) == (0, "")
    assert product_conflicts({}, told=TOLD).reason


def test_files_that_say_little_are_quiet() -> None:
    assert product_conflicts({"sky-r6-00104284.fits": {"0": {"BUNIT": "electron"}}}, told=TOLD).value == 0


@pytest.mark.parametrize(
    ("file", "hdu", "keyword", "value", "words"),
    [
        ("sky-r6-00104284.fits", "0", "EXPID", 104285, "sky-r6-00104284.fits HDU 0: EXPID is '104285', expected 104284"),
        ("sky-r6-00104284.fits", "0", "NIGHT", "", "NIGHT is empty, expected 20211014"),
        ("sky-r6-00104284.fits", "0", "CAMERA", "r7", "CAMERA is 'r7', expected r6"),
        ("sky-r6-00104284.fits", "0", "SPECGRPH", 5, "SPECGRPH is '5', expected 6"),
        ("sky-r6-00104284.fits", "0", "FIBERMIN", 3500, "FIBERMIN is '3500', expected 3000"),
        ("sky-r6-00104284.fits", "0", "NSPEC", 499, "NSPEC is '499', expected 500"),
        ("sky-r6-00104284.fits", "0", "OBSTYPE", "FLAT", "OBSTYPE is 'FLAT', expected SCIENCE"),
        ("sky-r6-00104284.fits", "0", "TILEID", 1298, "TILEID is '1298', expected 7951"),
        ("sky-r6-00104284.fits", "0", "PROGRAM", "BRIGHT", "PROGRAM is DARK in sframe-r6"),
        ("sframe-r6-00104284.fits.gz", "FIBERMAP", "EXPID", 104285, "HDU FIBERMAP: EXPID is '104285', expected 104284"),
        ("fibermap-00104284.fits", "FIBERMAP", "TILEID", 1298, "fibermap-00104284.fits HDU FIBERMAP: TILEID is '1298'"),
        (FLAT, "0", "NIGHT", 20211013, f"{FLAT} HDU 0: NIGHT is '20211013', expected 20211014"),
        (FLAT, "0", "CAMERA", "r5", f"{FLAT} HDU 0: CAMERA is 'r5', expected r6"),
        ("sky-r6-00104284.fits", "0", "MJD-OBS", 59500.3, "MJD-OBS is '59500.3', which is not in the night 20211014"),
        ("sframe-r6-00104284.fits.gz", "0", "IN_SKY", "x/sky-r7-00104284.fits", "IN_SKY names sky-r7-00104284.fits, of another"),
        ("sframe-r6-00104284.fits.gz", "0", "FIBERFLT", "x/fiberflatnight-r5-20211014.fits", "of another camera"),
        ("sframe-r6-00104284.fits.gz", "0", "FIBERFLT", "x/fiberflatnight-r6-20211013.fits", f"though there is {FLAT}"),
        ("sframe-r6-00104284.fits.gz", "0", "FIBERFLT", "x/fiberflatexp-r6-00104285.fits", "of another exposure"),
    ],
)
def test_a_keyword_that_contradicts_is_named(file: str, hdu: str, keyword: str, value: Any, words: str) -> None:
    made = files()
    made[file][hdu][keyword] = value
    found = product_conflicts(made, told=TOLD)
    assert found.value >= 1
    assert words in found.detail


@pytest.mark.parametrize("keyword", ["EXPTIME", "MJD-OBS", "HELIOCOR", "AIRMASS", "TARGTRA", "TARGTDEC"])
@pytest.mark.parametrize("value", ["long", None, float("nan"), float("inf"), -1e4, 1e30, True])
def test_a_number_that_cannot_be_is_named_in_one_line(keyword: str, value: Any) -> None:
    made = files()
    made["sky-r6-00104284.fits"]["0"][keyword] = value
    found = product_conflicts(made, told=TOLD)
    assert f"sky-r6-00104284.fits HDU 0: {keyword} is " in found.detail
    assert "\n" not in found.detail


def test_no_exposure_takes_no_time() -> None:
    made = files()
    made["sky-r6-00104284.fits"]["0"]["EXPTIME"] = 0
    assert "EXPTIME is '0', no positive number of seconds" in product_conflicts(made, told=TOLD).detail


def test_another_flat_is_right_where_the_night_has_none() -> None:
    made = files()
    del made[FLAT]
    made["sframe-r6-00104284.fits.gz"]["0"]["FIBERFLT"] = "SPECPROD/calibnight/20211013/fiberflatnight-r6-20211013.fits"
    assert product_conflicts(made, told=TOLD).value == 0


def test_target_bits_of_other_surveys_mean_what_they_mean_there() -> None:
    one = np.int64(1)
    main = {"DESI_TARGET": np.array([one << 33, one << 5, 0])}
    assert desi_targets(main, rows=3).tolist() == [1 << 33, 1 << 5, 0]
    for survey in ("SV1", "SV2", "SV3"):
        # Bit 5 is ELG_LOP in the main survey and something else in survey validation.
        assert desi_targets({f"{survey}_DESI_TARGET": main["DESI_TARGET"]}, rows=3).tolist() == [1 << 33, 0, 0]
    commissioning = {"CMX_TARGET": np.array([one << 1, one << 12, one << 35])}
    assert desi_targets(commissioning, rows=3).tolist() == [1 << 33, 0, 1 << 35]
    assert desi_targets({}, rows=2).tolist() == [0, 0]


@pytest.mark.parametrize(("here", "there", "expected"), [(1, 1, 0), (0, 1, 1), (1, 0, 1), (0, 0, 0)])
def test_a_fiber_that_one_file_alone_calls_unassigned_is_counted(here: int, there: int, expected: int) -> None:
    fiber = np.arange(3000, 3004)
    table = {"FIBER": fiber, "OBJTYPE": np.full(4, "TGT"), "FIBERSTATUS": np.zeros(4, dtype=np.int32)}
    mine, theirs = ({**table, "FIBERSTATUS": np.array([bits, 0, 0, 0])} for bits in (here, there))
    exposures = {**mine, "EXPID": np.full(4, 104284)}
    assert flags_of_spectra(exposures, assigned={104284: theirs}).value == expected
