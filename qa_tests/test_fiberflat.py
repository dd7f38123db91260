"""Expectations on fiber flats."""

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.targets import flagged_fibers
from pytest_specqa.measures.models.applied_flat import applied_flat
from pytest_specqa.measures.models.fiberflats import flat_level, flat_shape, plane_gradient
from pytest_specqa.measures.models.line_evenness import line_evenness
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.spectra import CameraSpectra

pytestmark = pytest.mark.specqa_stage("fiberflat")


def test_fiberflat_is_smooth_and_near_one(fiberflat, sframe, once_a_night, expect):
    """Unflagged fibers of a flat respond alike, smoothly in wavelength, with no lamp missing and no stray light."""
    found = once_a_night(shape_of, fiberflat, sframe.fiber, flagged_in(sframe))
    expect("fiberflat_masked", found.masked)
    expect("fiberflat_level", found.typical)
    expect("fiberflat_lowest_fiber", found.low_fibers)
    expect("fiberflat_extremes", found.extremes)
    expect("fiberflat_edges", found.edges)
    expect("fiberflat_narrow_feature", found.narrow)
    levels = ("fiberflat_masked", "fiberflat_level", "fiberflat_lowest_fiber")
    expect.picture("per_fiber", shows=levels, fiber=sframe.fiber, value=found.level, label="median response", title="Fiber flat")
    shapes = ("fiberflat_extremes", "fiberflat_edges", "fiberflat_narrow_feature")
    image = {"image": lambda: weighted(fiberflat), "wave": fiberflat.wave, "fiber": sframe.fiber, "title": "Fiber flat"}
    expect.picture("fiber_image", shows=shapes, label="response", **image)


def test_fiberflat_has_no_gradient(fiberflat, sframe, once_a_night, expect):
    """The flat-field screen was lit evenly: the response has no slope over the focal plane."""
    fibermap = sframe.fibermap
    level = once_a_night(level_of, fiberflat, flagged_in(sframe))
    expect(
        "fiberflat_gradient",
        plane_gradient(
            level, fibermap["FIBERASSIGN_X"], fibermap["FIBERASSIGN_Y"], fiber=sframe.fiber, instrument=sframe.instrument
        ),
    )
    expect.picture(
        "focal_plane",
        x=fibermap["FIBERASSIGN_X"],
        y=fibermap["FIBERASSIGN_Y"],
        fiber=sframe.fiber,
        after=lambda: 100 * (level / typical_of(level) - 1),
        caption="response over its median",
        unit="%",
        title="Fiber flat over the focal plane",
    )


def test_the_flat_of_the_night_was_applied(frame, used_fiberflat, sframe, sky, expect):
    """Every fiber was divided once by the flat that the header names, at the wavelengths of the observer."""
    found = applied_flat(light_of(sframe, sky), frame.flux, frame.ivar, fiberflat=used_fiberflat.fiberflat)
    expect("applied_flat", found.shape, product=used_fiberflat.path)
    expect("applied_flat_exponent", found.exponent, product=used_fiberflat.path)
    expect("applied_flat_pattern", found.pattern, product=used_fiberflat.path)
    expect.picture(
        "fiber_image",
        image=lambda: over_light(frame, sframe, sky, used_fiberflat),
        wave=sframe.wave,
        fiber=sframe.fiber,
        label="frame / (flat x light)",
        title="What was divided out of the frame, over the flat of the file",
    )


def test_sky_lines_are_as_bright_in_every_fiber(spectra, sky, expect):
    """The flat made the fibers alike: sky lines scatter from fiber to fiber by what their throughput drifts, not by what it is."""
    expect("line_evenness", line_evenness(spectra, sky.thrputcorr))
    scale, error = fit_lines(spectra).over(0, None)
    expect.picture("per_fiber", fiber=spectra.fiber, value=scale, error=error, label="part of the sky lines left")


def weighted(flat):
    """Response where it has weight."""
    return np.where(flat.ivar > 0, flat.fiberflat, np.nan)


def over_light(frame, sframe, sky, flat):
    """What turns light and flat into the frame, where the sky is bright: 1 if this flat was applied once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = frame.flux / (flat.fiberflat * (sframe.flux + sky.flux))
    return np.where((frame.ivar > 0) & (sframe.flux + sky.flux > 0.5 * sky.flux), ratio, np.nan)


def typical_of(level):
    """Median response of the fibers that have one."""
    known = level[np.isfinite(level) & (level != 0)]
    return np.median(known) if known.size else np.nan


def light_of(sframe, sky):
    """What was left of the light and what was taken away: no fibermap is needed to add them."""
    return CameraSpectra(
        flux=sframe.flux,
        ivar=sframe.ivar,
        wave=sframe.wave,
        fiber=sframe.fiber,
        is_sky=np.zeros(len(sframe.fiber), dtype=bool),
        sky=sky.flux,
        heliocor=sframe.heliocor,
        instrument=sframe.instrument,
    )


def flagged_in(sframe):
    """Fibers whose flags in this exposure say that they need not respond."""
    return flagged_fibers(sframe.fibermap["FIBERSTATUS"], band=sframe.band, instrument=sframe.instrument)


def shape_of(fiberflat, fiber, flagged):
    """Level, range, edges and narrow features of a flat."""
    return flat_shape(fiberflat.fiberflat, fiberflat.ivar, fiberflat.wave, fiber=fiber, flagged=flagged)


def level_of(fiberflat, flagged):
    """Median response of each fiber of a flat."""
    return flat_level(fiberflat.fiberflat, fiberflat.ivar, flagged=flagged)
