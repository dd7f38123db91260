"""Expectations on sky-subtracted frames."""

import pytest

from pytest_specqa.measures.fibermaps.coverage import good_pixels
from pytest_specqa.measures.fibermaps.targets import flagged_fibers
from pytest_specqa.measures.models.applied_flat import applied_flat
from pytest_specqa.measures.sframes.collimator import collimator_dip
from pytest_specqa.measures.sframes.fibers import fiber_residuals, fiber_scale
from pytest_specqa.measures.sframes.shared_lines import shared_lines
from pytest_specqa.measures.sframes.skylines import fit_lines, line_residual, line_scale
from pytest_specqa.measures.sframes.vertical_lines import vertical_lines
from pytest_specqa.measures.sframes.wavelength import wavelength_errors

pytestmark = pytest.mark.specqa_stage("sframe")


def test_no_systematic_vertical_lines(spectra, expect):
    """Nothing is left at one wavelength in many neighbouring fibers of an sframe, beyond noise and normal line residuals."""
    found = vertical_lines(spectra)
    expect("vertical_lines_narrow", found.narrow)
    expect("vertical_lines_broad", found.broad)
    expect("vertical_lines_broad_size", found.broad_amplitude)
    expect("nebular_lines", found.nebular)
    expect.picture(
        "sframe_lines",
        flux=spectra.flux,
        ivar=spectra.ivar,
        wave=spectra.wave,
        fiber=spectra.fiber,
        features=found.narrow.features + found.broad.features + found.nebular.features,
        group_residual=found.residual,
        group_error=found.error,
        group_first=found.first_fiber,
    )


def test_fibers_hold_no_sky(spectra, expect):
    """No sky fiber holds light, and no fiber falls below zero, over any broad range of wavelengths."""
    found = fiber_residuals(spectra)
    expect("sky_fiber_light", found.sky_fiber)
    expect("fiber_below_zero", found.below_zero)
    value, error = found.at_worst()
    expect.picture(
        "per_fiber",
        fiber=spectra.fiber,
        value=value,
        error=error,
        label="residual where it is worst",
        unit="electron/Å",
        title="Broad residual of each fiber",
    )


def test_sky_lines_are_subtracted(spectra, expect):
    """Sky lines leave little of their light behind: in the typical fiber, in all fibers together, and in every single one."""
    fit = fit_lines(spectra)
    expect("sky_line_scale", line_scale(spectra))
    expect("sky_line_residual", line_residual(spectra))
    expect("sky_line_fiber_scale", fiber_scale(spectra))
    expect.picture(
        "per_fiber", fiber=spectra.fiber, value=fit.values[0, :, -1], error=fit.errors[0, :, -1], label="part of the sky lines left"
    )


def test_fibers_share_one_wavelength_scale(spectra, expect):
    """Sky lines of every fiber lie where the sky model has them and are as wide."""
    fit, found = fit_lines(spectra), wavelength_errors(spectra)
    expect("wavelength_shift_fiber", found.fiber_shift)
    expect("wavelength_shift_group", found.group_shift)
    expect("wavelength_shift_local", found.local_shift)
    expect("line_spread_group", found.group_width)
    expect.picture(
        "per_fiber", fiber=spectra.fiber, value=fit.values[1, :, -1], error=fit.errors[1, :, -1], label="line shift", unit="Å"
    )


@pytest.mark.specqa_bands("b")
def test_collimator_dip_is_where_the_flat_had_it(spectra, expect):
    """The absorption of the collimator coating around 4400 Å (b cameras) is the same in sky and flat."""
    expect("collimator_dip", collimator_dip(spectra))


def test_no_line_is_shared_by_unrelated_fibers(spectra, expect):
    """No emission line that is not of the sky appears in several fibers at one wavelength."""
    expect("shared_lines", shared_lines(spectra))


def test_unflagged_fibers_keep_their_weight(sframe, expect):
    """Fibers that nobody flagged still have inverse variance after sky subtraction."""
    flagged = flagged_fibers(sframe.fibermap["FIBERSTATUS"], band=sframe.band, instrument=sframe.instrument)
    expect("sframe_good_pixel_fraction", good_pixels(sframe.ivar, fiber=sframe.fiber, flagged=flagged))


def test_the_sky_model_was_subtracted_once(frame, used_fiberflat, sky, spectra, expect):
    """Every fiber lost the whole of its sky model between frame and sframe, once."""
    found = applied_flat(spectra, frame.flux, frame.ivar, fiberflat=used_fiberflat.fiberflat, thrputcorr=sky.thrputcorr)
    expect("applied_sky", found.sky, product=sky.path)
