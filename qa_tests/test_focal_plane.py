"""Expectations on all cameras of an exposure together."""

import numpy as np
import pytest

from pytest_specqa.measures.focal.plane import focal_plane
from pytest_specqa.measures.focal.windows import window_maps

pytestmark = pytest.mark.specqa_stage("sframe")


def maps_of(sframe, sky, spectra):
    """Reduce one camera to a residual per fiber and window."""
    placed = "FIBER_X" in sframe.fibermap.columns
    x, y = (sframe.fibermap[name] if placed else np.full(len(sframe.fiber), np.nan) for name in ("FIBER_X", "FIBER_Y"))
    return window_maps(spectra, band=sframe.band, mask=sframe.mask, x=x, y=y, throughput=sky.thrputcorr)


@pytest.mark.specqa_reduces(by=maps_of)
def test_residuals_flat_over_focal_plane(exposure_reduced, expect):
    """What sky subtraction leaves is the same all over the focal plane: no patch, no petal apart, no gradient."""
    found = focal_plane([one for maps in exposure_reduced(maps_of) for one in maps])
    expect("focal_plane_patch", found.patch)
    expect("focal_plane_petal", found.petal)
    expect("focal_plane_gradient", found.gradient)
    expect("focal_plane_seen", found.seen)
    if found.sky_line is not None:
        expect("focal_plane_sky_line", found.sky_line)
    if found.nebular is not None:
        expect("focal_plane_nebular", found.nebular)
    if found.shown is not None:
        expect.picture(
            "focal_plane",
            x=found.shown.x,
            y=found.shown.y,
            fiber=found.shown.fiber,
            before=found.shown.before,
            after=found.shown.after,
            features=found.features,
            unit="electron/Angstrom",
            title=f"Light in {found.shown.window.name} over the focal plane",
        )
