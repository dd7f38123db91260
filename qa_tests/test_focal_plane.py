"""Expectations on all cameras of an exposure together."""

import numpy as np
import pytest

from pytest_specqa.measures.focal.patch_star import with_bright_star
from pytest_specqa.measures.focal.plane import focal_plane
from pytest_specqa.measures.focal.windows import window_maps

pytestmark = pytest.mark.specqa_stage("sframe")


def maps_of(sframe, sky, spectra):
    """Reduce one camera to a residual per fiber and window."""
    placed = "FIBER_X" in sframe.fibermap.columns
    x, y = (sframe.fibermap[name] if placed else np.full(len(sframe.fiber), np.nan) for name in ("FIBER_X", "FIBER_Y"))
    ra, dec = (sframe.fibermap[name] if name in sframe.fibermap.columns else None for name in ("TARGET_RA", "TARGET_DEC"))
    return window_maps(spectra, band=sframe.band, mask=sframe.mask, x=x, y=y, throughput=sky.thrputcorr, ra=ra, dec=dec)


@pytest.mark.specqa_reduces(by=maps_of)
def test_residuals_flat_over_focal_plane(exposure_reduced, expect):
    """What sky subtraction leaves is the same all over the focal plane: no patch, no petal apart, no gradient."""
    every = [one for maps in exposure_reduced(maps_of) for one in maps]
    found = focal_plane(every)
    values = {
        "focal_plane_patch": with_bright_star(found.patch, every),
        "focal_plane_petal": found.petal,
        "focal_plane_gradient": found.gradient,
        "focal_plane_seen": found.seen,
        "focal_plane_sky_line": found.sky_line,
        "focal_plane_nebular": found.nebular,
    }
    for name, value in values.items():
        if value is not None:
            expect(name, value)
            picture_of(found.map_of(value), name, expect=expect)


def picture_of(shown, name, *, expect):
    """Show the window in which a value was found."""
    if shown is not None:
        expect.picture(
            "focal_plane",
            shows=name,
            x=shown.x,
            y=shown.y,
            fiber=shown.fiber,
            before=shown.before,
            after=shown.after,
            unit="electron/Angstrom",
            title=f"Light in {shown.window.name} over the focal plane",
        )
