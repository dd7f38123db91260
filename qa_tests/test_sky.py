"""Expectations on sky models."""

from pytest_specqa.measures.sky_smoothness import sky_smoothness


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
