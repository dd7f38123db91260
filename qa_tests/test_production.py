"""The products that were promised are there and can be used."""

from __future__ import annotations

import pytest

from pytest_specqa.measures.fibermaps.product_identity import Told, product_conflicts
from pytest_specqa.measures.where import live_fraction

pytestmark = pytest.mark.specqa_stage("production")
NODATA = 1 << 9


@pytest.mark.specqa_stage("sframe")
def test_sframe_is_usable(sframe, expect):
    """The sky-subtracted spectra of a camera can be read and most pixels carry weight."""
    picture_of(sframe, sframe.fiber, expect=expect)
    expect("sframe_usable_fraction", live_fraction(sframe.ivar).mean())


@pytest.mark.specqa_stage("sky")
def test_sky_model_is_usable(sky, expect):
    """The sky model of a camera can be read, has all of its HDUs, and most pixels carry weight."""
    sky.require_whole()
    picture_of(sky, sky.fiber, expect=expect)
    expect("sky_usable_fraction", live_fraction(sky.ivar).mean())


@pytest.mark.specqa_stage("cframe")
def test_cframe_is_usable(cframe, expect):
    """The calibrated spectra of a camera can be read and most pixels carry weight."""
    picture_of(cframe, cframe.fiber, expect=expect)
    expect("cframe_usable_fraction", live_fraction(cframe.ivar).mean())


@pytest.mark.specqa_first
def test_products_of_an_exposure_are_what_they_say(exposure_files, exposure, expect):
    """Every product of an exposure is of the exposure, tile, camera and petal that its name says, and agrees with the others."""
    told = Told(night=exposure.night, expid=exposure.expid, tile=exposure.tile, exptime=exposure.exptime)
    expect("product_conflicts", product_conflicts(exposure_files, told=told))


def test_redshifts_are_usable(redshifts, expect):
    """The redshifts of a petal can be read and most of its targets were fitted."""
    fitted = (redshifts["ZWARN"][redshifts.is_target] & NODATA) == 0
    expect("redshift_fit_fraction", fitted.mean())
    expect.picture(
        "per_fiber",
        fiber=redshifts.fiber[redshifts.is_target],
        value=fitted.astype(float),
        label="1: fitted, 0: no data",
        title="Targets whose redshift was fitted",
    )


def test_night_has_every_tile(production, specqa_night, exposures, expect):
    """Every tile that the exposure table of a night completes has been reduced."""
    # The pipeline makes redshifts of tiles only: an exposure off all tiles has TILEID -99.
    whole = [one for one in exposures if one.laststep == "all" and has_complete_petal(one.expected or ())]
    asked = {exposure.tile for exposure in whole if exposure.tile is not None}
    if not asked:
        expect.not_expected("no exposure table asks for a tile of this night")
        return
    if "healpix" in production.kinds and production.own_group == "healpix":
        expect.not_expected("this production has redshifts of pixels of the sky, and none of tiles")
        return
    reduced = {tile.tile for tile in production.tiles(night=specqa_night.night)}
    missing = sorted(asked - reduced)
    expect("missing_tiles", len(missing), detail=f"no redshifts of tile {', '.join(map(str, missing))}" if missing else "")


def test_the_exposure_table_says_one_thing_of_every_exposure(production, specqa_night, expect):
    """The exposure table of a night can be read, lists every exposure on disk, and says one thing of each."""
    if "exposure_table" not in production.kinds:
        expect.not_expected("this archive has no exposure tables")
        return
    found = production.night_report(specqa_night.night)
    if found.folders:
        expect("unreadable_folders", len(found.folders), detail=told(found.folders))
    if found.unreadable:
        raise found.unreadable
    if found.tabled:
        expect("table_faults", len(found.faults), detail=told(found.faults))
        expect("table_conflicts", len(found.conflicts), detail=told(found.conflicts))
        listed = [f"exposure {expid} is on disk and not in the table" for expid in found.unlisted]
        expect("unlisted_exposures", len(listed), detail=told(listed))
    if found.tabled or found.oddities:
        expect("table_oddities", len(found.oddities), detail=told(found.oddities))
    elif not found.folders:
        expect.not_expected("the production has no exposure tables")


def told(what, most=4):
    """Name the first few of what was found."""
    return "; ".join(what[:most]) + (f"; and {len(what) - most} more" if len(what) > most else "")


def picture_of(product, fiber, *, expect):
    """Show how much of each fiber carries weight."""
    title, label = "Good pixels of each fiber", "part of the pixels with weight"
    expect.picture("per_fiber", fiber=fiber, value=lambda: live_fraction(product.ivar), label=label, title=title)


def has_complete_petal(cameras):
    """Tell whether a petal has all three cameras, without which no redshifts are made."""
    return any({f"b{petal}", f"r{petal}", f"z{petal}"}.issubset(cameras) for petal in range(10))
