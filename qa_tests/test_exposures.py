"""Expectations on the sky of an exposure over its petals, and of a tile over its exposures."""

import pytest

from pytest_specqa.measures.focal.skies import petals_see_one_sky, sky_left
from pytest_specqa.measures.focal.steadiness import barycentric_corrections, line_changes
from pytest_specqa.measures.sframes.sky_state import sky_state

pytestmark = pytest.mark.specqa_stage("sky")


def sky_of(sframe, spectra):
    """Reduce the sky model of one camera to a few numbers."""
    return sky_state(spectra, camera=sframe.camera, expid=sframe.expid, header=sframe.header)


@pytest.mark.specqa_reduces(by=sky_of)
def test_petals_see_the_same_sky(exposure_reduced, expect):
    """The sky is as bright in each petal as in the others, after their flats."""
    expect("petal_sky", petals_see_one_sky(exposure_reduced(sky_of)))
    expect.picture("per_petal", label="ln(sky / median sky)", title="Sky of the petals")


@pytest.mark.specqa_stage("sframe")
@pytest.mark.specqa_reduces(by=sky_of)
def test_no_part_of_the_sky_is_left_in_all_petals(exposure_reduced, expect):
    """Sky fibers of all petals together keep nothing that is proportional to the sky."""
    expect("sky_left", sky_left(exposure_reduced(sky_of)))
    expect.picture("per_petal", label="part of the sky", title="What the sky fibers of each petal keep of the sky")


@pytest.mark.specqa_stage("frame")
@pytest.mark.specqa_reduces(by=sky_of)
def test_sky_lines_stay_in_place(tile_reduced, expect):
    """The sky lines of a camera have the same place and width in all exposures of a tile."""
    found = line_changes(tile_reduced(sky_of))
    expect("visit_line_offset", found.offset)
    expect("visit_line_width", found.width)
    expect.picture(
        "per_petal", shows="visit_line_offset", label="change [Å]", title="Places of the sky lines against other exposures"
    )
    expect.picture(
        "per_petal", shows="visit_line_width", label="change [Å]", title="Widths of the sky lines against other exposures"
    )


@pytest.mark.specqa_stage("frame")
@pytest.mark.specqa_reduces(by=sky_of)
def test_barycentric_corrections_agree(tile_reduced, expect):
    """All cameras of an exposure have one barycentric correction, and it changes between exposures as the Earth moves."""
    found = barycentric_corrections(tile_reduced(sky_of))
    expect("barycenter_spread", found.spread)
    expect("barycenter_change", found.change)
    expect.picture("per_petal", label="difference [km/s]", title="Barycentric corrections less their median")
