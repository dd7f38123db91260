"""From failures to findings."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from pytest_specqa.triage.findings import findings
from pytest_specqa.triage.telling import story, told
from pytest_specqa.values import TREND, NoValue, Outcome

Make = Callable[..., dict[str, Any]]
EXPIDS = (104282, 104284, 104285, 104286)


def ids(records: Any) -> list[int]:
    """What is the same record."""
    return sorted(id(record) for record in records)


def test_a_sky_model_and_what_follows_from_it_are_one_finding(story_records: list[dict[str, Any]]) -> None:
    """Begun in the sky model, which the sframes and the redshifts show again."""
    (finding,) = findings(story_records)
    assert finding.stage == finding.origin == "sky"
    assert finding.suspects[0].name == "sky_model"
    assert finding.scope.startswith("r cameras of petals 6-8, both exposures of tile 7951, not in 00104282 or 00104286")
    assert {record["stage"] for record in finding.follows} == {"sframe", "redshifts"}
    assert ids([*finding.records, *finding.follows]) == ids(r for r in story_records if r["outcome"] == "failed")


def test_faults_of_two_cameras_are_two_findings(make: Make, story_records: list[dict[str, Any]]) -> None:
    """Neither is hidden by the other, and each has its place."""
    other = make("frame", "failed", 104282, "z1", measure="unmasked_cosmics", value=3.0)
    sky, cosmics = findings([*story_records, other])
    assert sky.reach.exposures == (104284, 104285)
    assert sky.reach.petals == (6, 7, 8)
    assert (cosmics.suspects[0].name, cosmics.reach.cameras, cosmics.reach.exposures) == ("cosmic_rays", ("z1",), (104282,))


def test_faults_of_one_camera_that_explain_nothing_of_each_other_are_two(make: Make) -> None:
    """A dead fiber moves no sky model of other fibers."""
    flat = make("fiberflat", "failed", measure="fiberflat_lowest_fiber", value=0.3, fibers=((3005, 3005),))
    sky = make("sky", "failed", fibers=((3400, 3424),), waves=(6450.0, 6600.0))
    assert {finding.suspects[0].name for finding in findings([flat, sky])} == {"dead_fiber", "sky_model"}


def test_a_fault_of_a_tile_is_not_put_into_another_exposure(make: Make) -> None:
    """Two dead fibers of one camera in two exposures that have nothing in common are not one fault of both."""
    here = make("frame", "failed", 104284, measure="ccd_hole", value=90.0, fibers=((3010, 3013),), waves=(6300.0, 6320.0))
    there = make("cframe", "failed", 104286, measure="calibration_roughness", value=0.3, fibers=((3000, 3499),))
    one, other = findings([here, there])
    assert {one.reach.exposures, other.reach.exposures} == {(104284,), (104286,)}


def test_what_all_petals_share_follows_from_no_single_petal(make: Make) -> None:
    """Sky that is left in all of them beside a noisy amplifier in one."""
    noise = make("frame", "failed", measure="row_noise", value=9.0, fibers=((3000, 3499),))
    left = {**make("sframe", "failed", measure="sky_left", fibers=((0, 4999),)), "kind": "exposure", "camera": None}
    left["unit"] = "20211014-00104284"
    assert len(findings([noise, left])) == 2


def test_a_pile_up_follows_from_the_sky_model_of_its_petal_only(make: Make) -> None:
    """At the redshifts that put Ly-alpha on the wrong wavelengths."""
    sky = make("sky", "failed", fibers=((3100, 3149),), waves=(6450.0, 6600.0), value=0.3)
    here = make("redshifts", "failed", None, "r6", fibers=((3100, 3149),), waves=(6420.0, 6590.0))
    assert [record["measure"] for record in findings([sky, here])[0].follows] == ["redshift_pileup"]
    there = make("redshifts", "failed", None, "r2", fibers=((1100, 1149),), waves=(6420.0, 6590.0))
    assert len(findings([sky, there])) == 2


@pytest.mark.parametrize("seed", range(5))
def test_each_failure_is_in_one_finding_in_whatever_order(make: Make, story_records: list[dict[str, Any]], seed: int) -> None:
    """None is lost, none is told twice, and findings do not depend on the order of records."""
    more = [make("cframe", "failed", 104286, "z3", measure="exposure_level", value=3.0), make("zodiac", "failed", 104282, "b1")]
    records = [*story_records, *more]
    shuffled = random.Random(seed).sample(records, len(records))
    found = findings(shuffled)
    assert ids(r for one in found for r in (*one.records, *one.follows)) == ids(r for r in records if r["outcome"] == "failed")
    assert [one.headline for one in found] == [one.headline for one in findings(records)]


def test_what_only_warns_is_a_warning(make: Make) -> None:
    """Emission of the Galaxy is named, and there is nothing to do."""
    (finding,) = findings([make("sframe", "warned", measure="nebular_lines"), make("sky", "passed")])
    assert finding.outcome is Outcome.WARNED
    assert finding.suspects[0].name == "nebular"
    assert finding.advice.startswith("Nothing to do")


def test_the_same_thing_elsewhere_is_weaker_and_bounds_no_fault(make: Make) -> None:
    """A warning in all other exposures: the fault is not that of a tile."""
    records = [make("sky", "failed" if e == 104284 else "warned", e, f"r{p}", value=0.02) for e in EXPIDS for p in range(10)]
    (finding,) = findings(records)
    assert len(finding.weaker) == 30
    assert finding.reach.spared == ()
    assert "weaker, a warning only, in 30 other units" in finding.scope


def test_a_bad_file_is_one_finding_however_many_checks_it_fails(make: Make) -> None:
    """And not a fault of the stage that reads it."""
    message = "sframe-r6-00104284.fits.gz: found a truncated file; expected a whole FITS file; write the file again"
    (finding,) = findings([make("sframe", "failed", measure="product", message=message, value=float("nan")) for _ in range(12)])
    assert finding.suspects[0].name == "missing_file"
    assert "sframe-r6-00104284.fits.gz: 12 checks" in finding.suspects[0].reasons[0]


def test_a_measure_that_no_rule_knows_gets_no_guess(make: Make) -> None:
    """A project's own tests may mean anything."""
    (finding,) = findings([make("zodiac", "failed")])
    assert finding.suspects == ()
    assert finding.unclear == "cannot tell, because no rule speaks of size"


def test_a_good_run_has_no_finding(make: Make) -> None:
    """And nothing to tell."""
    assert findings([make("sky", "passed"), make("frame", "not measured")]) == []
    assert story([make("sky", "passed")]) == ""


def test_a_finding_is_told_in_a_few_lines(story_records: list[dict[str, Any]]) -> None:
    """Headline first; no line is longer than a person reads."""
    (finding,) = findings(story_records)
    lines = told(finding)
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 160
    assert lines[0] == finding.headline
    assert lines[0].startswith("sky model, r cameras of petals 6-8, both exposures of tile 7951: ")
    assert story(story_records).startswith("1 finding: first bad stage sky model: the sky model itself is wrong (r cameras")


def test_a_file_that_cannot_be_used_says_why_and_is_of_no_later_stage(make):
    """Checks of any stage may have wanted it."""
    broken = {"measure": str(NoValue.PRODUCT), "value": float("nan"), "message": "sky-r6.fits: found a truncated file"}
    (finding,) = findings([make("fiberflat", "failed", **broken), make("sframe", "failed", **broken)])
    assert finding.stage == "production"
    assert finding.suspects[0].reasons == ("sky-r6.fits: 2 checks cannot be made", "found a truncated file")


def test_what_needs_nothing_done_is_told_last(make):
    """However often it warns."""
    galaxy = [make("sframe", "warned", 104284, f"r{petal}", measure="nebular_lines") for petal in range(4)]
    level = make("cframe", "warned", 104286, "r9", measure="imaging_level")
    found = findings([*galaxy, level])
    assert [finding.lead["measure"] for finding in found] == ["imaging_level", "nebular_lines"]


def test_a_value_off_its_own_past_has_the_cause_of_its_measure(make: Make) -> None:
    """And is told as what it is: within its limit, and off against its own past."""
    measure = "sky_chromatic_run"
    cause = findings([make("sky", "failed", measure=measure)])[0].suspects[0].name
    sound = make("sky", "passed", measure=measure, value=0.5)
    (finding,) = findings([sound, make("sky", "failed", measure=measure + TREND, value=0.5)])
    assert finding.suspects[0].name == cause
    assert "off against its own past" in finding.headline
    assert "no rule speaks" not in finding.headline
    assert finding.lead["measure"] == measure + TREND
    # What fails its limit is off against that, and what no rule knows has no cause in a trend either.
    assert "own past" not in findings([make("sky", "failed", measure=measure)])[0].headline
    (unknown,) = findings([make("zodiac", "failed", measure="size" + TREND)])
    assert unknown.unclear == "cannot tell, because no rule speaks of size"


def test_a_failure_and_a_value_off_its_past_elsewhere_are_one_finding(make: Make) -> None:
    """Of one cause in one exposure."""
    measure = "sky_chromatic_run"
    records = [make("sky", "failed", measure=measure, camera="r6")]
    records += [make("sky", "passed", measure=measure, value=0.5, camera="r7")]
    records += [make("sky", "warned", measure=measure + TREND, value=0.5, camera="r7")]
    (finding,) = findings(records)
    members = {record["measure"] for record in (*finding.records, *finding.follows, *finding.weaker)}
    assert members == {measure, measure + TREND}
