"""Products in a notebook: the arrays of the readers, with units, tables and times."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.table import Table
from astropy.time import Time

import pytest_specqa as specqa
from pytest_specqa.notebook import quantities
from pytest_specqa.production import Production
from pytest_specqa.rules import expectations

PHYSICAL = {
    "Angstrom": units.AA,
    "Angstrom**2": units.AA**2,
    "electron/Angstrom": units.electron / units.AA,
    "km/s": units.km / units.s,
    "%": units.percent,
    "per 1000 s": (1000 * units.s) ** -1,
    "per 409 mm": (409 * units.mm) ** -1,
}


def test_the_products_are_those_of_the_readers(demo, camera):
    plain = Production(demo).read_frame("sframe", night=20211014, expid=104284, camera="r6")
    sframe = camera.sframe
    assert sframe.flux.unit == units.electron / units.AA
    assert sframe.ivar.unit == (units.electron / units.AA) ** -2
    assert sframe.wave.unit == units.AA
    for name in ("flux", "ivar", "wave"):
        np.testing.assert_array_equal(getattr(sframe, name).value, getattr(plain, name))
    assert (sframe.flux * np.sqrt(sframe.ivar)).unit == units.dimensionless_unscaled
    np.testing.assert_array_equal(sframe.fibermap["TARGETID"], plain.fibermap["TARGETID"])
    assert sframe.fibermap["TARGET_RA"].unit == units.deg
    skies = sframe.rows(OBJTYPE="SKY")
    assert 0 < len(skies.flux) == len(skies.fibermap) < 500
    assert set(skies.fibermap["OBJTYPE"]) == {"SKY"}


def test_calibrated_spectra_and_calibrations_fit_together(camera):
    calibrated = (camera.sframe.flux / camera.fluxcalib.value).to(camera.cframe.unit)
    good = camera.cframe.ivar > 0
    assert camera.cframe.unit.is_equivalent(units.Unit("erg / (s cm2 AA)"))
    np.testing.assert_allclose(calibrated[good], camera.cframe.flux[good], rtol=1e-2)  # The demo keeps few digits.
    assert camera.fiberflat.value.unit == units.dimensionless_unscaled
    assert camera.sky.flux.unit == camera.sframe.flux.unit


def test_times_are_those_of_the_header(camera):
    assert camera.sframe.exptime == 1000 * units.s
    assert camera.sframe.begin == Time(camera.sframe.header["MJD-OBS"], format="mjd", scale="utc")
    assert abs((camera.sframe.middle - camera.sframe.begin).to_value("s") - 500) < 1e-6


@pytest.mark.parametrize(
    ("header", "begin"),
    [
        ({"DATE-OBS": "2021-10-15T07:13:49.5"}, "2021-10-15T07:13:49.500"),
        ({"MJD-OBS": 59502.5, "DATE-OBS": "never"}, "2021-10-15T12:00:00.000"),
        ({"MJD-OBS": None, "DATE-OBS": "2021-10-15T00:00:00"}, "2021-10-15T00:00:00.000"),
        ({"MJD-OBS": "some time"}, None),
        ({"MJD-OBS": float("nan")}, None),
        ({"MJD-OBS": True}, None),
        ({}, None),
    ],
)
def test_a_header_without_a_time_has_none(header, begin):
    found = quantities.begin_of(header)
    assert (None if found is None else found.isot) == begin


def test_an_exposure_knows_its_time_and_its_cameras(demo):
    loaded = specqa.load(demo)
    exposure = loaded.exposure(20211014, 104284)
    assert exposure.exptime == 1000 * units.s
    assert exposure.begin == exposure.camera("r6").sky.begin
    assert "r6" in [view.unit.camera for view in exposure.cameras]


def test_redshifts_are_a_table(demo):
    redshifts = specqa.load(demo).petal(7951, 6).redshifts
    assert isinstance(redshifts.table, Table)
    assert len(redshifts.table) == len(redshifts.fibermap) == 500
    assert redshifts.fibermap["FIBER"].min() == 3000


def test_listings_are_tables(demo):
    loaded = specqa.load(demo)
    assert loaded.nights == [20211014]
    exposures = loaded.exposures(20211014)
    assert list(exposures["EXPID"]) == [104282, 104284, 104285, 104286]
    assert exposures["EXPTIME"].unit == units.s
    assert len(loaded.exposures()) == 4
    assert list(loaded.tiles()["TILEID"]) == [1298, 6699, 7951]
    assert len(loaded.tiles(group="pernight")) == 0


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda one: one.camera(20211014, 104284, "q6"), "no camera q6 in exposure 104284: there is r6"),
        (lambda one: one.camera(20211014, 104283, "r6"), "no exposure 104283 in night 20211014: there is 104282, 104284"),
        (lambda one: one.exposures(20211015), "no night 20211015 in production before: there is 20211014"),
        (lambda one: one.petal(7951, 5), "no petal 5 in tile 7951: there is 6"),
        (lambda one: one.tile(7952), "no tile 7952 in production before under tiles/cumulative: there is 1298, 6699, 7951"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(demo, ask, told):
    with pytest.raises(specqa.SpecQAError, match=told):
        ask(specqa.load(demo))


def test_a_production_that_is_none_is_one_line(tmp_path):
    with pytest.raises(specqa.UsageError, match="no production"):
        specqa.load(tmp_path / "nothing")


def test_a_notebook_shows_an_error_as_the_line_that_it_is(tmp_path):
    with pytest.raises(specqa.UsageError) as caught:
        specqa.load(tmp_path / "nothing")
    (line,) = caught.value._render_traceback_()
    assert line == f"UsageError: {caught.value}"


def test_everything_shows_itself_in_a_notebook(demo, camera):
    loaded = specqa.load(demo)
    shown = [loaded, camera, loaded.exposure(20211014, 104284), camera.sframe, camera.sky, camera.fluxcalib, camera.fiberflat]
    for one in [*shown, loaded.petal(7951, 6).redshifts, loaded.tile(7951), camera.measure("sky_chromatic_block")]:
        assert one.name in repr(one)
        assert one.name in one._repr_html_()
    assert "not judged yet" in repr(loaded.night(20211014))
    assert "FAILED" in repr(camera)


def test_every_unit_of_the_limits_has_its_meaning():
    lines = (expectations.folder() / "limits.toml").read_text().splitlines()
    said = {line.split('"')[1] for line in lines if line.startswith("unit = ")}
    physical = {text: quantities.unit_of(text) for text in said if quantities.unit_of(text) != units.dimensionless_unscaled}
    assert physical == PHYSICAL
