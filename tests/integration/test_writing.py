"""What cannot be written is known before the first check; what cannot be written at the end leaves nothing half done."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

OUTPUTS = [("--specqa-results", "r.jsonl"), ("--html", "r.html"), ("--junitxml", "r.xml")]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(result: pytest.RunResult, option: str, said: str) -> None:
    errors = [line for line in result.errlines if line.strip()]
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    if option == "--junitxml" and "folder" in said and "must be a filename" in str(result.stderr):
        return  # pytest says so itself
    assert len(errors) == 1
    assert errors[0].startswith(f"ERROR: {option} ")
    assert said in errors[0]


def place(kind: str, folder: Path, name: str) -> Path:
    path = folder / name
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "missing":
        path = folder / "none" / name
    elif kind == "long":
        path = folder / ("x" * 300 + path.suffix)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("folder", "it is a folder"),
        ("pipe", "it is a pipe"),
        ("dangling", "it is a link to nowhere"),
        ("loop", "links lead in a circle"),
        ("missing", "no such folder; make it first"),
        ("long", "the name is too long"),
    ],
)
@pytest.mark.parametrize(("option", "name"), OUTPUTS)
def test_what_cannot_be_written_is_refused_before_anything_is_collected(project, run, night, pytester, option, name, kind, said):
    project("raise SystemExit('collected')")
    path = place(kind, pytester.path, name)
    before = names(pytester.path)
    refused(run(option, path), option, said)
    assert names(pytester.path) == before
    assert not (pytester.path / "none").exists()


@pytest.mark.parametrize(("option", "name"), OUTPUTS)
def test_a_listing_needs_no_room(project, run, night, pytester, option, name):
    project()
    assert run(option, pytester.path / "none" / name, "--co").ret == pytest.ExitCode.OK


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_what_can_be_written_is_written_and_nothing_else_is_left(project, run, night, pytester, workers):
    project()
    before = set(names(pytester.path))
    result = run(*workers, *(word for pair in OUTPUTS for word in pair))
    assert result.ret == pytest.ExitCode.OK
    assert set(names(pytester.path)) - before <= {*(name for _, name in OUTPUTS), "__pycache__"}
    assert (pytester.path / "r.html").read_text().rstrip().endswith("</html>")
    result.stdout.fnmatch_lines(["*r.xml*", "*Generated html report:*"], consecutive=False) if not workers else None


def test_two_outputs_on_one_file_are_refused(project, run, night):
    project()
    refused(run("--html", "same.xml", "--junitxml", "same.xml"), "--junitxml", "names the same file")


def started(tree, folder: Path, *words: object, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, whose files may have so many bytes."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--specprod={tree.root}", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None,
    )


def test_a_limit_on_files_that_is_met_late_leaves_no_half_page(project, night, pytester):
    """The probe fits, and the page does not."""
    project()
    (pytester.path / "r.html").write_text("the page of before")
    done = started(night, pytester.path, "--html", "r.html", "--specqa-results", "r.jsonl", limit=30_000)
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR
    assert "report NOT written" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "Generated html report" not in done.stdout
    assert (pytester.path / "r.html").read_text() == "the page of before"
    assert (pytester.path / "r.jsonl").read_text().count("\n") == 4
    assert not [name for name in names(pytester.path) if name.startswith(".r.")]


def test_a_limit_on_files_that_is_met_at_once_is_known_first(project, night, pytester):
    project("raise SystemExit('collected')")
    done = started(night, pytester.path, "--html", "r.html", limit=1000)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "files may not be as large" in done.stderr


@pytest.fixture
def small(tmp_path: Path):
    """A file system of 64 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (it needs root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_known_first(project, night, pytester, small):
    project("raise SystemExit('collected')")
    (small / "fill").write_bytes(bytes(60_000))
    for option, name in OUTPUTS:
        done = started(night, pytester.path, option, small / name)
        assert done.returncode == pytest.ExitCode.USAGE_ERROR
        assert "the disk is full" in done.stderr
    assert names(small) == ["fill"]


def test_a_disk_that_fills_later_keeps_what_was_there(project, night, pytester, small):
    project()
    for name in ("r.html", "r.xml"):
        (small / name).write_text("of before")
    fill = "import pathlib\ndef pytest_sessionfinish():\n    pathlib.Path(r'{}').write_bytes(bytes(50_000))\n"
    pytester.makeconftest(fill.format(small / "fill"))
    done = started(night, pytester.path, "--html", small / "r.html", "--specqa-results", "r.jsonl")
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR
    assert "report NOT written" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert (small / "r.html").read_text() == "of before"
    assert (pytester.path / "r.jsonl").read_text().count("\n") == 4


def test_a_read_only_place_is_known_first(project, night, pytester, small):
    project("raise SystemExit('collected')")
    (small / "r.jsonl").write_text("of before")
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    done = started(night, pytester.path, "--specqa-results", small / "r.jsonl")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.count("\n") <= 2
    assert (small / "r.jsonl").read_text() == "of before"


def test_an_exposure_of_thirteen_digits_does_not_cost_the_results(project, run, night, records):
    project(
        "from dataclasses import replace\n"
        "def test_value(specqa_camera, expect):\n"
        "    expect._check.unit = replace(expect._check.unit, expid=2**40 + expect._check.unit.expid)\n"
        "    expect('value', 0.5)\n"
    )
    result = run("--specqa-results", "r.jsonl", "--specqa-results", "r.parquet")
    assert result.ret == pytest.ExitCode.OK
    assert all(one["expid"] is None and ": too large" in str(one["message"]) for one in records())


def test_nothing_from_the_data_steers_the_terminal(project, run, night, pytester):
    project(
        "def test_value(specqa_camera, expect):\n"
        "    if specqa_camera.camera == 'r7': raise ValueError('\\x1b]0;x\\x07 \\u202e crash')\n"
        "    expect('value', 3, detail='\\x1b[2J found \\u2066 here')\n"
    )
    result = run("--html", "r.html", "--junitxml", "r.xml", "--color=no")
    for text in (str(result.stdout), (pytester.path / "r.html").read_text(), (pytester.path / "r.xml").read_text()):
        assert "crash" in text
        assert [char for char in text if char in "\x1b\x07\u202e\u2066"] == []
    assert "\\x1b[2J found" in str(result.stdout)
