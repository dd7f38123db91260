"""Expectations on sky-subtracted frames."""

from pytest_specqa.measures.vertical_lines import vertical_lines


def test_no_systematic_vertical_lines(sframe, sky, expect):
    """Nothing is left at one wavelength in many neighbouring fibers of an sframe, beyond noise and normal line residuals."""
    found = vertical_lines(sframe.flux, sframe.ivar, wave=sframe.wave, fiber=sframe.fiber, is_sky=sframe.is_sky, sky=sky.flux)
    expect("vertical_lines_narrow", found.narrow)
    expect("vertical_lines_broad", found.broad)
    expect("vertical_lines_broad_size", found.broad_amplitude)
    expect("nebular_lines", found.nebular)
    expect.picture(
        "sframe_lines",
        flux=sframe.flux,
        ivar=sframe.ivar,
        wave=sframe.wave,
        fiber=sframe.fiber,
        features=found.narrow.features + found.broad.features + found.nebular.features,
        group_residual=found.residual,
        group_error=found.error,
        group_first=found.first_fiber,
    )
