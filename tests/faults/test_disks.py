"""Disks that are full, fill or may not be written: it is said in a line, and what was there stays."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .struck import TOTAL, Project, Rows, rows


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (it needs root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def said(text: str, what: str) -> list[str]:
    return [line for line in text.splitlines() if what in line]


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["one_process", "a_worker"])
def test_a_disk_that_fills_keeps_earlier_results_and_in_the_journal_what_it_can(
    made: Project, undisturbed: Rows, small: Path, workers: tuple[str, ...]
) -> None:
    made.target = small / "r.jsonl"
    made.target.write_text("of before")
    full = made.run(*workers, strike=f"{small / 'fill'} FILL")
    assert full.returncode == 3, full.stdout + full.stderr
    assert len(made.ran()) == TOTAL
    assert len(said(full.stdout, "results NOT written")) == 1
    assert len(said(full.stdout, "the disk is full")) == 1
    assert "Traceback" not in full.stdout + full.stderr
    assert made.target.read_text() == "of before"
    assert sorted(path.name for path in small.iterdir()) == ["fill", "r.jsonl", "r.jsonl.journal"]
    recovered = made.specqa("results", "recover", str(made.target), "--out", f"{made.root}/some.jsonl")
    assert recovered.returncode == 0, recovered.stderr
    before = rows(made.root / "some.jsonl")
    assert len(before) >= TOTAL // 2
    assert all(row in undisturbed for row in before)
    (small / "fill").unlink()
    assert made.run(*workers, "--specqa-resume").returncode == 1
    assert len(made.ran()) == TOTAL - len(before)
    assert rows(made.target) == undisturbed
    assert [path.name for path in small.iterdir()] == ["r.jsonl"]


@pytest.mark.parametrize(("option", "name", "what"), [("--html", "r.html", "report"), ("--junitxml", "r.xml", "JUnit XML")])
def test_a_disk_that_fills_leaves_no_half_page(
    made: Project, undisturbed: Rows, small: Path, option: str, name: str, what: str
) -> None:
    (small / name).write_text("of before")
    full = made.run(f"{option}={small / name}", strike=f"{small / 'fill'} FILL")
    assert full.returncode == 3, full.stdout + full.stderr
    assert len(said(full.stdout, f"{what} NOT written: {small / name}: cannot be written: the disk is full")) == 1
    assert len(said(full.stdout, "NOT written")) == 1
    assert "Traceback" not in full.stdout + full.stderr
    assert (small / name).read_text() == "of before"
    assert sorted(path.name for path in small.iterdir()) == ["fill", name]
    assert rows(made.target) == undisturbed
    assert not made.journal.exists()


def test_a_folder_that_is_read_only_is_known_before_the_first_check(made: Project, small: Path) -> None:
    outputs = (("--specqa-results", "r.jsonl"), ("--html", "r.html"), ("--junitxml", "r.xml"))
    for _, name in outputs:
        (small / name).write_text("of before")
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    for option, name in outputs:
        refused = made.run(f"{option}={small / name}", stores=False)
        assert refused.returncode == 4, refused.stdout + refused.stderr
        assert len(said(refused.stderr, f"{option} {small / name}: cannot be written: ")) == 1
        assert not made.ran()
        assert (small / name).read_text() == "of before"
    assert sorted(path.name for path in small.iterdir()) == ["r.html", "r.jsonl", "r.xml"]
