"""Expectations on sky models."""

import numpy as np
import pytest

from pytest_specqa.measures.models.fiberflats import plane_gradient
from pytest_specqa.measures.models.sky_smoothness import sky_smoothness
from pytest_specqa.measures.sframes.fibers import throughput_outlier, throughput_scatter
from pytest_specqa.measures.sframes.sky_levels import fiber_sky, level_at
from pytest_specqa.measures.sframes.skylines import typical_error
from pytest_specqa.measures.sframes.wavelength import isolated_lines, sky_line_places

pytestmark = pytest.mark.specqa_stage("sky")


def test_sky_model_smooth(sky, expect):
    """The sky model of a camera is one sky: fibers differ by resolution and one achromatic factor, nothing else."""
    found = sky_smoothness(sky.flux, sky.ivar, wave=sky.wave, fiber=sky.fiber, instrument=sky.instrument)
    expect("sky_chromatic_block", found.block)
    expect("sky_chromatic_run", found.run)
    expect.picture(
        "sky_model",
        flux=sky.flux,
        ivar=sky.ivar,
        wave=sky.wave,
        fiber=sky.fiber,
        chromatic={"sky_chromatic_block": found.over_block, "sky_chromatic_run": found.over_run},
        chromatic_wave=found.grid,
    )


def test_every_fiber_has_its_sky(sky, spectra, expect):
    """The sky model of every fiber is as bright as that of the others: no sky was scaled, left out or doubled in a single fiber."""
    level = fiber_sky(spectra, sky.thrputcorr)
    expect("sky_fiber_level", level, product=sky.path)
    expect.picture(
        "per_fiber",
        fiber=sky.fiber,
        value=lambda: level_at(spectra, level.waves),
        label="sky of the fiber / typical sky",
        title="Sky of each fiber",
    )


def test_sky_lines_lie_at_their_wavelengths(sky, spectra, expect):
    """Isolated lines of the sky model lie at their known wavelengths and are as wide as the spectrograph makes them."""
    found = sky_line_places(spectra)
    expect("sky_line_offset", found.offset, product=sky.path)
    expect("sky_line_width", found.width, product=sky.path)
    places = {"wave": np.array(spectra.instrument.sky_lines), "title": "Isolated lines of the sky model"}
    lines = isolated_lines(spectra)
    expect.picture("per_line", shows="sky_line_offset", value=lines[:, 0], label="place less known place", unit="Å", **places)
    expect.picture("per_line", shows="sky_line_width", value=lines[:, 1], label="full width at half maximum", unit="Å", **places)


def test_throughputs_are_those_of_the_flat(sky, sframe, spectra, expect):
    """The throughputs that the sky lines ask for differ little from those of the flat, with no slope over the focal plane."""
    fibermap = sframe.fibermap
    expect("throughput_rms", throughput_scatter(sky.thrputcorr, fiber=sky.fiber, error=typical_error(spectra)))
    expect("throughput_outlier", throughput_outlier(sky.thrputcorr, fiber=sky.fiber))
    expect(
        "throughput_gradient",
        plane_gradient(
            sky.thrputcorr, fibermap["FIBERASSIGN_X"], fibermap["FIBERASSIGN_Y"], fiber=sky.fiber, instrument=sky.instrument
        ),
    )
    one = ("throughput_rms", "throughput_outlier")
    expect.picture(
        "per_fiber", shows=one, fiber=sky.fiber, value=sky.thrputcorr, label="THRPUTCORR", title="Throughput corrections"
    )
    expect.picture(
        "focal_plane",
        shows="throughput_gradient",
        x=fibermap["FIBERASSIGN_X"],
        y=fibermap["FIBERASSIGN_Y"],
        fiber=sky.fiber,
        after=lambda: 100 * (np.asarray(sky.thrputcorr) - 1),
        caption="THRPUTCORR - 1",
        unit="%",
        title="Throughput corrections over the focal plane",
    )
