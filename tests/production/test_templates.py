"""Templates of redrock and the models that are made of them."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from pytest_specqa.errors import ProductError, UsageError
from pytest_specqa.production.templates import read_models, read_template, read_templates, template_of, transmission

STEP = 1e-4


@pytest.fixture
def template(tmp_path):
    """Write a template: a continuum, and a line 10 Angstrom wide at 1215.67."""

    def write(name="rrtemplate-QSO-None-v0.1.fits", **changes):
        wave = 10 ** (2.9 + STEP * np.arange(7000))
        vectors = np.array([np.ones(wave.size), np.exp(-0.5 * ((wave - 1215.67) / 10) ** 2)], dtype="f4")
        hdu = fits.PrimaryHDU(vectors)
        cards = {"EXTNAME": "BASIS_VECTORS", "CRVAL1": 2.9, "CDELT1": STEP, "LOGLAM": 1, "RRTYPE": "QSO", "RRSUBTYP": ""}
        hdu.header.update(
            {key: value for key, value in (cards | {"VERSION": "9", "RRIGM": "None"} | changes).items() if value is not None}
        )
        hdu.writeto(tmp_path / name, overwrite=True)
        return tmp_path / name

    return write


def test_a_model_is_the_sum_of_the_vectors_at_its_redshift(template):
    read = read_template(template())
    wave = 5760.0 + 0.8 * np.arange(2326)
    model = read.model(np.array([0.5, -2.0, 7.0]), 4.36, wave)
    assert wave[np.argmin(model)] == pytest.approx(1215.67 * 5.36, abs=1.0)
    assert model.min() == pytest.approx(-1.5, abs=0.01)
    assert model[0] == pytest.approx(0.5, abs=0.01)


def test_a_bin_holds_the_mean_of_the_template_over_it(template):
    read = read_template(template())
    coarse = np.arange(1100.0, 1331.0, 33.0)
    model = read.model(np.array([0.0, 1.0]), 0.0, coarse)
    assert model.sum() * 33.0 == pytest.approx(10 * np.sqrt(2 * np.pi), rel=0.01)


def test_beyond_the_template_there_is_no_model(template):
    model = read_template(template()).model(np.array([1.0, 0.0]), 0.0, np.array([500.0, 501.0, 2000.0, 2001.0]))
    assert np.isnan(model[:2]).all()
    assert np.isfinite(model[2:]).all()


def test_the_medium_absorbs_bluewards_of_lyman_alpha_only():
    wave = np.array([5300.0, 6000.0, 7000.0])
    passed = transmission("Calura12", 4.3, wave)
    assert passed[2] == 1
    assert 0 < passed[1] < 1
    assert passed[1] == pytest.approx(np.exp(-0.0023 * (6000 / 1215.67) ** 3.64))
    # Lyman-beta of the source lies redwards of 5300 Angstrom, Lyman-gamma bluewards.
    assert passed[0] == pytest.approx(np.exp(-0.0023 * (5300 / 1215.67) ** 3.64 - 0.0023 / 5.2615 * (5300 / 1025.72) ** 3.64))
    assert (transmission("", 4.3, wave) == 1).all()


def test_absorption_by_an_unknown_model_is_not_guessed():
    passed = transmission("Inoue14", 4.3, np.array([6000.0, 7000.0]))
    assert np.isnan(passed[0])
    assert passed[1] == 1


def test_old_templates_of_quasars_have_the_absorption_that_their_version_had(template):
    assert read_template(template(RRIGM=None, VERSION="0.1")).igm == "Calura12"
    assert read_template(template(RRIGM=None, VERSION="77")).igm == "unknown"


FIT = {"SPECTYPE": "QSO", "SUBTYPE": "", "NCOEFF": 2, "FITMETHOD": "PCA"}
NAMED = {"TEMNAM00": "GALAXY", "TEMVER00": "2.6", "TEMNAM01": "QSO", "TEMVER01": "9"}


def test_a_fit_gets_the_template_and_version_that_it_used(template):
    template()
    template("rrtemplate-QSO-None-v1.0.fits", VERSION="1.0")
    templates = read_templates(template().parent)
    assert template_of(templates, FIT, header=NAMED).version == "9"


@pytest.mark.parametrize(
    ("fit", "header", "why"),
    [
        ({}, NAMED | {"TEMVER01": "1.1"}, "1.1"),
        ({"FITMETHOD": "ARCH"}, NAMED, "ARCH"),
        ({"NCOEFF": 10}, NAMED, "10 coefficients"),
        ({"SPECTYPE": "STAR"}, NAMED, "no templates STAR"),
    ],
)
def test_a_template_that_cannot_be_meant_is_not_taken(template, fit, header, why):
    with pytest.raises(ProductError, match=why):
        template_of(read_templates(template().parent), FIT | fit, header=header)


def test_two_versions_without_a_word_which_are_not_guessed(template):
    template("rrtemplate-QSO-None-v1.0.fits", VERSION="1.0")
    with pytest.raises(ProductError, match="2 templates QSO"):
        template_of(read_templates(template().parent), FIT, header={})


def test_a_folder_without_templates_is_one_line(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError) as caught:
            read_templates(folder)
        assert len(str(caught.value).splitlines()) == 1


def test_a_template_without_wavelengths_is_refused(template):
    with pytest.raises(ProductError, match="CDELT1"):
        read_template(template(CDELT1=0.0))


def write_models(path, rows=2, models=None):
    table = np.zeros(rows, dtype=[("TARGETID", "i8")])
    table["TARGETID"] = 7 + np.arange(rows)
    wave = 5760 + 0.8 * np.arange(2326)
    made = np.ones((rows, wave.size), "f4") if models is None else models
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(table, name="REDSHIFTS")]
    hdus += [fits.ImageHDU(wave, name="R_WAVELENGTH"), fits.ImageHDU(made, name="R_MODEL")]
    fits.HDUList(hdus).writeto(path)
    return path


def test_models_that_redrock_wrote_are_read_by_band(tmp_path):
    targets, models = read_models(write_models(tmp_path / "rrmodel-6-7951-thru20211014.fits"))
    assert targets.tolist() == [7, 8]
    assert {band: model.shape for band, (_, model) in models.items()} == {"r": (2, 2326)}


def test_a_model_for_each_fit_or_none(tmp_path):
    with pytest.raises(ProductError, match="3 models"):
        read_models(write_models(tmp_path / "rrmodel-6-7951-thru20211014.fits", models=np.ones((3, 2326), "f4")))
