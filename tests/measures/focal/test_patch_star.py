"""A patch says which bright star it lies around, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_specqa.measures.focal.patch_star import with_bright_star
from pytest_specqa.measures.focal.windows import WINDOWS, WindowMap
from pytest_specqa.triage.findings import findings
from pytest_specqa.values import DataUnit, Feature, Limit, Measured, Measurement, Outcome

FIBER = np.arange(3000, 3500)
NONE = np.full(500, np.nan)


def maps(ra: float, dec: float) -> list[WindowMap]:
    """A petal whose fibers are spread over 0.4 degrees around a position."""
    u = (np.arange(500) - 250) / 1250
    place = {"ra": ra + u, "dec": dec + np.roll(u, 100)}
    return [WindowMap(WINDOWS[0], 6, NONE, NONE, NONE, 1.0, FIBER, NONE, NONE, np.zeros(500, dtype=bool), **place)]


def patch(*fibers: tuple[int, int]) -> Measured:
    """A patch in the light of these fibers."""
    feature = Feature("patch", fibers[0], (6500.0, 6700.0), 5.0, 0.5, 10.0, label="window: round")
    return Measured(5.0, fibers=fibers, features=(feature,), detail="+5 % of the sky")


def catalogue_position() -> tuple[float, float]:
    """Where the catalogue has the star."""
    from pytest_specqa.measures.focal.bright_stars import catalogued  # noqa: PLC0415

    (star,) = [one for one in catalogued((48.4, -6.6), radius=1.5) if one.name == "HR 983"]
    return star.ra, star.dec


def test_the_star_of_the_founding_tile_is_named_with_its_fiber():
    ra, dec = catalogue_position()
    found = with_bright_star(patch((3200, 3299)), maps(ra, dec))
    assert [feature.kind for feature in found.features] == ["patch", "star"]
    assert found.features[1].amplitude == pytest.approx(6.17, abs=0.01)
    assert "HR 983 (V = 6.2) is 0.1 degrees from its middle" in found.detail
    assert found.value == 5.0


def test_the_fiber_is_the_nearest_to_the_star():
    ra, dec = catalogue_position()
    found = with_bright_star(patch((3000, 3499)), maps(ra - 0.1, dec - 0.02))
    # 0.1 degree east is 125 fibers up the petal; in declination they are rolled by 100.
    first, last = found.features[1].fibers
    assert first == last
    place = maps(ra - 0.1, dec - 0.02)[0]
    distance = np.hypot((place.ra - ra) * np.cos(np.deg2rad(dec)), place.dec - dec)
    assert first == FIBER[np.argmin(distance)]


@pytest.mark.parametrize("where", [(10.0, 1.0), (np.nan, np.nan)], ids=["no star", "no position"])
def test_nothing_is_added_where_no_star_is_known(where):
    measured = patch((3200, 3299))
    assert with_bright_star(measured, maps(*where)) == measured


def test_positions_may_be_lacking():
    measured = patch((3200, 3299))
    bare = [replace(one, ra=None, dec=None) for one in maps(48.0, -6.0)]
    assert with_bright_star(measured, bare) == measured
    assert with_bright_star(Measured(0.0), maps(*catalogue_position())) == Measured(0.0)


def test_triage_tells_of_the_star():
    measured = with_bright_star(patch((3200, 3299)), maps(*catalogue_position()))
    unit, limit = DataUnit("exposure", 20211014, expid=104284, tile=7951), Limit("focal_plane_patch", high=1.0, unit="%")
    record = Measurement(unit, "test_flat", measured, limit, Outcome.FAILED, "patch", stage="sframe").as_record()
    (finding,) = findings([record])
    assert finding.suspects[0].name == "stray_light"
    assert any("HR 983" in reason for reason in finding.suspects[0].reasons)
