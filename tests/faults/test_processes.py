"""Runs that are killed, stopped or started twice: nothing that was judged is lost, and a rerun ends as if nothing had happened."""

from __future__ import annotations

import signal

import pytest

from pytest_specqa.results import store

from .struck import LIMITS, TOTAL, Project, Rows, rows

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


def test_the_ini_value_resumes_too_and_asks_nothing_of_a_run_that_stores_nothing(made: Project, undisturbed: Rows) -> None:
    (made.root / "pytest.ini").write_text("[pytest]\nspecqa_resume = true\n")
    made.run(strike="self SIGKILL")
    assert made.run(stores=False).returncode == 1
    assert len(made.ran()) == TOTAL
    assert made.run().returncode == 1
    assert len(made.ran()) < TOTAL
    assert rows(made.target) == undisturbed
    wrong = made.run("--specqa-resume", stores=False)
    assert wrong.returncode == 4
    assert "--specqa-resume: needs --specqa-results" in wrong.stderr


def test_one_journal_takes_the_records_of_two_results_files(made: Project, undisturbed: Rows) -> None:
    second = made.root / "r.parquet"
    both = f"--specqa-results={second}"
    made.run(both, strike="self SIGKILL")
    sizes = [len(path.read_bytes().splitlines()) for path in (made.journal, made.root / "r.parquet.journal")]
    assert sizes[0] > 1
    assert sizes[1] == 1
    recovered = made.specqa("results", "recover", "r.parquet")
    assert recovered.returncode == 2
    assert f"what its run judged is in {made.journal}" in recovered.stderr
    assert made.run(both, "--specqa-resume").returncode == 1
    assert len(made.ran()) < TOTAL
    assert rows(made.target) == undisturbed
    assert store.read(second) == store.read(made.target)
    assert not list(made.root.glob("*.journal*"))


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_what_is_taken_over_fails_or_not_by_the_baseline_of_the_rerun(made: Project, undisturbed: Rows, known: bool) -> None:
    unit = "20211014-00104282-r6"
    good = {"outcome": "passed", "value": 0.5}
    store.write(made.root / "old.jsonl", [row if known or row["unit"] != unit else row | good for row in undisturbed])
    made.run(strike="self SIGKILL")
    again = made.run("--specqa-resume", "--specqa-baseline=old.jsonl", "--specqa-fail-on=regressions")
    assert unit not in made.ran()
    assert again.returncode == (0 if known else 1), again.stdout
    assert rows(made.target) == undisturbed
