"""What the plugin costs a project that does not use it: nothing."""

from __future__ import annotations

import os
import subprocess
import sys

HEAVY = (
    "pytest_specqa.notebook",
    "pytest_specqa.triage.rules",
    "numpy",
    "numba",
    "scipy",
    "matplotlib",
    "astropy",
    "fitsio",
    "isal",
    "duckdb",
    "pyarrow",
    "tqdm",
)


def test_nothing_heavy_is_imported_at_start(pytester):
    pytester.makepyfile(
        f"""
import sys

def test_imports():
    loaded = [name for name in {HEAVY} if name in sys.modules]
    assert "pytest_specqa.plugin" in sys.modules
    assert loaded == []
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=pytester.path,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_package_alone_brings_nothing_but_its_words():
    """What asks for a name of it, such as a notebook for `load`, pays for that name."""
    code = "import sys; before = set(sys.modules); import pytest_specqa; print(*sorted(sys.modules.keys() - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = [name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names]
    assert ours == ["pytest_specqa", "pytest_specqa.errors", "pytest_specqa.values"]


def test_a_foreign_project_sees_no_trace_of_it(pytester):
    pytester.makepyfile(
        """
import pytest

@pytest.fixture
def expect():
    return lambda value: value

@pytest.fixture
def frame():
    return 1

def test_own_fixtures(expect, frame):
    assert expect(frame) == 1

@pytest.mark.parametrize("x", [1, 2])
def test_parametrized(x):
    pass

def test_order():
    pass
"""
    )
    result = pytester.runpytest_inprocess("-v", "-p", "no:cacheprovider", "--strict-markers", "--strict-config")
    result.assert_outcomes(passed=4)
    text = result.stdout.str().replace("specqa-", "", 1)
    assert "specqa:" not in text
    assert "spectroscopic QA" not in text
    names = [line.split()[0].split("::")[1] for line in result.outlines if "::" in line]
    assert names == ["test_own_fixtures", "test_parametrized[1]", "test_parametrized[2]", "test_order"]


def test_a_foreign_project_keeps_its_distribution(pytester):
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_inprocess("-n", "2", "-v", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["scheduling tests via LoadScheduling"])


def test_the_environment_of_a_desi_user_changes_nothing(pytester, monkeypatch, tmp_path):
    monkeypatch.setenv("DESI_SPECTRO_REDUX", str(tmp_path))
    monkeypatch.setenv("SPECPROD", "nothing")
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
