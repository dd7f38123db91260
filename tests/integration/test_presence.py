"""The expectations on presence, on productions of empty files."""

from __future__ import annotations

import pytest

from pytest_specqa.rules import expectations

SUITE = expectations.folder() / "test_production.py"


@pytest.fixture
def judge(run, records):
    def judge(expectation: str) -> list[tuple[str, str]]:
        run(SUITE, "-k", expectation, "--specqa-results", "r.jsonl")
        return [(one["outcome"], one["message"]) for one in records()]

    return judge


def test_a_tile_that_the_table_completes_must_be_reduced(judge, tree):
    tree.exposure(1, ("b6", "r6", "z6"))
    tree.row(1, CAMWORD="a6", TILEID=7951)
    ((outcome, message),) = judge("test_night_has_every_tile")
    assert outcome == "failed"
    assert message == "no redshifts of tile 7951: 1 > 0 tiles"
    tree.tile(7951)
    assert [outcome for outcome, _ in judge("test_night_has_every_tile")] == ["passed"]


@pytest.mark.parametrize(
    "values", [{"CAMWORD": "b6r6"}, {"CAMWORD": "a6", "LASTSTEP": "skysub"}, {"CAMWORD": "a6", "BADCAMWORD": "z6"}]
)
def test_no_tile_is_missed_where_none_can_be_made(judge, tree, values):
    tree.exposure(1, ("b6", "r6"))
    tree.row(1, **values)
    assert [outcome for outcome, _ in judge("test_night_has_every_tile")] == ["not measured"]


def test_an_expected_petal_without_redshifts_fails(judge, tree):
    tree.exposure(1, ("b6", "r6", "z6", "b7", "r7", "z7"))
    tree.row(1, CAMWORD="a67", TILEID=7951)
    tree.tile(7951, petals=(6,))
    found = judge("test_redshifts_are_usable")
    assert len(found) == 2
    assert {outcome for outcome, _ in found} == {"failed"}
    assert "redrock-7-7951-thru20211014" in found[1][1]
