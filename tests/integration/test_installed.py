"""The expectations travel inside the package: they run from anywhere, without a checkout or an ini file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_specqa


@pytest.fixture
def site(tmp_path):
    """Lay the package out as the wheel does."""
    package = Path(pytest_specqa.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, tmp_path / "site/pytest_specqa", ignore=ignored)
    shutil.copytree(package.parent / "qa_tests", tmp_path / "site/pytest_specqa/qa_tests", ignore=ignored, dirs_exist_ok=True)
    return tmp_path / "site"


def test_the_suite_runs_from_a_foreign_folder(site, night, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    words = ["-m", "pytest", "-p", "no:cacheprovider", "--pyargs", "pytest_specqa.qa_tests", "--specprod", str(night.root)]
    done = subprocess.run(
        [sys.executable, *words, "-k", "test_sframe_is_usable", "--strict-markers"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "4 failed" in done.stdout
    assert f"rootdir: {folder}" in done.stdout
    assert "rerun: pytest --pyargs pytest_specqa.qa_tests.test_production::test_sframe_is_usable" in done.stdout
    assert list(folder.iterdir()) == []


def test_the_command_in_the_message_works_there_too(site, night, tmp_path):
    words = ["-m", "pytest", "-p", "no:cacheprovider", "--pyargs", "pytest_specqa.qa_tests.test_production::test_sframe_is_usable"]
    done = subprocess.run(
        [sys.executable, *words, "--specprod", str(night.root), "--expid", "104284", "--camera", "r6"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed" in done.stdout, done.stdout + done.stderr
