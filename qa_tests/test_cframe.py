"""Expectations on flux calibration and calibrated frames."""

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.coverage import flagged_with_weight, masked_with_weight
from pytest_specqa.measures.fibermaps.targets import flagged_fibers, on_target
from pytest_specqa.measures.models.fluxcalibration import calibrated_alike, calibration_lines, largest_ivar, usable_calibration
from pytest_specqa.measures.models.imaging import imaging_agreement
from pytest_specqa.measures.models.truths import calibration_truths
from pytest_specqa.measures.where import in_slit, live_fraction

pytestmark = pytest.mark.specqa_stage("cframe")


def test_flux_calibration_is_finite_and_smooth(fluxcalib, sframe, expect):
    """The calibration vectors of a camera are finite, have errors that can be true, and print no lines on the spectra."""
    alive = live_fraction(sframe.ivar) > 0
    expect("calibration_usable", usable_calibration(fluxcalib.fluxcalib, fluxcalib.ivar, fiber=sframe.fiber, expected=alive))
    expect("calibration_ivar", largest_ivar(fluxcalib.ivar, fiber=sframe.fiber))
    expect(
        "calibration_lines",
        calibration_lines(fluxcalib.fluxcalib, fluxcalib.ivar, sframe.wave, fiber=sframe.fiber, instrument=sframe.instrument),
    )
    shared = {"image": fluxcalib.fluxcalib, "wave": sframe.wave, "fiber": sframe.fiber, "title": "Flux calibration"}
    expect.picture("fiber_image", shows=("calibration_usable", "calibration_lines"), label="calibration", **shared)
    weight = {"image": fluxcalib.ivar, "label": "ivar", "title": "Inverse variance of the flux calibration"}
    expect.picture("fiber_image", shows="calibration_ivar", limited=True, **(shared | weight))


def test_flux_calibration_is_even_and_alike(fluxcalib, sframe, expect):
    """Calibration vectors do not jump from pixel to pixel nor from fiber to fiber, and claim no more than stars tell."""
    found = calibration_truths(
        fluxcalib.fluxcalib,
        fluxcalib.ivar,
        sframe.wave,
        fiber=sframe.fiber,
        expected=live_fraction(sframe.ivar) > 0,
        instrument=sframe.instrument,
    )
    expect("calibration_roughness", found.roughness)
    expect("calibration_fiber_roughness", found.fiber_roughness)
    expect("calibration_fiber_level", found.fiber_level)
    expect("calibration_certainty", found.certainty)
    shared = {"wave": sframe.wave, "fiber": sframe.fiber, "image": fluxcalib.fluxcalib, "title": "Flux calibration"}
    expect.picture("fiber_image", shows="calibration_roughness", label="calibration", **shared)
    expect.picture("fiber_image", shows="calibration_fiber_roughness", relative="both", label="over the typical vector", **shared)
    expect.picture(
        "per_fiber",
        shows="calibration_fiber_level",
        fiber=sframe.fiber,
        value=lambda: over_typical(middle_of(fluxcalib.fluxcalib[:, ::8])),
        label="vector / typical vector",
        title="Level of the flux calibration",
    )
    expect.picture(
        "per_fiber",
        shows="calibration_certainty",
        fiber=sframe.fiber,
        value=lambda: middle_of(fluxcalib.fluxcalib[:, ::8]) * np.sqrt(middle_of(fluxcalib.ivar[:, ::8])),
        limited="value",
        label="signal to noise of a pixel",
        title="What the flux calibration claims to know",
    )


def test_calibration_was_applied_to_flux_and_ivar(cframe, sframe, fluxcalib, expect):
    """A cframe is its sframe over the calibration, and its ivar is that of the sframe times the calibration squared."""
    same_flux, same_ivar = calibrated_alike(
        cframe.flux, cframe.ivar, sframe.flux, sframe.ivar, fluxcalib=fluxcalib.fluxcalib, fiber=sframe.fiber
    )
    expect("cframe_flux_difference", same_flux)
    expect("cframe_ivar_ratio", same_ivar)
    factor = fluxcalib.fluxcalib[:, ::7]
    expect.picture(
        "per_fiber",
        shows="cframe_flux_difference",
        fiber=cframe.fiber,
        value=lambda: middle_of(np.abs(cframe.flux[:, ::7] * factor - sframe.flux[:, ::7]) * np.sqrt(sframe.ivar[:, ::7])),
        label="|cframe x calibration - sframe|",
        unit="errors",
        title="The calibrated spectra against those before calibration",
    )
    expect.picture(
        "per_fiber",
        shows="cframe_ivar_ratio",
        fiber=cframe.fiber,
        value=lambda: middle_of(cframe.ivar[:, ::7] / (sframe.ivar[:, ::7] * factor**2)),
        limited="value",
        label="ivar / expected ivar",
        title="The ivar of the calibrated spectra against that before calibration",
    )


def test_spectra_have_the_light_of_their_targets(cframe, expect):
    """Calibrated spectra are as bright as the images of their targets, fiber by fiber."""
    found = imaging_agreement(
        cframe.flux,
        cframe.ivar,
        cframe.wave,
        fiber=cframe.fiber,
        photometry=cframe.fibermap,
        band=cframe.band,
        is_target=on_target(cframe.fibermap, band=cframe.band, instrument=cframe.instrument),
        instrument=cframe.instrument,
    )
    expect("imaging_level", found.level)
    expect("imaging_swapped", found.swapped)
    first = cframe.instrument.fibers * cframe.petal

    def ratio():
        return in_slit(np.exp(found.ratio), cframe.fiber, instrument=cframe.instrument)

    expect.keep("flux_over_imaging", ratio, first=first, step=0.02)
    expect.picture("per_fiber", fiber=cframe.fiber, value=found.ratio, label="ln(measured / imaging)", title="Light of the targets")


def test_flags_are_honoured(cframe, expect):
    """What is masked in a calibrated frame, and what a fiber's status calls useless, has no inverse variance."""
    flagged = flagged_fibers(cframe.fibermap["FIBERSTATUS"], band=cframe.band, instrument=cframe.instrument)
    expect("flagged_with_weight", flagged_with_weight(cframe.ivar, fiber=cframe.fiber, flagged=flagged))
    expect("masked_with_weight", masked_with_weight(cframe.ivar, cframe.mask, fiber=cframe.fiber))
    expect.picture(
        "per_fiber",
        shows="flagged_with_weight",
        fiber=cframe.fiber,
        value=lambda: np.where(flagged, live_fraction(cframe.ivar), np.nan),
        label="part of the pixels with weight",
        title="Flagged fibers",
    )
    expect.picture(
        "per_fiber",
        shows="masked_with_weight",
        fiber=cframe.fiber,
        value=lambda: ((cframe.mask != 0) & (cframe.ivar > 0)).sum(axis=1),
        label="masked pixels with weight",
        title="Masked pixels that count",
    )


def middle_of(values):
    """Median of each fiber over what is finite, NaN where nothing is."""
    known = np.where(np.isfinite(values), values, np.nan)
    live = np.isfinite(known).any(axis=1)
    found = np.full(len(known), np.nan)
    found[live] = np.nanmedian(known[live], axis=1)
    return found


def over_typical(level):
    """Level of each fiber over the median of all that have one."""
    known = level[np.isfinite(level)]
    typical = np.median(known) if known.size else np.nan
    return np.divide(level, typical, out=np.full(len(level), np.nan), where=typical != 0)
