"""What an instrument never gives, from zeros to 1e30: every check of a camera ends in an outcome, whatever numpy does about it."""

import warnings
from contextlib import contextmanager
from dataclasses import fields, replace

import numpy as np
import pytest

from pytest_specqa.checks import call
from pytest_specqa.trials.fixtures import camera_fixtures, camera_unit
from pytest_specqa.trials.runner import Suite
from pytest_specqa.vectors import decode

FRAMES = ("frame", "sframe", "cframe")
PRODUCTS = (*FRAMES, "sky", "flat", "fluxcalib")
VALUES = ("flux", "fiberflat", "fluxcalib")
PART = slice(900, 1500)
"""Pixels that are judged: with sky lines, and few enough that all cases take seconds."""
ROW, COLUMN = 40, 200


@pytest.fixture(scope="module")
def camera(simulated):
    """A part of a clean camera."""
    whole = simulated("r")
    cut = {name: _edited(getattr(whole, name), lambda array: array[:, PART]) for name in PRODUCTS}
    return replace(whole, wave=whole.wave[PART], **cut)


@pytest.fixture(scope="module")
def suite():
    """All expectations, with the numbers of every fiber that they keep."""
    return Suite(keeps=True)


def _edited(product, edit):
    images = [one.name for one in fields(product) if getattr(product, one.name).ndim == 2]
    return replace(product, **{name: edit(getattr(product, name)).copy() for name in images})


def put(value, *, where=(), products=PRODUCTS, names=VALUES):
    """Give what puts a number into arrays of products; everywhere without a place."""

    def change(camera):
        changed = {}
        for product in products:
            old = getattr(camera, product)
            arrays = {one.name: getattr(old, one.name).copy() for one in fields(old) if one.name in names}
            for array in arrays.values():
                array[where if array.ndim == 2 else ()] = value
            changed[product] = replace(old, **arrays)
        return replace(camera, **changed)

    return change


def negated(camera):
    """Give the camera with a negative sky."""
    return replace(camera, sky=replace(camera.sky, flux=-camera.sky.flux))


def labelled(*, is_sky=None, **columns):
    """Give what writes one value into whole columns of the fibermap."""

    def change(camera):
        fibermap = camera.fibermap.copy()
        for name, value in columns.items():
            fibermap[name] = value
        return replace(camera, fibermap=fibermap, is_sky=camera.is_sky if is_sky is None else np.full(500, is_sky))

    return change


def both(*changes):
    """Give one change after the other."""

    def change(camera):
        for one in changes:
            camera = one(camera)
        return camera

    return change


def weightless(rows=slice(None)):
    """Give what takes the weight of rows, and leaves no number there."""
    return both(put(0, where=rows, names=("ivar", "stativar")), put(np.nan, where=rows))


CASES = {
    "a sky row of zeros": (put(0, where=ROW, products=("sky",)), "sky_lowest"),
    "a flat row of zeros": (put(0, where=ROW, products=("flat",)), "fiberflat_lowest_fiber"),
    "rows without weight": (weightless(slice(ROW, ROW + 4)), ""),
    "no weight": (put(0, names=("ivar", "stativar")), "good_pixel_fraction"),
    "no weight and no numbers": (weightless(), "good_pixel_fraction"),
    "one live fiber": (put(0, where=np.arange(500) != ROW, products=FRAMES, names=("ivar",)), "good_pixel_fraction"),
    "constant flux": (put(100, products=FRAMES, names=("flux",)), "cframe_flux_difference"),
    "constant sky": (put(100, products=("sky",)), ""),
    "constants without noise": (both(put(1), put(1, names=("ivar",))), "masked_with_weight"),
    "a row of 1e30": (put(1e30, where=ROW, names=("flux",)), "sky_fiber_level"),
    "all of 1e30": (put(1e30, names=("flux",)), "cframe_flux_difference"),
    "all of -1e30": (put(-1e30, names=("flux",)), "cframe_flux_difference"),
    "denormal flux": (put(1e-40, names=("flux",)), "imaging_level"),
    "denormal weight": (put(1e-40, names=("ivar",)), "masked_with_weight"),
    "denormal everything": (put(1e-40, names=(*VALUES, "ivar")), "fiberflat_level"),
    "a negative sky": (negated, "sky_lowest"),
    "no sky": (put(0, products=("sky",)), "applied_flat"),
    "a camera of zeros": (put(0), "calibration_usable"),
    "a camera of zeros without weight": (put(0, names=(*VALUES, "ivar", "stativar", "thrputcorr")), "good_pixel_fraction"),
    "a wavelength of zeros": (put(0, where=(slice(None), COLUMN)), "calibration_roughness"),
    "a wavelength without weight": (put(0, where=(slice(None), COLUMN), names=(*VALUES, "ivar")), ""),
    "no sky fibers": (labelled(is_sky=False, OBJTYPE=b"TGT"), "sky_fibers_left"),
    "sky fibers only": (labelled(is_sky=True, OBJTYPE=b"SKY"), "sky_fiber_light"),
    "all fibers flagged": (labelled(is_sky=False, FIBERSTATUS=1 << 16 | 1 << 8 | 1 << 2), "sky_fibers_left"),
    "no throughput": (put(0, products=("sky",), names=("thrputcorr",)), ""),
    "all fibers in one place": (labelled(FIBERASSIGN_X=0, FIBERASSIGN_Y=0), "impossible_positions"),
    "no places": (labelled(FIBERASSIGN_X=np.nan, FIBERASSIGN_Y=np.nan), "impossible_positions"),
    "no photometry": (labelled(FIBERFLUX_G=0, FIBERFLUX_R=0, FIBERFLUX_Z=np.nan, FLUX_R=-1), ""),
}


@contextmanager
def strict():
    """Let every warning of numpy be an error; an underflow is none, as the tail of every Gaussian has it."""
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        yield


def judged(suite, camera):
    """Outcome of each measure of all expectations of a camera."""
    fixtures = camera_fixtures(camera)
    names = suite.fitting(fixtures, band="r")
    checks = [suite.check(name, camera_unit(camera), fixtures=fixtures) for name in names]
    assert "residual" in {decode(vector).name for check in checks for vector in check.vectors}
    return {
        (check.expectation, one.limit.name): (str(one.outcome), repr(one.measured.value), one.measured.detail)
        for check in checks
        for one in check.measurements
    }


@pytest.mark.parametrize(("change", "named"), CASES.values(), ids=CASES)
def test_what_is_absurd_is_named_and_no_measure_stumbles_over_it(camera, suite, change, named, monkeypatch):
    quiet = judged(suite, change(camera))
    monkeypatch.setattr(call, "undisturbed", strict)
    loud = judged(suite, change(camera))
    crashed = {key: found for key, found in loud.items() if key[1] == "crash"}
    assert not crashed
    assert loud == quiet
    failed = {measure for (_, measure), (outcome, *_) in loud.items() if outcome == "failed"}
    assert not named or named in failed


def test_the_part_of_a_clean_camera_fails_nothing(camera, suite, monkeypatch):
    monkeypatch.setattr(call, "undisturbed", strict)
    assert "failed" not in {outcome for outcome, *_ in judged(suite, camera).values()}
