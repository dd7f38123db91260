"""Expectations on sky models."""

import pytest

from pytest_specqa.measures.models.fiberflats import plane_gradient
from pytest_specqa.measures.models.sky_smoothness import sky_smoothness
from pytest_specqa.measures.sframes.fibers import throughput_outlier, throughput_scatter
from pytest_specqa.measures.sframes.skylines import fit_lines, typical_error
from pytest_specqa.measures.sframes.wavelength import sky_line_places

pytestmark = pytest.mark.specqa_stage("sky")


def test_sky_model_smooth(sky, expect):
    """The sky model of a camera is one sky: fibers differ by resolution and one achromatic factor, nothing else."""
    found = sky_smoothness(sky.flux, sky.ivar, wave=sky.wave, fiber=sky.fiber)
    expect("sky_chromatic_block", found.block)
    expect("sky_chromatic_run", found.run)
    expect.picture(
        "sky_model",
        flux=sky.flux,
        ivar=sky.ivar,
        wave=sky.wave,
        fiber=sky.fiber,
        chromatic=found.ratio,
        chromatic_wave=found.grid,
        features=found.block.features,
    )


def test_sky_lines_lie_at_their_wavelengths(sky, sframe, expect):
    """Isolated lines of the sky model lie at their known wavelengths and are as wide as the spectrograph makes them."""
    found = sky_line_places(sky.flux, sframe.wave, fiber=sky.fiber, heliocor=sframe.heliocor)
    expect("sky_line_offset", found.offset)
    expect("sky_line_width", found.width)


def test_throughputs_are_those_of_the_flat(sky, sframe, expect):
    """The throughputs that the sky lines ask for differ little from those of the flat, with no slope over the focal plane."""
    fibermap = sframe.fibermap
    noise = typical_error(fit_lines(sframe.flux, sframe.ivar, sframe.wave, sky=sky.flux))
    expect("throughput_rms", throughput_scatter(sky.thrputcorr, fiber=sky.fiber, error=noise))
    expect("throughput_outlier", throughput_outlier(sky.thrputcorr, fiber=sky.fiber))
    expect(
        "throughput_gradient", plane_gradient(sky.thrputcorr, fibermap["FIBERASSIGN_X"], fibermap["FIBERASSIGN_Y"], fiber=sky.fiber)
    )
    expect.picture("per_fiber", fiber=sky.fiber, value=sky.thrputcorr, label="THRPUTCORR", title="Throughput corrections")
