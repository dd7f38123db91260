"""A night is judged whatever its exposure table says, and what the table hides fails."""

from __future__ import annotations

import json

import pytest

from pytest_specqa.rules import expectations

SUITE = expectations.folder() / "test_production.py"
CLAIM = "test_the_exposure_table_says_one_thing_of_every_exposure"
NIGHT = 20211014
TABLE = f"exposure_tables/202110/exposure_table_{NIGHT}.csv"


@pytest.fixture
def judge(run, tmp_path):
    """Judge the tables; gives the exit code and, by night and measure, the outcome and message."""

    def judge(*args):
        path = tmp_path / "r.jsonl"
        path.unlink(missing_ok=True)
        result = run(SUITE, "-k", CLAIM, "--specqa-results", path, *args)
        assert not [line for line in (*result.outlines, *result.errlines) if "Traceback" in line or "INTERNALERROR" in line]
        lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
        return int(result.ret), {(one["night"], one["measure"]): (one["outcome"], one["message"]) for one in lines}

    return judge


def failed(found):
    return {key[1] for key, (outcome, _) in found.items() if outcome == "failed"}


def test_a_sound_table_passes_and_a_production_without_tables_is_quiet(judge, tree):
    tree.exposure(1)
    code, found = judge()
    assert (code, {outcome for outcome, _ in found.values()}) == (0, {"not measured"})
    tree.row(1)
    tree.row(2, OBSTYPE="flat", TILEID=-99)
    tree.exposure(2, kinds=("frame",))
    code, found = judge()
    assert (code, {outcome for outcome, _ in found.values()}) == (0, {"passed"})


@pytest.mark.parametrize(
    ("row", "measure", "words"),
    [
        ({"LASTSTEP": "ignore"}, "table_conflicts", "exposure 1 on lines 2, 3 has LASTSTEP 'all' and 'ignore'"),
        ({"EXPID": 2, "OBSTYPE": "sciense"}, "table_faults", "exposure 2 has OBSTYPE 'sciense', which is none"),
        ({"EXPID": 2, "CAMWORD": ""}, "table_faults", "exposure 2, CAMWORD is empty"),
    ],
)
def test_what_hides_an_exposure_fails(judge, tree, row, measure, words):
    tree.exposure(1)
    tree.row(1)
    tree.row(1, **row)
    code, found = judge("--night", NIGHT)
    assert (code, failed(found)) == (1, {measure})
    assert words in found[NIGHT, measure][1]


def test_an_exposure_that_the_table_lost_fails(judge, tree):
    tree.exposure(1)
    tree.exposure(2)
    tree.row(1)
    code, found = judge()
    assert (code, failed(found)) == (1, {"unlisted_exposures"})
    assert found[NIGHT, "unlisted_exposures"][1].startswith("exposure 2 is on disk and not in the table")


def test_a_row_twice_and_alike_only_warns(judge, tree):
    tree.exposure(1)
    tree.row(1)
    tree.row(1)
    code, found = judge()
    assert (code, found[NIGHT, "table_oddities"][0], failed(found)) == (0, "warned", set())


@pytest.mark.parametrize("damage", ["loop", "noise", "empty"])
def test_a_table_that_cannot_be_read_fails_its_own_night_only(judge, tree, damage):
    for night, expid in ((NIGHT, 1), (NIGHT + 1, 2)):
        tree.exposure(expid, night=night)
        tree.row(expid, night=night)
    path = tree.root / TABLE
    path.unlink()
    if damage == "loop":
        path.symlink_to(path)
    else:
        path.write_bytes(b"\0\xff\n" if damage == "noise" else b"")
    code, found = judge()
    assert code == 1
    assert {night for (night, _), (outcome, _) in found.items() if outcome == "failed"} == {NIGHT}
    assert any(message.startswith(path.name) for (night, _), (_, message) in found.items() if night == NIGHT)
    assert judge("--night", NIGHT + 1)[0] == 0


def test_a_night_of_which_only_the_broken_table_is_known_is_judged(judge, tree):
    tree.exposure(1, night=NIGHT + 1)
    tree.row(1)
    (tree.root / TABLE).write_text("EXPID;OBSTYPE\n")
    assert judge("--night", NIGHT)[0] == 1
    assert {night for night, _ in judge()[1]} == {NIGHT, NIGHT + 1}
    assert judge("--night", NIGHT + 2)[0] == 4


def test_a_night_of_calibrations_is_a_usage_error(judge, tree):
    tree.exposure(1, kinds=("frame",))
    tree.row(1, OBSTYPE="flat", TILEID=-99)
    assert judge() == (4, {})


def test_a_folder_that_is_a_loop_fails_its_night(judge, tree):
    tree.exposure(1)
    loop = tree.root / f"exposures/{NIGHT}/00000002"
    loop.symlink_to(loop)
    code, found = judge()
    assert (code, failed(found)) == (1, {"unreadable_folders"})


def test_an_exposure_off_all_tiles_asks_for_no_redshifts(run, records, tree):
    tree.row(1, TILEID=80607, CAMWORD="a0")
    tree.row(2, TILEID=-99, CAMWORD="a0")
    run(SUITE, "-k", "test_night_has_every_tile", "--specqa-results", "r.jsonl")
    assert [one["message"] for one in records()] == ["no redshifts of tile 80607: 1 > 0 tiles"]
