"""Expectations on frames and the fibers behind them."""

import numpy as np
import pytest

from pytest_specqa.measures.fibermaps.coverage import good_pixels, masked_columns, sky_fibers_left
from pytest_specqa.measures.fibermaps.targets import (
    desi_targets,
    flagged_fibers,
    identity_conflicts,
    misplaced_cassette,
    misplaced_fibers,
    on_target,
    standard_stars,
)
from pytest_specqa.measures.frames.amplifiers import amplifiers, has_two_amplifiers
from pytest_specqa.measures.frames.holes import ccd_defects
from pytest_specqa.measures.frames.labels import neighbours_light, neighbours_throughput
from pytest_specqa.measures.frames.line_places import line_places
from pytest_specqa.measures.frames.own_sky import frame_spectra, sky_scale
from pytest_specqa.measures.frames.traps import light_kept_back
from pytest_specqa.measures.sframes.cosmics import sharp_hits
from pytest_specqa.measures.sframes.noise import noise
from pytest_specqa.measures.sframes.skylines import fit_lines
from pytest_specqa.measures.sframes.wavelength import wavelength_errors
from pytest_specqa.measures.where import live_fraction

pytestmark = pytest.mark.specqa_stage("frame")


def test_unflagged_fibers_have_data(frame, expect):
    """Fibers that nobody flagged have their pixels, enough of them on sky, and no wavelength is masked in many fibers."""
    flagged = flagged_fibers(frame.fibermap["FIBERSTATUS"], band=frame.band, instrument=frame.instrument)
    expect("good_pixel_fraction", good_pixels(frame.ivar, fiber=frame.fiber, flagged=flagged))
    expect("sky_fibers_left", sky_fibers_left(frame.ivar, fiber=frame.fiber, is_sky=frame.is_sky))
    expect("masked_columns", masked_columns(frame.ivar, frame.wave, fiber=frame.fiber))
    weight = {"fiber": frame.fiber, "value": lambda: live_fraction(frame.ivar), "label": "part of the pixels with weight"}
    expect.picture("per_fiber", shows=("good_pixel_fraction", "sky_fibers_left"), title="Good pixels of each fiber", **weight)
    expect.picture(
        "fiber_image",
        shows="masked_columns",
        image=lambda: (frame.ivar > 0).astype(float),
        wave=frame.wave,
        fiber=frame.fiber,
        label="part of the pixels with weight",
        title="Good pixels of the frame",
    )


def test_fibers_are_who_they_say(frame, expect):
    """Every fiber of a petal has its own number, place and target."""
    fibermap = frame.fibermap
    expect(
        "identity_conflicts",
        identity_conflicts(
            fibermap["FIBER"], fibermap["LOCATION"], fibermap["TARGETID"], petal=frame.petal, instrument=frame.instrument
        ),
    )


def test_fibers_are_on_target(frame, expect):
    """The positioners of a petal reached their targets, all over the petal."""
    fibermap = frame.fibermap
    expect("misplaced_fibers", misplaced_fibers(fibermap["DELTA_X"], fibermap["DELTA_Y"], fiber=frame.fiber, tolerance=0.030))
    expect(
        "misplaced_cassette",
        misplaced_cassette(
            fibermap["DELTA_X"], fibermap["DELTA_Y"], fiber=frame.fiber, tolerance=0.030, instrument=frame.instrument
        ),
    )
    off = 1000 * np.hypot(fibermap["DELTA_X"], fibermap["DELTA_Y"])
    expect.picture(
        "per_fiber",
        fiber=frame.fiber,
        value=off,
        high=30.0,
        label="distance from the target",
        unit="µm",
        title="Places of the fibers",
    )


def test_petal_has_standard_stars(frame, expect):
    """Enough standard stars of a petal have data to calibrate the others."""
    flagged = flagged_fibers(frame.fibermap["FIBERSTATUS"], band=frame.band, instrument=frame.instrument)
    flagged |= np.isin(frame.fibermap["OBJTYPE"], ("BAD", "NON"))
    targets = desi_targets(frame.fibermap, rows=len(frame.fiber))
    expect(
        "standard_stars",
        standard_stars(targets, frame.ivar, fiber=frame.fiber, flagged=flagged, instrument=frame.instrument),
    )
    expect.picture(
        "per_fiber",
        fiber=frame.fiber,
        value=lambda: np.where(flagged, 0.0, live_fraction(frame.ivar)),
        label="part of the pixels with weight",
        title="Fibers with data that nobody flagged",
    )


def test_amplifiers_agree(spectra, sframe, expect):
    """The amplifiers of a CCD share one zero level, and fibers do not share noise along its rows."""
    found = amplifiers(spectra, two_amp=has_two_amplifiers(sframe.header))
    expect("amplifier_step", found.step)
    expect("amplifier_offset", found.offset)
    expect("row_noise", found.row_noise)
    expect.picture("amp_map", image=frame_spectra(spectra).flux, wave=spectra.wave, fiber=spectra.fiber)


def test_pixels_scatter_as_their_ivar_predicts(spectra, expect):
    """Neighbouring pixels of faint fibers differ by what their inverse variance predicts, and are independent."""
    found = noise(frame_spectra(spectra))
    expect("pull_width_amplifier", found.amplifier_width)
    expect("pull_width_fiber", found.fiber_width)
    expect("pixel_correlation", found.correlation)
    expect("pixel_ringing", found.ringing)
    expect.picture(
        "per_fiber", fiber=spectra.fiber, value=found.widths, label="width of the pulls", title="Noise over its prediction"
    )


def test_cosmic_rays_are_masked(spectra, expect):
    """Few features narrower than the line spread are left in good pixels."""
    expect("unmasked_cosmics", sharp_hits(spectra))
    image = {"flux": spectra.flux, "ivar": spectra.ivar, "wave": spectra.wave, "fiber": spectra.fiber}
    expect.picture("sframe_lines", title="Features narrower than the line spread, in the sky-subtracted frame", **image)


def test_no_defect_of_the_ccd_is_left(spectra, expect):
    """No unmasked hole or hot spot of the CCD takes light from neighbouring fibers, or adds light to them, in a few Angstrom."""
    found = ccd_defects(spectra)
    expect("ccd_hole", found.hole)
    expect("ccd_spot", found.spot)
    expect.picture(
        "sframe_lines",
        flux=lambda: frame_spectra(spectra).flux,
        ivar=spectra.ivar,
        wave=spectra.wave,
        fiber=spectra.fiber,
        title="Frame less its typical sky",
    )


def test_sky_lines_of_a_frame_share_one_wavelength_scale(spectra, expect):
    """The sky lines of a frame lie at the same wavelengths in all fibers, whatever the sky model made of them."""
    frame = frame_spectra(spectra)
    fit, found = fit_lines(frame), wavelength_errors(frame)
    expect("frame_line_places", line_places(spectra))
    expect("frame_shift_fiber", found.fiber_shift)
    expect("frame_shift_group", found.group_shift)
    expect("frame_shift_local", found.local_shift)
    for name in ("frame_line_places", "frame_shift_fiber", "frame_shift_group"):
        shift, error = fit.over(1, None)
        expect.picture("per_fiber", shows=name, fiber=frame.fiber, value=shift, error=error, label="line shift", unit="Å")
    shift, error = fit.over(1, found.local_shift.waves)
    where = {"shows": "frame_shift_local", "title": "Line shift of each fiber in the piece of the spectrum that fails"}
    expect.picture("per_fiber", fiber=frame.fiber, value=shift, error=error, label="line shift", unit="Å", **where)


def test_fibers_hold_the_light_of_their_own_targets(spectra, sframe, expect):
    """No run of fibers is as bright as the targets of the fibers beside it are in images."""
    usable = on_target(sframe.fibermap, band=sframe.band, instrument=sframe.instrument)
    found = neighbours_light(spectra, sframe.fibermap, band=sframe.band, is_target=usable)
    expect("neighbours_light", found.moved)
    expect.picture(
        "per_fiber", fiber=spectra.fiber, value=found.ratio, label="ln(measured / imaging)", title="Light of the targets"
    )


def test_sky_follows_the_throughput_of_the_fibers(spectra, sky, fiberflat, expect):
    """In no run of fibers is the sky as bright as the flat of the fibers beside it makes it."""
    expect("neighbours_throughput", neighbours_throughput(spectra, fiberflat.fiberflat, corrections=sky.thrputcorr))
    expect.picture(
        "per_fiber",
        fiber=spectra.fiber,
        value=lambda: sky_scale(spectra) * (1.0 + fit_lines(spectra).over(0, None)[0]),
        label="sky / typical sky",
        title="Sky in each fiber, after the flat",
    )


@pytest.mark.specqa_bands("r", "z")
def test_no_trap_keeps_light_back(spectra, expect):
    """The sky lines of a fiber have their light at all wavelengths (r and z cameras, where lines are everywhere)."""
    found = light_kept_back(spectra)
    expect("light_kept_back", found)
    scale, error = fit_lines(spectra).over(0, found.waves)
    title = "Sky lines beyond the place where light is lost" if found.waves else "Sky lines of each fiber"
    expect.picture("per_fiber", fiber=spectra.fiber, value=scale, error=error, label="part of the sky lines left", title=title)
