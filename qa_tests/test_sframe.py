"""Expectations on sky-subtracted frames."""

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.coverage import good_pixels
from pytest_specqa.measures.fibermaps.targets import flagged_fibers
from pytest_specqa.measures.models.applied_flat import applied_flat
from pytest_specqa.measures.sframes.collimator import collimator_dip
from pytest_specqa.measures.sframes.fiber_bins import STEP, bin_edges, fiber_bins
from pytest_specqa.measures.sframes.fibers import fiber_residuals, fiber_scale
from pytest_specqa.measures.sframes.shared_lines import shared_lines
from pytest_specqa.measures.sframes.skylines import fit_lines, line_residual, line_scale
from pytest_specqa.measures.sframes.vertical_lines import vertical_lines
from pytest_specqa.measures.sframes.wavelength import wavelength_errors
from pytest_specqa.measures.where import in_slit, live_fraction

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
        group_residual=found.residual,
        group_error=found.error,
        group_first=found.first_fiber,
    )


def test_fibers_hold_no_sky(spectra, expect):
    """No sky fiber holds light, and no fiber falls below zero, over any broad range of wavelengths."""
    found = fiber_residuals(spectra)
    expect("sky_fiber_light", found.sky_fiber)
    expect("fiber_below_zero", found.below_zero)
    for name, measured in (("sky_fiber_light", found.sky_fiber), ("fiber_below_zero", found.below_zero)):
        value, error = found.at(measured)
        sky = name == "sky_fiber_light"
        where = f" at {measured.waves[0]:.0f}–{measured.waves[1]:.0f} Å" if measured.waves else ""
        expect.picture(
            "per_fiber",
            shows=name,
            fiber=spectra.fiber,
            value=np.where(spectra.is_sky, value, np.nan) if sky else value,
            error=error,
            limited="size" if sky else "depth",
            label="residual",
            unit="electron/Å",
            title=f"Residual of each {'sky fiber' if sky else 'fiber'} between sky lines{where}",
        )
    first, bins = first_fiber(spectra), {"waves": bin_edges(spectra), "step": STEP, "unit": "sigma"}
    expect.keep("residual", lambda: placed(fiber_bins(spectra).residual, spectra), first=first, **bins)
    expect.keep("residual_error", lambda: placed(fiber_bins(spectra).error, spectra), first=first, unit="electron/Angstrom")


def test_sky_lines_are_subtracted(spectra, expect):
    """Sky lines leave little of their light behind: in the typical fiber, in all fibers together, and in every single one."""
    fit = fit_lines(spectra)
    values = {"sky_line_scale": line_scale(spectra), "sky_line_residual": line_residual(spectra)}
    values |= {"sky_line_fiber_scale": fiber_scale(spectra)}
    for name, measured in values.items():
        expect(name, measured)
        scale, error = fit.over(0, measured.waves)
        part = {"value": scale, "error": error, "limited": "size", "label": "part of the sky lines left", "title": "Sky lines"}
        spread = {
            "value": np.sqrt(np.maximum(fit.excess, 0.0)),
            "limited": "value",
            "label": "residual / line",
            "title": "Sky lines",
        }
        expect.picture("per_fiber", shows=name, fiber=spectra.fiber, **(spread if name == "sky_line_residual" else part))
    keep_lines(expect, spectra, "line_scale", lambda: fit.of_fibers(0))


def test_fibers_share_one_wavelength_scale(spectra, expect):
    """Sky lines of every fiber lie where the sky model has them and are as wide."""
    fit, found = fit_lines(spectra), wavelength_errors(spectra)
    expect("wavelength_shift_fiber", found.fiber_shift)
    expect("wavelength_shift_group", found.group_shift)
    expect("wavelength_shift_local", found.local_shift)
    expect("line_spread_group", found.group_width)
    terms = {
        "wavelength_shift_fiber": (1, found.fiber_shift),
        "wavelength_shift_group": (1, found.group_shift),
        "wavelength_shift_local": (1, found.local_shift),
        "line_spread_group": (2, found.group_width),
    }
    for name, (term, measured) in terms.items():
        value, error = fit.over(term, measured.waves)
        words = (
            {"label": "line shift", "unit": "Å"} if term == 1 else {"label": "excess of the line-spread variance / 2", "unit": "Å²"}
        )
        expect.picture("per_fiber", shows=name, fiber=spectra.fiber, value=value, error=error, title="Lines of each fiber", **words)
    keep_lines(expect, spectra, "line_shift", lambda: fit.of_fibers(1), unit="Angstrom")
    keep_lines(expect, spectra, "line_width", lambda: fit.of_fibers(2), unit="Angstrom^2")


@pytest.mark.specqa_bands("b")
def test_collimator_dip_is_where_the_flat_had_it(spectra, expect):
    """The absorption of the collimator coating around 4400 Å (b cameras) is the same in sky and flat."""
    expect("collimator_dip", collimator_dip(spectra))
    near = (spectra.wave > 4200) & (spectra.wave < 4600)
    expect.picture(
        "fiber_image",
        image=lambda: 100 * np.where(spectra.ivar > 0, spectra.flux / spectra.sky_spectrum, np.nan)[:, near],
        wave=spectra.wave[near],
        fiber=spectra.fiber,
        label="residual over the sky",
        unit="%",
        title="What is left around the collimator dip",
    )


def test_no_line_is_shared_by_unrelated_fibers(spectra, expect):
    """No emission line that is not of the sky appears in several fibers at one wavelength."""
    expect("shared_lines", shared_lines(spectra))
    expect.picture("sframe_lines", flux=spectra.flux, ivar=spectra.ivar, wave=spectra.wave, fiber=spectra.fiber)


def test_unflagged_fibers_keep_their_weight(sframe, expect):
    """Fibers that nobody flagged still have inverse variance after sky subtraction."""
    flagged = flagged_fibers(sframe.fibermap["FIBERSTATUS"], band=sframe.band, instrument=sframe.instrument)
    expect("sframe_good_pixel_fraction", good_pixels(sframe.ivar, fiber=sframe.fiber, flagged=flagged))
    weight = {"value": lambda: live_fraction(sframe.ivar), "label": "part of the pixels with weight"}
    expect.picture("per_fiber", fiber=sframe.fiber, title="Good pixels of each fiber", **weight)


def test_the_sky_model_was_subtracted_once(frame, used_fiberflat, sky, spectra, expect):
    """Every fiber lost the whole of its sky model between frame and sframe, once."""
    found = applied_flat(spectra, frame.flux, frame.ivar, fiberflat=used_fiberflat.fiberflat, thrputcorr=sky.thrputcorr)
    expect("applied_sky", found.sky, product=sky.path)
    expect.picture(
        "per_fiber",
        fiber=spectra.fiber,
        value=lambda: sky_lost(frame, used_fiberflat, spectra),
        label="sky that was subtracted / sky model",
        title="What each fiber lost between frame and sframe",
    )


def first_fiber(spectra):
    """FIBER of the first place of the slit."""
    return spectra.petal * spectra.instrument.fibers


def keep_lines(expect, spectra, name, found, *, unit=""):
    """Keep what the sky lines tell of each fiber."""

    def part(place):
        return placed(found()[place], spectra)

    expect.keep(name, lambda: part(0), errors=lambda: part(1), first=first_fiber(spectra), unit=unit)


def placed(values, spectra):
    """Rows of the fibers that are here, at their places in the slit."""
    return in_slit(values, spectra.fiber, instrument=spectra.instrument)


def sky_lost(frame, flat, spectra):
    """Median over the pixels between sky lines of what was subtracted, as a part of the sky model."""
    columns = np.flatnonzero(spectra.between_lines)[::3]
    sky = np.broadcast_to(spectra.known_sky, spectra.flux.shape)[:, columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (frame.flux[:, columns] / flat.fiberflat[:, columns] - spectra.flux[:, columns]) / sky
    known = (frame.ivar[:, columns] > 0) & np.isfinite(part)
    live = known.any(axis=1)
    found = np.full(len(part), np.nan)
    found[live] = np.nanmedian(np.where(known, part, np.nan)[live], axis=1)
    return found
