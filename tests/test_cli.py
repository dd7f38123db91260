"""The program specqa: verbs, misuse and the verb limits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_specqa import cli


def test_help_names_every_verb(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in cli.VERBS)


@pytest.mark.parametrize("words", [[], ["nonsense"], ["limits"], ["limits", "lint"], ["limits", "--rain"]])
def test_misuse_is_one_line_and_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == cli.USAGE
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_help_imports_nothing_heavy():
    code = """
import sys
from pytest_specqa import cli
try:
    cli.main(["--help"])
except SystemExit:
    print("numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_lint_passes_a_sound_file(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text('[x]\nhigh = 1\nsource = "s"\n')
    assert cli.main(["limits", "lint", str(path)]) == 0
    assert capsys.readouterr().out == "1 file without a problem\n"


def test_lint_prints_every_problem_with_its_line(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text("[x]\nhigh = 1\n[y]\nhigh = nan\n")
    assert cli.main(["limits", "lint", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{path}:1", f"{path}:4"]


def test_list_shows_the_users_layer_on_top(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text('[sframe_usable_fraction]\nlow = 0.5\nsource = "mine"\n')
    assert cli.main(["limits", "list", str(path)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("sframe_usable_fraction:")]
    assert line == f"sframe_usable_fraction: share of usable sframe pixels; at least 0.5 (fail); mine [{path}:1]"


def test_an_error_of_ours_is_one_line(tmp_path, capsys):
    assert cli.main(["limits", "list", str(tmp_path / "none.toml")]) == cli.USAGE
    assert (
        capsys.readouterr().err
        == f"specqa limits: {tmp_path / 'none.toml'}: cannot be read (No such file or directory); expected a TOML file of limits\n"
    )


def test_limits_that_are_a_loop_of_links_are_one_line(tmp_path, capsys):
    loop = tmp_path / "limits.toml"
    loop.symlink_to(loop.name)
    assert cli.main(["limits", "lint", str(loop)]) == 1
    assert "a loop of links" in "".join(capsys.readouterr())


def test_a_reader_that_has_seen_enough_is_no_fault_of_the_program():
    words = [sys.executable, "-m", "pytest_specqa.cli", "limits", "list"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == cli.PIPE


def test_a_demo_below_a_file_is_one_line(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    assert cli.main(["demo", str(file / "x")]) == cli.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"specqa demo: {file / 'x'}: a part of its path is a file; choose another folder for the demo"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_verb_and_its_options(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    written = capsys.readouterr().out
    assert all(verb in written for verb in cli.VERBS)
    assert "--list-faults" in written or shell == "tcsh"


def test_completion_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["completion", "bash"]) == cli.USAGE
    assert capsys.readouterr().err == "specqa completion: shtab is not installed: pip install 'pytest-specqa[completion]'\n"
