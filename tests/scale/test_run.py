"""``specqa run``: each unit judged once and as one session of pytest judges it, whatever becomes of the workers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pytest_specqa import cli as program
from pytest_specqa.errors import ResultsError
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.results.storing.planned import PLAN
from pytest_specqa.scale.driving import drive
from pytest_specqa.scale.local import Local
from pytest_specqa.scale.plan import Plan
from pytest_specqa.scale.task import TaskFailed, run_task
from pytest_specqa.scale.tries import Tries

from .conftest import Project

OF_RUN = ("run", "planned", "added")
FIRST, SECOND = "20211014-exposure-00000011", "20211015-exposure-00000021"


def said(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Rows without what tells the run and the time."""
    plain = [{name: value for name, value in row.items() if name not in OF_RUN} for row in rows]
    return sorted(plain, key=lambda row: (row["unit"], row["expectation"], row["measure"]))


def gate(project: Project) -> int:
    return program.main(["gate", str(project.root / "store")])


def test_rows_and_vectors_are_those_of_one_process(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    (project.production / "exposures/20211015/00000021/sframe-r6-00000021.fits.gz").write_bytes(b"too large")
    assert project.run() == 1
    assert "14 checks of 2 exposures, 2 tiles, 2 nights judged: 1 finding" in capsys.readouterr().out
    assert project.pytest("one") == 1
    rows = project.rows()
    assert said(rows) == said(project.rows("one"))
    assert {row["unit"] for row in rows if row["outcome"] == "failed"} == {"20211015-00000021-r6"}
    # The second night of tile 1 rests on exposures of both.
    assert [row["value"] for row in rows if row["kind"] == "tile"] == [1, 2]
    vectors = [[(one.expid, one.camera, one.vector.values.tolist()) for one in Store.open(project.root / out).vectors("line_scale")]
               for out in ("store", "one")]  # fmt: skip
    assert vectors[0] == vectors[1]
    assert len(vectors[0]) == 4


def test_a_killed_worker_costs_a_try_and_no_row(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.strike("KILL", 21)
    assert project.run("store", "--workers=2") == 0
    assert f"{SECOND} is lost (killed by signal 9); it is tried again" in capsys.readouterr().err
    # It had judged r6 when it was killed at r7.
    assert project.judged().count("20211015-00000021-r6") == 2
    assert project.judged().count("20211014-00000011-r7") == 1
    rows = project.rows()
    assert len({(row["unit"], row["expectation"]) for row in rows}) == len(rows) == 14
    assert Tries(project.root / "store").why(SECOND) == "killed by signal 9 (1 tries)"


def test_an_exposure_that_kills_its_workers_is_given_up_and_recorded(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.strike("KILL", 21, times=99)
    assert project.run() == 1
    assert f"{SECOND} is given up and recorded as not measured" in capsys.readouterr().err
    assert project.judged().count("20211015-00000021-r7") == 3
    dead = [row for row in project.rows() if row["outcome"] == "not measured"]
    assert [row["unit"] for row in dead] == ["20211015-00000021", "20211015-00000021-r6", "20211015-00000021-r7"]
    assert {row["message"] for row in dead} == {"its worker died: killed by signal 9 (3 tries)"}
    assert {row["measure"] for row in dead} == {"crash"}
    assert gate(project) == 1
    assert "planned tasks: " in (told := capsys.readouterr().out)
    assert "1 of 6 tasks not judged (20211015-exposure-00000021); the workers of 3 units died" in told
    # The others are judged, once each, and what is recorded is not tried again.
    assert project.judged().count("20211014-00000011-r7") == 1
    assert set(project.outcomes().values()) == {"passed", "not measured"}
    assert project.run() == 1
    assert "5 tasks done, 0 to do, 1 given up" in capsys.readouterr().out
    assert project.judged().count("20211015-00000021-r7") == 3
    # What it was is mended.
    (project.suite / "strike.txt").unlink()
    assert project.run("store", "--replan") == 0
    assert {row["outcome"] for row in project.rows(query="SELECT outcome FROM records")} == {"passed"}
    assert gate(project) == 0


def test_an_interrupted_run_goes_on_with_what_is_missing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.strike("WAIT", 21)
    with project.start() as run:
        while not (project.suite / "reached").exists():
            assert run.poll() is None, run.communicate()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "the same command goes on" in out
    (worker,) = {line.split()[1] for line in (project.suite / "judged.txt").read_text().splitlines() if "21-r7" in line}
    with pytest.raises(ProcessLookupError):
        os.kill(int(worker), 0)
    plan = Plan.read(project.root / "store")
    missing = {task.name for task in plan.missing(project.root / "store")}
    assert SECOND in missing
    assert FIRST not in missing
    assert gate(project) == 1
    assert "3 of 6 tasks not judged (20211015-exposure-00000021, 20211015-tile-1, 20211015-night)" in capsys.readouterr().out
    before = project.judged()
    assert project.run() == 0
    assert gate(project) == 0
    again = project.judged()[len(before) :]
    assert "20211015-00000021-r7" in again
    assert "20211014-00000011-r6" not in again
    rows = project.rows()
    assert len({(row["unit"], row["expectation"]) for row in rows}) == len(rows) == 14


def test_workers_end_with_the_run_that_is_killed(project: Project) -> None:
    project.strike("WAIT", 21)
    with project.start() as run:
        while not (project.suite / "reached").exists():
            assert run.poll() is None, run.communicate()
        run.kill()
        # Both pipes are the workers' too: they are at their end when nobody is left.
        run.communicate(timeout=60)
    assert Plan.read(project.root / "store").missing(project.root / "store")
    assert project.run() == 0
    rows = project.rows()
    assert len({(row["unit"], row["expectation"]) for row in rows}) == len(rows) == 14


def test_what_a_session_of_pytest_has_judged_is_not_judged_again(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.pytest("store", "--night=20211014") == 0
    before = project.judged()
    assert project.run() == 0
    # Night, tile and exposure of the first night; the tile of the second night needs its exposures all the same.
    assert "3 tasks done, 3 to do" in capsys.readouterr().out
    assert not any("20211014" in unit for unit in project.judged()[len(before) :])
    assert [row["value"] for row in project.rows() if row["kind"] == "tile"] == [1, 2]


def test_workers_are_replaced_after_some_sessions(project: Project) -> None:
    assert project.run("store", "--plan-only") == 0
    plan, events = Plan.read(project.root / "store"), []
    Local(1, sessions=2).run(project.root / "store", plan.tasks[:3], events.append)
    assert [event.state for event in events] == ["started", "done"] * 3
    names = [event.worker for event in events if event.state == "done"]
    assert names[0] == names[1] != names[2]


def test_a_changed_test_is_judged_anew_and_an_unfinished_plan_is_not_replaced_unasked(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.run("store", "--plan-only") == 0
    assert project.run("store", nights="20211014") == 2
    assert "plan (nights :, 6 of 6 tasks to do) asks for something else" in capsys.readouterr().err
    assert project.run("store", "--replan", nights="20211014") == 0
    assert {row["night"] for row in project.rows()} == {20211014}
    project.tests.write_text(project.tests.read_text().replace('expect("other", len(exposure.cameras))', 'expect("other", 99)'))
    assert project.run("store", nights="20211014") == 1
    assert project.outcomes()["20211014-00000011"] == "failed"
    assert project.judged().count("20211014-00000011-r6") == 2


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--nights=2021"], "argument --nights: '2021' is no night"),
        (["--nights=20300101", "--pytest="], "no such night; nearest: 20211014, 20211015"),
        (["--at-once=3"], "--at-once: is an option of --engine slurm, not of local"),
        (["--suite=/none"], "--suite /none: no such file or folder"),
        (["--pytest=-p pytest_specqa.plugin --specqa-foo"], "unrecognized arguments: --specqa-foo"),
        (["--pytest='"], "No closing quotation; expected options of pytest"),
        (["--pytest=--camera=r6"], "--pytest --camera: each task has its own; choose by the options of specqa run"),
        (["--group=healpix"], "'healpix' is not judged night by night; expected cumulative, pernight, older; pytest judges it"),
        (["--group=nightly"], "'nightly' is not judged night by night; expected cumulative, pernight, older; see"),
    ],
)
def test_misuse_is_told_in_one_line(project: Project, more: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = project.run("store", *more)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_task_that_pytest_cannot_judge_fails_with_its_reason(project: Project) -> None:
    assert project.run("store", "--plan-only") == 0
    (project.suite / "conftest.py").write_text("import os\nos.nothing\n")
    store = project.root / "store"
    with pytest.raises(TaskFailed, match=r"00000011: pytest ended with exit code 4 \(.*; see .*\.log"):
        run_task(store, FIRST)
    assert (store / f"plan/logs/20211014/{FIRST}.log").exists()


def test_a_damaged_plan_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.run("store", "--plan-only") == 0
    path: Path = project.root / "store" / PLAN
    path.write_bytes(path.read_bytes()[:100])
    assert project.run() == 2
    assert "plan.parquet: is no plan (" in capsys.readouterr().err


def test_a_store_that_was_made_for_a_plan_that_fails_is_taken_away_and_another_is_not(project: Project) -> None:
    assert project.run("store", nights="20300101") == 2
    assert not (project.root / "store").exists()
    Store.create(project.root / "store", production="daily")
    assert project.run("store", nights="20300101") == 2
    assert Store.open(project.root / "store").production == "daily"


@pytest.mark.parametrize("form", ["{} {}", "{}={}"])
def test_a_store_is_not_compared_with_while_it_grows(project: Project, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = form.format("--specqa-history", project.root / "store")
    assert project.run("store", f"--pytest=-p pytest_specqa.plugin {told}") == 2
    assert "--specqa-history: is the store of this run, which grows while tasks compare with it" in capsys.readouterr().err
    assert not (project.root / "store").exists()


def test_reductions_of_no_night_are_refused_and_the_older_layout_is_found(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    tiles = project.production / "tiles"
    (tiles / "cumulative").rename(tiles / "perexp")
    assert project.run("store", "--plan-only") == 2
    assert "holds the reductions perexp, which are not judged night by night; judge them with pytest" in capsys.readouterr().err
    assert not (project.root / "store").exists()
    (tiles / "perexp" / "1").rename(tiles / "1")
    (tiles / "perexp").rmdir()
    for night in (20211014, 20211015):
        folder = tiles / f"1/{night}"
        for path in list(folder.iterdir()):
            path.rename(folder / path.name.replace("redrock", "zbest").replace(f"thru{night}", str(night)))
    assert project.run() == 0
    assert "2 tiles" in capsys.readouterr().out
    assert {row["unit"] for row in project.rows(query="SELECT unit FROM records WHERE kind = 'petal'")}


def test_code_that_changes_while_a_run_goes_on_ends_it_in_one_line_and_is_no_loss(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.run("store", "--plan-only") == 0
    store = project.root / "store"
    project.tests.write_text(project.tests.read_text().replace('expect("other", len(exposure.cameras))', 'expect("other", 99)'))
    told = f"{FIRST}: the package, its tests or limits changed after it was planned (test_value); "
    told += "plan anew with specqa run --replan"
    with pytest.raises(ResultsError) as ended:
        drive(store, Local(1), told=print, given_up=print)
    assert str(ended.value) == told
    assert not Tries(store).path.exists()
    assert project.judged() == []
    assert program.main(["run-task", str(store), "--night=20211014"]) == 2
    assert capsys.readouterr().err == f"specqa run-task: {told}\n"
    assert project.run("store", "--replan") == 1
