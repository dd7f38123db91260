"""Watches that judge with real runs of pytest: what they judge, keep, tell and remember, whatever happens meanwhile."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_specqa import cli as program
from pytest_specqa.errors import ResultsError, UsageError
from pytest_specqa.results.storing.dataset import Store
from pytest_specqa.watch import judging
from pytest_specqa.watch.cli import Stop
from pytest_specqa.watch.endings import cut_short
from pytest_specqa.watch.jobs import Job, Scanner
from pytest_specqa.watch.judging import How, Judge, Judged
from pytest_specqa.watch.loop import Parts, Watch
from pytest_specqa.watch.memory import NAME, Memory
from pytest_specqa.watch.notice import Notifier
from pytest_specqa.watch.ripe import Patience, Sorter

from .conftest import Clock, Fifo, Made

# What strikes a run is in a file beside the tests, and is taken away by the run that it strikes.
PROJECT = """
import os, signal
from pathlib import Path

HERE = Path(__file__).parent

def test_value(specqa_camera, expect, production):
    path = production.find("sframe", night=specqa_camera.night, expid=specqa_camera.expid, camera=specqa_camera.camera)
    with open(HERE / "judged.txt", "a") as file:
        file.write(f"{specqa_camera.id}\\n")
    strike(path)
    expect("value", 0.5 if specqa_camera.camera == "r7" else path.stat().st_size / 1000)

def test_night(specqa_night, exposures, expect):
    expect("value", len(exposures) - 2)

def strike(path):
    told = HERE / "strike.txt"
    if not told.exists():
        return
    what, times, expid = told.read_text().split()
    if f"{expid}.fits" not in path.name:
        return
    told.write_text(f"{what} {int(times) - 1} {expid}") if int(times) > 1 else told.unlink()
    if what == "KILL":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "CHANGE":
        path.write_bytes(path.read_bytes() * 2)
    if what == "WATCH":
        (HERE / "reached").write_text("")
        signal.pause()
"""
LIMITS = '[value]\nhigh = 2\nsource = "a test"\n'
OPTIONS = ["-ppytest_specqa.plugin", "-q"]
ONE, TWO = "20211014-exposure-00000001", "20211014-exposure-00000002"
BAD = gzip.compress(b"SIMPLE  =" + os.urandom(2880 - 9))
"""It does not pack well: the test takes it for too large."""
LATER = 20991014
"""A night that is not over."""


class Project:
    """Tests, and watches that use them."""

    def __init__(self, root: Path, made: Made, clock: Clock) -> None:
        self.root, self.made, self.clock = root, made, clock
        self.lines: list[str] = []
        self.built = 0
        root.mkdir()
        (root / "test_project.py").write_text(PROJECT)
        (root / "limits.toml").write_text(LIMITS)
        (root / "pytest.ini").write_text("[pytest]\n")

    @property
    def store(self) -> Path:
        return self.root.parent / "store"

    def strike(self, what: str, *, times: int = 1, expid: int = 1) -> None:
        (self.root / "strike.txt").write_text(f"{what} {times} {expid:08d}")

    def ran(self) -> list[str]:
        path = self.root / "judged.txt"
        return path.read_text().split() if path.exists() else []

    def watch(
        self,
        *,
        most: float = 300.0,
        notify: str = "",
        site: Callable[[], object] | None = None,
        judge: Callable[[Job], Judged] | None = None,
        check: Callable[[], object] = bool,
    ) -> Watch:
        """Make a watch; with `judge` no run of pytest is started."""
        store = Store.create(self.store, production="daily")
        memory = Memory.load(self.store / NAME, production="daily")
        runs = Judge(How(self.made.root, self.store / "watch", [str(self.root)], OPTIONS, most=most))
        if judge is not None:
            runs.judge = judge  # type: ignore[method-assign]
        sorter = Sorter(memory, Patience(settle=30, missing=3600), cut_short=cut_short)
        scanner, notifier = Scanner(self.made.root), Notifier(notify)
        return Watch(
            Parts(scanner, sorter, runs, notifier, memory, store, site or self.build, self.lines.append, self.clock, check)
        )

    def build(self) -> None:
        self.built += 1

    def outcomes(self) -> dict[str, str]:
        with Store.open(self.store).connect() as connection:
            return dict(connection.sql("SELECT unit, outcome FROM records").fetchall())

    def memory(self) -> dict[str, Any]:
        return json.loads((self.store / NAME).read_text())["judged"]


@pytest.fixture
def project(tmp_path: Path, made: Made, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_ADDOPTS", "SPECPROD", "DESI_SPECTRO_REDUX"):
        monkeypatch.delenv(name, raising=False)
    return Project(tmp_path / "project", made, clock)


def test_what_is_complete_is_judged_stored_shown_and_remembered(project: Project, made: Made) -> None:
    made.complete(1)
    made.complete(2)
    made.product(2, "sframe", "r6", content=BAD)
    (made.folder(1) / "sky-r7-00000001.fits.gz").unlink()
    watch = project.watch()
    left, night = watch.once()
    assert night.why == "the night is not over"
    assert (left.sight.job.key, left.why) == (ONE, "sky-r7-00000001.fits is missing or cut short")
    assert project.outcomes() == {"20211014-00000002-r6": "failed", "20211014-00000002-r7": "passed"}
    assert (watch.judged, watch.failed, project.built) == (1, 1, 1)
    assert [line.split()[1:6] for line in project.lines] == [["exposure", "00000002", "tile", "7951", "FAILED"]]
    assert project.memory()[TWO]["verdict"] == "failed"
    # Nothing is left but what is wanted.
    assert [path.name for path in (project.store / "watch").rglob("*") if path.is_file()] == [f"{TWO}.log"]
    assert project.watch(judge=good).once()
    assert len(project.lines) == 1


def test_a_run_that_dies_twice_is_told_and_tried_again_by_the_next_watch(project: Project, made: Made, tmp_path: Path) -> None:
    made.complete(1)
    project.strike("KILL", times=2)
    told = tmp_path / "told"
    watch = project.watch(notify=f'{sys.executable} -I -S -c \'import sys; open("{told}", "a").write(sys.argv[1])\'')
    watch.once()
    assert (watch.judged, watch.failed) == (1, 1)
    assert "NOT JUDGED" in project.lines[0]
    assert (project.memory()[ONE]["verdict"], project.memory()[ONE]["tries"]) == ("lost", 2)
    assert "the run was killed by signal 9" in told.read_text()
    again = project.watch()
    again.once()
    assert (project.memory()[ONE]["verdict"], again.failed) == ("passed", 0)
    assert sorted(project.outcomes()) == ["20211014-00000001-r6", "20211014-00000001-r7"]


def test_what_cannot_be_judged_holds_up_nothing_and_is_given_up_after_three_watches(project: Project, made: Made) -> None:
    def judge(job: Job) -> Judged:
        tried.append(job.number)
        return Judged("lost", "NOT JUDGED: it died", tries=2) if job.number == 2 else Judged("passed", "PASSED: all")

    tried: list[int] = []
    made.complete(1)
    made.complete(2)
    for _ in range(5):
        project.watch(judge=judge).once()
    assert tried == [2, 1, 2, 2]
    made.product(2, "sframe")
    project.watch(judge=judge).once()
    assert tried == [2, 1, 2, 2, 2]


def test_what_the_store_does_not_take_is_no_end_and_holds_up_nothing(
    project: Project, made: Made, clock: Clock, record: Callable[..., Any]
) -> None:
    def judge(job: Job) -> Judged:
        name = "other" if job.number == 2 else "daily"
        return Judged("passed", "PASSED: all", [record(expid=job.number, night=job.night, versions={"production": name})])

    made.complete(1)
    made.complete(2)
    clock.events = [lambda: None, lambda: None, end]
    with pytest.raises(KeyboardInterrupt):
        project.watch(judge=judge).forever(poll=40)
    assert list(project.memory()) == [ONE]
    assert sum("cannot go on" in line for line in project.lines) == 1


def test_products_that_change_while_they_are_judged_are_judged_again_and_never_failed(project: Project, made: Made) -> None:
    made.complete(1)
    project.strike("CHANGE")
    watch = project.watch()
    watch.once()
    assert "CHANGED" in project.lines[0]
    assert [one["verdict"] for one in project.memory().values()] == ["passed"]
    assert set(project.outcomes().values()) == {"passed"}
    assert watch.failed == 0


def test_a_run_that_does_not_end_is_ended(project: Project, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "TRIES", 1)
    made.complete(1)
    watch = project.watch(most=0.3)
    watch.once()
    assert "did not end within 0.005 minutes" in project.memory()[ONE]["why"]


def end() -> None:
    raise KeyboardInterrupt


def good(_: Job) -> Judged:
    return Judged("passed", "PASSED: all")


def test_a_watch_goes_on_through_a_night(project: Project, made: Made, clock: Clock) -> None:
    made.complete(1)
    clock.events = [
        lambda: made.product(1, "sframe", "r6", content=BAD[:100]),
        lambda: None,
        lambda: made.product(1, "sframe", "r6"),
        lambda: None,
        lambda: made.complete(2),
        lambda: None,
        lambda: made.product(1, "sframe", "r7"),
        lambda: None,
        lambda: made.row(9, night=20211015),
        lambda: None,
        end,
    ]
    with pytest.raises(KeyboardInterrupt):
        project.watch(judge=good).forever(poll=40)
    names = [" ".join(line.split()[1:3]) for line in project.lines]
    assert names == ["exposure 00000001", "exposure 00000002", "exposure 00000001", "night 20211014"]


def test_a_site_or_a_production_that_fails_is_a_line_and_not_the_end(project: Project, made: Made, clock: Clock) -> None:
    def fail() -> None:
        raise RuntimeError("no such page")

    made.complete(1)
    aside = made.root.with_name("aside")
    clock.events = [lambda: made.root.rename(aside), lambda: None, lambda: aside.rename(made.root), lambda: None, end]
    with pytest.raises(KeyboardInterrupt):
        project.watch(site=fail, judge=good).forever(poll=40)
    assert [line for line in project.lines if "cannot go on" in line] == project.lines[:1]
    assert "site NOT brought up to date: RuntimeError: no such page" in project.lines
    assert project.memory()[ONE]["verdict"] == "passed"


@pytest.mark.parametrize("where", ["site", "store"])
def test_an_interrupt_that_a_library_swallows_ends_the_watch_all_the_same(
    project: Project, made: Made, record: Callable[..., Any], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swallow(*_: object, **__: object) -> None:
        try:
            stop(signal.SIGINT, None)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    stop = Stop()
    made.complete(1)
    watch = project.watch(site=swallow, judge=lambda _: Judged("passed", "PASSED: all", [record()]), check=stop.check)
    if where == "store":
        monkeypatch.setattr(Store, "add", swallow)
    else:
        monkeypatch.setattr(Store, "add", lambda *_, **__: None)
    with pytest.raises(KeyboardInterrupt):
        watch.forever(poll=40)
    assert stop.number == signal.SIGINT
    assert not any("Query" in line for line in project.lines)


def test_a_watch_that_could_not_look_does_not_end_well(project: Project, made: Made) -> None:
    watch = project.watch()
    made.root.rename(made.root.with_name("aside"))
    with pytest.raises(UsageError, match="no production"):
        watch.once()


def started(project: Project, *words: str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest_specqa.cli", "watch", str(project.made.root), "--store", str(project.store)]
    command += ["--suite", str(project.root), "--settle", "0", "--since", "20211014", *words, "--", *OPTIONS]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=project.root, **more)


def test_a_watch_that_is_killed_goes_on_where_it_was_and_no_second_one_is_let_in(project: Project, made: Made) -> None:
    made.complete(1, night=LATER)
    made.complete(2, night=LATER)
    project.strike("WATCH")
    reached = Fifo(project.root / "reached")
    first = started(project, "--once")
    reached.hear(first)
    second = started(project, "--once")
    said, _ = second.communicate(timeout=300)
    assert second.returncode == 2, said
    assert f"watch.json: another watch (started by pid {first.pid} " in said
    assert said.count("\n") == 1
    first.kill()
    first.communicate(timeout=300)
    assert [key[-8:] for key in project.memory()] == ["00000002"]
    assert len(project.outcomes()) == 2
    again = started(project, "--once")
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert {key[-8:]: one["verdict"] for key, one in project.memory().items()} == {"00000001": "passed", "00000002": "passed"}
    # Nothing was judged twice but the camera at which it was struck.
    assert sorted(project.ran()) == [f"{LATER}-0000000{name}" for name in ("1-r6", "1-r6", "1-r7", "2-r6", "2-r7")]
    assert len(project.outcomes()) == 4
    assert not list(project.store.rglob("*.journal*"))


def test_a_watch_that_is_told_to_end_says_so_and_leaves_nothing_running(project: Project, made: Made) -> None:
    made.complete(1, night=LATER)
    project.strike("WATCH")
    reached = Fifo(project.root / "reached")
    watch = started(project)
    reached.hear(watch)
    watch.terminate()
    said, _ = watch.communicate(timeout=300)
    assert watch.returncode == 143, said
    assert said.splitlines()[-1] == "watch stopped after 0 judged, 0 of them failed; start it again to go on"
    assert "Traceback" not in said
    assert project.memory() == {}
    assert project.outcomes() == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "yesterday"], "argument --since: 'yesterday' is no night, expected YYYYMMDD"),
        (["--poll", "-1"], "argument --poll: '-1': expected a number, zero or more"),
        (["--limits", "none.toml"], "none.toml"),
        (["--suite", "none"], "--suite none: no such file or folder"),
        (["--notify", "a 'b"], "cannot be read (No closing quotation)"),
    ],
)
def test_misuse_is_one_line(project: Project, made: Made, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    made.complete(1)
    try:
        code = program.main(["watch", str(made.root), "--store", str(project.store), "--once", *words])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_the_store_of_another_production_is_refused(project: Project, made: Made) -> None:
    Store.create(project.store, production="other")
    with pytest.raises(ResultsError, match="production 'other', not of 'daily'"):
        project.watch()


HTML = ["-ppytest_metadata.plugin", "-ppytest_html.plugin", "-ppytest_html.fixtures"]


def test_options_after_two_dashes_files_and_the_site_reach_pytest(
    project: Project, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    made.complete(1, night=LATER)
    made.product(1, "sframe", "r6", content=BAD, night=LATER)
    mine, site = project.root / "mine.toml", project.root / "site"
    mine.write_text(LIMITS.replace("2", "9"))
    words = ["watch", str(made.root), "--store", str(project.store), "--once", "--settle", "0", "--suite", str(project.root)]
    words += ["--limits", str(mine), "--site", str(site)]
    assert program.main([*words, "--", *OPTIONS, *HTML, "--camera=r6"]) == 0
    assert project.outcomes() == {f"{LATER}-00000001-r6": "passed"}
    assert "waiting: night 20991014: the night is not over" in capsys.readouterr().out
    report = f"reports/{LATER}-exposure-00000001.html"
    assert "PASSED" in (site / report).read_text()
    assert report in (site / f"nights/{LATER}.html").read_text()


def test_a_folder_that_is_no_site_is_refused_at_the_start(project: Project, made: Made) -> None:
    made.complete(1)
    words = ["watch", str(made.root), "--store", str(project.store), "--once", "--site", str(project.root)]
    assert program.main(words) == 2
    assert project.ran() == []
