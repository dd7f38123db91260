"""One plate of BOSS, and what the expectations of the project, unchanged, say of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .boss import BossArchive
from .plate import Planted, write

ROOT = Path(__file__).parents[2]
CLEAN, BLOCK, PATCH = 100, 101, 102
LINE = 6060.0
"""Angstrom, between sky lines."""

LIMITS = """
[sky_line_width]
warn_high = 4.5
high = 5.0
source = "R of 1500 to 2600"
"""
CONFTEST = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from boss import pytest_specqa_archive

def pytest_specqa_limits(config):
    return Path(__file__).with_name("boss.toml")
"""


@pytest.fixture(scope="session")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exposure of both spectrographs, and two of r2 with a line that 20 or 100 fibers share."""
    root = tmp_path_factory.mktemp("boss") / "v5_7_0"
    for seed, camera in enumerate(("b1", "r1", "b2", "r2")):
        write(root, camera, CLEAN, seed=seed)
    write(root, "r2", BLOCK, seed=10, planted=Planted((700, 719), LINE, 25.0))
    write(root, "r2", PATCH, seed=11, planted=Planted((600, 699), LINE, 15.0))
    return root


@pytest.fixture(scope="session")
def archive(plate: Path) -> BossArchive:
    return BossArchive(plate)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's expectations, with a conftest.py of the survey above them."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "qa_tests", folder / "qa_tests", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "boss.toml").write_text(LIMITS)
    return folder


@pytest.fixture(scope="session")
def suite(project: Path, plate: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run expectations on the plate, in a process of its own."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--specprod={plate}", *map(str, words)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def judged(suite: Callable[..., Any], project: Path) -> Mapping[tuple[str, str], dict[str, Any]]:
    """Every record of a run of all expectations, by unit and measure; what has no measure by its expectation."""
    done = suite("qa_tests", "--specqa-results=r.jsonl", "--html=page.html", "--self-contained-html")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    records = [json.loads(line) for line in (project / "r.jsonl").read_text().splitlines()]
    nameless = ("product", "not_expected", "crash")
    return {(one["unit"], one["expectation"] if one["measure"] in nameless else one["measure"]): one for one in records}
