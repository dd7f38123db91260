"""Whatever dies, exit code, terminal, page, results, gate and triage say the same."""

from __future__ import annotations

import re

import pytest

from pytest_specqa.cli import main

HEAD = "import os, pytest\n"
GOOD = "def test_good(specqa_camera, expect): expect('value', 0)\n"
ONE = "str(specqa_camera).endswith('2-r7')"
CRASHES = {
    "call": f"def test_bad(specqa_camera, expect):\n    if {ONE}: raise ValueError('no\\nway')\n    expect('value', 0)\n",
    "setup": (
        "@pytest.fixture\ndef broken(): pytest.fail('no way')\ndef test_bad(broken, specqa_camera, expect): expect('value', 0)\n"
    ),
    "teardown": (
        "@pytest.fixture\ndef broken():\n    yield\n    raise ValueError('no way')\n"
        "def test_bad(broken, specqa_camera, expect): expect('value', 0)\n"
    ),
    "worker": f"def test_bad(specqa_camera, expect):\n    if {ONE}: os._exit(3)\n    expect('value', 0)\n",
    "worker killed": f"def test_bad(specqa_camera, expect):\n    if {ONE}: os.kill(os.getpid(), 9)\n    expect('value', 0)\n",
    "worker in a fixture": (
        f"@pytest.fixture\ndef broken(specqa_camera):\n    if {ONE}: os._exit(3)\n"
        "def test_bad(broken, specqa_camera, expect): expect('value', 0)\n"
    ),
}
STOPS = {
    "exit": (f"def test_bad(specqa_camera, expect):\n    if {ONE}: pytest.exit('enough')\n    expect('value', 0)\n", ()),
    "exit 0": (f"def test_bad(specqa_camera, expect):\n    if {ONE}: pytest.exit('enough', 0)\n    expect('value', 0)\n", ()),
    "interrupt": (f"def test_bad(specqa_camera, expect):\n    if {ONE}: raise KeyboardInterrupt\n    expect('value', 0)\n", ()),
    "stop": ("def test_bad(specqa_camera, request, expect):\n    expect('value', 0)\n    request.session.shouldstop = 'now'\n", ()),
}  # fmt: skip


@pytest.fixture
def judged(project, run, tree, pytester, monkeypatch, capsys):
    """Run a project; return exit code, headline of the terminal and of the page, records, and what gate and triage say."""

    def judge(text, *arguments):
        for expid in (1, 2):
            tree.exposure(expid, ("r6", "r7"))
        project(HEAD + text)
        result = run("--specqa-results", "r.jsonl", "--html", "p.html", *arguments, no_reraise_ctrlc=True)
        page = re.search(r'class="specqa-verdict[^>]*>(.*?)</p>', (pytester.path / "p.html").read_text())
        lines = [line for line in result.outlines if re.match("(PASSED|FAILED|INCOMPLETE|WARNED|NOT MEASURED):", line)]
        head = re.sub("<[^>]*>", "", page[1]) if page else ""
        capsys.readouterr()
        verbs = [main([verb, "r.jsonl"]) for verb in ("gate", "triage")]
        return int(result.ret), lines[-1], head, verbs, capsys.readouterr().out

    return judge


@pytest.mark.parametrize("how", CRASHES)
def test_a_crash_is_a_failure_everywhere(judged, records, how):
    workers = ("-n", "1") if "worker" in how else ()
    code, line, page, verbs, _ = judged(GOOD + CRASHES[how], *workers)
    assert (code, verbs) == (1, [1, 1])
    assert line.startswith("FAILED: ")
    assert page.startswith(line)
    crashes = [one for one in records() if one["measure"] == "crash"]
    assert {one["expectation"] for one in crashes} == {"test_bad"}
    assert {one["outcome"] for one in crashes} == {"failed"}
    assert all("\n" not in one["message"] for one in crashes)
    assert {one["planned"] for one in records()} == {8}
    assert len({(one["unit"], one["expectation"]) for one in records()}) == 8


@pytest.mark.parametrize("how", STOPS)
def test_a_run_that_stops_is_incomplete_everywhere(judged, records, how):
    text, arguments = STOPS[how]
    code, line, page, verbs, said = judged(text, *arguments)
    judged_checks = len({(one["unit"], one["expectation"]) for one in records()})
    assert 0 < judged_checks < 4
    assert code != 0
    assert line.startswith(f"INCOMPLETE: {judged_checks} of 4 checks judged, none of them fails")
    assert not page or page.startswith(line)
    assert verbs == [1, 1]
    assert f"whole runs: {judged_checks} of 4 checks judged" in said


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_whole_run_stays_passed_whatever_was_deselected(judged, records, workers):
    code, line, page, verbs, _ = judged(GOOD + "def test_bad(specqa_camera, expect): expect('value', 9)\n", "-k", "good", *workers)
    assert (code, verbs) == (0, [0, 0])
    assert line.startswith("PASSED: 4 of 4 checks pass")
    assert page.startswith(line)
    assert {one["planned"] for one in records()} == {4}


def test_stopping_at_the_first_failure_says_how_much_was_judged(judged, records):
    code, line, page, verbs, _ = judged("def test_bad(specqa_camera, expect): expect('value', 9)\n", "-x")
    assert (code, verbs) == (1, [1, 1])
    assert line == "FAILED: 1 of 1 check fails, on 1 of 1 unit; only 1 of 4 checks judged"
    assert page.startswith(line)


def test_a_file_that_cannot_be_collected_leaves_the_run_incomplete(judged, pytester):
    pytester.path.joinpath("test_syntax.py").write_text("def (")
    code, line, page, verbs, _ = judged(GOOD, "--continue-on-collection-errors")
    assert (code, verbs) == (1, [1, 1])
    assert line.startswith("INCOMPLETE: 4 of 5 checks judged")
    assert page.startswith(line)


def test_a_test_that_judges_no_unit_fails_the_headline_as_well(judged):
    code, line, page, _, _ = judged(GOOD + "def test_plain(): assert 0\n")
    assert code == 1
    assert line.startswith("FAILED: 1 test that judges no unit failed; 4 of 4 checks pass")
    assert page.startswith(line)


def test_checks_that_are_skipped_or_not_run_are_judged_not_measured(judged, records):
    code, line, _, verbs, _ = judged(
        GOOD + "@pytest.mark.xfail(run=False)\ndef test_other(specqa_camera, expect): expect('value', 9)\n"
    )
    assert (code, verbs[1]) == (0, 0)
    assert line.startswith("PASSED: 4 of 8 checks pass")
    assert {one["outcome"] for one in records() if one["expectation"] == "test_other"} == {"not measured"}
