"""Measures are compiled before the first test of the first run, and only then."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from pytest_specqa.run import preparing


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A package whose measures are not compiled yet, and a compiler that is only counted."""
    package = tmp_path / "package"
    (package / "measures").mkdir(parents=True)
    (package / "measures" / "noise.py").write_text("x = 1")
    monkeypatch.setattr(preparing, "FOLDER", package)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    calls: list[list[str]] = []
    done = SimpleNamespace(returncode=0, stderr="")

    def run(words: list[str], **_: object) -> SimpleNamespace:
        calls.append(words)
        if not done.returncode:
            preparing.note_done()
        return done

    monkeypatch.setattr(subprocess, "run", run)
    return SimpleNamespace(package=package, calls=calls, done=done, cache=tmp_path / "cache")


def test_the_first_run_compiles_and_says_so(machine):
    said: list[str] = []
    preparing.ensure(said.append)
    preparing.ensure(said.append)
    assert [words[-1] for words in machine.calls] == ["prepare"]
    assert said == ["compiling the measures for this machine, once ...", "compiled in 0 s"]


def test_a_change_of_the_measures_is_compiled(machine):
    preparing.ensure(lambda _: None)
    (machine.package / "measures" / "noise.py").write_text("x = 1 + 1")
    assert not preparing.is_done()
    preparing.ensure(lambda _: None)
    assert len(machine.calls) == 2
    for number in range(2 * preparing.KEPT):
        (machine.package / "measures" / "noise.py").write_text(f"x = {'1' * number}")
        preparing.ensure(lambda _: None)
    assert len(list((machine.package / "measures" / "__pycache__").iterdir())) == preparing.KEPT, "marks of what is gone go"


def test_another_processor_is_another_machine(machine, tmp_path, monkeypatch):
    preparing.ensure(lambda _: None)
    other = tmp_path / "cpuinfo"
    other.write_text("processor: 0\nmodel name: another\n")
    monkeypatch.setattr(preparing, "CPU_INFO", other)
    assert not preparing.is_done()
    preparing.ensure(lambda _: None)
    monkeypatch.undo()
    monkeypatch.setattr(preparing, "FOLDER", machine.package)
    assert preparing.is_done(), "both kinds of machine share the folder"
    monkeypatch.setattr(preparing, "CPU_INFO", tmp_path / "none")
    assert not preparing.is_done()


def test_a_package_that_cannot_be_written_is_marked_in_the_cache_of_the_user(machine):
    (machine.package / "measures" / "__pycache__").write_text("a file where a folder should be")
    preparing.ensure(lambda _: None)
    assert preparing.is_done()
    assert len(list((machine.cache / "pytest-specqa").iterdir())) == 1


def test_a_compiler_that_fails_is_told_with_its_last_line_and_the_run_goes_on(machine):
    machine.done.returncode, machine.done.stderr = 2, "Traceback\nspecqa prepare: no folder for compiled code\n"
    said: list[str] = []
    preparing.ensure(said.append)
    assert said[-1].startswith("the measures could not be compiled ahead: each process compiles them")
    assert said[-1].endswith("specqa prepare: no folder for compiled code")


@pytest.mark.parametrize(("words", "asked"), [(["--specprod", "redux"], 1), (["--specprod", "redux", "--co"], 0), ([], 0)])
def test_only_a_run_that_will_judge_data_asks(pytester, monkeypatch, words, asked):
    exposure = pytester.path / "redux" / "exposures" / "20211014" / "00000001"
    exposure.mkdir(parents=True)
    (exposure / "sframe-r6-00000001.fits").touch()
    pytester.makepyfile("def test_mine(): pass")
    said: list[object] = []
    monkeypatch.setattr(preparing, "ensure", said.append)
    assert pytester.runpytest_inprocess("-p", "no:cacheprovider", *words).ret == 0
    assert len(said) == asked
