"""Linear algebra uses one thread, where the user has not said otherwise and it is not too late."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_specqa.processes import THREADS, single_threaded

ASK = """
import os, sys
import pytest

def pytest_collection_finish():
    with open("threads.txt", "w") as stream:
        stream.write(" ".join(os.environ.get(name, "unset") for name in {names}))
"""


def test_what_the_user_says_stays(monkeypatch):
    monkeypatch.delitem(sys.modules, "numpy")
    environ = {THREADS[0]: "8"}
    single_threaded(environ)
    assert environ == {THREADS[0]: "8", **dict.fromkeys(THREADS[1:], "1")}


def test_nothing_is_said_when_numpy_is_loaded():
    assert "numpy" in sys.modules
    environ: dict[str, str] = {}
    single_threaded(environ)
    assert environ == {}


@pytest.mark.parametrize(("words", "expected"), [(["--specprod", "redux"], "1 1 1"), ([], "unset unset unset")])
def test_only_a_run_that_judges_data_is_held_to_one_thread(tmp_path, words, expected):
    (tmp_path / "redux" / "exposures" / "20211014" / "00000001").mkdir(parents=True)
    (tmp_path / "redux" / "exposures" / "20211014" / "00000001" / "sframe-r6-00000001.fits").touch()
    (tmp_path / "conftest.py").write_text(ASK.format(names=THREADS))
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass\n")
    environ = {name: value for name, value in os.environ.items() if name not in THREADS}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "threads.txt").read_text() == expected
