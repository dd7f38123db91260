"""Which tests get which units, under which ids, in which order."""

from __future__ import annotations

import pytest

ALL_KINDS = """
import pytest

@pytest.fixture
def through(specqa_exposure):
    return specqa_exposure

def test_camera(specqa_camera, expect): expect("value", 0)
def test_exposure(through, expect): expect("value", 0)
def test_petal(specqa_petal, expect): expect("value", 0)
def test_tile(specqa_tile, expect): expect("value", 0)
def test_night(specqa_night, expect): expect("value", 0)
def test_plain(): pass
"""


def ids(result: pytest.RunResult) -> list[str]:
    return [line.split("::")[1] for line in result.outlines if "::" in line]


def test_ids_name_the_unit_and_not_the_production(project, run, night):
    project(ALL_KINDS)
    found = ids(run("--co", "-q"))
    assert "test_camera[20211014-00104284-r6]" in found
    assert "test_exposure[20211014-00104284]" in found
    assert "test_petal[7951-20211014-petal6]" in found
    assert "test_tile[7951-20211014]" in found
    assert "test_night[20211014]" in found
    assert "test_plain" in found
    assert not any("daily" in one for one in found)


def test_instances_are_put_together_by_unit(project, run, night):
    project(
        """
def test_first(specqa_camera, expect): expect("value", 0)
def test_exposure(specqa_exposure, expect): expect("value", 0)
def test_second(specqa_camera, expect): expect("value", 0)
"""
    )
    assert ids(run("--co", "-q", "--expid", 104284)) == [
        "test_first[20211014-00104284-r6]",
        "test_second[20211014-00104284-r6]",
        "test_first[20211014-00104284-r7]",
        "test_second[20211014-00104284-r7]",
        "test_exposure[20211014-00104284]",
    ]


def test_bands_are_judged_in_the_order_b_r_z(project, run, tree):
    tree.exposure(1, ("z0", "b1", "r0", "b0"))
    project()
    assert [one[-3:-1] for one in ids(run("--co", "-q"))] == ["b0", "b1", "r0", "z0"]


def test_a_camera_test_may_ask_for_its_exposure_and_night(project, run, night):
    project(
        """
def test_wider(specqa_camera, exposure, specqa_night, exposures, expect):
    assert exposure.expid == specqa_camera.expid
    assert specqa_night.id == "20211014"
    assert [one.expid for one in exposures] == [104282, 104284]
    expect("value", 0)
"""
    )
    run().assert_outcomes(passed=4)


def test_a_petal_test_may_ask_for_its_tile(project, run, night):
    project(
        """
def test_wider(specqa_petal, tile, expect):
    assert tile.tile == specqa_petal.tile and tile.petals == (6, 7)
    expect("value", 0)
"""
    )
    run().assert_outcomes(passed=2)


def test_units_of_two_branches_in_one_test_are_refused(project, run, night):
    project("def test_both(specqa_camera, specqa_petal, expect): expect('value', 0)")
    result = run("--camera", "r6", "--expid", 104284)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a camera belongs to no petal*"])


def test_other_parameters_become_part_of_the_expectation(project, run, night, records):
    project(
        """
import pytest
@pytest.mark.parametrize("line", ["OI", "Ha"])
def test_line(specqa_exposure, line, expect): expect("value", 0)
"""
    )
    run("--expid", 104284, "--specqa-results", "r.jsonl").assert_outcomes(passed=2)
    assert {(one["unit"], one["expectation"]) for one in records()} == {
        ("20211014-00104284", "test_line[OI]"),
        ("20211014-00104284", "test_line[Ha]"),
    }


def test_a_kind_that_the_selection_lacks_is_skipped_with_its_reason(project, run, tree):
    tree.exposure(1)
    project(ALL_KINDS)
    result = run("-rs")
    result.assert_outcomes(passed=4, skipped=2)
    result.stdout.fnmatch_lines(["*the selection holds no petal*", "*the selection holds no tile*"])


def test_tests_that_find_no_unit_at_all_are_a_usage_error(project, run, tree):
    tree.exposure(1)
    project("def test_petal(specqa_petal, expect): expect('value', 0)")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the selected tests judge a petal, and the selection holds none (it holds 1 camera*"])


def test_collection_opens_no_product(project, run, night, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a product was opened")

    monkeypatch.setattr("pytest_specqa.production.stream.FitsStream.__init__", refuse)
    project(ALL_KINDS)
    assert run("--co", "-q").ret == 0
