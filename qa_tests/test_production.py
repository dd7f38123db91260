"""The products that were promised are there and can be used."""

from __future__ import annotations

NODATA = 1 << 9


def test_sframe_is_usable(sframe, expect):
    """The sky-subtracted spectra of a camera can be read and most pixels carry weight."""
    expect("sframe_usable_fraction", (sframe.ivar > 0).mean())


def test_sky_model_is_usable(sky, expect):
    """The sky model of a camera can be read and most pixels carry weight."""
    expect("sky_usable_fraction", (sky.ivar > 0).mean())


def test_cframe_is_usable(cframe, expect):
    """The calibrated spectra of a camera can be read and most pixels carry weight."""
    expect("cframe_usable_fraction", (cframe.ivar > 0).mean())


def test_redshifts_are_usable(redshifts, expect):
    """The redshifts of a petal can be read and most of its targets were fitted."""
    fitted = (redshifts["ZWARN"][~redshifts.is_sky] & NODATA) == 0
    expect("redshift_fit_fraction", fitted.mean())


def test_tile_has_every_petal(tile, exposures, expect):
    """Every petal with complete spectra of a tile on its last night has redshifts."""
    complete = [exposure for exposure in exposures if exposure.tile == tile.tile and exposure.laststep == "all"]
    observed = {int(camera[1]) for exposure in complete for camera in exposure.cameras}
    expect("missing_petals", len(observed - set(tile.petals)))
