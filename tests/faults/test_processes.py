"""Runs that are killed, stopped or started twice: nothing that was judged is lost, and a rerun ends as if nothing had happened.

The runs are processes of their own, and the fault strikes at a check that is named, never after a time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = """
import os, signal

def judged(unit, production):
    production.find("sframe", night=unit.night, expid=unit.expid, camera=unit.camera)
    with open(os.environ["JUDGED"], "a") as stream:
        stream.write(unit.id + "\\n")

def test_value(specqa_camera, expect, production):
    judged(specqa_camera, production)
    expect("value", 5 if specqa_camera.camera == "r6" else 0.5)

def test_other(specqa_camera, expect, production):
    judged(specqa_camera, production)
    if str(specqa_camera) == "20211014-00104284-r6" and "STRIKE" in os.environ:
        victim, name = os.environ["STRIKE"].split()
        if name == "START":
            import subprocess, sys, shlex
            with open(os.environ["SECOND"], "w") as stream:
                os.environ.pop("STRIKE")
                code = subprocess.call(shlex.split(os.environ["WORDS"]), stdout=stream, stderr=stream)
                stream.write(f"exit {code}")
        else:
            os.kill(os.getppid() if victim == "parent" else os.getpid(), getattr(signal, name))
            if victim == "parent":
                # The end of the other process ends this one.
                signal.pause()
    expect("other", 1.5)
"""
LIMITS = """
[value]
high = 2
source = "a test"

[other]
high = 2
source = "another test"
"""
TOTAL = 8


class Project:
    """A production of empty files and a project that judges it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.production = root / "redux" / "daily"
        self.target = self.root / "r.jsonl"
        self.judged = root / "judged.txt"
        self.second = root / "second.txt"
        self.root.mkdir()
        (self.root / "pytest.ini").write_text("[pytest]\n")
        (self.root / "test_project.py").write_text(CHECKS)
        (self.root / "limits.toml").write_text(LIMITS)
        for expid in (104282, 104284):
            folder = self.production / f"exposures/20211014/{expid:08d}"
            folder.mkdir(parents=True)
            for camera in ("r6", "r7"):
                (folder / f"sframe-{camera}-{expid:08d}.fits.gz").touch()

    def file(self, expid: int, camera: str) -> Path:
        return self.production / f"exposures/20211014/{expid:08d}/sframe-{camera}-{expid:08d}.fits.gz"

    def run(self, *more: str, strike: str = "") -> subprocess.CompletedProcess[str]:
        self.judged.write_text("")
        words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        words += [f"--specprod={self.production}", f"--specqa-results={self.target}", *more]
        kept = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS")}
        told = {"JUDGED": str(self.judged), "SECOND": str(self.second), "WORDS": " ".join(words)}
        environment = kept | told | ({"STRIKE": strike} if strike else {})
        return subprocess.run(words, cwd=self.root, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def specqa(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest_specqa.cli", *words]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=120)

    @property
    def journal(self) -> Path:
        return self.target.with_name("r.jsonl.journal")

    def ran(self) -> list[str]:
        """Units of the tests whose functions were called."""
        return self.judged.read_text().split()


Rows = list[dict[str, object]]


def rows(path: Path) -> Rows:
    """Records without what names their run."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in ("run", "reused")} for row in found]


@pytest.fixture
def made(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def undisturbed(made: Project) -> Rows:
    """What a run gives to which nothing happens."""
    done = made.run()
    assert done.returncode == 1, done.stdout + done.stderr
    found = rows(made.target)
    assert len(found) == TOTAL
    assert not made.journal.exists()
    made.target.unlink()
    return found


PROCESSES = pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one_process", "a_worker"])


def controller(workers: tuple[str, ...]) -> str:
    """Which process a check has to strike."""
    return "parent" if workers else "self"


@PROCESSES
def test_a_killed_controller_leaves_what_was_judged_and_a_rerun_goes_on(
    made: Project, undisturbed: Rows, workers: tuple[str, ...]
) -> None:
    killed = made.run(*workers, strike=f"{controller(workers)} SIGKILL")
    assert killed.returncode == -signal.SIGKILL
    assert not made.target.exists()
    recovered = made.specqa("results", "recover", "r.jsonl", "--out", "some.jsonl")
    assert recovered.returncode == 0, recovered.stderr
    assert f"of {TOTAL} checks" in recovered.stdout
    before = rows(made.root / "some.jsonl")
    assert len(before) >= TOTAL // 2
    assert all(row in undisturbed for row in before)
    again = made.run(*workers, "--specqa-resume")
    assert again.returncode == 1, again.stdout
    assert len(made.ran()) == TOTAL - len(before)
    assert rows(made.target) == undisturbed
    assert not list(made.root.glob("*.journal*"))


@PROCESSES
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_stopped_run_stores_what_it_judged_as_a_part(
    made: Project, undisturbed: Rows, name: str, workers: tuple[str, ...]
) -> None:
    stopped = made.run(*workers, strike=f"{controller(workers)} {name}")
    assert stopped.returncode == 2, stopped.stdout + stopped.stderr
    assert f"of {TOTAL} checks judged" in stopped.stdout
    part = rows(made.target)
    assert TOTAL // 2 <= len(part) < TOTAL
    assert all(row in undisturbed for row in part)
    assert {row["planned"] for row in part} == {TOTAL}
    assert made.run(*workers, "--specqa-resume").returncode == 1
    assert len(made.ran()) == TOTAL - len(part)
    assert rows(made.target) == undisturbed


def test_a_killed_worker_is_a_failure_of_its_check_and_nothing_else_is_lost(made: Project, undisturbed: Rows) -> None:
    killed = made.run("-n1", strike="self SIGKILL")
    assert killed.returncode == 1, killed.stdout
    found = rows(made.target)
    struck = [row for row in found if row["measure"] == "crash"]
    assert [(row["unit"], row["outcome"]) for row in struck] == [("20211014-00104284-r6", "failed")]
    assert [row for row in found if row not in struck] == [
        row for row in undisturbed if (row["unit"], row["expectation"]) != ("20211014-00104284-r6", "test_other")
    ]
    assert not made.journal.exists()


@PROCESSES
def test_a_second_run_on_the_same_results_is_refused(made: Project, undisturbed: Rows, workers: tuple[str, ...]) -> None:
    first = made.run(*workers, strike="self START")
    assert first.returncode == 1, first.stdout + first.stderr
    second = made.second.read_text()
    assert second.endswith("exit 4")
    assert f"{made.target}: another run (started by pid" in second
    assert "Traceback" not in second
    assert rows(made.target) == undisturbed
    assert len(made.ran()) == TOTAL


def test_a_run_that_does_not_begin_leaves_earlier_results_and_says_that_they_are_old(made: Project, undisturbed: Rows) -> None:
    made.run()
    before = made.target.read_bytes()
    wrong = made.run("--night", "20211015")
    assert wrong.returncode == 4
    assert made.target.read_bytes() == before
    assert "r.jsonl: still the results of an earlier run" in wrong.stdout
    assert not made.journal.exists()


def test_what_has_changed_is_judged_again_and_only_that(made: Project, undisturbed: Rows) -> None:
    made.run(strike="self SIGKILL")
    made.file(104282, "r7").write_bytes(b"changed")
    assert made.run("--specqa-resume").returncode == 1
    again = made.ran()
    assert again.count("20211014-00104282-r7") == 2
    assert again.count("20211014-00104282-r6") == 0
    assert rows(made.target) == undisturbed


def test_other_limits_and_other_tests_are_other_checks(made: Project, undisturbed: Rows) -> None:
    made.run(strike="self SIGKILL")
    (made.root / "limits.toml").write_text(LIMITS.replace("high = 2", "high = 1"))
    made.run("--specqa-resume")
    assert len(made.ran()) == TOTAL
    assert {row["outcome"] for row in rows(made.target) if row["measure"] == "other"} == {"failed"}


def test_a_journal_that_nobody_goes_on_from_is_kept_until_all_of_it_is_judged_again(made: Project, undisturbed: Rows) -> None:
    made.run(strike="self SIGKILL")
    part = made.run("--camera", "r7")
    assert "an earlier run did not end: " in part.stdout
    aside = made.target.with_name("r.jsonl.journal.1")
    assert aside.exists()
    made.run()
    assert not aside.exists()
    assert rows(made.target) == undisturbed


def test_without_a_journal_everything_is_judged(made: Project, undisturbed: Rows) -> None:
    done = made.run("--specqa-resume")
    assert "nothing to resume" in done.stdout
    assert len(made.ran()) == TOTAL
    assert rows(made.target) == undisturbed
