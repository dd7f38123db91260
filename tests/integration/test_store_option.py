"""--specqa-store: a run adds what it judged to the store of its production."""

from __future__ import annotations

import pytest

from pytest_specqa.results.storing.dataset import Store

JUDGES = """
import numpy as np

def test_value(specqa_camera, expect, production):
    production.find("sframe", night=specqa_camera.night, expid=specqa_camera.expid, camera=specqa_camera.camera)
    expect("value", 2.5 if specqa_camera.camera == "r6" else 0.5)
    expect.keep("line_scale", np.arange(3.0), first=500 * specqa_camera.petal, step=0.5)

def test_exposure(specqa_exposure, expect):
    expect("other", 1)
"""


@pytest.fixture
def stored(pytester):
    """Return the rows of the store of this project, and its vectors."""

    def ask():
        store = Store.open(pytester.path / "store")
        with store.connect() as connection:
            found = connection.execute("SELECT unit, measure, outcome, code, limits, inputs FROM all_records ORDER BY ALL")
            return found.fetchall(), [(one.expid, one.camera) for one in store.vectors("line_scale")]

    return ask


def test_what_was_judged_is_in_the_store_once_whoever_judged_it(project, run, night, stored):
    project(JUDGES)
    result = run("--specqa-store", "store")
    result.stdout.fnmatch_lines(["*6 measurements and 4 vectors added in the store store*"])
    rows, vectors = stored()
    assert [row[:3] for row in rows] == [
        ("20211014-00104282", "other", "passed"),
        ("20211014-00104282-r6", "value", "failed"),
        ("20211014-00104282-r7", "value", "passed"),
        ("20211014-00104284", "other", "passed"),
        ("20211014-00104284-r6", "value", "failed"),
        ("20211014-00104284-r7", "value", "passed"),
    ]
    assert vectors == [(104282, "r6"), (104282, "r7"), (104284, "r6"), (104284, "r7")]
    assert all(len(digest) == 16 for row in rows for digest in row[3:])
    # Each camera has its own file, and they share code and limits.
    assert len({row[5] for row in rows if row[1] == "value"}) == 4
    assert len({row[3:5] for row in rows}) == 1
    again = run("-o", "specqa_store=store", "-n", "2")
    again.stdout.fnmatch_lines(["*0 measurements added, 6 were there in the store store*"])
    assert stored() == (rows, vectors)


def test_a_changed_product_test_or_limit_is_judged_into_it_anew(project, run, night, tree, stored, pytester):
    project(JUDGES)
    run("--specqa-store", "store")
    before, _ = stored()
    next(tree.root.glob("exposures/*/00104284/sframe-r7-*")).write_bytes(b"more")
    run("--specqa-store", "store")
    rows, _ = stored()
    (new,) = set(rows) - set(before)
    (old,) = (row for row in before if row[0] == "20211014-00104284-r7")
    assert new[:1] + new[3:5] == old[:1] + old[3:5]
    assert new[5] not in ("", old[5])
    limits = pytester.path / "limits.toml"
    limits.write_text(limits.read_text() + '\n[more]\nhigh = 9\nsource = "a test"\n')
    run("--specqa-store", "store")
    assert len(stored()[0]) == len(rows) + 6
    assert len({row[4] for row in stored()[0]}) == 2


def test_a_run_that_is_stopped_adds_what_it_judged(project, run, night, stored):
    project(JUDGES)
    result = run("-x", "--specqa-store", "store")
    assert result.ret == 1
    assert len(stored()[0]) == 1


def test_a_store_that_cannot_take_the_results_ends_the_run_before_it_begins(project, run, night, pytester):
    project(JUDGES)
    (pytester.path / "thesis").mkdir()
    (pytester.path / "thesis" / "chapter.txt").touch()
    (pytester.path / "file").touch()
    Store.create(pytester.path / "other", production="fuji")
    (Store.create(pytester.path / "spoilt", production="daily").root / "records").touch()
    for folder, told in (
        ("thesis", "is no store"),
        ("other", "production 'fuji'"),
        ("file", "is no folder"),
        ("file/store", "no store can be made there"),
        ("spoilt", "records: cannot be made"),
    ):
        result = run("--specqa-store", folder)
        assert result.ret == 4, folder
        result.stderr.fnmatch_lines([f"*{told}*"])
        assert "test_value" not in result.stdout.str()


def test_a_store_that_cannot_be_written_in_the_end_is_told_and_fails_the_run(project, run, night, pytester):
    project(
        JUDGES
        + """
def test_vandal(specqa_exposure, expect):
    from pathlib import Path
    import shutil
    shutil.rmtree("store", ignore_errors=True)
    Path("store").touch()
    expect("other", 1)
"""
    )
    result = run("--specqa-store", "store", "--specqa-results", "r.jsonl")
    assert result.ret == 3
    result.stdout.fnmatch_lines(["store NOT written: *store: is no folder*"])
    assert (pytester.path / "r.jsonl").exists()
    assert not (pytester.path / "r.jsonl.journal").exists()


def test_a_pytest_that_only_lists_makes_no_store(project, run, night, pytester):
    project(JUDGES)
    run("--specqa-store", "store", "--collect-only")
    assert not (pytester.path / "store").exists()
